"""First pass: XML → ``BodyModel``. Every node is looked at; what is not understood is a fault, never dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.workflow.definitions import ElementInfo
from engine.workflow.expressions import Expression
from engine.workflow.specs.multi import Loop

from .adhoc import read_adhoc
from .document import BPMN, Document, XmlNode, children, extensions_of, line_of, local
from .events import event_kind, read_message, read_trigger
from .listeners import read_listeners
from .model import BodyModel, ElementModel, FlowModel

EVENTS = frozenset({"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"})
GATEWAYS = frozenset({"exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway"})
TASKS = frozenset(
    {"task", "manualTask", "userTask", "serviceTask", "sendTask", "receiveTask", "businessRuleTask", "scriptTask"}
)
NODES = EVENTS | GATEWAYS | TASKS | {"subProcess", "adHocSubProcess", "callActivity"}
REFUSED = {
    "complexGateway": ("复杂网关", "请改用排他、并行或包容网关"),
    "transaction": ("事务子流程", "请改用普通子流程和补偿事件"),
    "implicitThrowEvent": ("隐式抛出事件", "请改用中间抛出事件"),
    "choreographyTask": ("编排任务", "请改用普通任务"),
}
# extension element, its attribute, the name in the wait
USER_TEXTS = (
    ("formDefinition", "formId", "form_id"),
    ("assignmentDefinition", "assignee", "assignee"),
    ("assignmentDefinition", "candidateGroups", "candidate_groups"),
    ("assignmentDefinition", "candidateUsers", "candidate_users"),
    ("taskSchedule", "dueDate", "due_date"),
    ("taskSchedule", "followUpDate", "follow_up_date"),
    ("priorityDefinition", "priority", "priority"),
)


class BodyReader:
    """Reads one process or sub-process."""

    def __init__(self, document: Document, process_id: str, lane: str | None = None) -> None:
        self.document, self.process_id, self.lane = document, process_id, lane

    def read(self, xml: XmlNode) -> BodyModel:
        body = BodyModel(xml.get("id") or "", self.process_id, self.document, xml)
        for node in children(xml):
            kind = local(node)
            if kind in NODES:
                element = self.element(node, kind, body.id)
                self.document.claim_id(node)
                body.elements[element.info.id] = element
            elif kind in REFUSED:
                name, hint = REFUSED[kind]
                self.document.fault(node, "element_not_supported", f"不支持{name}", hint)
            elif kind == "sequenceFlow":
                self.document.claim_id(node)
                body.add(self.flow(node))
            elif kind == "association":
                body.associations[node.get("sourceRef") or ""] = node.get("targetRef") or ""
        for element in body.elements.values():
            if element.by_event and element.body is not None:
                element.body.around.update(body.elements)
        return body

    def flow(self, node: XmlNode) -> FlowModel:
        text = node.findtext(f"{BPMN}conditionExpression")
        condition = None
        if text and text.strip():
            condition = self.document.expression(node, text, "流向条件", feel_only=True)
        return FlowModel(
            node.get("id") or "", node.get("sourceRef") or "", node.get("targetRef") or "", node.get("name") or "",
            condition, node,
        )  # fmt: skip

    def element(self, node: XmlNode, kind: str, parent: str) -> ElementModel:
        element_id = node.get("id") or ""
        lane = self.document.lanes.get(element_id) or self.lane
        extensions = extensions_of(node)
        event = event_kind(node) if kind in EVENTS else ""
        info = ElementInfo(
            element_id,
            node.get("name") or "",
            kind,
            lane,
            self.process_id,
            extensions,
            line_of(node),
            event,
            parent,
        )
        element = ElementModel(info, node, default=node.get("default"))
        self.mappings(element)
        self.loops(element)
        if kind in EVENTS:
            self.event(element)
        elif kind == "subProcess":
            element.by_event = node.get("triggeredByEvent") == "true"
            element.body = BodyReader(self.document, self.process_id, lane).read(node)
        elif kind == "adHocSubProcess":
            element.body = BodyReader(self.document, self.process_id, lane).read(node)
            element.adhoc = read_adhoc(self.document, element)
        element.for_compensation = node.get("isForCompensation") == "true"
        self.texts(element)
        read_listeners(self.document, element)
        return element

    def mappings(self, element: ElementModel) -> None:
        mapping = element.info.extensions.get("ioMapping", {})
        for part, title, into in (("inputs", "输入映射", element.inputs), ("outputs", "输出映射", element.outputs)):
            for one in mapping.get(part, ()):
                if not all(piece.strip() for piece in one["target"].split(".")):
                    self.document.fault(element.xml, "mapping_without_target", f"{title}没有目标变量", "请填写变量名")
                    continue
                if one["source"].strip():
                    source = self.document.expression(element.xml, one["source"], f"{title}“{one['target']}”")
                else:
                    source = Expression("")
                into.append((source, one["target"]))

    def loops(self, element: ElementModel) -> None:
        node, document = element.xml, self.document
        if node.find(f"{BPMN}standardLoopCharacteristics") is not None:
            document.fault(node, "standard_loop", "不支持标准循环", "请用网关画出环路，或改用多实例")
        multi = node.find(f"{BPMN}multiInstanceLoopCharacteristics")
        if multi is None:
            return
        facts = extensions_of(multi).get("loopCharacteristics", {})
        until = multi.findtext(f"{BPMN}completionCondition")
        output, output_element = facts.get("outputCollection"), facts.get("outputElement")
        if bool(output) != bool(output_element):
            document.fault(node, "loop_output_incomplete", "多实例的输出集合与输出元素须同时填写", "请补齐另一项")
        element.loop = Loop(
            sequential=multi.get("isSequential") == "true",
            collection=document.expression(node, facts.get("inputCollection"), "多实例的输入集合", feel_only=True),
            element=facts.get("inputElement"),
            output=output,
            output_element=document.expression(node, output_element, "多实例的输出元素", feel_only=True)
            if output_element
            else None,
            until=document.expression(node, until, "多实例的完成条件", feel_only=True)
            if until and until.strip()
            else None,
        )

    def event(self, element: ElementModel) -> None:
        node = element.xml
        read_trigger(self.document, element)
        if element.type == "boundaryEvent":
            element.attached_to = node.get("attachedToRef") or ""
            element.interrupting = node.get("cancelActivity", "true") == "true"
        elif element.type == "startEvent":
            element.interrupting = node.get("isInterrupting", "true") == "true"

    # --- by type

    def texts(self, element: ElementModel) -> None:
        """The expressions peculiar to a type."""
        read = _TEXTS.get(element.type)
        if read is not None:
            read(self, element, element.info.extensions)

    def _text(self, element: ElementModel, key: str, text: str | None, what: str, feel_only: bool = False) -> None:
        element.texts[key] = self.document.expression(element.xml, text, what, feel_only=feel_only)

    def _job(self, element: ElementModel, extensions: dict[str, Any]) -> None:
        definition = extensions.get("taskDefinition")
        if definition is None and "publishMessage" in extensions:
            hint = "请在属性面板的“Task definition”中填写 type，由发送消息的操作执行"
            self.document.fault(element.xml, "publish_message", "不支持 zeebe:publishMessage", hint)
            return
        if definition is None or not definition.get("type", "").strip():
            hint = "请在属性面板的“Task definition”中填写 type，即要执行的操作名"
            self.document.fault(element.xml, "job_without_type", "没有填写要执行的操作（zeebe:taskDefinition）", hint)
            return
        self._text(element, "type", definition["type"], "任务类型")
        self._text(element, "retries", definition.get("retries") or "3", "重试次数")

    def _throw(self, element: ElementModel, extensions: dict[str, Any]) -> None:
        if element.info.event == "message":
            self._job(element, extensions)

    def _user(self, element: ElementModel, extensions: dict[str, Any]) -> None:
        if "taskDefinition" in extensions and "userTask" not in extensions:
            self._job(element, extensions)
            return
        for extension, attribute, key in USER_TEXTS:
            text = extensions.get(extension, {}).get(attribute)
            if text and text.strip():
                self._text(element, key, text, f"用户任务的 {attribute}")

    def _receive(self, element: ElementModel, extensions: dict[str, Any]) -> None:
        element.trigger = read_message(self.document, element, element.xml.get("messageRef"))

    def _rule(self, element: ElementModel, extensions: dict[str, Any]) -> None:
        called = extensions.get("calledDecision")
        if called is None:
            self._job(element, extensions)
            return
        self._text(element, "decision", called.get("decisionId"), "决策编号")
        self._need(element, called, "resultVariable", "决策的结果变量")

    def _script(self, element: ElementModel, extensions: dict[str, Any]) -> None:
        if element.xml.find(f"{BPMN}script") is not None:
            hint = "请改用 FEEL 脚本（zeebe:script），模型不得携带程序代码"
            self.document.fault(element.xml, "script_not_feel", "不允许 bpmn:script 脚本", hint)
            return
        script = extensions.get("script")
        if script is None:
            self._job(element, extensions)
            return
        self._text(element, "expression", script.get("expression"), "脚本", feel_only=True)
        self._need(element, script, "resultVariable", "脚本的结果变量")

    def _call(self, element: ElementModel, extensions: dict[str, Any]) -> None:
        called = extensions.get("calledElement", {})
        self._text(element, "process", called.get("processId"), "被调用流程的编号")

    def _need(self, element: ElementModel, facts: dict[str, str], key: str, what: str) -> None:
        if not facts.get(key, "").strip():
            self.document.fault(element.xml, "result_missing", f"没有填写{what}", "请填写变量名")


_TEXTS: dict[str, Callable[[BodyReader, ElementModel, dict[str, Any]], None]] = {
    "serviceTask": BodyReader._job,
    "sendTask": BodyReader._job,
    "intermediateThrowEvent": BodyReader._throw,
    "endEvent": BodyReader._throw,
    "userTask": BodyReader._user,
    "receiveTask": BodyReader._receive,
    "businessRuleTask": BodyReader._rule,
    "scriptTask": BodyReader._script,
    "callActivity": BodyReader._call,
}
