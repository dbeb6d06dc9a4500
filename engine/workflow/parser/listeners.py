"""Listeners: which may stand where. What Camunda 8 refuses is refused; the one kind we lack is a fault in an item."""

from __future__ import annotations

from engine.workflow.face import TASK_PHASES
from engine.workflow.specs.listeners import EXECUTION, ListenerModel

from .document import Document, XmlNode, extensions_of
from .model import ElementModel

_NOT_BEFORE = {
    "startEvent": ("开始事件", "请把监听器放在流程或子流程上"),
    "boundaryEvent": ("边界事件", "请把监听器放在它附着的活动上"),
}
_GATEWAYS = frozenset({"exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway"})


def read_listeners(document: Document, element: ElementModel) -> None:
    """Fill ``listeners`` and ``before_all`` of an element."""
    extensions = element.info.extensions
    for one in extensions.get("executionListeners", ()):
        event = one.get("eventType", "")
        reason = _refusal(element, event)
        if reason is not None:
            document.fault(element.xml, "listener_not_allowed", *reason)
        elif event == "beforeAll":
            element.before_all.append(_listener(document, element.xml, one, EXECUTION[event]))
        else:
            element.listeners.append(_listener(document, element.xml, one, EXECUTION[event]))
    for one in extensions.get("taskListeners", ()):
        phase = TASK_PHASES.get(one.get("eventType", ""))
        if element.type != "userTask" or "type" in element.texts:
            hint = "请改用执行监听器（start、end），或改画用户任务"
            document.fault(element.xml, "listener_not_allowed", "只有用户任务可以有任务监听器", hint)
        elif phase is not None:
            element.listeners.append(_listener(document, element.xml, one, phase))


def read_process_listeners(document: Document, process: XmlNode) -> list[ListenerModel]:
    """The listeners to the start and the end of a process."""
    found = []
    for one in extensions_of(process).get("executionListeners", ()):
        if one.get("eventType") not in ("start", "end"):
            hint = "流程上可用 start 和 end"
            document.fault(process, "listener_not_allowed", f"流程不能有“{one.get('eventType')}”监听器", hint)
        else:
            found.append(_listener(document, process, one, EXECUTION[one["eventType"]]))
    return found


def _listener(document: Document, xml: XmlNode, one: dict[str, str], phase: str) -> ListenerModel:
    return ListenerModel(
        phase,
        one["eventType"],
        document.expression(xml, one.get("type"), "监听器的操作"),
        document.expression(xml, one.get("retries") or "3", "监听器的重试次数"),
    )


def _refusal(element: ElementModel, event: str) -> tuple[str, str] | None:
    """Why an execution listener may not stand here and what to draw instead."""
    if event not in EXECUTION:
        return f"没有“{event}”这种执行监听器", "可用 start、end；多实例还可用 beforeAll"
    if event == "beforeAll":
        return None if element.loop is not None else ("只有多实例可以有 beforeAll 监听器", "请改用 start")
    if element.info.event == "compensate" and element.type == "boundaryEvent":
        return "补偿边界事件不能有监听器", "请把监听器放在补偿处理上"
    if event == "start" and element.type in _NOT_BEFORE:
        shown, hint = _NOT_BEFORE[element.type]
        return f"{shown}不能有 start 监听器", hint
    if event == "end" and element.type in _GATEWAYS:
        return "网关不能有 end 监听器", "请放在网关之后的元素上，用 start"
    if event == "end" and element.type == "endEvent" and element.info.event == "error":
        return "错误结束事件不能有 end 监听器", "请放在接住错误的事件上"
    return None
