"""What the files of an item say of each other: forms, decisions, operations, roles and outcomes must exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import orjson

from engine.catalog import visibility
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
    faults += [
        Fault(
            "unknown_operation",
            f"没有操作 {name}",
            process.file,
            process.id,
            process.name,
            hint=_close(name, known.operations),
        )
        for process in _reached(definitions, process_id)
        for name in process.listeners
        if _is_unknown(name, known.operations)
    ]
    faults += _outcomes(item, definitions.processes[process_id], path)
    faults += _clock(item, _reached(definitions, process_id), path)
    faults += _rights(item, _reached(definitions, process_id), path)
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
    heard = [*ext.get("executionListeners", ()), *ext.get("taskListeners", ())]
    listeners = [("unknown_operation", "没有操作", one.get("type"), known.operations) for one in heard]
    for code, message, name, names in (*named, *listeners):
        if _is_unknown(name, names):
            yield fault(code, f"{message} {name}", _close(str(name), names))


def _is_unknown(name: object, names: frozenset[str]) -> bool:
    """An expression names its target when the case runs; then an unknown name becomes an incident."""
    return bool(name) and not str(name).startswith("=") and name not in names


def _outcomes(item: Item, process: ProcessInfo, path: str) -> Iterator[Fault]:
    """The top-level end events are the outcomes."""
    ends = {element.id for element in process.elements.values() if element.type == "endEvent"}
    for outcome in item.outcomes:
        if outcome not in ends:
            yield Fault("unknown_outcome", f"结果 {outcome} 没有对应的结束事件", file=path, hint=_close(outcome, ends))


def _clock(item: Item, processes: Iterable[ProcessInfo], path: str) -> Iterator[Fault]:
    """Steps with a limit are user tasks; what stops the clock is declared, where the item declares reasons at all."""
    elements = [(process, element) for process in processes for element in process.elements.values()]
    tasks = {element.id for _, element in elements if element.type == "userTask"}
    for step in item.clock.steps:
        if step not in tasks:
            yield Fault(
                "unknown_step", f"时限写给了环节 {step}，流程中没有这个人工任务", file=path, hint=_close(step, tasks)
            )
    reasons = item.clock.stops
    for process, element in elements:
        ext = element.extensions
        reason = str((ext.get("taskHeaders") or {}).get("reason") or "")
        stops = ext.get("taskDefinition", {}).get("type") == "clock.stop"
        if stops and reasons and reason and reason not in reasons:
            message = f"因「{reason}」停止计时，事项的 clock.stops 没有写明这一事由"
            hint = _close(reason, reasons) or f"写明的有：{'、'.join(reasons)}"
            yield Fault("unknown_stop", message, process.file, element.id, element.name, element.line, hint)


def _rights(item: Item, processes: Iterable[ProcessInfo], path: str) -> Iterator[Fault]:
    """Lines of ``fields`` name roles and steps that there are."""
    try:
        lines = visibility.rules(item)
    except ModelFault as error:
        yield from error.faults
        return
    steps = {element for process in processes for element in process.elements}
    for line in lines:
        for kind, given, known in (("岗位", line["roles"], set(item.roles.values())), ("环节", line["steps"], steps)):
            for name in given:
                if name not in known:
                    message = f"字段权限“{line['path']}”中没有{kind} {name}"
                    yield Fault("item_fields", message, file=path, hint=_close(name, known))


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
