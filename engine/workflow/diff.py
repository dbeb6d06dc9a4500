"""What changed between two releases, said for people: elements and flows added, removed, changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .places import instance_node, places_of
from .specs.base import Node
from .specs.events import Boundary, Catch, EventStart
from .specs.multi import MultiInstance

if TYPE_CHECKING:
    from .definitions import Definitions, ProcessInfo

# Extension and attribute → what it is called.
_ASPECTS = {
    "formDefinition": "表单",
    "assignmentDefinition": "办理人",
    "taskSchedule": "期限",
    "priorityDefinition": "优先级",
    "taskDefinition": "操作",
    "taskHeaders": "操作参数",
    "calledDecision": "决策",
    "calledElement": "被调用的流程",
    "script": "脚本",
    "properties": "属性",
    "executionListeners": "监听器",
    "taskListeners": "任务监听器",
    "ioMapping": "输入输出映射",
    "subscription": "消息订阅",
}
# Aspects whose value is an element's id.
_ELEMENTS = frozenset({"起点", "终点", "所在子流程", "所附环节"})
TYPES = {
    "userTask": "人工任务", "serviceTask": "自动任务", "sendTask": "发送任务", "receiveTask": "接收任务",
    "scriptTask": "脚本任务", "businessRuleTask": "决策任务", "manualTask": "手工任务", "task": "任务",
    "exclusiveGateway": "排他网关", "parallelGateway": "并行网关", "inclusiveGateway": "包容网关",
    "eventBasedGateway": "事件网关", "startEvent": "开始事件", "endEvent": "结束事件", "boundaryEvent": "边界事件",
    "intermediateCatchEvent": "等待事件", "intermediateThrowEvent": "抛出事件", "subProcess": "子流程",
    "adHocSubProcess": "自由子流程", "callActivity": "调用流程", "sequenceFlow": "流向",
}  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """One aspect of an element; empty text where there is nothing on that side."""

    aspect: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """An element or flow; ``differences`` only where it stands on both sides."""

    process_id: str
    element_id: str
    name: str
    type: str
    differences: tuple[Difference, ...] = ()

    @property
    def type_name(self) -> str:
        """The kind of element as people call it."""
        return TYPES.get(self.type, self.type)


@dataclass(frozen=True)
class Diff:
    """Everything that differs, in the order of the models."""

    added: tuple[Change, ...]
    removed: tuple[Change, ...]
    changed: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def compare(a: Definitions, b: Definitions) -> Diff:
    """From ``a`` (the older) to ``b``; elements are the same when process and id are."""
    before, after = _portraits(a), _portraits(b)
    changed = []
    for key, (change, aspects) in after.items():
        if key in before and before[key][1] != aspects:
            found = tuple(
                _named(one, a.processes[change.process_id], b.processes[change.process_id])
                for one in _differences(before[key][1], aspects)
            )
            changed.append(Change(change.process_id, change.element_id, change.name, change.type, found))
    return Diff(
        added=tuple(change for key, (change, _) in after.items() if key not in before),
        removed=tuple(change for key, (change, _) in before.items() if key not in after),
        changed=tuple(changed),
    )


def _named(found: Difference, before: ProcessInfo, after: ProcessInfo) -> Difference:
    """Elements are told apart by id and shown by name."""
    if found.aspect not in _ELEMENTS:
        return found
    return Difference(found.aspect, _name_of(before, found.before), _name_of(after, found.after))


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Difference, ...]:
    """What differs between two flat portraits: aspect → text."""
    return tuple(_differences(before, after))


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    for aspect in [*before, *(one for one in after if one not in before)]:
        old, new = before.get(aspect, ""), after.get(aspect, "")
        if old != new:
            yield Difference(aspect, old, new)


_Portraits = dict[tuple[str, str], tuple[Change, dict[str, str]]]


def _portraits(definitions: Definitions) -> _Portraits:
    found: _Portraits = {}
    for process in definitions.processes.values():
        title = {"名称": process.name, "版本标签": process.version_tag, **flat("属性", process.properties)}
        found[process.id, ""] = Change(process.id, "", process.name, "process"), title
        places = places_of(definitions, process.id)
        for info in process.elements.values():
            place = places.get(info.id)
            aspects = {"名称": info.name, "类型": _type(info.type, info.event), "岗位（泳道）": info.lane or ""}
            if info.parent != process.id:
                aspects["所在子流程"] = info.parent
            for extension, content in info.extensions.items():
                aspects |= flat(_ASPECTS.get(extension, extension), content)
            aspects |= _behaviour(place.node) if place is not None else {}
            found[process.id, info.id] = Change(process.id, info.id, info.name, info.type), aspects
        found |= _flows(definitions, process)
    return found


def _type(type_name: str, event: str) -> str:
    shown = TYPES.get(type_name, type_name)
    return f"{shown}（{event}）" if event and event != "none" else shown


def _name_of(process: ProcessInfo, element_id: str) -> str:
    info = process.elements.get(element_id)
    return info.name or info.id if info is not None else element_id


def flat(aspect: str, content: Any) -> dict[str, str]:
    """Nested data as one line per value: ``办理人 · candidateGroups``."""
    if isinstance(content, Mapping):
        return {key: text for name, value in content.items() for key, text in flat(f"{aspect} · {name}", value).items()}
    if isinstance(content, list):
        lines: dict[str, str] = {}
        for number, value in enumerate(content, 1):
            # A mapping reads best as one line.
            if isinstance(value, Mapping) and value.keys() == {"source", "target"}:
                lines[f"{aspect} · {value['target']}"] = str(value["source"])
            else:
                lines |= flat(f"{aspect} {number}", value)
        return lines
    return {aspect: "" if content is None else str(content)}


def _behaviour(node: Node) -> dict[str, str]:
    """What stands in the executable form and not among the extensions."""
    aspects: dict[str, str] = {}
    if isinstance(node, MultiInstance):
        loop = node.loop
        aspects |= {
            "多实例": "顺序" if loop.sequential else "并行",
            "多实例 · 集合": loop.collection.text,
            "多实例 · 结果": loop.output or "",
            "多实例 · 完成条件": _text(loop.until),
        }
    default = getattr(node, "default", None)
    if default:
        aspects["默认流向"] = str(default)
    inner = instance_node(node)
    if isinstance(inner, Catch):
        aspects |= _trigger(inner)
    if isinstance(inner, Boundary):
        host = next((one for one in inner.spec.task_specs.values() if inner.name in one.boundaries), None)
        aspects["所附环节"] = host.info.id if host is not None else ""
    if isinstance(inner, Boundary | EventStart):
        aspects["中断"] = "是" if inner.interrupting else "否"
    return aspects


def _trigger(node: Catch) -> dict[str, str]:
    trigger = node.trigger
    kinds = {"timeDate": "定时（时刻）", "timeDuration": "定时（时长）", "timeCycle": "定时（循环）"}
    parts = {
        "消息或信号": trigger.name,
        "关联键": trigger.key,
        "代码": trigger.code,
        kinds.get(trigger.timer, "定时"): trigger.when,
        "条件": trigger.condition,
    }
    return {aspect: expression.text for aspect, expression in parts.items() if expression is not None}


def _flows(definitions: Definitions, process: ProcessInfo) -> _Portraits:
    conditions = {
        flow.id: _text(flow.condition)
        for place in places_of(definitions, process.id).values()
        for flow in place.node.flows
    }
    found: _Portraits = {}
    for flow_id, (source, target, name) in process.flows.items():
        aspects = {"名称": name, "起点": source, "终点": target, "条件": conditions.get(flow_id) or ""}
        shown = name or f"{_name_of(process, source)} → {_name_of(process, target)}"
        change = Change(process.id, flow_id, shown, "sequenceFlow")
        found[process.id, flow_id] = change, aspects
    return found


def _text(expression: Any) -> str:
    return expression.text if expression is not None else ""
