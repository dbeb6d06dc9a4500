"""Ad-hoc sub-processes: what may be begun in them, and their rules."""

from __future__ import annotations

from typing import cast

from engine.workflow.specs.adhoc import AdHocRules

from .document import BPMN, Document
from .model import BodyModel, ElementModel


def read_adhoc(document: Document, element: ElementModel) -> AdHocRules:
    """The rules of an ad-hoc sub-process whose body has been read; what cannot be done is recorded as a fault."""
    node, body = element.xml, cast(BodyModel, element.body)
    facts = element.info.extensions.get("adHoc", {})
    startable = {
        one.info.id: one.info.name
        for one in body.elements.values()
        if not body.arriving[one.info.id]
        and not one.beside_the_flow
        and one.type not in ("startEvent", "endEvent", "boundaryEvent")
    }
    body.startable = list(startable)
    if "taskDefinition" in element.info.extensions:
        hint = "请改用 activeElementsCollection 列出要启动的活动"
        document.fault(node, "adhoc_by_job", "自由子流程不能由任务类型驱动", hint)
    if not any(one.is_activity for one in body.elements.values()):
        document.fault(node, "adhoc_empty", "自由子流程中没有活动", "请在其中画出可启动的任务")
    for one in body.elements.values():
        if one.type in ("startEvent", "endEvent"):
            hint = "请删除它：活动由列表或办理人启动，办完即止"
            document.fault(one.xml, "adhoc_event", "自由子流程中不能有开始或结束事件", hint)
        elif one.by_event:
            document.fault(one.xml, "adhoc_event_subprocess", "自由子流程中不能有事件子流程", "请画在自由子流程外面")
    begin, until = facts.get("activeElementsCollection"), node.findtext(f"{BPMN}completionCondition")
    output, output_element = facts.get("outputCollection"), facts.get("outputElement")
    if bool(output) != bool(output_element):
        document.fault(node, "loop_output_incomplete", "自由子流程的输出集合与输出元素须同时填写", "请补齐另一项")
    return AdHocRules(
        startable,
        begin=document.expression(node, begin, "要启动的活动", feel_only=True) if begin else None,
        until=document.expression(node, until, "自由子流程的完成条件", feel_only=True)
        if until and until.strip()
        else None,
        cancel_remaining=node.get("cancelRemainingInstances", "true") != "false",
        output=output,
        output_element=document.expression(node, output_element, "自由子流程的输出元素", feel_only=True)
        if output_element
        else None,
    )
