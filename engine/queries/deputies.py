"""Deputies and leave as people read them: one's own, all of an office, a calendar of who is away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session, aliased

from engine.cases import persons
from engine.cases.case import Case
from engine.cases.work import Task
from engine.catalog import releases
from engine.catalog.releases import Release
from engine.core import clock, masks
from engine.core.actor import Actor, Principal
from engine.core.errors import NotFound
from engine.queries.common import day, stamp
from engine.registers import colleagues
from engine.registers.colleagues import Colleague
from engine.registers.deputies import LEAVE, Deputy, Relative
from engine.registers.offices import Office, StaffUser


@dataclass(frozen=True)
class Grant:
    """One row. ``state``: now, coming, over, revoked; ``scope`` in words; ``deputy`` empty for a leave without one."""

    id: int
    principal: str
    principal_id: int
    deputy: str
    office: str
    leave: bool
    span: str
    scope: str
    reason: str
    state: str
    can_end: bool


@dataclass(frozen=True)
class Declared:
    """A declared relative, masked."""

    id: int
    name: str
    relation: str
    at: str


@dataclass(frozen=True)
class Own:
    """What the page «我的代理» shows: given by me, given to me, what I declared, whom and what I may choose."""

    given: list[Grant]
    held: list[Grant]
    relatives: list[Declared]
    has_own_number: bool
    people: list[Colleague]
    roles: Mapping[str, str]
    items: Mapping[str, str]


@dataclass(frozen=True)
class Day:
    """One day of the leave calendar: who is away."""

    day: date
    away: bool


@dataclass(frozen=True)
class Absence:
    """A person's row of the leave calendar."""

    name: str
    office: str
    days: list[Day]


def own(session: Session, actor: Actor) -> Own:
    """One's own page."""
    names = role_names(session)
    user = session.get_one(StaffUser, actor.id)
    rows = _grants(session, actor, _rows().where((Deputy.principal_id == actor.id) | (Deputy.deputy_id == actor.id)))
    declared = session.scalars(select(Relative).where(Relative.staff_id == actor.id).order_by(Relative.declared_at))
    return Own(
        given=[one for one in rows if one.principal_id == actor.id],
        held=[one for one in rows if one.principal_id != actor.id],
        relatives=[
            Declared(one.id, masks.mask_name(one.name), one.relation, stamp(one.declared_at)) for one in declared
        ],
        has_own_number=bool(user.id_digest),
        people=[one for one in colleagues.around(session, actor.office_id) if one.id != actor.id],
        roles={role: names.get(role, role) for role in sorted(actor.roles)},
        items=item_names(session),
    )


def of_office(session: Session, actor: Actor) -> list[Grant]:
    """All that are not long over, of everybody in the actor's offices."""
    since = clock.now() - timedelta(days=90)
    return _grants(
        session, actor, _rows().where(StaffUser.office_id.in_(actor.offices), Deputy.until_at > since).limit(500)
    )


def leave_calendar(session: Session, actor: Actor, first: date, days: int = 31) -> list[Absence]:
    """Who of the actor's offices is away on which day, those who are at all."""
    begin = datetime.combine(first, datetime.min.time(), clock.SHANGHAI)
    query = (
        select(StaffUser.id, StaffUser.name, Office.name, Deputy.from_at, Deputy.until_at)
        .join(Deputy, Deputy.principal_id == StaffUser.id)
        .join(Office, Office.id == StaffUser.office_id)
        .where(StaffUser.office_id.in_(actor.offices), Deputy.kind == LEAVE, Deputy.revoked_at.is_(None))
        .where(Deputy.from_at < begin + timedelta(days=days), Deputy.until_at > begin)
        .order_by(Office.path, StaffUser.id)
    )
    rows: dict[int, tuple[str, str, list[tuple[datetime, datetime]]]] = {}
    for staff_id, name, office, from_at, until_at in session.execute(query):
        rows.setdefault(staff_id, (name, office, []))[2].append((from_at, until_at))
    return [
        Absence(name, office, [_day(begin + timedelta(days=number), spans) for number in range(days)])
        for name, office, spans in rows.values()
    ]


def _day(begin: datetime, spans: list[tuple[datetime, datetime]]) -> Day:
    end = begin + timedelta(days=1)
    return Day(begin.date(), any(from_at < end and until_at > begin for from_at, until_at in spans))


