"""The calendar of offices: the yearly notice, single days, seasonal hours; the queue counts running cases anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from itertools import groupby, pairwise

from sqlalchemy import ColumnElement, delete, func, select

from engine.batches.calendar_change import JOB, CalendarChange
from engine.cases import lawful_clock
from engine.cases.case import Case
from engine.cases.lawful_clock import CaseLimit, ClockStop
from engine.commands import Unit, forget_calendar, handles
from engine.core import ids, workdays
from engine.core.db import for_update, insert_rows
from engine.core.errors import Forbidden, NotFound, Refused
from engine.jobs import queue
from engine.jobs.queue import Job
from engine.registers.calendars import DAY, EVERYBODY, SEASON, OfficeDay, calendars
from engine.registers.offices import Office

ADMIN = "admin"
# One turn of the queue: locks are held for as long.
CHUNK = 100
Hours = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ImportCalendar:
    """The days that depart from Monday to Friday: day → (works, name). ``years`` are replaced as a whole."""

    days: Mapping[date, tuple[bool, str]]
    office_id: int = EVERYBODY
    years: Sequence[int] = ()


@dataclass(frozen=True)
class SetOfficeDay:
    """One day of an office (0: of everybody): it works or is closed, its hours where they are not the usual ones.

    ``works`` None takes back what was said of the day.
    """

    office_id: int
    day: date
    works: bool | None
    name: str = ""
    hours: Hours = ()


@dataclass(frozen=True)
class SetSeason:
    """Ordinary hours from a day on; no hours take back what was said."""

    office_id: int
    day: date
    hours: Hours
    name: str = ""


@dataclass(frozen=True)
class RecountCases:
    """One turn of counting anew after a change of the calendar."""

    change_id: int
    job_id: int = field(default=0)


@handles(ImportCalendar)
def import_calendar(command: ImportCalendar, unit: Unit) -> int:
    """Write the days; gives how many."""
    name = _office(unit, command.office_id)
    ours = (OfficeDay.office_id == command.office_id, OfficeDay.kind == DAY)
    for year in command.years:
        theirs = OfficeDay.day.between(date(year, 1, 1), date(year, 12, 31))
        unit.session.execute(delete(OfficeDay).where(*ours, theirs))
    rows = [
        {"office_id": command.office_id, "day": day, "kind": DAY, "works": works, "hours": None, "name": text}
        for day, (works, text) in command.days.items()
    ]
    insert_rows(unit.session, OfficeDay, rows, over=("works", "hours", "name"))
    _changed(unit, command.office_id, f"{name}：导入工作日历 {len(rows)} 天")
    return len(rows)


@handles(SetOfficeDay)
def set_office_day(command: SetOfficeDay, unit: Unit) -> None:
    """Write or take back one day."""
    name = _office(unit, command.office_id)
    _check(command.hours)
    if command.works is None:
        _forget(unit, command.office_id, command.day, DAY)
        _changed(unit, command.office_id, f"{name}：{command.day} 恢复为通常安排")
        return
    hours = [list(one) for one in command.hours] if command.works and command.hours else None
    _write(unit, command.office_id, command.day, DAY, command.works, hours, command.name)
    what = "上班" if command.works else "不上班"
    told = f"（{_hours_text(command.hours)}）" if hours else ""
    _changed(unit, command.office_id, f"{name}：{command.day} {what}{told} {command.name}".rstrip())


@handles(SetSeason)
def set_season(command: SetSeason, unit: Unit) -> None:
    """Write or take back a season's hours."""
    name = _office(unit, command.office_id)
    _check(command.hours)
    if not command.hours:
        _forget(unit, command.office_id, command.day, SEASON)
        _changed(unit, command.office_id, f"{name}：取消自 {command.day} 起的作息时间")
        return
    hours = [list(one) for one in command.hours]
    _write(unit, command.office_id, command.day, SEASON, True, hours, command.name)
    _changed(unit, command.office_id, f"{name}：自 {command.day} 起作息时间 {_hours_text(command.hours)}")


@handles(RecountCases)
def recount_cases(command: RecountCases, unit: Unit) -> int:
    """Count a chunk of running cases anew in few statements, and queue the next turn; gives how many were looked at."""
    if unit.actor.kind != "system":
        raise Forbidden("重新计算期限由系统执行")
    session = unit.session
    session.execute(delete(Job).where(Job.id == command.job_id))
    change = session.get_one(CalendarChange, command.change_id)
    query = (
        select(Case).where(_running(unit, change.office_id), Case.id > change.after_id).order_by(Case.id).limit(CHUNK)
    )
    found = list(session.scalars(query.with_for_update() if for_update(session) else query))
    if found:
        # The kept calendar of this process may be the one before the change.
        with workdays.in_force(calendars(session)):
            change.moved += _recount(unit, change, found)
        change.done, change.after_id = change.done + len(found), found[-1].id
    if len(found) < CHUNK:
        change.ended_at = unit.now
        unit.record(None, "calendar", f"{change.title}：已重算 {change.done} 件，{change.moved} 件到期日变动")
    else:
        _queue(unit, change)
    session.flush()
    return len(found)


