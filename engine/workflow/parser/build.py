"""Second pass: ``BodyModel`` → executable specifications. The model has passed the rules: nothing is checked here."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from engine.workflow.definitions import ElementInfo
from engine.workflow.expressions import Expression
from engine.workflow.specs.adhoc import AdHoc, AdHocRules
from engine.workflow.specs.base import Flow, Node, Pass, ProcessSpec
from engine.workflow.specs.events import Boundary, Catch, EventStart, Trigger
from engine.workflow.specs.gateways import EventBased, Exclusive, Inclusive, Parallel
from engine.workflow.specs.listeners import add_listeners
from engine.workflow.specs.multi import MultiInstance
from engine.workflow.specs.scopes import CallActivity, SubProcess
from engine.workflow.specs.throws import CompensationThrow, ErrorThrow, EscalationThrow, SignalThrow, Terminate
from engine.workflow.specs.user import UserTask
from engine.workflow.specs.work import Decision, Job, Script

from .document import extensions_of, line_of
from .model import BodyModel, ElementModel

EACH = "#each"
START = "#start"


def build(body: BodyModel) -> ProcessSpec:
    """The specification of a body, with those of the sub-processes inside it."""
    spec = ProcessSpec(body.id, body.process_id)
    for element in body.elements.values():
        if element.info.event == "compensate" and element.type == "boundaryEvent":
            continue
        node = _node(spec, element)
        if element.type == "startEvent":
            spec.starts[element.info.id] = node.name
            if element.info.event == "none" or body.id != body.process_id:
                spec.plain_start = node.name
        if element.by_event:
            _event_start(spec, element)
    if body.listeners:
        add_listeners(spec, spec, _process(body), body.listeners)
    for element in body.elements.values():
        if element.type == "boundaryEvent":
            _attach(spec, body, element)
        else:
            _connect(spec, body, element)
    spec.inclusive_joins = [
        name for name, node in spec.task_specs.items() if isinstance(node, Inclusive) and len(node.incoming) > 1
    ]
    return spec


def _process(body: BodyModel) -> ElementInfo:
    """The process as an element, for the listeners that hang on it."""
    extensions = extensions_of(body.xml)
    name = body.xml.get("name") or body.id
    return ElementInfo(body.id, name, "process", None, body.process_id, extensions, line_of(body.xml))


def _node(spec: ProcessSpec, element: ElementModel) -> Node:
    make = _MAKERS[element.type]
    if element.loop is None:
        node = make(spec, element, "")
    else:
        inner = make(spec, element, EACH)
        inner.in_loop = True
        node = MultiInstance(spec, element.info, loop=element.loop, inner=inner.name)
        _map(inner, element)
        add_listeners(spec, inner, element.info, element.listeners)
        add_listeners(spec, node, element.info, element.before_all)
        return node
    _map(node, element)
    add_listeners(spec, node, element.info, element.listeners)
    node.ends = element.type == "endEvent"
    return node


def _map(node: Node, element: ElementModel) -> None:
    node.inputs_map, node.outputs_map = element.inputs, element.outputs


def _connect(spec: ProcessSpec, body: BodyModel, element: ElementModel) -> None:
    node = spec.task_specs[element.info.id]
    node.incoming = [flow.id for flow in body.arriving[element.info.id]]
    node.flows = [Flow(flow.id, flow.target, flow.condition) for flow in body.leaving[element.info.id]]
    if isinstance(node, Exclusive):
        node.default = element.default
    if element.link and element.type == "intermediateThrowEvent":
        node.flows.append(Flow(None, body.catches[element.link][0]))


def _attach(spec: ProcessSpec, body: BodyModel, element: ElementModel) -> None:
    host = spec.task_specs[cast(str, element.attached_to)]
    if element.info.event == "compensate":
        host.undo = body.associations[element.info.id]
        return
    host.boundaries.append(element.info.id)
    _connect(spec, body, element)


def _event_start(spec: ProcessSpec, element: ElementModel) -> None:
    inside = cast(BodyModel, element.body)
    start = next(one for one in inside.elements.values() if one.type == "startEvent")
    node = EventStart(spec, start.info, START, trigger=cast(Trigger, start.trigger))
    node.interrupting = start.interrupting
    node.outputs_map = start.outputs
    node.flows = [Flow(None, element.info.id)]
    spec.event_starts.append(node.name)
    event_sub = spec.task_specs[element.info.id]
    event_sub.by_event, event_sub.replaces_body = True, start.interrupting


# --- one maker per element type


def _user(spec: ProcessSpec, element: ElementModel, suffix: str) -> Node:
    if "type" in element.texts:
        return _job(spec, element, suffix)
    return UserTask(spec, element.info, suffix, texts=element.texts)


def _job(spec: ProcessSpec, element: ElementModel, suffix: str) -> Node:
    texts = element.texts
    return Job(spec, element.info, suffix, operation=texts["type"], retries=texts["retries"])


def _rule(spec: ProcessSpec, element: ElementModel, suffix: str) -> Node:
    if "decision" not in element.texts:
        return _job(spec, element, suffix)
    result = element.info.extensions["calledDecision"]["resultVariable"]
    return Decision(spec, element.info, suffix, decision=element.texts["decision"], result=result)


def _script(spec: ProcessSpec, element: ElementModel, suffix: str) -> Node:
    if "expression" not in element.texts:
        return _job(spec, element, suffix)
    result = element.info.extensions["script"]["resultVariable"]
    return Script(spec, element.info, suffix, expression=element.texts["expression"], result=result)


def _receive(spec: ProcessSpec, element: ElementModel, suffix: str) -> Node:
    return Catch(spec, element.info, suffix, trigger=cast(Trigger, element.trigger))


def _catch(spec: ProcessSpec, element: ElementModel, suffix: str) -> Node:
    return Pass(spec, element.info, suffix) if element.link else _receive(spec, element, suffix)


def _boundary(spec: ProcessSpec, element: ElementModel, suffix: str) -> Node:
    node = Boundary(spec, element.info, suffix, trigger=cast(Trigger, element.trigger))
    node.interrupting = element.interrupting
    return node


def _throw(spec: ProcessSpec, element: ElementModel, suffix: str) -> Node:
    info, trigger = element.info, element.trigger
    if info.event == "message":
        return _job(spec, element, suffix)
    if info.event == "signal":
        return SignalThrow(spec, info, name=cast(Expression, cast(Trigger, trigger).name))
    if info.event == "error":
        return ErrorThrow(spec, info, code=cast(Expression, cast(Trigger, trigger).code))
    if info.event == "escalation":
        return EscalationThrow(spec, info, code=cast(Expression, cast(Trigger, trigger).code))
    if info.event == "terminate":
        return Terminate(spec, info)
    if info.event == "compensate":
        return CompensationThrow(spec, info, activity=element.activity_ref)
    return Pass(spec, info)


def _sub(spec: ProcessSpec, element: ElementModel, suffix: str) -> Node:
    return SubProcess(spec, element.info, suffix, body=build(cast(BodyModel, element.body)))


def _adhoc(spec: ProcessSpec, element: ElementModel, suffix: str) -> Node:
    rules = cast(AdHocRules, element.adhoc)
    return AdHoc(spec, element.info, suffix, body=build(cast(BodyModel, element.body)), rules=rules)


def _call(spec: ProcessSpec, element: ElementModel, suffix: str) -> Node:
    called = element.info.extensions.get("calledElement", {})
    return CallActivity(
        spec,
        element.info,
        suffix,
        called=element.texts["process"],
        give_all=called.get("propagateAllParentVariables", "true") != "false",
        take_all=called.get("propagateAllChildVariables", "true") != "false",
    )


def _simple(cls: Callable[..., Node]) -> Callable[[ProcessSpec, ElementModel, str], Node]:
    return lambda spec, element, suffix: cls(spec, element.info, suffix)


_MAKERS: dict[str, Callable[[ProcessSpec, ElementModel, str], Node]] = {
    "task": _simple(Pass),
    "manualTask": _simple(Pass),
    "startEvent": _simple(Pass),
    "userTask": _user,
    "serviceTask": _job,
    "sendTask": _job,
    "businessRuleTask": _rule,
    "scriptTask": _script,
    "receiveTask": _receive,
    "intermediateCatchEvent": _catch,
    "boundaryEvent": _boundary,
    "intermediateThrowEvent": _throw,
    "endEvent": _throw,
    "exclusiveGateway": _simple(Exclusive),
    "inclusiveGateway": _simple(Inclusive),
    "parallelGateway": _simple(Parallel),
    "eventBasedGateway": _simple(EventBased),
    "subProcess": _sub,
    "adHocSubProcess": _adhoc,
    "callActivity": _call,
}
