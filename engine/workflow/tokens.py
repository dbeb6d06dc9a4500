"""Tokens and the frames they stand in. A frame is a process, a sub-process or a called process in its course."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState
from SpiffWorkflow.workflow import Workflow

from engine.core import ids

if TYPE_CHECKING:
    from .run import Run
    from .specs.base import Node, ProcessSpec

# No token has children; shared, so nobody may add to it.
_NONE: tuple[()] = ()


class Token(Task):
    """A place in the process. ``internal_data`` holds JSON only; it is what is saved of a token beside its state."""

    def __init__(
        self,
        frame: Frame,
        node: Node,
        token_id: str | None = None,
        state: int = TaskState.FUTURE,
        facts: dict[str, Any] | None = None,
    ) -> None:
        # What the base class sets, without its clock, parents and data: a case may hold a thousand tokens.
        self.id = token_id or str(ids.new())
        self.workflow = self.frame = frame
        self.task_spec = self.node = node
        self.run_of: Run = frame.run
        # What is kept of the token: wait, incident, links to other tokens, counters.
        self.facts: dict[str, Any] = {} if facts is None else facts
        self.internal_data = self.facts
        self._state, self._parent, self._children = state, None, _NONE
        # The flow that brought it, in memory only; what stands at a join keeps it among its facts.
        self.came_by: str | None = None
        frame.tasks[self.id] = frame.run.tokens[self.id] = self

    @property
    def is_live(self) -> bool:
        return not self._state & TaskState.FINISHED_MASK

    def _set_state(self, value: int) -> None:
        # The base class would write a log record of every change; history is ours.
        self._state = value

    @property
    def via(self) -> str | None:
        """The flow that brought the token; of a join that went on, the flows of all it waited for."""
        return self.came_by or self.link("flow")

    @property
    def inside_of(self) -> str | None:
        """The token of the multi-instance body, sub-process or call activity it lives in."""
        host = self.frame.host
        return self.link("body") or (host.id if host else None)

    def link(self, name: str) -> str | None:
        """The id of the token this one hangs on: host, body, element, group or thrower."""
        return cast("str | None", self.facts.get(name))

    def context(self) -> dict[str, Any]:
        """The variables visible here."""
        return self.run_of.variables.context(self)


class Frame(Workflow):
    """A body of elements being run: ``host`` is the token of its sub-process or call activity, None for the top."""

    def __init__(
        self,
        run: Run,
        spec: ProcessSpec,
        host: Token | None = None,
        called: str | None = None,
        library: str | None = None,
    ) -> None:
        # Of a called process its id, and the key of its release when that is another one.
        self.run, self.host, self.called, self.library = run, host, called, library
        # What completed activities left to undo: see ``specs.undo``.
        self.compensations: list[list[Any]] = []
        self.completed: bool = False
        # Its end listeners have been called.
        self.heard: bool = False
        super().__init__(spec, deserializing=True)
        run.frames[host.id if host else ""] = self

    @property
    def is_call(self) -> bool:
        return self.called is not None

    @property
    def tokens(self) -> list[Token]:
        return list(self.tasks.values())

    def spawn(self, name: str, via: str | None = None, **facts: Any) -> Token:
        """Put a new token on an element; it enters when its turn on the agenda comes."""
        token = Token(self, self.spec.task_specs[name])
        token.came_by = via
        token.facts.update((key, value) for key, value in facts.items() if value is not None)
        self.run.later(self.run.enter, token)
        return token

    def open(self, start: str, local: Mapping[str, Any] | None = None) -> None:
        """Begin: subscribe the event sub-processes, then put a token on the start event (``local``: its variables)."""
        self.listen()
        first = self.spec.listeners.get("before")
        token = self.spawn(first, opens=start) if first else self.spawn(start)
        if local:
            self.run.variables.set_local(token.id, local)

    def listen(self) -> None:
        """Subscribe the event sub-processes."""
        for name in self.spec.event_starts:
            self.spawn(name)

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
        if self.host is not None and not self.host.node.may_close(self):
            return
        last = self.spec.listeners.get("after")
        if last is not None and not self.heard:
            self.cancel_all()
            self.spawn(last)
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
