"""The face of a running process: start or load, act on one token, read what stands, save. Never touches a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.core.errors import NotFound, Refused

from . import state as codec
from .definitions import Definitions
from .expressions import Stuck
from .face import ROOT_SCOPE, Event, Host, Wait
from .run import Run, Token
from .specs.base import is_waiting
from .specs.work import throw_error
from .values import Unstorable, plain
from .variables import Scopes
from .waits import is_shown, waits

WORK = frozenset({"user", "job"})
EVENTS = frozenset({"timer", "message", "signal"})


class Process:
    """One process instance. Every command advances until nothing more can move.

    A model's failure at run time becomes a wait of kind ``incident``; only ``Refused`` (what was asked cannot be done,
    nothing may be saved) leaves a command: also for variables that no store can hold.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    # --- life

    @classmethod
    def start(
        cls,
        definitions: Definitions,
        process_id: str,
        variables: Mapping[str, Any],
        host: Host,
        start_event: str | None = None,
    ) -> Process:
        """Begin at ``start_event``, else at the plain start event, else at the only one.

        Raises ``NotFound`` for an unknown process or start event, ``Refused`` when the start must be named.
        """
        info = definitions.processes.get(process_id)
        if info is None:
            raise NotFound(f"没有编号为“{process_id}”的流程，请检查所发布的模型", code="process_not_found")
        spec = definitions.specs[process_id]
        if start_event is None:
            start_event = spec.plain_start or (next(iter(info.starts)) if len(info.starts) == 1 else None)
            if start_event is None:
                raise Refused(f"流程“{info.name}”有几个开始事件，请指明从哪一个开始", code="start_event_unclear")
        if start_event not in info.starts:
            raise NotFound(f"流程“{info.name}”没有开始事件“{start_event}”", code="start_event_not_found")
        variables = _given(variables)
        run = Run(definitions, process_id, host, {})
        # Output mappings of a start event choose from what came with its message.
        chosen = bool(spec.task_specs[start_event].outputs_map)
        run.variables.set_local(ROOT_SCOPE, {} if chosen else variables)
        run.top.open(start_event)
        if chosen:
            run.variables.set_local(run.top.tokens[-1].id, variables)
        run.advance()
        return cls(run)

    @classmethod
    def load(
        cls, definitions: Definitions, state: bytes, scopes: Mapping[str, Mapping[str, Any]], host: Host
    ) -> Process:
        """Take up a saved process. Raises ``ModelFault`` when the state is not one of these definitions."""
        return cls(codec.load(definitions, state, scopes, host))

    def save(self) -> tuple[bytes, Scopes]:
        """(state of the tokens, variables by scope key; the root's key is ``"0"``)."""
        return codec.dump(self._run), self._run.scopes()

    # --- commands

    def complete(self, token: str, variables: Mapping[str, Any] | None = None) -> None:
        """A user task or job is done. Raises ``NotFound`` for an unknown token, ``Refused`` for another kind."""
        self._run.finish(self._standing(token, WORK), _given(variables))
        self._run.advance()

    def fire(self, token: str, variables: Mapping[str, Any] | None = None) -> None:
        """A timer, message or signal has come."""
        self._run.fire(self._standing(token, EVENTS), _given(variables))
        self._run.advance()

    def throw_error(self, token: str, code: str, message: str = "", variables: Mapping[str, Any] | None = None) -> None:
        """A user task or job ends with a business error; an incident when no error event catches it."""
        found = self._standing(token, WORK)
        try:
            throw_error(found, code, _given(variables), message)
        except Stuck as stuck:
            self._run.hold(found, stuck)
        self._run.advance()

    def raise_incident(self, token: str, code: str, message: str) -> None:
        """Hold a waiting token until somebody retries it (a job without retries left)."""
        found = self._run.token(token)
        if not is_shown(found) or "incident" in found.facts:
            raise Refused("这一步不在等待中，不能记为异常", code="wrong_wait")
        self._run.hold(found, Stuck(code, message))

    def retry(self, token: str) -> None:
        """Resolve an incident: the element is entered again, or only its outputs are mapped when its work was done."""
        found = self._run.token(token)
        if found.facts.pop("incident", None) is None:
            raise Refused("这一步没有异常，不需要重试", code="no_incident")
        if "leaving" in found.facts:
            self._run.later(self._run.leave, found)
        else:
            found.facts.pop("wait", None)
            found._set_state(TaskState.FUTURE)
            self._run.later(self._run.enter, found)
        self._run.advance()

    def cancel(self) -> None:
        """End the process at once; ``completed`` becomes true, ``outcome`` stays what it was."""
        run = self._run
        run.top.completed = run.completed = run.cancelled = True
        run.top.cancel_all()
        run.frames.clear()

    def set_variables(self, variables: Mapping[str, Any], scope: str = ROOT_SCOPE) -> None:
        """Write into one scope; conditional events are looked at. Raises ``NotFound`` for an unknown scope."""
        if scope not in self._run.scope_keys():
            raise NotFound("没有这个变量范围，相应的步骤可能已经结束", code="scope_not_found")
        self._run.variables.set_local(scope, _given(variables))
        self._run.advance()

    def _standing(self, token_id: str, kinds: frozenset[str]) -> Token:
        token = self._run.token(token_id)
        if "incident" in token.facts:
            raise Refused("这一步出现异常，请先处理并重试", code="has_incident")
        if not is_waiting(token) or token.facts["wait"]["kind"] not in kinds:
            raise Refused("这一步不能这样办理，请刷新后查看", code="wrong_wait")
        return token

    # --- reading

    def waits(self) -> list[Wait]:
        """What the outside may or must do, in the order it came up."""
        return waits(self._run)

    def context(self, token: str) -> dict[str, Any]:
        """The variables visible to a token. Raises ``NotFound``."""
        return self._run.token(token).context()

    @property
    def variables(self) -> dict[str, Any]:
        """The root scope."""
        return dict(self._run.variables.scopes[ROOT_SCOPE])

    @property
    def completed(self) -> bool:
        """Nothing is left to do: ended or cancelled."""
        return self._run.completed

    @property
    def cancelled(self) -> bool:
        """Ended by ``cancel``."""
        return self._run.cancelled

    @property
    def outcome(self) -> str | None:
        """The id of the end event of the top process reached last."""
        return self._run.outcome

    @property
    def signals(self) -> list[dict[str, Any]]:
        """Signals thrown since start or load: name, variables. To be broadcast by the command."""
        return self._run.signals

    @property
    def history(self) -> list[Event]:
        """What happened since start or load, in order."""
        return self._run.history


def _given(variables: Mapping[str, Any] | None) -> dict[str, Any]:
    """Variables from outside as plain JSON. Raises ``Refused``."""
    try:
        return dict(plain(variables or {}))
    except Unstorable as error:
        raise Refused(error.message, code="value_unstorable") from error
