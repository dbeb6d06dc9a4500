"""The life every element shares: enter → inputs → boundary events → work → outputs → leave along the flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from SpiffWorkflow.specs import WorkflowSpec
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.util.task import TaskState

from engine.workflow.expressions import Expression

from . import undo
from .mappings import Mapped, map_inputs, map_outputs

if TYPE_CHECKING:
    from engine.workflow.definitions import ElementInfo
    from engine.workflow.run import Frame, Token


@dataclass(frozen=True, slots=True)
class Flow:
    """A way to the next element. ``id`` is None for the jump of a link event."""

    id: str | None
    target: str
    condition: Expression | None = None


class ProcessSpec(WorkflowSpec):
    """The body of a process or sub-process."""

    task_specs: dict[str, Node]

    def __init__(self, name: str, process_id: str) -> None:
        super().__init__(name=name)
        self.process_id = process_id
        self.starts: dict[str, str] = {}
        self.plain_start: str | None = None
        self.event_starts: list[str] = []
        self.inclusive_joins: list[str] = []
        # Phase → the first listener of the process itself.
        self.listeners: dict[str, str] = {}

    @cached_property
    def has_conditions(self) -> bool:
        """Whether an event here waits for a condition, so that a change of variables must be looked at."""
        return any(node.wait_kind == "condition" for node in self.task_specs.values())


class Node(TaskSpec):
    """One element. Subclasses say what its work is (``work``) and where it goes next (``ways``)."""

    is_subscription = False
    # Joins must know along which flow a token came.
    counts_flows = False
    # An event sub-process; one that interrupts stands for the body it ended.
    by_event = False
    replaces_body = False
    wait_kind = ""
    # Of an ad-hoc sub-process: what may be begun in it.
    offered: Sequence[dict[str, str]] = ()

    def __init__(self, spec: ProcessSpec, info: ElementInfo, suffix: str = "") -> None:
        # Fresh lists and dicts: the base class' defaults are shared between all specifications.
        super().__init__(
            spec, info.id + suffix, inputs=[], outputs=[], data={}, defines={}, pre_assign=[], post_assign=[]
        )
        self.info = info
        self.spec = spec
        self.history_type = info.type
        self.wait_kind = self.wait_kind or info.type
        self.inputs_map: list[Mapped] = []
        self.outputs_map: list[Mapped] = []
        self.flows: list[Flow] = []
        self.incoming: list[str] = []
        self.boundaries: list[str] = []
        # Phase → the first listener.
        self.listeners: dict[str, str] = {}
        self.undo: str | None = None
        self.in_loop = False
        self.ends = False

    # --- SpiffWorkflow's protocol

    def test(self) -> None:
        """Nothing to test at run time: the model was checked when it was parsed."""

    def _update_hook(self, token: Token) -> bool:
        return True

    def _on_ready_hook(self, token: Token) -> None:
        # At once, so that boundary events listen before anything their activity did is acted upon.
        token.run_of.agenda.appendleft((token.run_of.execute, token))

    def _run_hook(self, token: Token) -> bool | None:
        # After the listeners have been heard the inputs are not mapped again: a listener may have changed them.
        if token.facts.pop("resumed", None) is None:
            self.activate(token)
            # Behind an event-based gateway an event only begins when it has occurred.
            if "group" not in token.facts and self.listened(token, "before"):
                return None
        if not self.work(token):
            return None
        return True if self.conclude(token) else None

    def _on_complete_hook(self, token: Token) -> None:
        run = token.run_of
        run.note("completed", token)
        if self.ends:
            run.reached(token)
        self.cancel_boundaries(token)
        if "thrower" not in token.facts and "alone" not in token.facts:
            undo.remember(token)
        self.move_on(token)

    def _on_cancel(self, token: Token) -> None:
        run = token.run_of
        # Also what never entered: a flow was travelled to it.
        if "seen" in token.facts or token.via is not None:
            run.note("cancelled", token)
        self.cancel_inside(token)
        self.cancel_boundaries(token)
        if self.listeners:
            self.cancel_linked(token, "element")
        token.frame.forget(token)

    # --- arriving

    def activate(self, token: Token) -> None:
        """First arrival and every retry: inputs are mapped anew; boundary events are armed once."""
        if "seen" not in token.facts:
            token.facts["seen"] = 1
            token.run_of.note("activated", token)
        if "undoing" not in token.facts:
            map_inputs(self, token)
        if self.boundaries and not token.facts.keys() & {"armed", "thrower", "alone"}:
            token.facts["armed"] = 1
            for name in self.boundaries:
                token.frame.spawn(name, host=token.id)

    def work(self, token: Token) -> bool:
        """Do what the element is for. True when done; False when something outside must happen first."""
        return True

    # --- listeners

    def listened(self, token: Token, phase: str) -> bool:
        """Call the listeners of a phase, once. True when the token must wait for them."""
        first = self.listeners.get(phase)
        if first is None or phase in token.facts or "undoing" in token.facts:
            return False
        token.facts[phase] = 1
        token.frame.spawn(first, element=token.id)
        return True

    def heard(self, token: Token) -> None:
        """The last listener of a phase is done."""
        if "after" in token.facts:
            token.complete()
        elif "leaving" in token.facts:
            token.run_of.leave(token)
        else:
            token.facts["resumed"] = 1
            token._ready()

    def asked(self, token: Token, phase: str, values: Mapping[str, Any]) -> bool:
        """Whether listeners must be heard before the outside may do something to the element."""
        return False

    # --- leaving

    def conclude(self, token: Token) -> bool:
        """The work is done: map the outputs, call the listeners. True when the token may complete."""
        if "group" in token.facts and self.listened(token, "before"):
            return False
        self.settle(token)
        return not self.listened(token, "after")

    def receive(self, token: Token, values: Mapping[str, Any]) -> None:
        """Take results: local where output mappings will choose from them, else to who knows their names."""
        token.facts["leaving"] = 1
        if not values:
            return
        variables = token.run_of.variables
        if self.outputs_map:
            variables.set_local(token.id, values)
        else:
            variables.propagate(token, values)

    def settle(self, token: Token) -> None:
        """Evaluate everything that may still fail. Runs again on retry, without repeating the work."""
        token.facts["leaving"] = 1
        if "undoing" in token.facts:
            return
        map_outputs(self, token)
        if self.in_loop:
            body = token.run_of.tokens[cast(str, token.link("body"))]
            body.node.collect(body, token)

    def move_on(self, token: Token) -> None:
        """Spawn what comes next."""
        if "thrower" in token.facts:
            token.run_of.later(undo.undone, token.run_of.tokens[token.facts["thrower"]])
        elif self.in_loop and "body" in token.facts:
            body = token.run_of.tokens[token.facts["body"]]
            body.node.one_done(body, token)
        elif (then := token.link("then")) in self.spec.task_specs:
            # Returned to, and straight back to who returned it.
            token.frame.spawn(then)
        elif "alone" not in token.facts:
            for flow in self.ways(token):
                self.take(token, flow)

    def ways(self, token: Token) -> list[Flow]:
        """The flows to take; several flows out of an activity are taken together."""
        return self.flows

    def take(self, token: Token, flow: Flow) -> None:
        """Travel one flow."""
        if flow.id is not None:
            token.run_of.note("flow", token, flow.id)
        counted = token.frame.spec.task_specs[flow.target].counts_flows
        token.frame.spawn(flow.target, via=flow.id, flow=flow.id if counted else None)

    # --- events around it

    def triggered(self, token: Token) -> None:
        """An event on this token occurred; cancel what it interrupts."""

    def look_again(self, token: Token) -> None:
        """Variables changed."""

    def look(self, frame: Frame) -> None:
        """Nothing else moves in the frame."""

    def body_closed(self, frame: Frame) -> Callable[[Token], None]:
        """What the host of a frame does when the frame has ended."""
        return frame.run.leave

    def may_close(self, frame: Frame) -> bool:
        """Whether the element's frame ends as soon as nothing is left in it."""
        return True

    def collect(self, body: Token, instance: Token) -> None:
        """An instance of a multi-instance is about to complete."""

    def one_done(self, body: Token, instance: Token) -> None:
        """An instance of a multi-instance has completed."""

    def cancel_inside(self, token: Token) -> None:
        """Cancel what lives inside the element."""

    def cancel_boundaries(self, token: Token) -> None:
        """The activity ends: nobody listens at its border any more."""
        if self.boundaries:
            # One that has fired already goes its own way.
            fired = [other for other in token.frame.tokens if "leaving" in other.facts]
            self.cancel_linked(token, "host", but=fired)

    def cancel_linked(self, token: Token, link: str, but: Sequence[Token] = ()) -> None:
        """Cancel the live tokens that hang on this one."""
        for other in token.frame.tokens:
            if other.link(link) == token.id and other.is_live and other not in but:
                other.cancel()


class Pass(Node):
    """Nothing to do: none task, manual task, plain events, links."""


class StandsStill(Node):
    """Base of what waits for the outside: ``wait`` makes the facts of the row."""

    def work(self, token: Token) -> bool:
        token.facts["wait"] = self.wait(token)
        return False

    def wait(self, token: Token) -> dict[str, Any]:
        raise NotImplementedError


def is_waiting(token: Token) -> bool:
    """Whether the outside can act on this token."""
    return "wait" in token.facts and token.has_state(TaskState.STARTED) and "leaving" not in token.facts
