"""User task: a row in somebody's inbox, and the listeners that are asked before anything is done to it.

Beside the phases of every element a task has its own: ``creating`` (and ``assigning``, when it comes with an assignee)
on arrival, unseen from outside; then ``assigning``, ``updating`` and ``completing`` before what was asked for is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.workflow.expressions import Expression, Stuck
from engine.workflow.face import Heard
from engine.workflow.variables import asked_scope

from .base import ProcessSpec, StandsStill
from .work import whole_number

if TYPE_CHECKING:
    from engine.workflow.definitions import ElementInfo
    from engine.workflow.run import Token

Texts = dict[str, Expression]


class UserTask(StandsStill):
    """A row in somebody's inbox. ``texts``: the attributes to evaluate on arrival, by their name in the wait."""

    wait_kind = "user"
    LISTS = ("candidate_groups", "candidate_users")

    def __init__(self, spec: ProcessSpec, info: ElementInfo, suffix: str = "", *, texts: Texts) -> None:
        super().__init__(spec, info, suffix)
        self.texts = texts

    def wait(self, token: Token) -> dict[str, Any]:
        context = token.context()
        facts: dict[str, Any] = {"kind": "user"}
        for name, text in self.texts.items():
            value = text.evaluate(context)
            if value is not None:
                facts[name] = self._attribute(name, value)
        return facts

    def _attribute(self, name: str, value: Any) -> Any:
        if name == "priority":
            return whole_number(value, "优先级")
        if name in self.LISTS:
            parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
            return [one for part in parts if (one := _name(part).strip())]
        return _name(value)

    # --- listeners

    def work(self, token: Token) -> bool:
        super().work(token)
        if "created" not in token.facts and self.listeners.keys() & {"creating", "assigning"}:
            token.facts["created"] = 1
            if "creating" in self.listeners:
                self._listen(token, "creating")
            else:
                self._listen_to_assignee(token)
        return False

    def _listen(self, token: Token, phase: str) -> None:
        token.facts["phase"] = phase
        token.frame.spawn(self.listeners[phase], element=token.id)

    def _listen_to_assignee(self, token: Token) -> None:
        if "assigning" in self.listeners and token.facts["wait"].get("assignee"):
            token.facts |= {"arriving": 1, "asked": {"assignee": token.facts["wait"].pop("assignee")}}
            self._listen(token, "assigning")

    def asked(self, token: Token, phase: str, values: Mapping[str, Any]) -> bool:
        if phase not in self.listeners:
            return False
        if phase == "completing":
            token.run_of.variables.set_local(asked_scope(token.id), values)
        else:
            token.facts["asked"] = dict(values)
        self._listen(token, phase)
        return True

    def heard(self, token: Token) -> None:
        facts, run = token.facts, token.run_of
        phase = facts.pop("phase", None)
        if phase is None:
            super().heard(token)
            return
        denied = facts.pop("denied", None)
        values = {**facts.pop("asked", {}), **facts.pop("corrected", {})}
        given = run.variables.scopes.pop(asked_scope(token.id), {})
        run.heard.append(Heard(token.id, phase, {} if denied is not None else values, denied is not None, denied or ""))
        arriving = facts.pop("arriving", None)
        if denied is not None:
            return
        if phase == "creating" or arriving:
            facts["wait"].update(values)
        if phase == "creating":
            self._listen_to_assignee(token)
        elif phase == "completing":
            run.finish(token, given)


def _name(value: Any) -> str:
    """A person, group, form or date as text. Raises ``Stuck``."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Stuck("attribute_not_text", "任务的办理人、候选组、表单或期限没有得出文字，请检查其表达式")
    return str(value)
