"""Reads DMN XML without trusting it, and says where something stands."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.core.errors import Fault, ModelFault

NAMESPACES = frozenset(
    {
        "http://www.omg.org/spec/DMN/20180521/MODEL/",
        "https://www.omg.org/spec/DMN/20191111/MODEL/",
        "https://www.omg.org/spec/DMN/20211108/MODEL/",
        "https://www.omg.org/spec/DMN/20230324/MODEL/",
        "https://www.omg.org/spec/DMN/20240513/MODEL/",
    }
)
Element = etree._Element


def read(xml: bytes, file: str) -> Element:
    """The ``definitions`` element. Raises ModelFault for broken XML, a document type or an unknown version."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        raise ModelFault(
            Fault("dmn_xml", "DMN 文件不是完整的 XML", file=file, line=line, hint="请从设计器重新导出")
        ) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise ModelFault(Fault("dmn_xml", "DMN 文件不得含有 DOCTYPE", file=file, line=1, hint="请删去 DOCTYPE"))
    name = etree.QName(root)
    if name.localname != "definitions" or name.namespace not in NAMESPACES:
        raise ModelFault(
            Fault(
                "dmn_version", "不是 DMN 1.2 至 1.5 的文件", file=file, line=1, hint="请用建模工具另存为 DMN 1.3 以上"
            )
        )
    return root


def local(element: Element) -> str:
    """The tag without namespace; empty for extension elements of other namespaces."""
    name = etree.QName(element)
    return name.localname if name.namespace in NAMESPACES else ""


def children(element: Element, *names: str) -> Iterator[Element]:
    """Direct children with one of the tags."""
    for child in element:
        if local(child) in names:
            yield child


def child(element: Element | None, *names: str) -> Element | None:
    """The first direct child with one of the tags."""
    return next(children(element, *names), None) if element is not None else None


def text_of(element: Element | None) -> str:
    """The content of an element's ``text`` child, trimmed."""
    found = child(element, "text")
    return (found.text or "").strip() if found is not None else ""


def attribute(element: Element | None, name: str) -> str:
    """An attribute, trimmed; empty where there is none."""
    return (element.get(name) or "").strip() if element is not None else ""


def line_of(element: Element) -> int:
    """The line in the file."""
    line: object = element.sourceline
    return line if isinstance(line, int) else 0
