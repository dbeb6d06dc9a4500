"""BPMN with Camunda 8's extensions → ``Definitions``. Two passes: read everything, check, then build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.core.errors import ModelFault
from engine.workflow.definitions import Definitions, ElementInfo, ProcessInfo, StartInfo

from .build import build
from .document import BPMN, Document, Faults, XmlNode, extensions_of, read
from .lint import lint
from .listeners import read_process_listeners
from .model import BodyModel, ElementModel
from .reader import BodyReader


def parse(files: Mapping[str, bytes], *, strict: bool = True) -> Definitions:
    """All BPMN files of a release together, by file name.

    What is valid for Camunda 8 but not good enough for an item (an unreachable element, a listener) is a fault when
    ``strict``, else a warning. Processes that are not executable (a black-box pool) are left out. Raises ``ModelFault``
    with every fault found.
    """
    faults = Faults()
    bodies: dict[str, BodyModel] = {}
    for file, content in files.items():
        document = read(file, content, faults)
        if document is None:
            continue
        executable = [node for node in document.root.iter(f"{BPMN}process") if node.get("isExecutable") == "true"]
        if not executable:
            document.fault(document.root, "nothing_executable", "文件中没有可执行的流程", "请勾选流程的 Executable")
        for node in executable:
            _read_process(document, node, bodies)
    for body in bodies.values():
        lint(body, strict)
        _look_for_called(body, bodies)
    if faults.errors:
        raise ModelFault(*faults.errors)
    return Definitions(
        processes={process_id: _info(body) for process_id, body in bodies.items()},
        warnings=faults.warnings,
        specs={process_id: build(body) for process_id, body in bodies.items()},
    )


def _read_process(document: Document, node: XmlNode, bodies: dict[str, BodyModel]) -> None:
    process_id = node.get("id") or ""
    document.claim_id(node)
    body = BodyReader(document, process_id).read(node)
    body.listeners = read_process_listeners(document, node)
    if process_id in bodies:
        document.fault(node, "process_not_unique", f"流程编号“{process_id}”缺失或重复", "请给每个流程唯一的编号")
    bodies[process_id] = body


def every_element(body: BodyModel) -> Iterator[ElementModel]:
    """The elements of a body and of the bodies inside it."""
    for element in body.elements.values():
        yield element
        if element.body is not None:
            yield from every_element(element.body)


def _look_for_called(body: BodyModel, bodies: Mapping[str, BodyModel]) -> None:
    for element in every_element(body):
        called = element.texts.get("process")
        if called is not None and not called.is_feel and called.text and called.text not in bodies:
            body.document.warn(
                element.xml, "called_process_absent", f"被调用的流程“{called.text}”不在本次发布中", "请一并发布"
            )


def _info(body: BodyModel) -> ProcessInfo:
    elements: dict[str, ElementInfo] = {}
    flows: dict[str, tuple[str, str, str]] = {}
    todo = [body]
    while todo:
        inner = todo.pop(0)
        for element in inner.elements.values():
            elements[element.info.id] = element.info
            if element.body is not None:
                todo.append(element.body)
        flows.update((flow.id, (flow.source, flow.target, flow.name)) for flow in inner.flows.values())
    extensions = extensions_of(body.xml)
    return ProcessInfo(
        id=body.id,
        name=body.xml.get("name") or _pool_name(body) or body.id,
        file=body.document.file,
        elements=elements,
        flows=flows,
        starts={e.info.id: _start(e) for e in body.elements.values() if e.type == "startEvent"},
        version_tag=extensions.get("versionTag", {}).get("value", ""),
        properties=extensions.get("properties", {}),
        listeners=tuple(one.operation.text for one in body.listeners),
        job_priority=extensions.get("jobPriorityDefinition", {}).get("priority", ""),
    )


def _pool_name(body: BodyModel) -> str:
    """Modeler writes the name of a drawn pool on the participant."""
    for participant in body.document.root.iter(f"{BPMN}participant"):
        if participant.get("processRef") == body.id:
            return participant.get("name") or ""
    return ""


def _start(element: ElementModel) -> StartInfo:
    trigger = element.trigger
    if trigger is None:
        return StartInfo(element.info.id, "none")
    return StartInfo(
        element.info.id,
        trigger.kind,
        name=trigger.name.text if trigger.name else "",
        key=trigger.key.text if trigger.key else "",
        timer=(trigger.timer, trigger.when.text) if trigger.when else None,
    )
