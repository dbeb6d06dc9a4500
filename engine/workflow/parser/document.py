"""One BPMN file as XML, read safely, and its Camunda 8 extension elements as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from lxml import etree

from engine import feel
from engine.core.errors import Fault
from engine.workflow.expressions import Expression, expression

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"

XmlNode = etree._Element

# Far more than anyone draws: 5,000 elements with as many flows, whose diagram has 5 MB.
MOST_BYTES = 8_000_000
MOST_ELEMENTS = 10_000


@dataclass
class Faults:
    """Everything found wrong with a release, in reading order."""

    errors: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


@dataclass
class Document:
    """A file. ``refs``: messages, signals, errors and escalations by id; ``lanes``: lane name by flow node id."""

    file: str
    root: XmlNode
    faults: Faults
    refs: dict[str, XmlNode] = field(default_factory=dict)
    lanes: dict[str, str] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)

    def fault(self, node: XmlNode, code: str, message: str, hint: str = "", level: str = "error") -> None:
        """Record a finding at an element."""
        found = Fault(
            code, message, self.file, node.get("id") or "", node.get("name") or "", line_of(node), hint, level
        )
        (self.faults.errors if level == "error" else self.faults.warnings).append(found)

    def warn(self, node: XmlNode, code: str, message: str, hint: str = "") -> None:
        """Record something that does not hinder."""
        self.fault(node, code, message, hint, level="warning")

    def claim_id(self, node: XmlNode) -> None:
        """Elements and flows are told apart by their id alone."""
        own = node.get("id") or ""
        if not own or own in self.ids:
            self.fault(node, "id_not_unique", f"编号“{own}”缺失或重复", "请给每个元素唯一的编号")
        if "#" in own:
            # What belongs to an element has its id with a # behind it.
            self.fault(node, "id_with_hash", f"编号“{own}”含有“#”", "请改用字母、数字、下划线、连字符或汉字")
        self.ids.add(own)

    def expression(self, node: XmlNode, text: str | None, what: str, *, feel_only: bool = False) -> Expression:
        """Read an expression of ``node``; a fault is recorded when it is missing or does not parse."""
        text = (text or "").strip()
        if not text:
            self.fault(node, "expression_missing", f"{what}为空", "请填写以“=”开头的 FEEL 表达式")
        elif feel_only and not text.startswith("="):
            self.fault(node, "expression_not_feel", f"{what}“{text}”不是 FEEL 表达式", "FEEL 表达式以“=”开头")
        else:
            try:
                return expression(text)
            except feel.FeelError as error:
                reason = "；".join(fault.message for fault in error.faults)
                hint = "；".join(fault.hint for fault in error.faults if fault.hint)
                self.fault(node, "expression_unreadable", f"{what}“{text}”无法识别：{reason}", hint or "请更正表达式")
        return Expression(text)


def read(file: str, content: bytes, faults: Faults) -> Document | None:
    """Parse the XML without entities, network or DTD. None, with a fault recorded, when it is not usable."""
    if len(content) > MOST_BYTES:
        shown, most = len(content) // 1_000_000, MOST_BYTES // 1_000_000
        faults.errors.append(
            Fault("file_too_large", f"文件有 {shown} MB，超过 {most} MB", file, hint="请拆成几个流程，用调用活动连接")
        )
        return None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 0
        if "Excessive depth" in str(error):
            hint = "请减少子流程的层数，或改用调用活动"
            faults.errors.append(Fault("nested_too_deep", "模型嵌套过深", file, line=line, hint=hint))
            return None
        faults.errors.append(
            Fault("not_xml", "文件不是完整的 XML", file, line=line, hint="请用 Camunda Modeler 重新保存")
        )
        return None
    if cast(Any, root.getroottree().docinfo).doctype:
        faults.errors.append(Fault("doctype", "文件带有 DOCTYPE 声明，不予受理", file, hint="请删除 DOCTYPE 一行"))
        return None
    if root.tag != f"{BPMN}definitions":
        faults.errors.append(Fault("not_bpmn", "文件不是 BPMN 2.0 模型", file, hint="根元素应为 bpmn:definitions"))
        return None
    number = sum(1 for node in root.iter(f"{BPMN}*") if node.get("id"))
    if number > MOST_ELEMENTS:
        message = f"模型有 {number} 个元素和流向，超过 {MOST_ELEMENTS} 个"
        faults.errors.append(Fault("too_many_elements", message, file, hint="请拆成几个流程，用调用活动连接"))
        return None
    document = Document(file, root, faults)
    document.refs = {node.get("id", ""): node for node in root}
    for lane in root.iter(f"{BPMN}lane"):
        # Document order: an inner lane overwrites the lane around it.
        for ref in lane.iterfind(f"{BPMN}flowNodeRef"):
            document.lanes[(ref.text or "").strip()] = lane.get("name") or lane.get("id") or ""
    return document


def line_of(node: XmlNode) -> int:
    """The line in the file, 0 where unknown."""
    return cast("int | None", node.sourceline) or 0


def local(node: XmlNode) -> str:
    """The tag without its namespace; empty for what is not BPMN."""
    tag = node.tag
    return tag[len(BPMN) :] if isinstance(tag, str) and tag.startswith(BPMN) else ""


def children(node: XmlNode) -> Iterator[XmlNode]:
    """The BPMN children of a node."""
    return (child for child in node if local(child))


def extensions_of(node: XmlNode) -> dict[str, Any]:
    """The zeebe extension elements: attributes as dicts, mappings, headers and properties as their content."""
    found: dict[str, Any] = {}
    for element in node.iterfind(f"{BPMN}extensionElements/*"):
        if not isinstance(element.tag, str) or not element.tag.startswith(ZEEBE):
            continue
        name = element.tag[len(ZEEBE) :]
        if name == "ioMapping":
            found[name] = {
                part: [{"source": one.get("source") or "", "target": one.get("target") or ""} for one in found_parts]
                for part, found_parts in (
                    ("inputs", element.findall(f"{ZEEBE}input")),
                    ("outputs", element.findall(f"{ZEEBE}output")),
                )
            }
        elif name == "properties":
            found[name] = {
                one.get("name") or "": one.get("value") or "" for one in element.iterfind(f"{ZEEBE}property")
            }
        elif name == "taskHeaders":
            found[name] = {one.get("key") or "": one.get("value") or "" for one in element.iterfind(f"{ZEEBE}header")}
        elif name in ("executionListeners", "taskListeners"):
            found[name] = [dict(one.attrib) for one in element]
        else:
            found[name] = {str(key): str(value) for key, value in element.attrib.items()}
    return found
