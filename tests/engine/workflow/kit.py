"""Small models written beside their test, and a player that saves and loads at every step."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from engine.core.errors import Fault, ModelFault
from engine.workflow import Process, Wait, parse

NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="defs" targetNamespace="test">
<bpmn:message id="M" name="objection"><bpmn:extensionElements><zeebe:subscription correlationKey="=number"/>
</bpmn:extensionElements></bpmn:message>
<bpmn:signal id="S" name="policy_changed"/>
<bpmn:error id="E1" name="拒绝" errorCode="declined"/><bpmn:error id="E2" name="超限" errorCode="too_much"/>
<bpmn:escalation id="C1" name="上报" escalationCode="report"/>
"""


def bpmn(*body: str, process_id: str = "p", more: str = "") -> bytes:
    """A file with one process."""
    content = "".join(body)
    text = (
        f'{HEAD}<process id="{process_id}" name="测试流程" isExecutable="true">{content}</process>{more}</definitions>'
    )
    return _prefixed(text).encode()


def _prefixed(text: str) -> str:
    # Models below are written without the prefix, which is what a reader wants to see.
    import re

    return re.sub(r"<(/?)(?!\?|/|zeebe:|bpmn:)", r"<\1bpmn:", text)


def extension(content: str) -> str:
    return f"<extensionElements>{content}</extensionElements>" if content else ""


def start(id: str = "start") -> str:
    return f'<startEvent id="{id}" name="开始"/>'


def end(id: str = "end", definition: str = "") -> str:
    return f'<endEvent id="{id}" name="结束">{definition}</endEvent>'


def user(id: str, zeebe: str = "", more: str = "", attributes: str = "") -> str:
    content = extension("<zeebe:userTask/>" + zeebe)
    return f'<userTask id="{id}" name="办理{id}" {attributes}>{content}{more}</userTask>'


def job(id: str, zeebe: str = "", more: str = "", type: str = "police.household") -> str:
    content = extension(f'<zeebe:taskDefinition type="{type}"/>{zeebe}')
    return f'<serviceTask id="{id}" name="核查{id}">{content}{more}</serviceTask>'


def gateway(kind: str, id: str, default: str = "") -> str:
    attribute = f'default="{default}"' if default else ""
    return f'<{kind}Gateway id="{id}" name="网关{id}" {attribute}/>'


def flow(source: str, target: str, condition: str = "", id: str = "") -> str:
    content = f"<conditionExpression>{_text(condition)}</conditionExpression>" if condition else ""
    ends = f'id="{id or f"{source}-{target}"}" sourceRef="{source}" targetRef="{target}"'
    return f"<sequenceFlow {ends}>{content}</sequenceFlow>"


def chain(*ids: str) -> str:
    return "".join(flow(a, b) for a, b in itertools.pairwise(ids))


def boundary(id: str, host: str, definition: str, interrupting: bool = True) -> str:
    flag = "true" if interrupting else "false"
    facts = f'id="{id}" name="边界{id}" attachedToRef="{host}" cancelActivity="{flag}"'
    return f"<boundaryEvent {facts}>{definition}</boundaryEvent>"


def catch(id: str, definition: str) -> str:
    return f'<intermediateCatchEvent id="{id}" name="等待{id}">{definition}</intermediateCatchEvent>'


def throw(id: str, definition: str = "", zeebe: str = "") -> str:
    return f'<intermediateThrowEvent id="{id}" name="抛出{id}">{extension(zeebe)}{definition}</intermediateThrowEvent>'


def sub(id: str, *body: str, more: str = "", attributes: str = "") -> str:
    return f'<subProcess id="{id}" name="子流程{id}" {attributes}>{"".join(body)}{more}</subProcess>'


def adhoc(id: str, *body: str, begin: str = "", until: str = "", attributes: str = "", zeebe: str = "", more: str = ""
          ) -> str:  # fmt: skip
    listed = f'activeElementsCollection="{_text(begin)}"' if begin else ""
    facts = extension(f"<zeebe:adHoc {listed} {zeebe}/>")
    stop = f"<completionCondition>{_text(until)}</completionCondition>" if until else ""
    inside = f"{facts}{''.join(body)}{stop}{more}"
    return f'<adHocSubProcess id="{id}" name="自由{id}" {attributes}>{inside}</adHocSubProcess>'


def event_sub(id: str, definition: str, *body: str, interrupting: bool = True) -> str:
    flag = "true" if interrupting else "false"
    begin = f'<startEvent id="{id}_start" isInterrupting="{flag}">{definition}</startEvent>'
    return sub(id, begin, *body, attributes='triggeredByEvent="true"')


