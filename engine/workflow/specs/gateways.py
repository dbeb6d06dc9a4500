"""Gateways. Joins count tokens per incoming flow; what is too many waits for the next round."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from SpiffWorkflow.util.task import TaskState

from engine.workflow.expressions import Stuck

from .base import Flow, Node

if TYPE_CHECKING:
    from engine.workflow.run import Frame, Token


# Sets of flows for which an inclusive join remembers whom it waits for.
_KEPT = 64


class Exclusive(Node):
    """The first true way, else the default."""

    default: str | None = None

    def work(self, token: Token) -> bool:
        token.facts["ways"] = self.choose(token)
        return True

    def choose(self, token: Token) -> list[str]:
        if not self.flows:
            return []
        context = token.context()
        for flow in self._conditional():
            if flow.condition is None or flow.condition.truth(context):
                return [str(flow.id)]
        return [self.otherwise()]

    def _conditional(self) -> list[Flow]:
        return [flow for flow in self.flows if flow.id != self.default]

    def otherwise(self) -> str:
        if self.default is None:
            raise Stuck("no_way_out", "所有条件都不成立，也没有默认流向，请补充条件、默认流向或变量后重试")
        return self.default

    def ways(self, token: Token) -> list[Flow]:
        chosen = token.facts.pop("ways")
        return [flow for flow in self.flows if str(flow.id) in chosen]


class Join(Node):
    """Base of gateways that wait for other tokens."""

    counts_flows = True

    def standing(self, frame: Frame) -> list[Token]:
        """The tokens that wait here, oldest first."""
        return [
            token
            for token in frame.tokens
            if token.node is self and token.has_state(TaskState.WAITING) and "incident" not in token.facts
        ]

    def merge(self, token: Token, others: list[Token]) -> None:
        """``token`` goes on for all of them."""
        token.facts["joined"] = 1
        token.came_by = " ".join(str(one.link("flow")) for one in (*others, token))
        for other in others:
            # Not cancelled: it was no work, the history must not say so.
            token.frame.forget(other)


class Parallel(Join):
    """Goes on when every incoming flow has brought a token."""

    def _update_hook(self, token: Token) -> bool:
        if len(self.incoming) < 2 or "joined" in token.facts:
            return True
        missing = set(self.incoming) - {token.link("flow")}
        used: list[Token] = []
        for other in self.standing(token.frame):
            if other.link("flow") in missing:
                missing.discard(str(other.link("flow")))
                used.append(other)
        if missing:
            token._set_state(TaskState.WAITING)
            return False
        self.merge(token, used)
        return True


class Inclusive(Exclusive, Join):
    """Splits along every true way; joins when no other token of the frame can still arrive."""

    def choose(self, token: Token) -> list[str]:
        if not self.flows:
            return []
        context = token.context()
        chosen = [
            str(flow.id) for flow in self._conditional() if flow.condition is None or flow.condition.truth(context)
        ]
        return chosen or [self.otherwise()]

    def _update_hook(self, token: Token) -> bool:
        if len(self.incoming) < 2 or "joined" in token.facts:
            return True
        # Whether others may come is only known when all have moved: see ``look``.
        token._set_state(TaskState.WAITING)
        return False

    def look(self, frame: Frame) -> None:
        here = self.standing(frame)
        if not here:
            return
        awaited = self._awaited(frozenset(token.link("flow") for token in here))
        if any(token.node.name in awaited for token in frame.tasks.values()):
            return
        first_of: dict[str | None, Token] = {}
        for token in here:
            first_of.setdefault(token.link("flow"), token)
        last, *others = list(first_of.values())
        self.merge(last, others)
        last._ready()

    def _awaited(self, arrived: frozenset[str | None]) -> frozenset[str]:
        """The elements from which a token may still come along a flow that has brought none, and only along such.

        BPMN 2.0, 13.4.3: one that can also come along a flow that has brought a token is of the next round.
        """
        known = self._known.get(arrived)
        if known is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            missing = self._sources.keys() - arrived
            known = self._known[arrived] = self._behind(missing) - self._behind(arrived)
        return known

    def _behind(self, flows: Iterable[str | None]) -> frozenset[str]:
        """The elements from which a token can come along one of these flows without passing here."""
        todo = [self._sources[flow] for flow in flows]
        seen: set[str] = {self.name}
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo.extend(self._before.get(name, ()))
        return frozenset(seen - {self.name})

    @cached_property
    def _known(self) -> dict[frozenset[str | None], frozenset[str]]:
        return {}

    @cached_property
    def _sources(self) -> dict[str | None, str]:
        """Where each of the flows that lead here begins."""
        nodes = self.spec.task_specs.values()
        return {flow.id: node.name for node in nodes for flow in node.flows if flow.target == self.name}

    @cached_property
    def _before(self) -> dict[str, set[str]]:
        before: dict[str, set[str]] = {}
        for node in self.spec.task_specs.values():
            for target in [flow.target for flow in node.flows] + node.boundaries:
                before.setdefault(target, set()).add(node.name)
        return before


class EventBased(Node):
    """The first of the following events to occur cancels the others."""

    def take(self, token: Token, flow: Flow) -> None:
        assert flow.id is not None
        token.run_of.note("flow", token, flow.id)
        token.frame.spawn(flow.target, via=flow.id, group=token.id)
