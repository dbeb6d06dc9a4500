"""The days and hours offices work: the yearly notice for all, and where an office and those below depart from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, time
from typing import Any

from sqlalchemy import Date, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core.db import Base
from engine.core.types import Json
from engine.core.workdays import Calendars, Span, WorkCalendar
from engine.registers.offices import Office

# The office of what holds for everybody.
EVERYBODY = 0
DAY, SEASON = "day", "season"
# A notice names some twenty days; an office's lone closure in a later year is no notice.
_A_NOTICE = 7


class OfficeDay(Base):
    """What departs from the ordinary. ``kind`` day: a holiday, 调休, a closure, or other hours on one day;
    season: other ordinary hours from that day on. ``hours`` are pairs such as ["09:00", "12:00"], None as usual.
    """

    __tablename__ = "office_day"

    office_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(String(6), primary_key=True, default=DAY)
    works: Mapped[bool]
    hours: Mapped[Any | None] = mapped_column(Json)
    name: Mapped[str] = mapped_column(String(60), default="")


def calendars(session: Session) -> Calendars:
    """The calendars as they stand in the database: one statement, one more where an office has days of its own."""
    rows: dict[int, list[Any]] = {}
    for one in session.execute(select(*OfficeDay.__table__.columns)):
        rows.setdefault(one.office_id, []).append(one)
    common = rows.pop(EVERYBODY, [])
    known = known_until(common)
    if not rows:
        return Calendars(_made(common, known))
    by_office, made = {}, {}
    for office_id, path in session.execute(select(Office.id, Office.path)):
        chain = tuple(one for one in lineage(path) if one in rows)
        if chain:
            if chain not in made:
                made[chain] = _made([*common, *(row for one in chain for row in rows[one])], known)
            by_office[office_id] = made[chain]
    return Calendars(_made(common, known), by_office)


def lineage(path: str) -> list[int]:
    """The offices above and the office itself, from the top."""
    return [int(part) for part in path.split("/") if part]


def known_until(days: Iterable[Any]) -> date:
    """The end of the last year a notice speaks of."""
    counts: dict[int, int] = {}
    for one in days:
        if one.kind == DAY:
            counts[one.day.year] = counts.get(one.day.year, 0) + 1
    years = [year for year, count in counts.items() if count >= _A_NOTICE]
    return date(max(years), 12, 31) if years else date.min


def spans(hours: Sequence[Sequence[str]]) -> tuple[Span, ...]:
    """[["09:00", "12:00"]] as times."""
    return tuple((time.fromisoformat(begin), time.fromisoformat(end)) for begin, end in hours)


def _made(rows: Sequence[Any], known: date) -> WorkCalendar:
    """Later rows win: an office's own stand after those of the offices above."""
    days = {one.day: one.works for one in rows if one.kind == DAY}
    own: dict[date, tuple[Span, ...]] = {}
    for one in rows:
        if one.kind == DAY:
            own.pop(one.day, None)
            if one.hours:
                own[one.day] = spans(one.hours)
    seasons = {one.day: spans(one.hours) for one in rows if one.kind == SEASON and one.hours}
    return WorkCalendar(days, known, own_hours=own, seasons=tuple(sorted(seasons.items())))
