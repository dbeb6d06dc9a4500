"""Looking ahead in a model without a token: which ways lead on, as far as the present variables tell."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .expressions import Expression, expression
from .places import Place, instance_node, places_of
from .specs.gateways import Exclusive, Inclusive
from .specs.scopes import Embedded

if TYPE_CHECKING:
    from .definitions import Definitions
    from .specs.base import Flow


@dataclass(frozen=True, slots=True)
class Way:
    """A flow to another element. ``taken``: True, or None where the variables do not tell."""

    flow: str | None
    target: str
    taken: bool | None


def ways(
    definitions: Definitions, process_id: str, element_id: str, context: Mapping[str, Any], unknown: Set[str]
) -> list[Way]:
    """Where a token could go from an element, without ways that are ruled out; ``unknown``: names not to be trusted."""
    place = places_of(definitions, process_id).get(element_id)
    if place is None:
        return []
    node = place.node
    if isinstance(node, Exclusive):
        return _chosen(node, context, unknown)
    certain = True if node.info.type != "eventBasedGateway" else None
    return [Way(flow.id, flow.target, certain) for flow in node.flows]


def inside(definitions: Definitions, process_id: str, element_id: str) -> str | None:
    """The first element of an embedded sub-process; None for anything else."""
    place = places_of(definitions, process_id).get(element_id)
    node = instance_node(place.node) if place is not None else None
    return node.body.plain_start if isinstance(node, Embedded) else None


def owner(definitions: Definitions, process_id: str, element_id: str) -> str | None:
    """The embedded sub-process around an element, None at the top."""
    place = places_of(definitions, process_id).get(element_id)
    return place.owners[-1].info.id if place is not None and place.owners else None


def writes(definitions: Definitions, process_id: str, element_id: str) -> set[str]:
    """The variables that an element's mapping, script or decision will write."""
    place: Place | None = places_of(definitions, process_id).get(element_id)
    if place is None:
        return set()
    names = {target.strip().split(".")[0] for _, target in instance_node(place.node).outputs_map}
    for part in ("script", "calledDecision"):
        result = (place.node.info.extensions.get(part) or {}).get("resultVariable")
        names |= {str(result)} if result else set()
    return names


def constant(definitions: Definitions, process_id: str, element_id: str) -> tuple[str, Any] | None:
    """The variable that a script sets to a value written in the model itself, and that value."""
    place = places_of(definitions, process_id).get(element_id)
    script = (place.node.info.extensions.get("script") or {}) if place is not None else {}
    name, text = str(script.get("resultVariable") or ""), str(script.get("expression") or "")
    if not name or not text.strip().startswith("="):
        return None
    said = expression(text)
    if _reads(said) or said.compiled.item_names:
        return None
    value = said.evaluate({})
    return (name, value) if isinstance(value, str | int | bool) else None


def _chosen(node: Exclusive, context: Mapping[str, Any], unknown: Set[str]) -> list[Way]:
    """Of an exclusive gateway the ways up to the first that is certain; of an inclusive one each by itself."""
    found: list[Way] = []
    conditional = [flow for flow in node.flows if flow.id != node.default]
    for flow in conditional:
        holds = _holds(flow, context, unknown)
        if holds is not False:
            certain = True if holds and (isinstance(node, Inclusive) or not found) else None
            found.append(Way(flow.id, flow.target, certain))
        if holds and not isinstance(node, Inclusive):
            return found
    default = next((flow for flow in node.flows if flow.id == node.default), None)
    if default is not None and not any(one.taken for one in found):
        found.append(Way(default.id, default.target, None if found else True))
    return found


def _holds(flow: Flow, context: Mapping[str, Any], unknown: Set[str]) -> bool | None:
    """True or False where the variables tell, None where they do not."""
    if flow.condition is None:
        return True
    if _reads(flow.condition) & (unknown | _absent(flow.condition, context)):
        return None
    warnings: list[str] = []
    compiled = flow.condition.compiled
    value = compiled.evaluate(context, warnings=warnings) if compiled else None
    return value if isinstance(value, bool) else None


def _reads(condition: Expression) -> set[str]:
    return set(condition.compiled.names) if condition.compiled else set()


def _absent(condition: Expression, context: Mapping[str, Any]) -> set[str]:
    return {name for name in _reads(condition) if context.get(name) is None}
