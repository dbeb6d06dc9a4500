"""Counting by weeks and departures gives what counting day by day, minute by minute gives."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import clock, workdays
from engine.core.workdays import Calendars, Span, WorkCalendar

DAY = timedelta(days=1)
SPRING = date(2026, 2, 1)
days = st.integers(0, 120).map(lambda number: SPRING + timedelta(days=number))
hours = st.sampled_from(
    [
        workdays.OFFICE_HOURS,
        ((time(8, 30), time(11, 30)), (time(14, 30), time(18))),
        ((time(9), time(12)),),
    ]
)
calendars = st.builds(
    WorkCalendar,
    st.dictionaries(days, st.booleans(), max_size=30),
    st.just(date(2026, 12, 31)),
    hours,
    st.dictionaries(days, hours, max_size=3),
)
moments = st.builds(
    lambda day, minutes: datetime.combine(day, time(), clock.SHANGHAI) + timedelta(minutes=minutes),
    days,
    st.integers(0, 24 * 60 - 1),
)


def naive_works(calendar: WorkCalendar, day: date) -> bool:
    if day in calendar.days:
        return calendar.days[day]
    return day.strftime("%a") not in ("Sat", "Sun")


def naive_open(calendar: WorkCalendar, minute: datetime) -> bool:
    """Whether the minute that begins then is working time."""
    day = minute.date()
    spans: tuple[Span, ...] = calendar.own_hours.get(day, calendar.hours)
    return naive_works(calendar, day) and any(begin <= minute.time() < end for begin, end in spans)


@given(calendars, days, st.integers(0, 200))
def test_days_between_are_the_working_days_counted_one_by_one(calendar: WorkCalendar, start: date, length: int) -> None:
    end = start + timedelta(days=length)
    counted = sum(naive_works(calendar, start + timedelta(days=n)) for n in range(1, length + 1))
    assert calendar.between(start, end) == counted
    assert calendar.between(end, start) == -counted


@given(calendars, days, st.integers(-60, 60))
def test_a_limit_ends_on_the_day_one_reaches_by_walking(calendar: WorkCalendar, start: date, count: int) -> None:
    day, left = start, abs(count)
    while left:
        day += DAY if count > 0 else -DAY
        left -= naive_works(calendar, day)
    assert calendar.add(start, count) == day


@given(calendars, moments, st.integers(1, 20 * 60))
def test_a_limit_in_hours_ends_at_the_minute_one_reaches_by_walking(
    calendar: WorkCalendar, start: datetime, minutes: int
) -> None:
    minute, left = start, minutes
    while left:
        left -= naive_open(calendar, minute)
        minute += timedelta(minutes=1)
    reached = calendar.add_time(start, timedelta(minutes=minutes))
    assert reached == minute
    assert reached.tzinfo is UTC
    assert calendar.time_between(start, reached) == timedelta(minutes=minutes)
    assert calendar.time_between(reached, start) == -timedelta(minutes=minutes)


def test_no_time_is_over_at_once() -> None:
    night = datetime(2026, 3, 7, 23, 0, tzinfo=clock.SHANGHAI)
    assert WorkCalendar().add_time(night, timedelta()) == night


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="forward"):
        WorkCalendar().add_time(clock.now(), timedelta(minutes=-1))


def test_an_office_that_never_opens_is_told_of_instead_of_searched_for_ever() -> None:
    with pytest.raises(ValueError, match="never opens"):
        WorkCalendar(hours=()).add_time(clock.now(), timedelta(minutes=1))


def test_past_the_last_notice_a_day_is_only_guessed() -> None:
    calendar = WorkCalendar(known_until=date(2026, 12, 31))
    assert calendar.knows(date(2026, 12, 31))
    assert not calendar.knows(date(2027, 1, 1))


def test_each_office_counts_by_its_own_calendar() -> None:
    friday, monday = date(2026, 3, 6), date(2026, 3, 9)
    moved = WorkCalendar({monday: False})
    with workdays.in_force(Calendars(WorkCalendar(), {7: moved})):
        assert workdays.current().add(friday, 1) == monday
        assert workdays.current(7).add(friday, 1) == date(2026, 3, 10)
        workdays.use_office(7)
        assert workdays.current() is moved
        with workdays.in_force(WorkCalendar()):
            assert workdays.current().add(friday, 1) == monday
        assert workdays.current() is moved
    assert workdays.current().add(friday, 1) == monday
