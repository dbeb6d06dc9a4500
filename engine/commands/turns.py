"""Who gets a task that comes up, where its step or its item says by which rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from engine.cases import assignment
from engine.cases.assignment import Candidate, Person
from engine.cases.case import Case, next_number
from engine.cases.standing import APPLICANT
from engine.commands import Unit
from engine.registers.holders import Holder, holders

if TYPE_CHECKING:
    from engine.commands.casework import Casework


def weighed(
    unit: Unit,
    case: Case,
    element_id: str,
    steps: Sequence[str],
    people: Sequence[Holder],
    done: Iterable[tuple[str, str]] = (),
) -> list[Candidate]:
    """What counts for and against these people; ``steps`` must have been done by others."""
    known = [Person(one.id, one.distance, one.kin, one.away) for one in people]
    queue = assignment.queue_of(case.item, element_id, case.office_id)
    return assignment.weigh(unit.session, case.id, queue, steps, known, done)


def by_rule(work: Casework, row: dict[str, Any]) -> None:
    """Fill in the assignee of a new task's row where its step or its item says by which rule."""
    rule = _rule(work, row)
    if not rule or row["assignee"] or not row["role"] or row["role"] == APPLICANT:
        return
    unit, case = work.unit, work.case
    queue = assignment.queue_of(case.item, row["element_id"], case.office_id)
    # Taken first: it locks the queue, so that two cases at the same moment do not both see the same turns.
    number = next_number(unit.session, f"turn:{queue}")
    people = holders(unit.session, case.office_id, row["role"], unit.now)
    steps = [part.strip() for part in str((row["properties"] or {}).get("different_from") or "").split(",") if part]
    chosen = assignment.choose(rule, weighed(unit, case, row["element_id"], steps, people, _just_done(work)))
    if chosen is None:
        return
    row["assignee"] = f"staff:{chosen.id}"
    assignment.take_turn(unit.session, queue, chosen.id, number)
    name = next(one.name for one in people if one.id == chosen.id)
    title = f"按「{assignment.TITLES[rule]}」分派「{row['name']}」给{name}"
    unit.record(case, "assigned", title, element_id=row["element_id"])


def _rule(work: Casework, row: dict[str, Any]) -> str:
    own = str((row["properties"] or {}).get("assignment") or "")
    return own or str((work.release.item.raw.get("assignment") or {}).get(row["element_id"]) or "")


def _just_done(work: Casework) -> list[tuple[str, str]]:
    hands = work.unit.actor.hands
    return [(key, task.element_id) for task in work.finished for key in hands]
