"""Late cases (red) and those that were warned of (yellow), for supervisors: the lists and what they count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.lawful_clock import CaseLimit
from engine.cases.work import EXTENSION, Task
from engine.catalog.limits import KINDS
from engine.core import clock, masks
from engine.core.actor import Actor
from engine.queries.clock import due_text, left_of
from engine.registers.offices import StaffUser

RED, YELLOW = "red", "yellow"
SHOWN = 200


@dataclass(frozen=True)
class Filter:
    """What a supervisor looks at: a colour, one item, step (element id) or person (actor key)."""

    colour: str = RED
    item: str = ""
    step: str = ""
    person: str = ""


@dataclass(frozen=True)
class LateLine:
    """One limit that is over (red) or warned of (yellow); ``days`` are working days left."""

    case_id: int
    number: str
    item_name: str
    subject: str
    what: str
    step: str
    person: str
    due: str
    days: int
    colour: str


@dataclass(frozen=True)
class Lists:
    """The list and its counts: colour → how many, and by item, step and person (key, name, count)."""

    lines: list[LateLine]
    counts: Mapping[str, int]
    by_item: list[tuple[str, str, int]]
    by_step: list[tuple[str, str, int]]
    by_person: list[tuple[str, str, int]]
    more: int


def lists(session: Session, actor: Actor, chosen: Filter, limit: int = SHOWN) -> Lists:
    """The red or yellow list of the offices the actor may see. Inside ``calendar``."""
    counts = {colour: _count(session, actor, Filter(colour)) for colour in (RED, YELLOW)}
    people = _people(session, actor)
    lines = late_lines(session, actor, chosen, limit, people)
    total = counts[chosen.colour] if chosen == Filter(chosen.colour) else _count(session, actor, chosen)
    return Lists(
        lines=lines,
        counts=counts,
        by_item=_grouped(session, actor, chosen, Case.item, Case.item_name),
        by_step=_grouped(session, actor, chosen, Task.element_id, Task.name),
        by_person=[
            (key, people.get(key, "待领取" if not key else "申请人"), count)
            for key, _, count in _grouped(session, actor, chosen, Task.assignee, Task.assignee)
        ],
        more=max(0, total - len(lines)),
    )


def late_lines(
    session: Session, actor: Actor, chosen: Filter, limit: int, people: Mapping[str, str] | None = None
) -> list[LateLine]:
    """The lines themselves, most urgent first; one a limit and open task. Inside ``calendar``."""
    people = _people(session, actor) if people is None else people
    query = _late(actor, chosen, CaseLimit, Case, Task).order_by(CaseLimit.due_at, CaseLimit.case_id, Task.id)
    return [
        _line(limit_, case, task, chosen.colour, people) for limit_, case, task in session.execute(query.limit(limit))
    ]


def _late(actor: Actor, chosen: Filter, *columns: Any) -> Select[Any]:
    """Limits that run, of cases whose clock does not stand, with the open tasks they press on."""
    now = clock.now()
    colour: ColumnElement[bool] = CaseLimit.due_at <= now
    if chosen.colour == YELLOW:
        colour = and_(CaseLimit.due_at > now, CaseLimit.rung > 0)
    pressed = and_(
        Task.case_id == CaseLimit.case_id,
        Task.state.in_(("open", "suspended")),
        Task.element_id != EXTENSION,
        or_(CaseLimit.token == "", CaseLimit.token == Task.token),
    )
    query = (
        select(*columns)
        .select_from(CaseLimit)
        .join(Case, Case.id == CaseLimit.case_id)
        .outerjoin(Task, pressed)
        .where(CaseLimit.ended_at.is_(None), colour)
        .where(Case.office_id.in_(actor.offices), Case.state.in_(("open", "suspended")))
        .where(Case.clock_stopped_since.is_(None), or_(CaseLimit.token == "", Task.id.is_not(None)))
    )
    if chosen.item:
        query = query.where(Case.item == chosen.item)
    if chosen.step:
        query = query.where(Task.element_id == chosen.step)
    if chosen.person:
        query = query.where(Task.assignee == ("" if chosen.person == "-" else chosen.person))
    return query


def _count(session: Session, actor: Actor, chosen: Filter) -> int:
    return int(session.scalar(_late(actor, chosen, func.count())) or 0)


def _grouped(session: Session, actor: Actor, chosen: Filter, key: Any, name: Any) -> list[tuple[str, str, int]]:
    query = _late(actor, chosen, key, func.max(name), func.count()).where(key.is_not(None))
    rows = session.execute(query.group_by(key).order_by(func.count().desc(), key))
    return [(str(one), str(text), int(count)) for one, text, count in rows]


def _people(session: Session, actor: Actor) -> dict[str, str]:
    query = select(StaffUser.id, StaffUser.name).where(StaffUser.office_id.in_(actor.offices))
    return {f"staff:{id_}": name for id_, name in session.execute(query)}


def _line(limit: CaseLimit, case: Case, task: Task | None, colour: str, people: Mapping[str, str]) -> LateLine:
    person = "" if task is None else people.get(task.assignee, "申请人" if task.assignee else "待领取")
    return LateLine(
        case_id=case.id,
        number=case.number,
        item_name=case.item_name,
        subject=masks.mask_name(case.subject_name),
        what=("环节" if limit.token else "") + KINDS[limit.kind],
        step=task.name if task else case.stage,
        person=person,
        due=due_text(limit),
        days=left_of(case, limit.due_on),
        colour=colour,
    )
