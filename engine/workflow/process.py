"""The face of a running process: start or load, act on one token, read what stands, save. Never touches a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from SpiffWorkflow.util.task import TaskState

from engine.core.errors import NotFound, Refused

from . import state as codec
from .definitions import Definitions, ElementInfo, ProcessInfo
from .expressions import Stuck
from .face import ROOT_SCOPE, Answer, Event, Heard, Host, Wait
from .mapping import Plan
from .migration import migrated
from .modify import Activation, Effect, end, modify
from .run import Run, Token
from .specs.adhoc import AdHoc
from .specs.base import is_waiting
from .specs.listeners import Listener, check_answer
from .specs.work import throw_error
from .stepback import Earlier, Followed, Passed, Placed, earlier, followed, send_back, take_back
from .values import Unstorable, plain
from .variables import Scopes, chain
from .waits import is_shown, library_of, waits

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
        run.top.open(start_event, variables if chosen else None)
        run.advance()
        return cls(run)

    @classmethod
    def start_at(
        cls,
        definitions: Definitions,
        process_id: str,
        variables: Mapping[str, Any],
        host: Host,
        activate: Sequence[Activation],
    ) -> Process:
        """Begin before these elements instead of at a start event. Raises ``NotFound``, ``Refused``."""
        if process_id not in definitions.processes:
            raise NotFound(f"没有编号为“{process_id}”的流程，请检查所发布的模型", code="process_not_found")
        run = Run(definitions, process_id, host, {})
        run.variables.set_local(ROOT_SCOPE, _given(variables))
        run.top.listen()
        modify(run, activate)
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

    def complete(self, token: str, variables: Mapping[str, Any] | None = None, answer: Answer | None = None) -> None:
        """A user task or job is done; ``answer`` is that of a task listener's job.

        A task with listeners to its completion stays until they are heard: see ``heard``. Raises ``NotFound`` for an
        unknown token, ``Refused`` for another kind or an answer that cannot be given.
        """
        found = self._standing(token, WORK)
        if answer is not None:
            check_answer(found, answer)
            cast(Listener, found.node).answered(found, answer)
        given = _given(variables)
        if not found.node.asked(found, "completing", given):
            self._run.finish(found, given)
        self._run.advance()

    def activate_adhoc(
        self, token: str, elements: Sequence[tuple[str, Mapping[str, Any]]], cancel_remaining: bool = False
    ) -> None:
        """Begin activities of an ad-hoc sub-process: (element id, its own variables) each.

        ``cancel_remaining`` first cancels what has been begun; with no elements it ends the sub-process. Raises
        ``NotFound`` for an unknown token, ``Refused`` for another kind or an element that cannot be begun.
        """
        found = self._standing(token, frozenset({"adhoc"}))
        node = cast(AdHoc, found.node)
        try:
            node.check([name for name, _ in elements])
        except Stuck as stuck:
            raise Refused(stuck.message, code=stuck.code) from stuck
        if cancel_remaining:
            node.cancel_instances(found)
        node.start(found, [(name, _given(variables)) for name, variables in elements])
        if cancel_remaining and not elements:
            node.end_now(found)
        self._run.advance()

    def listen(self, token: str, phase: str, values: Mapping[str, Any]) -> bool:
        """Ask the listeners before a user task is assigned or updated (``phase``: assigning, updating).

        ``values`` are the attributes to be written, by their names in the wait. False: nobody listens, do it now. True:
        do it when ``heard`` says so, which may be at once or in a later command.
        """
        if phase not in ("assigning", "updating"):
            raise ValueError(phase)
        found = self._standing(token, frozenset({"user"}))
        asked = found.node.asked(found, phase, _given(values))
        self._run.advance()
        return asked

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
        end(self._run)

    def modify(
        self,
        activate: Sequence[Activation] = (),
        terminate: Iterable[str] = (),
        move: Iterable[tuple[str, str]] = (),
        variables: Mapping[str, Any] | None = None,
        rest: bool = False,
    ) -> Effect:
        """Cancel (tokens or element ids), activate, move (source, target), set variables: see ``modify``.

        ``rest`` is for a preview: the process does not run on and cannot be saved. Raises ``Refused``.
        """
        effect = modify(self._run, activate, terminate, move, _given(variables))
        if not rest:
            self._run.advance()
        return effect

    def earlier(self, token: str, passed: Sequence[Passed]) -> list[Earlier]:
        """The steps a user task may be returned to, nearest first: see ``stepback``. Raises ``NotFound``."""
        return earlier(self._run, self._run.token(token), passed)

    def send_back(self, token: str, target: Earlier, rest: bool = False) -> Effect:
        """Return a task to an earlier step; ``rest`` as in ``modify``. Raises ``Refused``, ``NotFound``."""
        effect = send_back(self._run, self._run.token(token), target)
        if not rest:
            self._run.advance()
        return effect

    def take_back(self, element_id: str, what: Followed, rest: bool = False) -> Effect:
        """Begin a finished step again in place of what it brought; ``rest`` as in ``modify``. Raises ``Refused``."""
        effect = take_back(self._run, element_id, what)
        if not rest:
            self._run.advance()
        return effect

    def place_of(self, token: str) -> Placed:
        """Where a token is, to be asked with ``followed`` when it is completed. Raises ``NotFound``."""
        found = self._run.token(token)
        scope = found.frame.host.id if found.frame.host else ""
        return Placed(scope, found.link("body") is not None, frozenset(self._run.tokens), len(self._run.history))

    def followed(self, place: Placed) -> Followed:
        """What came of completing the token that was there."""
        since = self._run.history[place.before :]
        return followed(self._run, place.scope, place.in_loop, place.tokens, since)

    def migrate(self, plan: Plan) -> None:
        """Go on in the release of the plan, see ``migration``. Raises ``Refused``."""
        self._run = migrated(self._run, plan)
        self._run.advance()

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
        if "phase" in token.facts:
            raise Refused("这一步正在等待监听操作完成，请稍候再办", code="task_busy")
        if not is_waiting(token) or token.facts["wait"]["kind"] not in kinds:
            raise Refused("这一步不能这样办理，请刷新后查看", code="wrong_wait")
        return token

    # --- reading

    @property
    def run(self) -> Run:
        """The inside, for this package alone."""
        return self._run

    def waits(self) -> list[Wait]:
        """What the outside may or must do, in the order it came up."""
        return waits(self._run)

    def context(self, token: str) -> dict[str, Any]:
        """The variables visible to a token. Raises ``NotFound``."""
        return self._run.token(token).context()

    def scopes_of(self, token: str) -> list[str]:
        """The keys of the scopes a token sees, innermost first. Raises ``NotFound``."""
        return list(chain(self._run.token(token)))

    def info(self, process_id: str) -> ProcessInfo:
        """What the model says of a process that takes part, be it called from another release.

        Of two versions under one id the case's own: where a token stands is told by ``process_of`` and ``element``.
        """
        found = [self._run.definitions, *self._run.libraries.values()]
        return next(one.processes[process_id] for one in found if process_id in one.processes)

    def element(self, token: str) -> ElementInfo | None:
        """What the model says of the element a token stands on, be it of another release; None: there is none."""
        found = self._run.tokens.get(token)
        return found.node.info if found is not None else None

    def process_of(self, token: str) -> ProcessInfo:
        """The model of the process that a token stands in. Raises ``KeyError`` where there is no such token."""
        found = self._run.tokens[token]
        library = library_of(found)
        held = self._run.definitions if library is None else self._run.libraries[library]
        return held.processes[found.node.info.process_id]

    @property
    def variables(self) -> dict[str, Any]:
        """The root scope."""
        return dict(self._run.variables.scopes[ROOT_SCOPE])

    def phase_of(self, token: str) -> str | None:
        """Which listeners of a user task are being heard: creating, assigning, updating, completing; None: none."""
        found = self._run.tokens.get(token)
        return found.facts.get("phase") if found is not None else None

    def standing(self) -> dict[str, tuple[str, str]]:
        """Where tokens stand that have begun: token → (process id, element id)."""
        tokens = self._run.tokens.values()
        return {one.id: (one.node.info.process_id, one.node.info.id) for one in tokens if "seen" in one.facts}

    @property
    def process_id(self) -> str:
        """The id of the top process."""
        return self._run.process_id

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
    def heard(self) -> list[Heard]:
        """The user tasks whose listeners have been heard since start or load."""
        return self._run.heard

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
