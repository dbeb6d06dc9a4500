"""The running tree: tokens in frames, moved by one agenda.

SpiffWorkflow gives the life of a token (``Task``: states, ``run``, ``complete``, ``cancel``), the protocol of hooks of
the element it stands on (``TaskSpec``) and the container (``Workflow``). Whatever may fail or cancel goes through the
agenda, never through a nested call: so there is no recursion along a model, and no token is revived by its own hook.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.util.task import TaskState

from engine.core.errors import ModelFault, NotFound, OutsideFault

from .expressions import Stuck
from .face import ROOT_SCOPE, Event, Heard, Host
from .specs import undo
from .tokens import Frame as Frame
from .tokens import Token as Token
from .variables import KEPT, Scopes, Variables, call_scope

if TYPE_CHECKING:
    from .definitions import Definitions

# More steps than any sensible model takes between two waits: a loop that never rests is stopped here.
MOST_STEPS = 60_000


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
        # Other releases from which a process was called, by key.
        self.libraries: dict[str, Definitions] = {}
        self.heard: list[Heard] = []
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
                kind,
                info.id,
                info.name,
                token.node.history_type,
                token.id,
                info.process_id,
                self.host.now(),
                flow_id,
                token.via,
                token.inside_of,
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
        if all(_waits_at_a_join(token) for token in frame.tasks.values()):
            for token in frame.tokens:
                if not token.node.is_subscription:
                    self.hold(token, Stuck("join_never_complete", "汇合处等待的其他分支都不会再来，请检查网关的配对"))

    def _wake(self) -> bool:
        """What depends on the whole: inclusive joins and conditional events. True when something moved."""
        for frame in list(self.frames.values()):
            for name in frame.spec.inclusive_joins:
                frame.spec.task_specs[name].look(frame)
        if self.variables.changed and not self.agenda:
            self.variables.changed = False
            for token in [
                token for frame in self.frames.values() if frame.spec.has_conditions for token in frame.tokens
            ]:
                if token.facts.get("wait", {}).get("kind") == "condition":
                    self._attempt(token.node.look_again, token)
        return bool(self.agenda)

    def scopes(self) -> Scopes:
        """The scopes that hold something, and the root. What was put aside is kept while it may still be undone."""
        wanted = set(undo.kept(self)) if any(key.endswith(KEPT) for key in self.variables.scopes) else ()
        return {
            key: dict(values)
            for key, values in self.variables.scopes.items()
            if key == ROOT_SCOPE or (values and (not key.endswith(KEPT) or key in wanted))
        }


def _waits_at_a_join(token: Token) -> bool:
    """Whether only others can move it on; what starts an event sub-process moves nothing."""
    return token.node.is_subscription or (token._state == TaskState.WAITING and "incident" not in token.facts)
