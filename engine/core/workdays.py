"""Working days and working hours of an office: pure counting on a small table held in memory.

The table (holidays, 调休 working weekends, an office's own closures and hours) lies in the database
(``cases.lawful_clock``) and is put in force for the running thread; days outside it fall back to Monday to Friday.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import accumulate
from operator import itemgetter

from engine.core import clock

Span = tuple[time, time]

# What most offices keep; an office says its own where it departs from this.
OFFICE_HOURS: tuple[Span, ...] = ((time(9), time(12)), (time(13, 30), time(17, 30)))
_DAY = timedelta(days=1)
# No notice closes an office for so long: past it a calendar is taken for faulty.
_LONGEST_CLOSURE = 3660


@dataclass(frozen=True)
class WorkCalendar:
    """``days`` maps a date that departs from the weekly rule to True (works) or False (closed).

    ``hours`` are the spans of an ordinary working day, in order; ``own_hours`` those of single days. ``known_until``
    is the last day the yearly notices speak of. ``seasons`` are other ordinary hours, each from a day on, in order.
    """

    days: Mapping[date, bool] = field(default_factory=dict)
    known_until: date = date.min
    hours: tuple[Span, ...] = OFFICE_HOURS
    own_hours: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)
    seasons: tuple[tuple[date, tuple[Span, ...]], ...] = ()

    def works(self, day: date) -> bool:
        """Whether the office works on ``day``."""
        return self.days.get(day, day.weekday() < 5)

    def knows(self, day: date) -> bool:
        """Whether a notice covers ``day``; past it Monday to Friday is a guess that a person must be told of."""
        return day <= self.known_until

    def add(self, start: date, count: int) -> date:
        """The ``count``-th working day after ``start`` (counting begins on the next working day).

        ``count`` 0 is ``start`` itself; a negative count goes back. Raises ``OverflowError`` past the calendar's end.
        """
        if count == 0:
            return start
        if count > 0:
            return self._first(start, count)
        return self._last(start, -count)

    def between(self, start: date, end: date) -> int:
        """Working days after ``start`` up to and with ``end``; negative where ``end`` lies before ``start``."""
        if end < start:
            return -self.between(end, start)
        return self._until(end) - self._until(start)

    # --- hours

    def spans(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """The working hours of ``day`` as aware moments; none where the office is closed."""
        if not self.works(day):
            return ()
        return tuple((_moment(day, begin), _moment(day, end)) for begin, end in self.hours_of(day))

    def hours_of(self, day: date) -> tuple[Span, ...]:
        """The hours of ``day`` if the office works: its own, else those of the season, else the ordinary ones."""
        if day in self.own_hours:
            return self.own_hours[day]
        begun = bisect_right(self.seasons, day, key=itemgetter(0))
        return self.seasons[begun - 1][1] if begun else self.hours

    def opening(self, day: date) -> datetime:
        """When the office opens on ``day``, in UTC; of a day it is closed, when that day begins."""
        spans = self.spans(day)
        return (spans[0][0] if spans else _moment(day, time())).astimezone(UTC)

    def add_time(self, start: datetime, amount: timedelta) -> datetime:
        """The moment at which ``amount`` of working time after ``start`` has passed, in UTC; none is ``start`` itself.

        Raises ``ValueError`` for a negative amount, and where the office stays closed for ten years.
        """
        if amount < timedelta():
            raise ValueError("working time runs forward only")
        if not amount:
            return start.astimezone(UTC)
        day, left, closed = clock.local(start).date(), amount, 0
        while closed < _LONGEST_CLOSURE:
            spans = self.spans(day)
            closed = 0 if spans else closed + 1
            for begin, end in spans:
                open_for = end - max(begin, start)
                if open_for >= left:
                    return (max(begin, start) + left).astimezone(UTC)
                left -= max(open_for, timedelta())
            day += _DAY
        raise ValueError("the office's calendar never opens again")

    def time_between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from ``start`` to ``end``; negative where ``end`` lies before ``start``."""
        if end < start:
            return -self.time_between(end, start)
        day, last, total = clock.local(start).date(), clock.local(end).date(), timedelta()
        while day <= last:
            for begin, until in self.spans(day):
                total += max(min(until, end) - max(begin, start), timedelta())
            day += _DAY
        return total

    # --- inside

    @cached_property
    def _departures(self) -> tuple[list[int], list[int]]:
        """Ordinals of the days that depart from the weekly rule, and what they sum up to, one ahead."""
        odd = sorted((day.toordinal(), works - (day.weekday() < 5)) for day, works in self.days.items())
        return [ordinal for ordinal, _ in odd], [0, *accumulate(change for _, change in odd)]

    def _until(self, day: date) -> int:
        """Working days of the whole calendar up to and with ``day``."""
        ordinal = day.toordinal()
        # Day 1 is a Monday.
        weeks, rest = divmod(ordinal, 7)
        ordinals, sums = self._departures
        return weeks * 5 + min(rest, 5) + sums[bisect_right(ordinals, ordinal)]

    def _first(self, start: date, count: int) -> date:
        """The first day up to which ``count`` working days lie after ``start``."""
        low, high = start.toordinal(), start.toordinal() + count
        while self.between(start, date.fromordinal(high)) < count:
            low, high = high, high + 2 * count + 7
        while high - low > 1:
            middle = (low + high) // 2
            if self.between(start, date.fromordinal(middle)) < count:
                low = middle
            else:
                high = middle
        return date.fromordinal(high)

    def _last(self, start: date, count: int) -> date:
        """The last day from which ``count`` working days lie before ``start``."""
        before = start - _DAY
        high, low = start.toordinal(), start.toordinal() - count
        while self.between(date.fromordinal(low) - _DAY, before) < count:
            high, low = low, low - 2 * count - 7
        while high - low > 1:
            middle = (low + high) // 2
            if self.between(date.fromordinal(middle) - _DAY, before) < count:
                high = middle
            else:
                low = middle
        return date.fromordinal(low)


def _moment(day: date, at: time) -> datetime:
    return datetime.combine(day, at, clock.SHANGHAI)


@dataclass(frozen=True)
class Calendars:
    """The common calendar and those of the offices that depart from it."""

    common: WorkCalendar
    by_office: Mapping[int, WorkCalendar] = field(default_factory=dict)

    def of(self, office_id: int | None) -> WorkCalendar:
        """The calendar an office keeps."""
        return self.common if office_id is None else self.by_office.get(office_id, self.common)


_WEEKLY = Calendars(WorkCalendar())
_current: ContextVar[Calendars] = ContextVar("work_calendars", default=_WEEKLY)
_office: ContextVar[int | None] = ContextVar("work_office", default=None)


def current(office_id: int | None = None) -> WorkCalendar:
    """The calendar in force for the running work: of the office named, else of the one in hand, else the common one."""
    return _current.get().of(_office.get() if office_id is None else office_id)


def use_office(office_id: int) -> None:
    """Count by this office's calendar until the surrounding ``in_force`` ends."""
    _office.set(office_id)


@contextmanager
def in_force(calendar: WorkCalendar | Calendars) -> Iterator[Calendars]:
    """Put calendars in force inside the block."""
    calendars = Calendars(calendar) if isinstance(calendar, WorkCalendar) else calendar
    token, office = _current.set(calendars), _office.set(None)
    try:
        yield calendars
    finally:
        _office.reset(office)
        _current.reset(token)
