"""What the files of an item say of each other: forms, decisions, operations, roles and outcomes must exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import orjson

from engine.catalog.item import Item
from engine.core import operations
from engine.core.errors import Fault, ModelFault
from engine.decisions import among, load
from engine.workflow import Definitions, ElementInfo, ProcessInfo


@dataclass(frozen=True)
class Known:
    """Every name that a model may use."""

    forms: frozenset[str]
    decisions: frozenset[str]
    operations: frozenset[str]
    processes: frozenset[str]


def check(item: Item, definitions: Definitions, files: Mapping[str, bytes], path: str) -> list[Fault]:
    """All findings; ``path`` is where the item.yaml lies."""
    process_id = str(item.raw["process"])
    if process_id not in definitions.processes:
        hint = _close(process_id, definitions.processes) or "核对 item.yaml 的 process"
        return [Fault("no_process", f"没有流程 {process_id}", file=path, hint=hint)]
    known = Known(
        frozenset(_forms(files)),
        frozenset(_decisions(files)),
        frozenset(operations.vocabulary()),
        frozenset(definitions.processes),
    )
    faults = [
        fault
        for process in _reached(definitions, process_id)
        for element in process.elements.values()
        for fault in _element(item, process, element, known)
    ]
    faults += _outcomes(item, definitions.processes[process_id], path)
    if item.start_form and item.start_form not in known.forms:
        hint = _close(item.start_form, known.forms)
        faults.append(Fault("unknown_form", f"没有申请表 {item.start_form}", file=path, hint=hint))
    return faults


def _reached(definitions: Definitions, process_id: str) -> list[ProcessInfo]:
    """The process and all that it calls; a call named by an expression may reach any."""
    todo, found = [process_id], {}
    while todo:
        process = definitions.processes.get(todo.pop())
        if process is None or process.id in found:
            continue
        found[process.id] = process
        for element in process.elements.values():
            called = str(element.extensions.get("calledElement", {}).get("processId") or "")
            todo += definitions.processes if called.startswith("=") else [called]
    return list(found.values())


def _element(item: Item, process: ProcessInfo, element: ElementInfo, known: Known) -> Iterator[Fault]:
    ext = element.extensions

    def fault(code: str, message: str, hint: str = "") -> Fault:
        return Fault(code, message, process.file, element.id, element.name, element.line, hint)

    form_id = str(ext.get("formDefinition", {}).get("formId") or "")
    if element.type == "userTask":
        if not form_id:
            yield fault("no_form", "人工任务没有表单", "在属性面板中选择表单")
        if not ext.get("assignmentDefinition") and (element.lane or "") not in item.roles:
            yield fault("no_role", f"泳道「{element.lane or '无'}」没有对应的岗位", "在 item.yaml 的 roles 中写明")
    named = (
        ("unknown_form", "没有表单", form_id, known.forms),
        ("unknown_decision", "没有决策", ext.get("calledDecision", {}).get("decisionId"), known.decisions),
        ("unknown_operation", "没有操作", ext.get("taskDefinition", {}).get("type"), known.operations),
        ("unknown_process", "没有被调用的流程", ext.get("calledElement", {}).get("processId"), known.processes),
    )
    for code, message, name, names in named:
        # An expression names its target when the case runs; then an unknown name becomes an incident.
        if name and not str(name).startswith("=") and name not in names:
            yield fault(code, f"{message} {name}", _close(str(name), names))


def _outcomes(item: Item, process: ProcessInfo, path: str) -> Iterator[Fault]:
    """The top-level end events are the outcomes."""
    ends = {element.id for element in process.elements.values() if element.type == "endEvent"}
    for outcome in item.outcomes:
        if outcome not in ends:
            yield Fault("unknown_outcome", f"结果 {outcome} 没有对应的结束事件", file=path, hint=_close(outcome, ends))


def _forms(files: Mapping[str, bytes]) -> Iterator[str]:
    for name, body in files.items():
        if name.endswith(".form"):
            try:
                yield str(orjson.loads(body).get("id"))
            except (orjson.JSONDecodeError, AttributeError):
                continue  # compile_form has named this fault already


def _decisions(files: Mapping[str, bytes]) -> Iterator[str]:
    for name, body in files.items():
        if name.endswith(".dmn"):
            try:
                # A decision with a faulty cell still has its name.
                yield from load(body, name, among(files), strict=False).decisions
            except ModelFault:
                continue  # a file that cannot be read at all is already listed


def _close(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, list(known), 1)
    return f"是否想写 {found[0]}" if found else ""
