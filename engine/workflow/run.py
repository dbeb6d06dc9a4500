"""The running tree: tokens in frames, moved by one agenda. A frame is a process, a sub-process or a called process.

SpiffWorkflow gives the life of a token (``Task``: states, ``run``, ``complete``, ``cancel``), the protocol of hooks of
the element it stands on (``TaskSpec``) and the container (``Workflow``). Whatever may fail or cancel goes through the
agenda, never through a nested call: so there is no recursion along a model, and no token is revived by its own hook.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState
from SpiffWorkflow.workflow import Workflow

from engine.core.errors import ModelFault, NotFound, OutsideFault

from .expressions import Stuck
from .face import ROOT_SCOPE, Event, Host
from .variables import Scopes, Variables, call_scope

if TYPE_CHECKING:
    from .definitions import Definitions
    from .specs.base import Node, ProcessSpec

# More steps than any sensible model takes between two waits: a loop that never rests is stopped here.
MOST_STEPS = 100_000


class Token(Task):
    """A place in the process. ``internal_data`` holds JSON only; it is what is saved of a token beside its state."""

    def __init__(self, frame: Frame, node: Node, token_id: str | None = None, state: int = TaskState.FUTURE) -> None:
        super().__init__(frame, node, state=state, id=token_id or uuid4().hex)
        frame.run.tokens[self.id] = self

    @property
    def frame(self) -> Frame:
        return cast("Frame", self.workflow)

    @property
    def node(self) -> Node:
        return cast("Node", self.task_spec)

    @property
    def run_of(self) -> Run:
        return self.frame.run

    @property
    def is_live(self) -> bool:
        return not self.has_state(TaskState.FINISHED_MASK)

    @property
    def facts(self) -> dict[str, Any]:
        """What is kept of the token: wait, incident, links to other tokens, counters."""
        return cast(dict[str, Any], self.internal_data)

    def link(self, name: str) -> str | None:
        """The id of the token this one hangs on: host, body, element, group or thrower."""
        return cast("str | None", self.internal_data.get(name))

    def context(self) -> dict[str, Any]:
        """The variables visible here."""
        return self.run_of.variables.context(self)

    def collect_log_extras(self, dct: dict[str, Any] | None = None) -> dict[str, Any]:
        # The base class would put data and ancestors on every state change's log record.
        return {}


class Frame(Workflow):
    """A body of elements being run: ``host`` is the token of its sub-process or call activity, None for the top."""

    def __init__(self, run: Run, spec: ProcessSpec, host: Token | None = None, called: str | None = None) -> None:
        self.run, self.host, self.called = run, host, called
        # Completed activities that have something to undo: [element id, handler node or None, nested list].
        self.compensations: list[list[Any]] = []
        self.completed: bool = False
        super().__init__(spec, deserializing=True)
        run.frames[host.id if host else ""] = self

    @property
    def is_call(self) -> bool:
        return self.called is not None

    @property
    def tokens(self) -> list[Token]:
        return list(self.tasks.values())

    def spawn(self, name: str, **facts: Any) -> Token:
        """Put a new token on an element; it enters when its turn on the agenda comes."""
        token = Token(self, self.spec.task_specs[name])
        token.internal_data.update((key, value) for key, value in facts.items() if value is not None)
        self.run.later(self.run.enter, token)
        return token

    def open(self, start: str) -> None:
        """Begin: subscribe the event sub-processes, then put a token on the start event."""
        for name in self.spec.event_starts:
            self.spawn(name)
        self.spawn(start)

    def forget(self, token: Token) -> None:
        """A finished token is history: nothing of it is kept."""
        self.tasks.pop(token.id, None)
        self.run.tokens.pop(token.id, None)
        self.run.variables.drop(token)

    def _task_completed_notify(self, task: Token) -> None:
        self.forget(task)
        self.close_if_empty()

    def close_if_empty(self) -> None:
        """The body ends when nothing but subscriptions of event sub-processes is left."""
        if self.completed or not all(token.node.is_subscription for token in self.tasks.values()):
            return
        self.completed = True
        for token in self.tokens:
            token.cancel()
        self.run.frames.pop(self.host.id if self.host else "", None)
        if self.host is None:
            self.run.completed = True
        else:
            self.run.later(self.host.node.body_closed(self), self.host)

    def cancel_all(self, but: Token | None = None) -> None:
        """Cancel every token, in the order they came."""
        for token in self.tokens:
            if token is not but and token.is_live:
                token.cancel()

    def collect_log_extras(self, dct: dict[str, Any] | None = None) -> dict[str, Any]:
        return {}


class Run:
    """One process instance in memory."""

    def __init__(self, definitions: Definitions, process_id: str, host: Host, scopes: Mapping[str, Mapping[str, Any]]):
        self.definitions, self.process_id, self.host = definitions, process_id, host
        self.variables = Variables(scopes)
        self.frames: dict[str, Frame] = {}
        self.tokens: dict[str, Token] = {}
        self.agenda: deque[tuple[Callable[[Token], None], Token]] = deque()
        self.history: list[Event] = []
        self.signals: list[dict[str, Any]] = []
        self.completed = False
        self.cancelled = False
        self.outcome: str | None = None
        self.top = Frame(self, definitions.specs[process_id])

    # --- looking

    def token(self, token_id: str) -> Token:
        """The live token of an id. Raises ``NotFound``."""
        try:
            return self.tokens[token_id]
        except KeyError:
            raise NotFound("这一步已不在流程中，可能已由他人办理，请刷新后查看", code="token_not_found") from None

    def scope_keys(self) -> Iterator[str]:
        """The keys of all scopes that may be written now."""
        yield ROOT_SCOPE
        yield from self.tokens
        yield from (call_scope(frame.host.id) for frame in self.frames.values() if frame.host and frame.is_call)

    def note(self, kind: str, token: Token, flow_id: str | None = None) -> None:
        """Add to the history."""
        info = token.node.info
        self.history.append(
            Event(
                kind, info.id, info.name, token.node.history_type, token.id, info.process_id, self.host.now(), flow_id
            )
        )

    def reached(self, token: Token) -> None:
        """An end event was reached. It is the outcome if it ends the top process, or what interrupted all of it."""
        frame = token.frame
        while frame.host is not None and frame.host.node.replaces_body:
            frame = frame.host.frame
        if frame.host is None:
            self.outcome = token.node.info.id

    # --- moving

    def later(self, action: Callable[[Token], None], token: Token) -> None:
        """Queue an action on a token; it is skipped if the token is gone by then."""
        self.agenda.append((action, token))

    def advance(self) -> None:
        """Run the agenda until nothing more can move."""
        steps = 0
        while True:
            while self.agenda:
                action, token = self.agenda.popleft()
                if not token.is_live:
                    continue
                steps += 1
                if steps > MOST_STEPS:
                    self.hold(token, Stuck("endless_loop", "流程在没有停顿的环路中反复运行，请检查环路的退出条件"))
                else:
                    self._attempt(action, token)
            if not self._wake():
                break
        for frame in self.frames.values():
            self._hold_dead_joins(frame)

    def _attempt(self, action: Callable[[Token], None], token: Token) -> None:
        try:
            action(token)
        except Stuck as stuck:
            self.hold(token, stuck)
        except (ModelFault, OutsideFault) as fault:
            self.hold(token, Stuck(fault.code, fault.message))

    def hold(self, token: Token, stuck: Stuck) -> None:
        """Make an incident of it: the token stays where it is until ``retry``."""
        # WAITING, not ERROR: SpiffWorkflow counts ERROR as finished.
        token._set_state(TaskState.WAITING)
        token.facts["incident"] = {"code": stuck.code, "message": stuck.message, "kind": token.node.wait_kind}
        self.note("incident", token)

    def enter(self, token: Token) -> None:
        """A token arrives at its element."""
        token.node._update(token)

    def execute(self, token: Token) -> None:
        """The element does its work."""
        if token.has_state(TaskState.READY):
            token.run()

    def leave(self, token: Token) -> None:
        """The work is done: map the outputs (which may fail), then complete and move on."""
        if token.node.conclude(token):
            token.complete()

    def finish(self, token: Token, variables: Mapping[str, Any] | None = None) -> None:
        """The outside has done its part."""
        token.node.receive(token, variables or {})
        self.later(self.leave, token)

    def fire(self, token: Token, variables: Mapping[str, Any] | None = None) -> None:
        """An event occurred: what it interrupts is cancelled first."""
        # Marked, so that it is not cancelled with its host.
        token.facts["leaving"] = 1
        token.node.triggered(token)
        self.finish(token, variables)

    def _hold_dead_joins(self, frame: Frame) -> None:
        """Where only joins wait for each other nobody will ever come: better an incident than a silent case."""
        tokens = [token for token in frame.tokens if not token.node.is_subscription]
        if all(token.has_state(TaskState.WAITING) and "incident" not in token.facts for token in tokens):
            for token in tokens:
                self.hold(token, Stuck("join_never_complete", "汇合处等待的其他分支都不会再来，请检查网关的配对"))

    def _wake(self) -> bool:
        """What depends on the whole: inclusive joins and conditional events. True when something moved."""
        for frame in list(self.frames.values()):
            for name in frame.spec.inclusive_joins:
                frame.spec.task_specs[name].look(frame)
        if self.variables.changed and not self.agenda:
            self.variables.changed = False
            for token in list(self.tokens.values()):
                if token.facts.get("wait", {}).get("kind") == "condition":
                    self._attempt(token.node.look_again, token)
        return bool(self.agenda)

    def scopes(self) -> Scopes:
        """The scopes that hold something, and the root."""
        return {key: dict(values) for key, values in self.variables.scopes.items() if values or key == ROOT_SCOPE}
