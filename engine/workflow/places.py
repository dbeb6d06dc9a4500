"""Where an element lies in a release: the body that holds it and the sub-processes around that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .specs.base import Node, ProcessSpec
from .specs.scopes import Embedded

if TYPE_CHECKING:
    from .definitions import Definitions


@dataclass(frozen=True, slots=True)
class Place:
    """``owners``: the enclosing sub-processes, outermost first; of a repeated one the node of its instances."""

    process_id: str
    node: Node
    owners: tuple[Embedded, ...]

    @property
    def body(self) -> ProcessSpec:
        """The body that holds the element."""
        return self.node.spec


def places(spec: ProcessSpec, owners: tuple[Embedded, ...] = ()) -> Iterator[Place]:
    """Every element of a body and of those inside it, once each."""
    for node in spec.task_specs.values():
        # What has a suffix belongs to an element listed by itself: an instance, a listener, a start beside the flow.
        if node.name == node.info.id:
            yield Place(node.info.process_id, node, owners)
        if isinstance(node, Embedded):
            yield from places(node.body, (*owners, node))


def places_of(definitions: Definitions, process_id: str) -> dict[str, Place]:
    """The elements of a process by id."""
    return {place.node.info.id: place for place in places(definitions.specs[process_id])}


def instance_node(node: Node) -> Node:
    """What runs inside a multi-instance body, else the node itself."""
    inner = getattr(node, "inner", None)
    return node.spec.task_specs[inner] if isinstance(inner, str) else node
