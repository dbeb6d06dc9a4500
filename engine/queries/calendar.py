"""The calendar page: a month as a grid, what an import would change, and how far cases were counted anew."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.batches.calendar_change import CalendarChange
from engine.cases.case import Case
from engine.core import clock
from engine.core.actor import Actor
from engine.core.workdays import WorkCalendar
from engine.queries.common import stamp
from engine.registers.calendars import DAY, EVERYBODY, SEASON, OfficeDay, calendars, lineage
from engine.registers.offices import Office

WEEK = ("一", "二", "三", "四", "五", "六", "日")


@dataclass(frozen=True)
class DayCell:
    """One day. ``origin``: whose word makes it so (own, above, notice) or empty for the week alone; ``due``: cases."""

    day: date
    inside: bool
    today: bool
    works: bool
    known: bool
    name: str
    hours: str
    origin: str
    due: int

    @property
    def says(self) -> str:
        """What a screen reader says."""
        told = [f"{self.day.month}月{self.day.day}日", "上班" if self.works else "休", self.name, self.hours]
        return "，".join([*(one for one in told if one), *([f"{self.due} 件到期"] if self.due else [])])


@dataclass(frozen=True)
class Month:
    """A month of an office. ``unknown``: running cases that are due after the last day the notices speak of."""

    first: date
    office_id: int
    office: str
    weeks: list[list[DayCell]]
    works: int
    known_until: date | None
    unknown: int
    hours: str
    seasons: list[tuple[date, str, str]]
    offices: list[tuple[int, str]]
    editable: bool

    @property
    def guessed(self) -> bool:
        """Whether a day of the month lies past what the notices speak of."""
        return self.known_until is not None and any(one.inside and not one.known for week in self.weeks for one in week)

    @property
    def before(self) -> date:
        """The first of the month before."""
        return (self.first - timedelta(days=1)).replace(day=1)

    @property
    def after(self) -> date:
        """The first of the next month."""
        return (self.first + timedelta(days=31)).replace(day=1)


@dataclass(frozen=True)
class Difference:
    """One day an import would change: what it is and what it would be, None for the week alone."""

    day: date
    before: str
    after: str


@dataclass(frozen=True)
class ChangeLine:
    """One change and the counting anew."""

    title: str
    at: str
    by: str
    total: int
    done: int
    moved: int
    over: bool


def month(session: Session, actor: Actor, first: date, office_id: int) -> Month:
    """The month of one office, of everybody where ``office_id`` is 0."""
    offices = [
        (one.id, one.name, one.path) for one in session.scalars(select(Office).where(Office.id.in_(actor.offices)))
    ]
    offices.sort(key=lambda one: one[2])
    chosen = next((one for one in offices if one[0] == office_id), None)
    office_id, name, path = chosen or (EVERYBODY, "全部机构", "")
    every = calendars(session)
    calendar = every.common if office_id == EVERYBODY else every.of(office_id)
    chain = lineage(path)
    rows = {
        (one.office_id, one.day): one
        for one in session.scalars(
            select(OfficeDay).where(OfficeDay.office_id.in_([EVERYBODY, *chain]), OfficeDay.kind == DAY)
        )
    }
    days = [one for week in Calendar().monthdatescalendar(first.year, first.month) for one in week]
    due = _due(session, actor, chain[-1] if chain else None, days[0], days[-1])
    cells = [_cell(one, first, calendar, rows, [EVERYBODY, *chain], due) for one in days]
    seasons = (
        select(OfficeDay).where(OfficeDay.office_id == office_id, OfficeDay.kind == SEASON).order_by(OfficeDay.day)
    )
    known = calendar.known_until
    home = next((one for one in offices if one[0] == actor.office_id), None)
    return Month(
        first=first,
        office_id=office_id,
        office=name,
        weeks=[cells[at : at + 7] for at in range(0, len(cells), 7)],
        works=sum(one.inside and one.works for one in cells),
        known_until=None if known == date.min else known,
        unknown=_past(session, actor, known),
        hours=_hours(calendar, first),
        seasons=[(one.day, _text(one.hours), one.name) for one in session.scalars(seasons)],
        offices=[(id_, text) for id_, text, _ in offices],
        editable=actor.has("admin") and (office_id != EVERYBODY or bool(home and len(lineage(home[2])) == 1)),
    )


def differences(session: Session, office_id: int, days: Mapping[date, tuple[bool, str]]) -> list[Difference]:
    """What an import of these days would change; the years they speak of are replaced as a whole."""
    years = {one.year for one in days}
    query = select(OfficeDay).where(OfficeDay.office_id == office_id, OfficeDay.kind == DAY)
    before = {one.day: (one.works, one.name) for one in session.scalars(query) if one.day.year in years}
    changed = sorted(one for one in before.keys() | days.keys() if before.get(one) != days.get(one))
    return [Difference(one, _said(before.get(one)), _said(days.get(one))) for one in changed]


def changes(session: Session, limit: int = 8) -> list[ChangeLine]:
    """The newest changes first."""
    query = select(CalendarChange).order_by(CalendarChange.id.desc()).limit(limit)
    return [
        ChangeLine(
            one.title, stamp(one.made_at), one.made_by_name, one.total, one.done, one.moved, one.ended_at is not None
        )
        for one in session.scalars(query)
    ]


# --- inside ------------------------------------------------------------------------------------------------------


def _cell(
    day: date,
    first: date,
    calendar: WorkCalendar,
    rows: Mapping[tuple[int, date], OfficeDay],
    chain: list[int],
    due: Mapping[date, int],
) -> DayCell:
    said = next((rows[one, day] for one in reversed(chain) if (one, day) in rows), None)
    origin = "" if said is None else "notice" if said.office_id == EVERYBODY else "own"
    if said is not None and said.office_id not in (EVERYBODY, chain[-1]):
        origin = "above"
    return DayCell(
        day=day,
        inside=day.month == first.month,
        today=day == clock.today(),
        works=calendar.works(day),
        known=calendar.knows(day),
        name=said.name if said else "",
        hours=_hours(calendar, day) if said and said.hours else "",
        origin=origin,
        due=due.get(day, 0),
    )


def _due(session: Session, actor: Actor, office_id: int | None, first: date, last: date) -> dict[date, int]:
    """How many running cases are due on each day."""
    mine = Case.office_id.in_(actor.offices) if office_id is None else Case.office_id == office_id
    open_ = (Case.state == "open", Case.due_on.between(first, last), Case.clock_stopped_since.is_(None), mine)
    return {
        day: int(count)
        for day, count in session.execute(select(Case.due_on, func.count()).where(*open_).group_by(Case.due_on))
        if day
    }


def _past(session: Session, actor: Actor, known: date) -> int:
    if known == date.min:
        return 0
    past = (Case.state.in_(("open", "suspended")), Case.due_on > known, Case.office_id.in_(actor.offices))
    return int(session.scalar(select(func.count()).select_from(Case).where(*past)) or 0)


def _hours(calendar: WorkCalendar, day: date) -> str:
    return "、".join(f"{begin:%H:%M}-{end:%H:%M}" for begin, end in calendar.hours_of(day))


def _text(hours: list[list[str]] | None) -> str:
    return "、".join(f"{begin}-{end}" for begin, end in hours or [])


def _said(one: tuple[bool, str] | None) -> str:
    return "" if one is None else f"{'上班' if one[0] else '休'} {one[1]}".strip()
