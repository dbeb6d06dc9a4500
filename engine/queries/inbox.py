"""The inbox: queues with counts, the list of one queue, the task that comes next. Indexed rows only, no workflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.work import Task
from engine.catalog import releases
from engine.catalog.releases import Release
from engine.core import clock, masks
from engine.core.actor import Actor
from engine.queries.common import Due, due_of, stamp
from engine.registers.offices import Office

PAGE = 50
APPLICANT = "applicant"
TITLES = {
    "mine": "待我办理",
    "late": "已超时",
    "today": "今日到期",
    "supplement": "等待补正",
    "done-today": "今天办结的任务",
    "done-month": "本月办结的任务",
}


@dataclass(frozen=True)
class Counts:
    """How many tasks each view holds: view key → number; ``roles`` are the queues of the actor in their order."""

    by_view: Mapping[str, int]
    roles: Mapping[str, str]


@dataclass(frozen=True)
class TaskLine:
    """One line of the list."""

    id: int
    case_id: int
    title: str
    what: str
    number: str
    office: str
    due: Due
    mine: bool
    claimed: bool
    done_at: str


@dataclass(frozen=True)
class TaskList:
    """One page of a view."""

    view: str
    title: str
    lines: list[TaskLine]
    total: int
    page: int
    pages: int


def queues(session: Session, actor: Actor) -> dict[str, str]:
    """Role → its name, for the roles of the actor that published items hand tasks to."""
    found: dict[str, str] = {}
    for release_id in session.scalars(select(Release.id).where(Release.current.is_(True)).order_by(Release.item)):
        for lane, role in releases.view(session, release_id).item.roles.items():
            if role != APPLICANT and actor.has(role):
                found.setdefault(role, lane)
    return found


def counts(session: Session, actor: Actor) -> Counts:
    """Two grouped statements: open tasks and what the actor has done this month."""
    roles = queues(session, actor)
    mine = case((Task.assignee == actor.key, 1), else_=0).label("is_mine")
    free = case((Task.assignee == "", 1), else_=0).label("is_free")
    query = (
        select(Task.role, mine, free, _bucket().label("bucket"), func.count())
        .join(Case, Case.id == Task.case_id)
        .where(_visible(actor), Task.state == "open", Task.role.in_([*roles, APPLICANT]))
        # By name: PostgreSQL does not see that two expressions with parameters are the same.
        .group_by(Task.role, "is_mine", "is_free", "bucket")
    )
    found = dict.fromkeys([*TITLES, *(f"role-{role}" for role in roles)], 0)
    for role, is_mine, is_free, bucket, number in session.execute(query):
        for view in _views_of(role, bool(is_mine), bool(is_free), bucket):
            if view in found:
                found[view] += number
    today, month = _today_and_month()
    done = select(func.count(), func.sum(case((Task.done_at >= today, 1), else_=0))).where(_done(actor, month))
    in_month, since_today = session.execute(done).one()
    return Counts({**found, "done-month": in_month, "done-today": int(since_today or 0)}, roles)


def _views_of(role: str, mine: bool, free: bool, bucket: str) -> list[str]:
    """The views a task stands in: one's own and free tasks count as late or due, those of colleagues do not."""
    if role == APPLICANT:
        return ["supplement"]
    views = ["mine"] if mine else []
    if free:
        views.append(f"role-{role}")
    if (mine or free) and bucket:
        views.append(bucket)
    return views


def tasks(session: Session, actor: Actor, view: str, page: int = 1) -> TaskList:
    """One page of a view, most urgent first; an unknown view is one's own. Inside ``calendar``."""
    roles = queues(session, actor)
    view = view if view in TITLES or view.removeprefix("role-") in roles else "mine"
    query = _of_view(actor, view, roles)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    pages = max(1, -(-total // PAGE))
    page = min(max(page, 1), pages)
    rows = session.execute(query.limit(PAGE).offset((page - 1) * PAGE))
    lines = [_line(actor, task, one, office) for task, one, office in rows]
    return TaskList(view, title_of(view, roles), lines, total, page, pages)


def next_task(session: Session, actor: Actor, view: str) -> int | None:
    """The id of the most urgent task of a view."""
    if view.startswith("done-"):
        return None
    first = session.execute(_of_view(actor, view, queues(session, actor)).limit(1)).first()
    return first[0].id if first else None


def title_of(view: str, roles: Mapping[str, str]) -> str:
    """How a view is called."""
    return TITLES.get(view) or roles[view.removeprefix("role-")]


def default_view(found: Counts) -> str:
    """Where a person lands: their own tasks, else the first queue with work, else their own (empty) list."""
    queued = [f"role-{role}" for role in found.roles]
    return next((view for view in ["mine", *queued] if found.by_view[view]), "mine")


def _of_view(actor: Actor, view: str, roles: Mapping[str, str]) -> Select[Task, Case, str]:
    query = select(Task, Case, Office.name).join(Case, Case.id == Task.case_id)
    query = query.join(Office, Office.id == Task.office_id)
    today, month = _today_and_month()
    if view in ("done-today", "done-month"):
        since = today if view == "done-today" else month
        return query.where(_done(actor, since)).order_by(Task.done_at.desc(), Task.id)
    query = query.where(_visible(actor), Task.state == "open")
    own_or_free = Task.assignee.in_([actor.key, ""])
    conditions: dict[str, ColumnElement[bool]] = {
        "supplement": Task.role == APPLICANT,
        "late": and_(Task.role.in_(roles), own_or_free, _bucket() == "late"),
        "today": and_(Task.role.in_(roles), own_or_free, _bucket() == "today"),
    }
    conditions |= {f"role-{role}": and_(Task.role == role, Task.assignee == "") for role in roles}
    mine = and_(Task.role.in_([*roles, APPLICANT]), Task.assignee == actor.key)
    query = query.where(conditions.get(view, mine))
    return query.order_by(Case.due_on.is_(None), Case.due_on, Task.priority.desc(), Task.created_at, Task.id)


def _visible(actor: Actor) -> ColumnElement[bool]:
    return Task.office_id.in_(actor.offices)


def _done(actor: Actor, since: datetime) -> ColumnElement[bool]:
    """What the actor finished: ``assignee`` stays with a finished task and is indexed."""
    return and_(Task.assignee == actor.key, Task.state == "done", Task.done_by == actor.key, Task.done_at >= since)


def _bucket() -> ColumnElement[str]:
    """``late``, ``today`` or nothing; a clock that stands is neither."""
    today = clock.today()
    runs = Case.clock_stopped_since.is_(None)
    return case((and_(runs, Case.due_on < today), "late"), (and_(runs, Case.due_on == today), "today"), else_="")


def _today_and_month() -> tuple[datetime, datetime]:
    today = clock.local(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    return today, today - timedelta(days=today.day - 1)


def _line(actor: Actor, task: Task, one: Case, office: str) -> TaskLine:
    return TaskLine(
        id=task.id,
        case_id=task.case_id,
        title=masks.mask_name(one.subject_name),
        what=f"{one.item_name} · {task.name}",
        number=one.number,
        office=office,
        due=due_of(one),
        mine=task.assignee == actor.key,
        claimed=task.assignee not in ("", actor.key) and task.role != APPLICANT,
        done_at=stamp(task.done_at) if task.state == "done" else "",
    )