def timer(kind: str, text: str) -> str:
    return f"<timerEventDefinition><{kind}>{_text(text)}</{kind}></timerEventDefinition>"


def loop(
    collection: str = "=items", sequential: bool = False, output: str = "=result", until: str = "", out: str = "results"
) -> str:
    flag = "true" if sequential else "false"
    facts = (
        f'<zeebe:loopCharacteristics inputCollection="{_text(collection)}" inputElement="item" '
        f'outputCollection="{out}" outputElement="{_text(output)}"/>'
    )
    stop = f"<completionCondition>{_text(until)}</completionCondition>" if until else ""
    tag = "multiInstanceLoopCharacteristics"
    return f'<{tag} isSequential="{flag}">{extension(facts)}{stop}</{tag}>'


def io(*pairs: tuple[str, str, str]) -> str:
    """``("input" | "output", source, target)``."""
    lines = "".join(f'<zeebe:{kind} source="{_text(source)}" target="{target}"/>' for kind, source, target in pairs)
    return f"<zeebe:ioMapping>{lines}</zeebe:ioMapping>"


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


MESSAGE = '<messageEventDefinition messageRef="M"/>'
SIGNAL = '<signalEventDefinition signalRef="S"/>'
ERROR = '<errorEventDefinition errorRef="E1"/>'
ESCALATION = '<escalationEventDefinition escalationRef="C1"/>'
TERMINATE = "<terminateEventDefinition/>"
COMPENSATE = "<compensateEventDefinition/>"


class House:
    """A host with a movable clock; decisions and inside operations are plain functions given by the test."""

    def __init__(self, decisions: Mapping[str, Any] | None = None, operations: Mapping[str, Any] | None = None) -> None:
        self.moment = NOW
        self.decisions = dict(decisions or {})
        self.operations = dict(operations or {})

    def now(self) -> datetime:
        return self.moment

    def decide(self, decision_id: str, context: Mapping[str, Any], element_id: str) -> Any:
        if decision_id not in self.decisions:
            raise ModelFault(Fault("decision_not_found", f"没有决策 {decision_id}", element=element_id))
        return self.decisions[decision_id](context)

    def operation_is_inside(self, type: str) -> bool:
        return type in self.operations

    def run_inside(self, wait: Wait, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        return dict(self.operations[wait.attrs["type"]](variables))


class Play:
    """A process that is saved, loaded and compared byte for byte after every step."""

    def __init__(self, *body: str, variables: Mapping[str, Any] | None = None, more: str = "",
                 house: House | None = None, start_event: str | None = None) -> None:  # fmt: skip
        self.definitions = parse({"test.bpmn": bpmn(*body, more=_prefixed(more))})
        self.house = house or House()
        self.events: list[Any] = []
        self.sizes: list[int] = []
        given = {"number": "BZSQ-1", **(variables or {})}
        self.process = Process.start(self.definitions, "p", given, self.house, start_event)
        self._turn()

    def _turn(self) -> None:
        self.events += self.process.history
        state, scopes = self.process.save()
        self.signals = self.process.signals
        self.process = Process.load(self.definitions, state, scopes, self.house)
        assert self.process.save() == (state, scopes)
        self.sizes.append(len(state))

    def act(self, command: str, *args: Any, **kwargs: Any) -> Play:
        getattr(self.process, command)(*args, **kwargs)
        self._turn()
        return self

    @property
    def at(self) -> list[str]:
        """Where it stands: ``element:kind``, sorted."""
        return sorted(f"{wait.element_id}:{wait.kind}" for wait in self.process.waits())

    def wait(self, element: str, kind: str = "") -> Wait:
        return next(w for w in self.process.waits() if w.element_id == element and kind in ("", w.kind))

    def do(self, element: str, **variables: Any) -> Play:
        """Complete or fire the first wait at an element."""
        wait = self.wait(element)
        return self.act("complete" if wait.kind in ("user", "job") else "fire", wait.token, variables)

    @property
    def variables(self) -> dict[str, Any]:
        return {name: value for name, value in self.process.variables.items() if name != "number"}

    @property
    def completed(self) -> bool:
        return self.process.completed

    def happened(self, kind: str) -> list[str]:
        """The elements (or flows) of the history's events of a kind."""
        return [event.flow_id or event.element_id for event in self.events if event.kind == kind]


def faults(*body: str, more: str = "") -> list[tuple[str, str]]:
    """(code, element) of every fault of a model that must be refused."""
    try:
        parse({"test.bpmn": bpmn(*body, more=_prefixed(more))})
    except ModelFault as fault:
        return [(found.code, found.element) for found in fault.faults]
    return []