def people(session: Session, actor: Actor) -> list[tuple[int, str, str]]:
    """The active caseworkers of the actor's offices: id, name, title."""
    query = (
        select(StaffUser.id, StaffUser.name, StaffUser.title)
        .where(StaffUser.office_id.in_(actor.offices), StaffUser.active.is_(True))
        .order_by(StaffUser.office_id, StaffUser.id)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def role_names(session: Session) -> dict[str, str]:
    """Role → its name, as the published items call it."""
    found = {"supervisor": "主管", "admin": "系统管理", "analyst": "业务分析", "integrator": "系统对接"}
    for release_id in session.scalars(select(Release.id).where(Release.current.is_(True)).order_by(Release.item)):
        for lane, role in releases.view(session, release_id).item.roles.items():
            found.setdefault(role, lane)
    return found


def item_names(session: Session) -> dict[str, str]:
    """Item → its name, of what is published."""
    query = select(Release.id, Release.item).where(Release.current.is_(True)).order_by(Release.item)
    return {item: releases.view(session, one).item.name for one, item in session.execute(query) if item}


_deputy = aliased(StaffUser)
_Rows = Select[Deputy, str, str, str]


def _rows() -> _Rows:
    return (
        select(Deputy, StaffUser.name, Office.name, _deputy.name)
        .join(StaffUser, StaffUser.id == Deputy.principal_id)
        .join(Office, Office.id == StaffUser.office_id)
        .outerjoin(_deputy, _deputy.id == Deputy.deputy_id)
        .order_by(Deputy.until_at.desc(), Deputy.id.desc())
    )


def _grants(session: Session, actor: Actor, query: _Rows) -> list[Grant]:
    roles, items = role_names(session), item_names(session)
    found = []
    for row, principal, office, deputy in session.execute(query):
        state = _state(row)
        found.append(
            Grant(
                id=row.id,
                principal=principal,
                principal_id=row.principal_id,
                deputy=deputy or "",
                office=office,
                leave=row.kind == LEAVE,
                span=f"{stamp(row.from_at)} 至 {stamp(row.until_at)}",
                scope=_scope([roles.get(one, one) for one in row.roles], [items.get(one, one) for one in row.items]),
                reason=row.reason,
                state=state,
                can_end=state in ("now", "coming"),
            )
        )
    return found


def _state(row: Deputy) -> str:
    now = clock.now()
    if row.revoked_at is not None:
        return "revoked"
    return "over" if row.until_at <= now else "now" if row.from_at <= now else "coming"


def _scope(roles: list[str], items: list[str]) -> str:
    return f"{'、'.join(roles) or '全部岗位'} · {'、'.join(items) or '全部事项'}"


@dataclass(frozen=True)
class TaskFor:
    """A task one may do for somebody; ``whose`` is empty while it waits in the queue."""

    id: int
    title: str
    what: str
    number: str
    due: str
    whose: str


def tasks_for(session: Session, actor: Actor, principal_id: int) -> tuple[str, list[TaskFor]]:
    """Whom one stands in for and what waits for them now, most urgent first, 200 at most. Raises ``NotFound``."""
    grants = [one for one in actor.principals if one.id == principal_id]
    if not grants:
        raise NotFound("您现在没有代理这位同事，代理可能已经收回或到期")
    theirs = (Task.assignee == grants[0].key) | (Task.assignee == "")
    reach = or_(*(_reach(one) for one in grants))
    query = (
        select(Task, Case)
        .join(Case, Case.id == Task.case_id)
        .where(Task.state == "open", theirs, reach)
        .order_by(Task.due_on.nulls_last(), Task.priority.desc(), Task.id)
        .limit(200)
    )
    rows = session.execute(query).all()
    barred = persons.barred_cases(session, actor.kin, [case.id for _, case in rows])
    return grants[0].name, [
        TaskFor(
            id=task.id,
            title=masks.mask_name(case.subject_name),
            what=f"{case.item_name} · {task.name}",
            number=case.number,
            due=day(task.due_on),
            whose="须回避" if case.id in barred else grants[0].name if task.assignee else "岗位待领取",
        )
        for task, case in rows
    ]


def _reach(grant: Principal) -> ColumnElement[bool]:
    found = and_(Task.role.in_(grant.roles), Task.office_id.in_(grant.offices))
    return and_(found, Case.item.in_(grant.items)) if grant.items else found


def declared_of_offices(session: Session, actor: Actor) -> list[tuple[str, Declared]]:
    """What the people of the actor's offices declared, for supervisors: (whose, masked)."""
    query = (
        select(StaffUser.name, Relative)
        .join(Relative, Relative.staff_id == StaffUser.id)
        .where(StaffUser.office_id.in_(actor.offices), StaffUser.id != actor.id)
        .order_by(StaffUser.id, Relative.declared_at)
    )
    return [
        (name, Declared(one.id, masks.mask_name(one.name), one.relation, stamp(one.declared_at)))
        for name, one in session.execute(query)
    ]
