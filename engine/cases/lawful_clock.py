"""The lawful clock of a case: working days promised, stopped for named reasons, resumed by itself.

Days are counted in the office's calendar from the working day after acceptance. A stop counts from the day it begins
to the day it ends; the due day moves by the working days between.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import Date, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.cases.case import Case
from engine.core import clock, ids, workdays
from engine.core.db import Base, WithId
from engine.core.operations import Call, NoNews, operation


class ClockStop(WithId, Base):
    """One stop: why, from when to when."""

    __tablename__ = "clock_stop"

    case_id: Mapped[int] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class CalendarDay(Base):
    """A day that departs from Monday to Friday: a holiday, or a weekend worked in its stead (调休)."""

    __tablename__ = "calendar_day"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    works: Mapped[bool]
    name: Mapped[str] = mapped_column(String(60), default="")


def calendar(session: Session) -> workdays.WorkCalendar:
    """The calendar as it stands in the database."""
    days = dict(session.execute(select(CalendarDay.day, CalendarDay.works)).all())
    return workdays.WorkCalendar(days, max(days, default=date.min))


def start(case: Case, days: int, on: date) -> None:
    """Begin to count ``days`` working days after ``on``."""
    case.clock_from, case.clock_days = on, days
    case.due_on = workdays.current().add(on, days)


def stop(session: Session, case: Case, reason: str) -> bool:
    """Stop the clock, also one that has not begun to run (补件 before acceptance); False where it stands already."""
    if case.clock_stopped_since is not None:
        return False
    case.clock_stopped_since, case.clock_reason = clock.today(), reason
    session.add(ClockStop(id=ids.new(), case_id=case.id, reason=reason, started_at=clock.now()))
    return True


def resume(session: Session, case: Case) -> str | None:
    """Go on counting; gives the reason of the stop that ended, or None where the clock ran."""
    if case.clock_stopped_since is None:
        return None
    calendar_ = workdays.current()
    lost = calendar_.between(case.clock_stopped_since, clock.today())
    if case.due_on is not None:
        case.due_on = calendar_.add(case.due_on, lost)
    open_stop = session.scalar(select(ClockStop).where(ClockStop.case_id == case.id, ClockStop.ended_at.is_(None)))
    if open_stop is not None:
        open_stop.ended_at = clock.now()
    reason, case.clock_stopped_since, case.clock_reason = case.clock_reason, None, ""
    return reason


def days_left(case: Case) -> int | None:
    """Working days to the due day; negative from the day after it, also on a weekend. While stopped, as at the stop."""
    if case.due_on is None:
        return None
    day = case.clock_stopped_since or clock.today()
    left = workdays.current().between(day, case.due_on)
    return min(left, -1) if day > case.due_on else left


class StopClock(Schema):
    """Why the clock stops: 补件, 公示 …"""

    reason = fields.String(required=True)


@operation("clock.stop", title="停止计时", where="inside", inputs=StopClock, outputs=NoNews)
def stop_clock(call: Call) -> dict[str, Any]:
    """Stop the lawful clock for a named reason."""
    stop(call.session, call.session.get_one(Case, call.case_id), call.inputs["reason"])
    return {}


@operation("clock.resume", title="恢复计时", where="inside", inputs=NoNews, outputs=NoNews)
def resume_clock(call: Call) -> dict[str, Any]:
    """Let the lawful clock run on."""
    resume(call.session, call.session.get_one(Case, call.case_id))
    return {}


class Accepted(Schema):
    """When the case was accepted (ISO, with offset)."""

    accepted_at = fields.String(required=True)


@operation("case.accept", title="受理", where="inside", inputs=NoNews, outputs=Accepted)
def accept_case(call: Call) -> dict[str, Any]:
    """Mark the case as accepted and start its lawful clock; a second acceptance after 补件 keeps the first day."""
    case = call.session.get_one(Case, call.case_id)
    if case.accepted_at is None:
        case.accepted_at = clock.now()
        start(case, case.clock_days, clock.today())
    return {"accepted_at": clock.local(case.accepted_at).isoformat()}
