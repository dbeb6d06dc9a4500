"""Which element of one release is which of another: same id, else the only one of the same type and name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.core.errors import Refused

if TYPE_CHECKING:
    from .definitions import Definitions, ElementInfo, ProcessInfo


@dataclass(frozen=True)
class Plan:
    """``elements``: process id → element id → its counterpart or None. ``processes``: process id → counterpart.

    ``by_hand`` are the (process, element) pairs somebody mapped, the rest was proposed.
    """

    target: Definitions = field(repr=False)
    processes: dict[str, str]
    elements: dict[str, dict[str, str | None]]
    by_hand: frozenset[tuple[str, str]] = frozenset()

    def of(self, process_id: str, element_id: str) -> str | None:
        """The counterpart of an element, None where there is none."""
        return self.elements.get(process_id, {}).get(element_id)


def plan(
    source: Definitions,
    target: Definitions,
    mapping: Mapping[str, str] | None = None,
    processes: Mapping[str, str] | None = None,
) -> Plan:
    """Propose a plan; ``mapping`` (element id, or ``process:element``, → element id) and ``processes`` win.

    Raises ``Refused`` for a mapping that names what is not there.
    """
    pairs = {one: one for one in source.processes if one in target.processes} | dict(processes or {})
    for one, other in pairs.items():
        if one not in source.processes or other not in target.processes:
            raise Refused(f"没有流程“{one}”或“{other}”，请检查对应关系", code="process_not_found")
    elements: dict[str, dict[str, str | None]] = {}
    by_hand: set[tuple[str, str]] = set()
    unused = dict(mapping or {})
    for one, other in pairs.items():
        own, theirs = source.processes[one], target.processes[other]
        given = _given(own, mapping or {})
        for element_id, wanted in given.items():
            if wanted not in theirs.elements:
                raise Refused(f"新版本的流程“{theirs.name}”中没有环节“{wanted}”", code="element_not_found")
            unused.pop(element_id, None)
            unused.pop(f"{one}:{element_id}", None)
        by_hand |= {(one, element_id) for element_id in given}
        elements[one] = _propose(own, theirs, given)
    if unused:
        raise Refused(f"原版本中没有环节“{'、'.join(sorted(unused))}”，请检查对应关系", code="element_not_found")
    return Plan(target, pairs, elements, frozenset(by_hand))


def _given(process: ProcessInfo, mapping: Mapping[str, str]) -> dict[str, str]:
    """What was mapped by hand in a process."""
    found: dict[str, str] = {}
    for name, wanted in mapping.items():
        process_id, colon, element_id = name.partition(":")
        if not colon:
            process_id, element_id = process.id, name
        if process_id == process.id and element_id in process.elements:
            found[element_id] = wanted
    return found


def _propose(source: ProcessInfo, target: ProcessInfo, given: Mapping[str, str]) -> dict[str, str | None]:
    """By id where the type is the same, then by type and name, last by id alone (the check says what is wrong)."""
    found: dict[str, str | None] = dict.fromkeys(source.elements)
    found.update(given)
    taken = set(given.values())
    for element_id, info in source.elements.items():
        same = target.elements.get(element_id)
        if found[element_id] is None and element_id not in taken and same is not None and _kind(same) == _kind(info):
            found[element_id] = element_id
            taken.add(element_id)
    left = [info for element_id, info in source.elements.items() if found[element_id] is None]
    free = [info for element_id, info in target.elements.items() if element_id not in taken]
    for info in left:
        alike = [other for other in free if _likeness(other) == _likeness(info)]
        if info.name and len(alike) == 1 and sum(_likeness(other) == _likeness(info) for other in left) == 1:
            found[info.id] = alike[0].id
            taken.add(alike[0].id)
    for info in left:
        if found[info.id] is None and info.id in target.elements and info.id not in taken:
            found[info.id] = info.id
    return found


def _kind(info: ElementInfo) -> tuple[str, str]:
    return info.type, info.event


def _likeness(info: ElementInfo) -> tuple[str, str, str]:
    return info.type, info.event, info.name
