"""Dates beyond the years 1 to 9999, and nanoseconds."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.feel import evaluate, far, to_json

CYCLES = 25  # 10,000 years: any date of Python's years, moved by them, is a far one
DATES = st.dates(date(400, 1, 1), date(9000, 1, 1))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('date("-2021-12-31") + @"P1D"', "-2020-01-01"),
        ("date(-999999999, 12, 31)", "-999999999-12-31"),
        ("date(1000000000, 1, 1)", None),
        ('@"999999999-12-31" + @"P1D"', None),
        ('@"9999-12-31" + @"P1D" - @"P1D" = @"9999-12-31"', True),
        ('@"-0044-03-15" < @"2026-01-01"', True),
        ('@"-0044-03-15".year', -44),
        ('day of week(@"12026-11-22")', "Sunday"),
        ('last day of month(date("10000-02-03"))', "10000-02-29"),
        ('string(@"-2021-01-31T10:00:00@Asia/Shanghai" + @"P1M")', "-2021-02-28T10:00:00@Asia/Shanghai"),
        ('string(@"10000-01-01" - @"9999-12-31")', "P1D"),
        ('@"09:30:00.123456789"', "09:30:00.123456789"),
        ('@"09:30:00.123456789" > @"09:30:00.123456788"', True),
        ('time(@"2026-01-31T09:30:00.123456789Z")', "09:30:00.123456789Z"),
        ('@"09:30:00.5" = @"09:30:00.25"', True),
        ('@"-0044-03-15" instance of date', True),
        ('add working days(@"10000-01-01", 1)', None),
        ('[@"-0044-03-15", null][1] in [@"-0045-01-01"..@"2026-01-01"]', True),
    ],
)
def test_far_dates_and_nanoseconds(text: str, value: Any) -> None:
    assert to_json(evaluate(text, {})) == value


@given(DATES, st.timedeltas(timedelta(days=-146_000), timedelta(days=146_000)).map(lambda each: timedelta(each.days)))
def test_days_count_far_away_as_they_do_near(day: date, length: timedelta) -> None:
    moved = far.made(day, CYCLES)
    assert far.shifted(moved, length) == far.made(day + length, CYCLES)
    assert far.difference(far.shifted(moved, length), moved) == length


@given(DATES, st.integers(-4000, 4000))
def test_months_count_far_away_as_they_do_near(day: date, months: int) -> None:
    near = far.months_added(day, months)
    assert far.months_added(far.made(day, CYCLES), months) == far.made(near, CYCLES)


@given(DATES, DATES)
def test_far_dates_are_ordered_as_near_ones(one: date, other: date) -> None:
    assert (far.instant(far.made(one, CYCLES)) < far.instant(far.made(other, CYCLES))) == (one < other)
    assert far.instant(far.made(one, -CYCLES)) < far.instant(other) < far.instant(far.made(one, CYCLES))
