"""The lawful clock against a count by fingers, day by day, through 调休, stops and resumes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from engine.cases import lawful_clock
from engine.cases.case import Case
from engine.cases.lawful_clock import ClockStop
from engine.core import clock, workdays
from engine.core.db import Base, make_engine
from engine.core.workdays import WorkCalendar
from web.demo_data import calendar_days

CALENDAR = WorkCalendar({day: works for day, (works, _) in calendar_days(2025, 2026).items()}, date(2026, 12, 31))
FIRST = date(2025, 9, 1)
# Days after FIRST: National Day with its 调休 and Spring Festival lie inside.
DAYS = st.integers(min_value=0, max_value=200)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    engine = make_engine("sqlite://")
    Base.metadata.create_all(engine, tables=[ClockStop.__table__])  # type: ignore[list-item]
    with Session(engine) as session:
        yield session
    engine.dispose()


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 10, tzinfo=clock.SHANGHAI)


def by_fingers(promised: int, accepted: date, stops: list[tuple[date, date]], today: date) -> int:
    """What is left when every day is looked at: it counts where the office works and the clock did not stand."""
    counted, day = 0, accepted
    while day < today:
        day += timedelta(days=1)
        stood = any(begin < day <= end for begin, end in stops)
        counted += CALENDAR.works(day) and not stood
    return promised - counted


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    accepted=DAYS,
    promised=st.integers(min_value=1, max_value=30),
    pauses=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=4),
    after=st.integers(min_value=0, max_value=60),
)
def test_the_days_left_are_those_counted_by_fingers(
    session: Session, accepted: int, promised: int, pauses: list[tuple[int, int]], after: int
) -> None:
    case = Case(id=1, clock_days=promised, clock_stopped_since=None, due_on=None)
    start = today = FIRST + timedelta(days=accepted)
    stops: list[tuple[date, date]] = []
    with workdays.in_force(CALENDAR), clock.frozen(at(today)):
        lawful_clock.start(case, promised, today)
        for running, standing in pauses:
            begin = today + timedelta(days=running)
            today = begin + timedelta(days=standing)
            clock.move_frozen(at(begin))
            assert lawful_clock.stop(session, case, "补件")
            left_at_stop = lawful_clock.days_left(case)
            clock.move_frozen(at(today))
            assert lawful_clock.days_left(case) == left_at_stop
            assert lawful_clock.resume(session, case) == "补件"
            stops.append((begin, today))
        today += timedelta(days=after)
        clock.move_frozen(at(today))
        left = lawful_clock.days_left(case)
        assert case.due_on is not None
    fingers = by_fingers(promised, start, stops, today)
    # From the first day after the due day a case is late, also on a day nobody works.
    assert left == (min(fingers, -1) if today > case.due_on else fingers)
    session.rollback()


@given(start=DAYS, count=st.integers(min_value=-40, max_value=40))
def test_going_some_working_days_on_and_counting_them_agree(start: int, count: int) -> None:
    begin = FIRST + timedelta(days=start)
    end = CALENDAR.add(begin, count)
    if CALENDAR.works(begin) or count >= 0:
        assert CALENDAR.between(begin, end) == count
    assert CALENDAR.works(end) or count == 0


def test_a_sunday_worked_instead_of_a_holiday_counts_and_the_holiday_does_not() -> None:
    # 国庆 2025: closed from 1 to 8 October, worked on Sunday 28 September and Saturday 11 October.
    assert CALENDAR.works(date(2025, 9, 28))
    assert not CALENDAR.works(date(2025, 10, 8))
    assert CALENDAR.add(date(2025, 9, 30), 1) == date(2025, 10, 9)
    assert CALENDAR.add(date(2025, 10, 10), 1) == date(2025, 10, 11)


def test_beyond_the_table_the_week_alone_rules() -> None:
    assert CALENDAR.add(date(2031, 1, 3), 1) == date(2031, 1, 6)


def test_a_clock_that_stands_does_not_stop_twice_and_one_that_runs_does_not_resume(session: Session) -> None:
    case = Case(id=2, clock_days=5, clock_stopped_since=None, due_on=None)
    with workdays.in_force(CALENDAR), clock.frozen(at(FIRST)):
        assert lawful_clock.resume(session, case) is None
        assert lawful_clock.stop(session, case, "补件")
        assert not lawful_clock.stop(session, case, "公示")
        assert case.clock_reason == "补件"
    session.rollback()


def test_every_stop_is_kept_with_reason_begin_and_end(session: Session) -> None:
    case = Case(id=3, clock_days=5, clock_stopped_since=None, due_on=None)
    with workdays.in_force(CALENDAR), clock.frozen(at(FIRST)):
        lawful_clock.start(case, 5, FIRST)
        lawful_clock.stop(session, case, "公示")
        session.flush()
        clock.move_frozen(at(FIRST + timedelta(days=3)))
        lawful_clock.resume(session, case)
        session.flush()
    kept = session.query(ClockStop).filter_by(case_id=3).one()
    assert (kept.reason, clock.local(kept.started_at).date()) == ("公示", FIRST)
    assert kept.ended_at is not None
    assert clock.local(kept.ended_at).date() == FIRST + timedelta(days=3)
    session.rollback()


def test_a_case_without_a_limit_is_never_late() -> None:
    assert lawful_clock.days_left(Case(id=4, due_on=None)) is None
