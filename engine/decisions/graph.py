"""How a DMN file is called as a whole, and the version tags of its decisions."""

from __future__ import annotations

from engine.decisions.xml import attribute, children, read

_ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"


def graph_of(xml: bytes, file: str) -> tuple[str, dict[str, str]]:
    """(id of the requirements graph, the file's name where it has none; decision id → version tag).

    Raises ``ModelFault``.
    """
    root = read(xml, file)
    graph = attribute(root, "id") or file.rsplit("/", 1)[-1].removesuffix(".dmn")
    tags: dict[str, str] = {}
    for decision in children(root, "decision"):
        tag = next(decision.iter(f"{_ZEEBE}versionTag"), None)
        if tag is not None:
            tags[attribute(decision, "id")] = attribute(tag, "value")
    return graph, tags
