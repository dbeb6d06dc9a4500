"""Ad-hoc sub-process: its activities are begun by a list of the model, by somebody outside, or by both.

Every beginning is an inner instance with a scope and a frame of its own, in which the path from that activity runs. The
sub-process ends when its completion condition holds after one of them, without a condition when none is left. While
nothing has been begun it stands open for somebody to begin something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from engine.workflow.expressions import Expression, Stuck
from engine.workflow.run import Frame

from .base import ProcessSpec
from .scopes import Embedded

if TYPE_CHECKING:
    from engine.workflow.definitions import ElementInfo
    from engine.workflow.run import Token

INNER = "#inner"


@dataclass(frozen=True, slots=True)
class AdHocRules:
    """What ``zeebe:adHoc`` and the completion condition say. ``startable``: id → name of what may be begun."""

    startable: Mapping[str, str]
    begin: Expression | None = None
    until: Expression | None = None
    cancel_remaining: bool = True
    output: str | None = None
    output_element: Expression | None = None


class AdHoc(Embedded):
    """The sub-process; in its frame stand the inner instances alone."""

    wait_kind = "adhoc"

    def __init__(
        self, spec: ProcessSpec, info: ElementInfo, suffix: str = "", *, body: ProcessSpec, rules: AdHocRules
    ) -> None:
        shell = ProcessSpec(body.name + INNER, body.process_id)
        super().__init__(spec, info, suffix, body=shell)
        self.rules = rules
        self.offered = [{"id": element_id, "name": name} for element_id, name in rules.startable.items()]
        self.inner = InnerInstance(shell, info, INNER, body=body)

    def begin(self, token: Token) -> None:
        names = self._listed(token)
        if self.rules.output:
            token.run_of.variables.set_local(token.id, {self.rules.output: []})
        token.facts["wait"] = {
            "kind": "adhoc",
            "elements": [{"id": i, "name": n} for i, n in self.rules.startable.items()],
        }
        Frame(token.run_of, self.body, token)
        self.start(token, [(name, {}) for name in names])

    def _listed(self, token: Token) -> list[str]:
        if self.rules.begin is None:
            return []
        names = self.rules.begin.evaluate(token.context())
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Stuck("adhoc_not_a_list", f"要启动的活动“{self.rules.begin.text}”不是编号的列表，请检查其中的变量")
        self.check(names)
        return names

    def check(self, names: Sequence[str]) -> None:
        """Raises ``Stuck`` when one of them cannot be begun."""
        unknown = [name for name in names if name not in self.rules.startable]
        if unknown:
            shown = "、".join(unknown)
            raise Stuck("adhoc_unknown_element", f"自由子流程中没有可启动的活动“{shown}”，请更正编号")

    def start(self, token: Token, chosen: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Begin activities, each with variables of its own."""
        frame = token.run_of.frames[token.id]
        for name, variables in chosen:
            inner = frame.spawn(self.inner.name, starts=name)
            token.run_of.variables.set_local(inner.id, variables)

    def cancel_instances(self, token: Token) -> None:
        """Cancel what has been begun."""
        token.run_of.frames[token.id].cancel_all()

    def end_now(self, token: Token) -> None:
        """Nothing more is to be begun: the sub-process ends."""
        token.facts["enough"] = 1
        token.run_of.frames[token.id].close_if_empty()

    def may_close(self, frame: Frame) -> bool:
        return self.rules.until is None or "enough" in cast("Token", frame.host).facts

    def collect(self, body: Token, instance: Token) -> None:
        variables, rules = body.run_of.variables, self.rules
        context = instance.context()
        if rules.output:
            result = rules.output_element.evaluate(context) if rules.output_element else None
            results = [*variables.scopes[body.id][rules.output], result]
            variables.set_local(body.id, {rules.output: results})
            context[rules.output] = results
        if rules.until is not None:
            instance.facts["enough"] = rules.until.truth(context)

    def one_done(self, body: Token, instance: Token) -> None:
        body.facts.pop("enough", None)
        if instance.facts.get("enough"):
            body.facts["enough"] = 1
            if self.rules.cancel_remaining:
                instance.frame.cancel_all(but=instance)

    def settle(self, token: Token) -> None:
        output = self.rules.output
        if output and not self.outputs_map and "undoing" not in token.facts:
            variables = token.run_of.variables
            variables.propagate(token, {output: variables.scopes[token.id][output]}, own=False)
        super().settle(token)


class InnerInstance(Embedded):
    """One activity that was begun, with what follows it."""

    def __init__(self, spec: ProcessSpec, info: ElementInfo, suffix: str, *, body: ProcessSpec) -> None:
        super().__init__(spec, info, suffix, body=body)
        self.history_type = "adHocSubProcessInnerInstance"

    def begin(self, token: Token) -> None:
        Frame(token.run_of, self.body, token).spawn(token.facts["starts"])

    def settle(self, token: Token) -> None:
        super().settle(token)
        if "undoing" not in token.facts:
            host = cast("Token", token.frame.host)
            host.node.collect(host, token)

    def move_on(self, token: Token) -> None:
        if "undoing" in token.facts:
            super().move_on(token)
            return
        host = cast("Token", token.frame.host)
        host.node.one_done(host, token)
