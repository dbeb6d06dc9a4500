"""Execution and task listeners: operations around an element's own work.

A listener is a job on a token of its own that hangs on the element's token (or, of a process, stands in its frame); the
element stands still meanwhile. Listeners of one phase run one after the other, in the order of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.core.errors import Refused
from engine.workflow.expressions import Expression
from engine.workflow.face import CORRECTABLE, DENIABLE, Answer

from .base import Node, ProcessSpec
from .work import Job

if TYPE_CHECKING:
    from engine.workflow.definitions import ElementInfo
    from engine.workflow.run import Token


@dataclass(frozen=True, slots=True)
class ListenerModel:
    """What the model says of a listener: its phase here, its event type there, the operation."""

    phase: str
    event: str
    operation: Expression
    retries: Expression


# Listener's event type → the phase in which it runs here.
EXECUTION = {"beforeAll": "before", "start": "before", "end": "after"}


class Listener(Job):
    """One listener. What one before the work returns is the element's own; after it, it goes outward."""

    def __init__(
        self,
        spec: ProcessSpec,
        info: ElementInfo,
        suffix: str,
        *,
        operation: Expression,
        retries: Expression,
        phase: str,
        event: str,
        following: str | None,
    ) -> None:
        super().__init__(spec, info, suffix, operation=operation, retries=retries)
        self.phase, self.event, self.following = phase, event, following

    def activate(self, token: Token) -> None:
        """The history knows the element, not its listeners."""

    def wait(self, token: Token) -> dict[str, Any]:
        facts = super().wait(token) | {"listener": self.event}
        if self.phase not in EXECUTION.values():
            element = token.run_of.tokens[str(token.link("element"))]
            task = {**element.facts["wait"], **element.facts.get("asked", {})}
            facts["task"] = {name: value for name, value in task.items() if name != "kind"}
            facts["task_token"] = element.id
            facts["asked"] = sorted(element.facts.get("asked", {}))
        return facts

    def receive(self, token: Token, values: Mapping[str, Any]) -> None:
        token.facts["leaving"] = 1
        element = token.link("element")
        if not values:
            return
        variables = token.run_of.variables
        if element is None:
            variables.propagate(token, values, own=False)
        elif self.phase == "before":
            variables.set_local(element, values)
        else:
            variables.propagate(token.run_of.tokens[element], values, own=self.phase != "after")

    def answered(self, token: Token, answer: Answer) -> None:
        """Keep what a task listener says of its task."""
        element = token.run_of.tokens[str(token.link("element"))]
        if answer.denied:
            element.facts["denied"] = answer.reason
        elif answer.corrections:
            element.facts.setdefault("corrected", {}).update(answer.corrections)

    @property
    def may_deny(self) -> bool:
        """Whether the answer may be no."""
        return self.phase in DENIABLE

    def _on_complete_hook(self, token: Token) -> None:
        run, frame = token.run_of, token.frame
        element = run.tokens.get(token.link("element") or "")
        opens = token.facts.get("opens")
        if self.following is not None and not (element and "denied" in element.facts):
            following = frame.spawn(self.following, element=token.link("element"), opens=opens)
            run.variables.move(token, following)
        elif element is not None:
            run.later(element.node.heard, element)
        elif opens is not None:
            # What came with the message of a start event waits here for its output mappings.
            run.variables.move(token, frame.spawn(opens))
        else:
            frame.heard = True


def add_listeners(
    spec: ProcessSpec, owner: Node | ProcessSpec, info: ElementInfo, written: list[ListenerModel]
) -> None:
    """Hang the listeners on an element or on a process; each knows the one that follows it."""
    for number, one in reversed(list(enumerate(written))):
        listener = Listener(
            spec,
            info,
            f"#{one.event}{number}",
            operation=one.operation,
            retries=one.retries,
            phase=one.phase,
            event=one.event,
            following=owner.listeners.get(one.phase),
        )
        owner.listeners[one.phase] = listener.name


def check_answer(token: Token, answer: Answer) -> None:
    """Raises ``Refused`` when the job may not say this."""
    node = token.node
    if not isinstance(node, Listener) or node.phase in ("before", "after"):
        raise Refused("只有用户任务的监听器可以拒绝或更正任务", code="answer_not_expected")
    if answer.denied and not node.may_deny:
        raise Refused("任务创建时的监听器不能拒绝", code="denial_not_possible")
    if answer.denied and answer.corrections:
        raise Refused("监听器拒绝时不能同时更正任务", code="denial_with_corrections")
    unknown = set(answer.corrections) - CORRECTABLE
    if unknown:
        raise Refused(f"监听器不能更正“{'、'.join(sorted(unknown))}”", code="correction_unknown")
