"""Rules over a whole body, one small function each. They record faults and never raise."""

from __future__ import annotations

from collections.abc import Callable, Collection

from engine.workflow.face import TASK_PHASES

from .model import BodyModel, ElementModel

CHOOSING = ("exclusiveGateway", "inclusiveGateway")
# A join looks for each of its flows at every token.
MOST_FLOWS = 500
STARTS_OF_PROCESS = ("none", "message", "timer", "signal")


def flows_have_two_ends(body: BodyModel) -> None:
    for flow in body.flows.values():
        for end, title in ((flow.source, "起点"), (flow.target, "终点")):
            if end not in body.elements:
                body.document.fault(
                    flow.xml, "flow_end_missing", f"流向的{title}“{end}”不在同一层", "请重新连接这条流向"
                )


def nobody_draws_so_many_flows(body: BodyModel) -> None:
    for element in body.elements.values():
        number = max(len(body.leaving[element.info.id]), len(body.arriving[element.info.id]))
        if number > MOST_FLOWS:
            hint = "请改用多实例，或分几级画出"
            body.document.fault(element.xml, "too_many_flows", f"连接了 {number} 条流向，超过 {MOST_FLOWS} 条", hint)


def defaults_exist(body: BodyModel) -> None:
    for element in body.elements.values():
        if element.default is None:
            continue
        if element.type not in CHOOSING:
            hint = "请在它后面加排他网关，把默认流向画在网关上"
            body.document.fault(element.xml, "default_not_allowed", "只有排他和包容网关可以有默认流向", hint)
        elif element.default not in {flow.id for flow in body.leaving[element.info.id]}:
            hint = "请重新指定默认流向"
            body.document.fault(element.xml, "default_missing", f"默认流向“{element.default}”不存在", hint)


def conditions_leave_gateways(body: BodyModel) -> None:
    for flow in body.flows.values():
        source = body.elements.get(flow.source)
        if flow.condition is None or source is None:
            continue
        if source.type not in CHOOSING:
            shown = source.info.name or source.info.id
            hint = "请在它后面加排他或包容网关，把条件写在网关的流向上"
            body.document.fault(flow.xml, "condition_not_allowed", f"离开“{shown}”的流向不能带条件", hint)
        elif flow.id == source.default:
            body.document.warn(flow.xml, "default_with_condition", "默认流向上的条件不起作用", "请删除该条件")


def every_choice_is_conditional(body: BodyModel) -> None:
    for element in body.elements.values():
        flows = body.leaving[element.info.id]
        if element.type not in CHOOSING or len(flows) < 2:
            continue
        for flow in flows:
            if flow.condition is None and flow.id != element.default:
                hint = "请填写条件，或把它设为默认流向"
                body.document.fault(flow.xml, "condition_missing", "网关的流向没有条件，也不是默认流向", hint)


def events_stand_where_they_may(body: BodyModel) -> None:
    for element in body.elements.values():
        here = element.info.id
        if element.type in ("startEvent", "boundaryEvent") and body.arriving[here]:
            body.document.fault(element.xml, "flow_into_event", "不能有流向进入这个事件", "请删除进入它的流向")
        if element.type == "endEvent" and body.leaving[here]:
            body.document.fault(element.xml, "flow_after_end", "结束事件之后不能再有流向", "请删除离开它的流向")
        if element.beside_the_flow and (body.leaving[here] or body.arriving[here]):
            body.document.fault(element.xml, "flow_beside", "事件子流程和补偿处理不能连接流向", "请删除这些流向")


