"""Forms written inside a BPMN model (``zeebe:userTaskForm``), as older modelers keep them."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

_FORM = "{http://camunda.org/schema/zeebe/1.0}userTaskForm"


def embedded_forms(model: bytes) -> Iterator[tuple[str, bytes]]:
    """Id and schema of each; a model that cannot be read has none."""
    if b"userTaskForm" not in model:
        return
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(model, parser)
    except etree.XMLSyntaxError:
        return
    for node in root.iter(_FORM):
        if (form_id := node.get("id")) and node.text:
            yield form_id, node.text.encode()