def _recount(unit: Unit, change: CalendarChange, cases: Sequence[Case]) -> int:
    session, its = unit.session, [case.id for case in cases]
    limits = session.scalars(
        select(CaseLimit).where(CaseLimit.case_id.in_(its), CaseLimit.ended_at.is_(None)).order_by(CaseLimit.case_id)
    )
    stops = session.scalars(
        select(ClockStop).where(ClockStop.case_id.in_(its)).order_by(ClockStop.case_id, ClockStop.id)
    )
    limits_of = {case_id: list(own) for case_id, own in groupby(limits, key=lambda one: one.case_id)}
    stops_of = {case_id: list(own) for case_id, own in groupby(stops, key=lambda one: one.case_id)}
    moved = 0
    for case in cases:
        before, rules = case.due_on, lawful_clock.rules_of(session, case)
        own = limits_of.get(case.id, [])
        if own and lawful_clock.recount(session, case, rules, stops_of.get(case.id, []), own):
            moved += 1
            told = {"before": str(before), "after": str(case.due_on), "why": change.title}
            unit.record(case, "recounted", f"工作日历调整，到期日由 {before} 变为 {case.due_on}", told)
    return moved


def _running(unit: Unit, office_id: int) -> ColumnElement[bool]:
    running = Case.state.in_(("open", "suspended")) & Case.due_on.is_not(None)
    if office_id == EVERYBODY:
        return running
    path = unit.session.scalar(select(Office.path).where(Office.id == office_id)) or "/"
    below = select(Office.id).where(Office.path.startswith(path, autoescape=True))
    return running & Case.office_id.in_(below)


def _changed(unit: Unit, office_id: int, title: str) -> None:
    """Journal the change and have the running cases counted anew."""
    session = unit.session
    unit.record(None, "calendar", title[:300])
    session.flush()
    forget_calendar()
    total = session.scalar(select(func.count()).select_from(Case).where(_running(unit, office_id))) or 0
    change = CalendarChange(
        id=ids.new(),
        office_id=office_id,
        title=title[:200],
        made_at=unit.now,
        made_by_name=unit.actor.shown,
        total=total,
        done=0,
        moved=0,
        after_id=0,
        ended_at=None if total else unit.now,
    )
    session.add(change)
    if total:
        _queue(unit, change)
    session.flush()


def _queue(unit: Unit, change: CalendarChange) -> None:
    row = {"kind": JOB, "case_id": 0, "token": f"{change.id}-{change.done}", "due_at": unit.now}
    queue.enqueue(unit.session, [{**row, "payload": {"change": change.id}}])


def _office(unit: Unit, office_id: int) -> str:
    """The name of an office the actor may speak for. Raises ``Forbidden``, ``NotFound``."""
    unit.require(ADMIN)
    if office_id == EVERYBODY:
        own = unit.session.get(Office, unit.actor.office_id) if unit.actor.kind == "staff" else None
        if own is not None and own.parent_id is not None:
            raise Forbidden("全部机构的工作日历由上级机构维护，您可以调整本机构的安排")
        return "全部机构"
    office = unit.session.get(Office, office_id)
    if office is None or (unit.actor.kind != "system" and office_id not in unit.actor.offices):
        raise NotFound("没有这个机构，或不在您的管理范围内")
    return office.name


def _check(hours: Hours) -> None:
    """Raises ``Refused`` unless the spans follow each other."""
    try:
        moments = [time.fromisoformat(part) for span in hours for part in span]
    except ValueError as error:
        raise Refused("时间应写作 09:00，请核对", code="calendar_hours") from error
    if any(later <= earlier for earlier, later in pairwise(moments)):
        raise Refused("上下班时间应由早到晚，各段不能重叠", code="calendar_hours")


def _hours_text(hours: Hours) -> str:
    return "、".join(f"{begin}-{end}" for begin, end in hours)


def _write(
    unit: Unit, office_id: int, day: date, kind: str, works: bool, hours: list[list[str]] | None, name: str
) -> None:
    row = {"office_id": office_id, "day": day, "kind": kind, "works": works, "hours": hours, "name": name.strip()[:60]}
    insert_rows(unit.session, OfficeDay, [row], over=("works", "hours", "name"))


def _forget(unit: Unit, office_id: int, day: date, kind: str) -> None:
    ours = (OfficeDay.office_id == office_id, OfficeDay.day == day, OfficeDay.kind == kind)
    unit.session.execute(delete(OfficeDay).where(*ours))
