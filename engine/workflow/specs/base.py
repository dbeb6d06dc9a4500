"""The life every element shares: enter → inputs → boundary events → work → outputs → leave along the flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from SpiffWorkflow.specs import WorkflowSpec
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.util.task import TaskState

from engine.workflow.expressions import Expression
from engine.workflow.variables import assign

if TYPE_CHECKING:
    from engine.workflow.definitions import ElementInfo
    from engine.workflow.run import Frame, Token

Mapped = tuple[Expression, str]


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


class Node(TaskSpec):
    """One element. Subclasses say what its work is (``work``) and where it goes next (``ways``)."""

    is_subscription = False
    # Joins must know along which flow a token came.
    counts_flows = False
    # An event sub-process that interrupts: it stands for the body it ended.
    replaces_body = False
    wait_kind = ""

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
            if self.listened(token, "before"):
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
        if self.undo is not None:
            token.frame.compensations.append([self.info.id, self.undo, None])
        self.move_on(token)

    def _on_cancel(self, token: Token) -> None:
        run = token.run_of
        if "seen" in token.facts:
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
        self.map_inputs(token)
        if self.boundaries and not token.facts.keys() & {"armed", "thrower", "alone"}:
            token.facts["armed"] = 1
            for name in self.boundaries:
                token.frame.spawn(name, host=token.id)

    def map_inputs(self, token: Token) -> None:
        """Create the local variables, each seeing those before it."""
        variables = token.run_of.variables
        for source, target in self.inputs_map:
            root = target.strip().split(".")[0]
            local = {key: value for key, value in variables.scopes.get(token.id, {}).items() if key == root}
            assign(target, source.evaluate(variables.context(token)), local)
            variables.set_local(token.id, local)

    def work(self, token: Token) -> bool:
        """Do what the element is for. True when done; False when something outside must happen first."""
        return True

    # --- listeners

    def listened(self, token: Token, phase: str) -> bool:
        """Call the listeners of a phase, once. True when the token must wait for them."""
        first = self.listeners.get(phase)
        if first is None or phase in token.facts:
            return False
        token.facts[phase] = 1
        token.frame.spawn(first, element=token.id)
        return True

    def heard(self, token: Token) -> None:
        """The last listener of a phase is done."""
        if "after" in token.facts:
            token.complete()
        else:
            token.facts["resumed"] = 1
            token._ready()

    # --- leaving

    def conclude(self, token: Token) -> bool:
        """The work is done: map the outputs, call the listeners. True when the token may complete."""
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
        self.map_outputs(token)
        if self.in_loop:
            body = token.run_of.tokens[cast(str, token.link("body"))]
            body.node.collect(body, token)

    def map_outputs(self, token: Token) -> None:
        """All outputs are evaluated before the first is written."""
        if not self.outputs_map:
            return
        variables = token.run_of.variables
        # An instance of a multi-instance writes to its own scope, from which its result is collected.
        outer = variables.context(token, own=self.in_loop)
        context = variables.context(token)
        results: dict[str, Any] = {}
        for source, target in self.outputs_map:
            root = target.strip().split(".")[0]
            if "." in target and root not in results and isinstance(outer.get(root), dict):
                results[root] = outer[root]
            assign(target, source.evaluate({**context, **results}), results)
        variables.propagate(token, results, own=self.in_loop)

    def move_on(self, token: Token) -> None:
        """Spawn what comes next."""
        if self.in_loop:
            body = token.run_of.tokens[cast(str, token.link("body"))]
            body.node.one_done(body, token)
        elif "thrower" in token.facts:
            token.run_of.later(_undone, token.run_of.tokens[token.facts["thrower"]])
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
        token.frame.spawn(flow.target, flow=flow.id if counted else None)

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


def _undone(thrower: Token) -> None:
    """A compensation handler has ended; the last one lets the thrower go on."""
    if not any(token.link("thrower") == thrower.id for token in thrower.frame.tokens):
        thrower.run_of.leave(thrower)


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
