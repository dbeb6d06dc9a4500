"""Event definitions: what an event waits for or throws."""

from __future__ import annotations

from engine.workflow import timers
from engine.workflow.expressions import Expression, Stuck
from engine.workflow.specs.events import Trigger

from .document import BPMN, Document, XmlNode, children, extensions_of, local
from .model import ElementModel

_DEFINITION = "EventDefinition"
KINDS = frozenset(
    {"message", "timer", "signal", "error", "escalation", "conditional", "link", "compensate", "terminate"}
)
ALLOWED = {
    "startEvent": KINDS - {"link", "compensate", "terminate"},
    "intermediateCatchEvent": frozenset({"message", "timer", "signal", "conditional", "link"}),
    "boundaryEvent": KINDS - {"link", "terminate"},
    "intermediateThrowEvent": frozenset({"message", "signal", "escalation", "link", "compensate"}),
    "endEvent": frozenset({"message", "signal", "error", "escalation", "terminate", "compensate"}),
}
NAMES = {
    "message": "消息", "timer": "定时", "signal": "信号", "error": "错误", "escalation": "升级", "conditional": "条件",
    "link": "链接", "compensate": "补偿", "terminate": "终止", "cancel": "取消", "none": "空",
}  # fmt: skip


def _definitions(node: XmlNode) -> list[XmlNode]:
    return [child for child in children(node) if local(child).endswith(_DEFINITION)]


def event_kind(node: XmlNode) -> str:
    """``none``, or the kind of the first event definition."""
    found = _definitions(node)
    return local(found[0])[: -len(_DEFINITION)] if found else "none"


def read_trigger(document: Document, element: ElementModel) -> None:
    """Fill ``trigger`` (and ``link``, ``activity_ref``) of an event, or record what is wrong."""
    node, kind = element.xml, element.info.event
    definitions = _definitions(node)
    if len(definitions) > 1:
        document.fault(node, "several_event_definitions", "一个事件只能有一个事件定义", "请拆成几个事件")
        return
    if kind == "none":
        if element.type in ("intermediateCatchEvent", "boundaryEvent"):
            document.fault(node, "event_without_definition", "事件没有定义", "请选择消息、定时等类型")
        return
    if kind not in ALLOWED[element.type]:
        shown = NAMES.get(kind, kind)
        document.fault(node, "event_not_supported", f"此处不支持{shown}事件", "请改用其他类型的事件")
        return
    definition = definitions[0]
    if kind == "message":
        if element.type in ("endEvent", "intermediateThrowEvent"):
            return
        element.trigger = read_message(document, element, definition.get("messageRef"))
    elif kind in ("signal", "error", "escalation"):
        element.trigger = _referenced(document, element, kind, definition.get(f"{kind}Ref"))
    elif kind == "timer":
        element.trigger = _timer(document, node, definition)
    elif kind == "conditional":
        text = definition.findtext(f"{BPMN}condition")
        element.trigger = Trigger(kind, condition=document.expression(node, text, "条件", feel_only=True))
    elif kind == "link":
        element.link = definition.get("name") or ""
        if not element.link:
            document.fault(node, "link_without_name", "链接事件没有名称", "抛出与捕获两端请填写相同的名称")
    elif kind == "compensate":
        element.activity_ref = definition.get("activityRef")


def read_message(document: Document, element: ElementModel, ref: str | None) -> Trigger | None:
    """The message an event or receive task waits for; a correlation key is needed except at a process' start."""
    node = element.xml
    message = document.refs.get(ref or "")
    if message is None or not (message.get("name") or "").strip():
        document.fault(node, "message_missing", "没有指定消息，或消息没有名称", "请在属性面板中选择消息并填写名称")
        return None
    key = extensions_of(message).get("subscription", {}).get("correlationKey", "")
    if key.strip():
        read_key = document.expression(node, key, "消息的关联键", feel_only=True)
    elif element.type == "startEvent":
        # An event sub-process needs one all the same: checked where it is known to be one.
        read_key = None
    else:
        document.fault(node, "correlation_key_missing", "消息没有关联键", "请填写 correlationKey，例如 =case_number")
        read_key = None
    name = document.expression(node, message.get("name"), "消息名称")
    return Trigger("message", name=name, key=read_key)


def _referenced(document: Document, element: ElementModel, kind: str, ref: str | None) -> Trigger | None:
    node, found = element.xml, document.refs.get(ref or "")
    if ref and found is None:
        document.fault(node, f"{kind}_missing", f"所指的{NAMES[kind]}“{ref}”不存在", "请重新选择")
        return None
    if kind == "signal":
        if found is None or not (found.get("name") or "").strip():
            document.fault(node, "signal_missing", "没有指定信号，或信号没有名称", "请选择信号并填写名称")
            return None
        return Trigger(kind, name=document.expression(node, found.get("name"), "信号名称"))
    code = (found.get(f"{kind}Code") or "").strip() if found is not None else ""
    catches = element.type in ("startEvent", "boundaryEvent")
    if not code and not catches:
        document.fault(node, f"{kind}_without_code", f"抛出的{NAMES[kind]}没有代码", "请填写代码")
    # No code on a catching event catches every one.
    return Trigger(kind, code=document.expression(node, code, NAMES[kind] + "代码") if code else None)


def _timer(document: Document, node: XmlNode, definition: XmlNode) -> Trigger | None:
    times = [child for child in children(definition) if local(child) in ("timeDate", "timeDuration", "timeCycle")]
    if len(times) != 1 or not (times[0].text or "").strip():
        document.fault(node, "timer_missing", "定时事件须填写一个时间、时长或循环", "例如 P3D、R3/PT1H")
        return None
    kind = local(times[0])
    when = document.expression(node, times[0].text, "定时")
    if not when.is_feel:
        _check_literal(document, node, kind, when)
    return Trigger("timer", timer=kind, when=when)


def _check_literal(document: Document, node: XmlNode, kind: str, when: Expression) -> None:
    try:
        timers.check_literal(kind, when.text)
    except Stuck as stuck:
        document.fault(node, stuck.code, stuck.message, "请按 ISO 8601 填写")