def boundaries_are_attached(body: BodyModel) -> None:
    for element in body.elements.values():
        if element.type != "boundaryEvent":
            continue
        host = body.elements.get(element.attached_to or "")
        if host is None or not host.is_activity or host.beside_the_flow:
            body.document.fault(
                element.xml, "boundary_not_attached", "边界事件没有附着在活动上", "请拖到任务或子流程的边上"
            )
        if element.info.event == "error" and not element.interrupting:
            body.document.fault(element.xml, "error_must_interrupt", "错误边界事件必须中断活动", "请改为中断型")
        if element.info.event == "compensate":
            handler = body.elements.get(body.associations.get(element.info.id, ""))
            if handler is None or not handler.for_compensation:
                hint = "请用关联线连到一个标为补偿的任务"
                body.document.fault(element.xml, "compensation_without_handler", "补偿事件没有补偿处理", hint)


def only_activities_repeat_or_undo(body: BodyModel) -> None:
    for element in body.elements.values():
        if element.loop is not None and (not element.is_activity or element.by_event):
            body.document.fault(element.xml, "loop_not_allowed", "这里不能多实例", "多实例只能用在任务、子流程和调用上")
        if element.for_compensation and not element.is_activity:
            body.document.fault(element.xml, "compensation_not_allowed", "这里不能作为补偿处理", "请改用任务或子流程")


def event_gateways_lead_to_events(body: BodyModel) -> None:
    for element in body.elements.values():
        if element.type != "eventBasedGateway":
            continue
        targets = [body.elements.get(flow.target) for flow in body.leaving[element.info.id]]
        good = ("intermediateCatchEvent", "receiveTask")
        if len(targets) < 2 or any(
            target is None or target.type not in good or len(body.arriving[target.info.id]) > 1 for target in targets
        ):
            hint = "请连到至少两个消息、定时等捕获事件，它们不再接受其他流向"
            body.document.fault(element.xml, "event_gateway_targets", "事件网关后面只能是捕获事件", hint)


def links_have_one_target(body: BodyModel) -> None:
    for element in body.elements.values():
        if not element.link:
            continue
        caught_by = body.catches.get(element.link, [])
        if element.type == "intermediateThrowEvent" and not caught_by:
            body.document.fault(
                element.xml, "link_without_target", f"链接“{element.link}”没有捕获端", "请添加同名的捕获事件"
            )
        if element.type == "intermediateCatchEvent" and len(caught_by) > 1:
            body.document.fault(
                element.xml, "link_ambiguous", f"链接“{element.link}”有几个捕获端", "名称在同一层须唯一"
            )


def compensations_name_an_activity(body: BodyModel) -> None:
    for element in body.elements.values():
        if (
            element.activity_ref
            and element.activity_ref not in body.elements
            and element.activity_ref not in body.around
        ):
            hint = "请重新选择要补偿的活动"
            body.document.fault(
                element.xml, "compensation_target", f"要补偿的活动“{element.activity_ref}”不在同一层", hint
            )


def bodies_begin_properly(body: BodyModel) -> None:
    for element in body.elements.values():
        if element.body is None or element.adhoc is not None:
            continue
        starts = [one for one in element.body.elements.values() if one.type == "startEvent"]
        kinds = [one.info.event for one in starts]
        if element.by_event:
            _event_start(element, starts)
        elif kinds != ["none"]:
            hint = "请保留唯一一个空开始事件"
            body.document.fault(element.xml, "subprocess_start", "子流程须有且只有一个空开始事件", hint)


def _event_start(element: ElementModel, starts: list[ElementModel]) -> None:
    assert element.body is not None
    document = element.body.document
    if len(starts) != 1 or starts[0].info.event == "none":
        hint = "请给开始事件选择消息、定时、错误等类型"
        document.fault(element.xml, "event_subprocess_start", "事件子流程须有且只有一个带类型的开始事件", hint)
        return
    trigger = starts[0].trigger
    if trigger is not None and trigger.kind == "message" and trigger.key is None:
        hint = "请填写 correlationKey，例如 =case_number"
        document.fault(starts[0].xml, "correlation_key_missing", "消息没有关联键", hint)
    if trigger is not None and trigger.kind == "error" and not starts[0].interrupting:
        document.fault(starts[0].xml, "error_must_interrupt", "错误开始事件必须中断流程", "请改为中断型")


