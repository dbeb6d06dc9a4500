"""Events that are thrown: signal, error, escalation, terminate, compensation. A message throw is a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.workflow.expressions import Expression, Stuck

from . import undo
from .base import Node, ProcessSpec
from .events import catcher, code_of
from .work import throw_error

if TYPE_CHECKING:
    from engine.workflow.definitions import ElementInfo
    from engine.workflow.run import Token


class SignalThrow(Node):
    """Leaves the signal for the command to broadcast; its variables are the local ones."""

    def __init__(self, spec: ProcessSpec, info: ElementInfo, *, name: Expression) -> None:
        super().__init__(spec, info)
        self.signal = name

    def work(self, token: Token) -> bool:
        name = self.signal.evaluate(token.context())
        if not isinstance(name, str) or not name:
            raise Stuck("event_name_missing", "信号的名称没有得出文字，请检查其中的变量")
        run = token.run_of
        run.signals.append({"name": name, "variables": dict(run.variables.scopes.get(token.id, {}))})
        return True


class Thrower(Node):
    """Base of throws that may cancel the very token that throws: they act from the agenda."""

    def work(self, token: Token) -> bool:
        token.run_of.later(self.act, token)
        return False

    def act(self, token: Token) -> None:
        raise NotImplementedError


class ErrorThrow(Thrower):
    """An error end event."""

    def __init__(self, spec: ProcessSpec, info: ElementInfo, *, code: Expression) -> None:
        super().__init__(spec, info)
        self.code = code

    def act(self, token: Token) -> None:
        throw_error(token, code_of(self.code, token.context()), dict(token.run_of.variables.scopes.get(token.id, {})))


class EscalationThrow(Thrower):
    """An escalation; one that nobody catches changes nothing."""

    def __init__(self, spec: ProcessSpec, info: ElementInfo, *, code: Expression) -> None:
        super().__init__(spec, info)
        self.code = code

    def act(self, token: Token) -> None:
        run = token.run_of
        caught_by = catcher(token, "escalation", code_of(self.code, token.context()))
        if caught_by is not None:
            run.fire(caught_by, run.variables.scopes.get(token.id, {}))
        # Skipped by the agenda when the escalation has cancelled this token.
        run.later(run.leave, token)


class Terminate(Thrower):
    """Ends its own frame at once."""

    def act(self, token: Token) -> None:
        token.frame.cancel_all(but=token)
        token.run_of.leave(token)


class CompensationThrow(Thrower):
    """Undoes completed activities of its scope (or the one named), and waits for all handlers.

    The scope of an event sub-process includes the one around it, which it was drawn to repair.
    """

    def __init__(self, spec: ProcessSpec, info: ElementInfo, *, activity: str | None) -> None:
        super().__init__(spec, info)
        self.activity = activity

    def act(self, token: Token) -> None:
        found = False
        for frame in undo.scope(token.frame):
            chosen = [entry for entry in frame.compensations if self.activity in (None, entry[0].partition("#")[0])]
            frame.compensations = [entry for entry in frame.compensations if entry not in chosen]
            undo.undo(frame, chosen, thrower=token.id)
            found = found or bool(chosen)
        if not found:
            token.run_of.leave(token)

    def _on_cancel(self, token: Token) -> None:
        for other in list(token.run_of.tokens.values()):
            if other.link("thrower") == token.id and other.is_live:
                other.cancel()
        super()._on_cancel(token)
