"""Dates and times where Python's end: years from -999 999 999 to 999 999 999, and nanoseconds (DMN 1.5, 10.3.2.3.4).

The Gregorian calendar repeats every 400 years, weekdays too. A far value is its like in the years 2000 to 2399, with
the number of 400-year cycles between them and the nanoseconds below the microsecond. Python's own types stand wherever
they can: ``made`` gives a ``Far`` only where they cannot.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

MAX_YEAR = 999_999_999
_CYCLE_DAYS = 146_097
_DAY = 86_400 * 10**9  # nanoseconds


@dataclass(frozen=True, slots=True, eq=False)
class Far:
    """``near``: the like in the years 2000 to 2399 (a time of day has no cycles); ``nano`` 0 to 999."""

    near: date | time
    cycles: int = 0
    nano: int = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Far) and (self.near, self.cycles, self.nano) == (other.near, other.cycles, other.nano)

    def __hash__(self) -> int:
        return hash((self.near, self.cycles, self.nano))

    @property
    def kind(self) -> type:
        """date, datetime or time."""
        return type(self.near)

    @property
    def year(self) -> int:
        return year_of(self)


def lifted(value: Any) -> Far:
    """Any date, time, or date and time as a far value."""
    if isinstance(value, Far):
        return value
    if isinstance(value, time):
        return Far(value)
    return Far(value.replace(year=2000 + value.year % 400), value.year // 400 - 5)


def made(near: date | time, cycles: int = 0, nano: int = 0) -> Any:
    """The value, as one of Python's where it has a like. Raises OverflowError past the years of FEEL."""
    if isinstance(near, time):
        return Far(near, 0, nano) if nano else near
    year = near.year + 400 * cycles
    if abs(year) > MAX_YEAR:
        raise OverflowError(year)
    if 1 <= year <= 9999 and not nano:
        return near.replace(year=year)
    return Far(near.replace(year=2000 + year % 400), year // 400 - 5, nano)


def day_of(year: int, month: int, day: int) -> Any:
    """A date of any year of FEEL. Raises ValueError or OverflowError."""
    if 1 <= year <= 9999:
        return date(year, month, day)
    return made(date(2000 + year % 400, month, day), year // 400 - 5)


def combined(day: Any, at: Any) -> Any:
    """The date and time of a day and a time of day."""
    whole, clock = lifted(day), lifted(at)
    near = whole.near
    if not isinstance(near, date) or not isinstance(clock.near, time):
        raise TypeError
    return made(datetime.combine(near, clock.near), whole.cycles, clock.nano)


def day_part(value: Any) -> Any:
    """The date of a date, or of a date and time."""
    if isinstance(value, Far):
        return made(value.near.date(), value.cycles) if isinstance(value.near, datetime) else value
    return value.date() if isinstance(value, datetime) else value


def time_part(value: Any) -> Any:
    """The time of day, with its zone."""
    if isinstance(value, Far):
        return made(value.near.timetz(), 0, value.nano) if isinstance(value.near, datetime) else value
    return value.timetz() if isinstance(value, datetime) else value


def year_of(value: Any) -> int:
    """The year of a date, near or far."""
    if isinstance(value, Far):
        return (value.near.year if isinstance(value.near, date) else 0) + 400 * value.cycles
    return int(value.year)


def shifted(value: Any, length: timedelta) -> Any:
    """A date, or date and time, moved. A date moves by its midnight. Raises OverflowError."""
    far = lifted(value)
    near = far.near
    if not isinstance(near, date):
        raise TypeError
    cycles, days = divmod(length.days, _CYCLE_DAYS)
    rest = timedelta(days=days, seconds=length.seconds, microseconds=length.microseconds)
    if not isinstance(near, datetime):
        near = (datetime(near.year, near.month, near.day, tzinfo=UTC) + rest).date()
    else:
        near += rest
    return made(near, far.cycles + cycles, far.nano)


def months_added(value: Any, months: int) -> Any:
    """Month arithmetic that clamps to the month's last day. Raises OverflowError."""
    far = lifted(value)
    near = far.near
    if not isinstance(near, date):
        raise TypeError
    year, month = divmod(near.year * 12 + near.month - 1 + months, 12)
    cycles, year = divmod(year - 2000, 400)
    year += 2000
    day = min(near.day, calendar.monthrange(year, month + 1)[1])
    return made(near.replace(year=year, month=month + 1, day=day), far.cycles + cycles, far.nano)


def difference(left: Any, right: Any) -> timedelta:
    """Between two dates, two times, or two dates and times of the same kind. Raises OverflowError."""
    return timedelta(microseconds=(instant(left) - instant(right)) // 1000)


def instant(value: Any) -> int:
    """Nanoseconds on one line for values of one kind, in UTC where an offset is known."""
    far = lifted(value)
    near = far.near
    if isinstance(near, time):
        day = datetime.combine(date(1970, 1, 1), near)
        span = day - datetime(1970, 1, 1, tzinfo=UTC) if day.utcoffset() is not None else day - datetime(1970, 1, 1)  # noqa: DTZ001 (FEEL knows zoneless times)
    elif isinstance(near, datetime):
        span = near - datetime(2000, 1, 1, tzinfo=UTC) if near.utcoffset() is not None else near - datetime(2000, 1, 1)  # noqa: DTZ001 (as above)
    else:
        span = near - date(2000, 1, 1)
    micro = (span.days * 86_400 + span.seconds) * 10**6 + span.microseconds
    return far.cycles * _CYCLE_DAYS * _DAY + micro * 1000 + far.nano