def processes_begin_properly(body: BodyModel) -> None:
    if body.id != body.process_id:
        return
    starts = [element for element in body.elements.values() if element.type == "startEvent"]
    if not starts:
        body.document.fault(body.xml, "no_start", "流程没有开始事件", "请添加一个开始事件")
    if [start.info.event for start in starts].count("none") > 1:
        body.document.fault(body.xml, "several_plain_starts", "流程有几个空开始事件", "请只保留一个")
    for start in starts:
        if start.info.event not in STARTS_OF_PROCESS:
            hint = "请改用空、消息、定时或信号开始事件"
            body.document.fault(start.xml, "start_not_supported", "流程不能由这种事件开始", hint)


def everything_is_reachable(body: BodyModel, level: str) -> None:
    seen = reachable(body)
    for element in body.elements.values():
        if element.info.id not in seen:
            body.document.fault(element.xml, "unreachable", "没有流向能到达这里", "请把它连进流程，或删除", level)


def reachable(body: BodyModel) -> Collection[str]:
    """The elements a token can come to."""
    jumps = {e.link: e.info.id for e in body.elements.values() if e.link and e.type == "intermediateCatchEvent"}
    borders: dict[str, list[str]] = {}
    for element in body.elements.values():
        if element.attached_to:
            borders.setdefault(element.attached_to, []).append(element.info.id)
    todo = [e.info.id for e in body.elements.values() if e.type == "startEvent" or e.by_event]
    todo += body.startable
    seen: set[str] = set()
    while todo:
        here = todo.pop()
        element_here = body.elements.get(here)
        if here in seen or element_here is None:
            continue
        seen.add(here)
        todo.extend(flow.target for flow in body.leaving[here])
        todo.extend(borders.get(here, ()))
        if element_here.link and element_here.type == "intermediateThrowEvent":
            todo.append(jumps.get(element_here.link, ""))
        if element_here.info.event == "compensate":
            todo.append(body.associations.get(here, ""))
    return seen


def listeners_are_heard(body: BodyModel, level: str) -> None:
    for element in body.elements.values():
        for one in element.info.extensions.get("taskListeners", ()):
            if element.type == "userTask" and one.get("eventType") not in TASK_PHASES:
                shown = one.get("eventType") or "无"
                hint = "可用 creating、assigning、updating、completing；取消时要做的事，请画在边界事件之后的服务任务中"
                body.document.fault(element.xml, "listener_not_supported", f"“{shown}”任务监听器不会执行", hint, level)


def forms_are_referenced_by_id(body: BodyModel) -> None:
    for element in body.elements.values():
        extensions = element.info.extensions
        form = extensions.get("formDefinition", {})
        if "formKey" in form or "externalReference" in form:
            body.document.warn(
                element.xml,
                "form_reference_old",
                "表单不以 formId 引用",
                "嵌入的表单照常显示，外部表单须由调用方自行展示；建议改用 formId",
            )


RULES: tuple[Callable[[BodyModel], None], ...] = (
    flows_have_two_ends, nobody_draws_so_many_flows, defaults_exist, conditions_leave_gateways,
    every_choice_is_conditional,
    events_stand_where_they_may, boundaries_are_attached, only_activities_repeat_or_undo,
    event_gateways_lead_to_events, links_have_one_target, compensations_name_an_activity, bodies_begin_properly,
    processes_begin_properly, forms_are_referenced_by_id,
)  # fmt: skip
# Valid for Camunda 8, not good enough for an item.
STRICT_RULES: tuple[Callable[[BodyModel, str], None], ...] = (everything_is_reachable, listeners_are_heard)


def lint(body: BodyModel, strict: bool) -> None:
    """All rules over a body and the bodies inside it."""
    for rule in RULES:
        rule(body)
    for strict_rule in STRICT_RULES:
        strict_rule(body, "error" if strict else "warning")
    for element in body.elements.values():
        if element.body is not None:
            lint(element.body, strict)
