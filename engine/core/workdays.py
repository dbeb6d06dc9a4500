"""Working days of an office's calendar: pure counting on a small table held in memory.

The table (holidays and 调休 working weekends) lies in the database (``cases.calendar``) and is put in force for the
running thread; days outside it fall back to Monday to Friday.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, timedelta


@dataclass(frozen=True)
class WorkCalendar:
    """``days`` maps a date that departs from the weekly rule to True (works) or False (closed)."""

    days: Mapping[date, bool] = field(default_factory=dict)
    known_until: date = date.min

    def works(self, day: date) -> bool:
        """Whether the office works on ``day``."""
        return self.days.get(day, day.weekday() < 5)

    def add(self, start: date, count: int) -> date:
        """The ``count``-th working day after ``start`` (counting begins on the next working day).

        ``count`` 0 is ``start`` itself; a negative count goes back.
        """
        step = timedelta(days=1 if count >= 0 else -1)
        day, left = start, abs(count)
        while left:
            day += step
            if self.works(day):
                left -= 1
        return day

    def between(self, start: date, end: date) -> int:
        """Working days after ``start`` up to and with ``end``; negative where ``end`` lies before ``start``."""
        if end < start:
            return -self.between(end, start)
        return sum(self.works(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))


_WEEKLY = WorkCalendar()
_current: ContextVar[WorkCalendar | None] = ContextVar("work_calendar", default=None)


def current() -> WorkCalendar:
    """The calendar in force for the running work."""
    return _current.get() or _WEEKLY


@contextmanager
def in_force(calendar: WorkCalendar) -> Iterator[WorkCalendar]:
    """Put ``calendar`` in force inside the block."""
    token = _current.set(calendar)
    try:
        yield calendar
    finally:
        _current.reset(token)
