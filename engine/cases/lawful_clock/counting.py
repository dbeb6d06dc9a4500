"""When a limit is over: pure counting from its beginning, its stops and a calendar; done again, it gives the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from engine.catalog.limits import DAYS, ClockRules, Escalation, Span
from engine.core import clock
from engine.core.workdays import WorkCalendar

# A stop that ended: from when to when. Of several at once the clock stands as long as one of them does.
Stretch = tuple[datetime, datetime]


@dataclass(frozen=True)
class Ring:
    """A moment at which somebody is told; ``escalation`` where the limit is over by so much."""

    at: datetime
    escalation: Escalation | None = None


def merged(stops: Iterable[Stretch]) -> list[Stretch]:
    """The stretches in which the clock stood, in order, none touching the next."""
    found: list[Stretch] = []
    for begin, end in sorted(stops):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found


def due(
    calendar: WorkCalendar, start: datetime, count: int, unit: str, stops: Sequence[Stretch]
) -> tuple[date, datetime]:
    """The day on which ``count`` days (or minutes, for hours) are over, and the moment.

    Counting begins with the working day after ``start``, of hours at once. A stop costs the working days after the day
    it begins up to and with the day it ends, also where the limit was over already: lateness does not grow meanwhile.
    """
    if unit == DAYS:
        on = calendar.add(clock.local(start).date(), count)
        for begin, end in _after(start, stops):
            on = calendar.add(on, calendar.between(clock.local(begin).date(), clock.local(end).date()))
        return on, _midnight(on)
    at = calendar.add_time(start, timedelta(minutes=count))
    for begin, end in _after(start, stops):
        at = calendar.add_time(at, calendar.time_between(begin, end))
    return clock.local(at).date(), at


def rings(
    calendar: WorkCalendar, start: datetime, span: Span, rules: ClockRules, stops: Sequence[Stretch]
) -> list[Ring]:
    """When people are told about a limit, in order; of a limit in days when the office opens on the day."""
    told: list[tuple[int, Escalation | None]] = []
    for point in rules.warnings:
        count = point.count_of(span)
        if count is not None:
            told.append((count, None))
    told += [(span.count + one.after.count, one) for one in rules.escalation if one.after.unit == span.unit]
    found = []
    for count, escalation in sorted(told, key=lambda one: one[0]):
        on, at = due(calendar, start, count, span.unit, stops)
        found.append(Ring(calendar.opening(on) if span.unit == DAYS else at, escalation))
    return found


def _after(start: datetime, stops: Sequence[Stretch]) -> list[Stretch]:
    """What of the stops lies after the beginning."""
    return [(max(begin, start), end) for begin, end in merged(stops) if end > start]


def _midnight(day: date) -> datetime:
    """The end of a day, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), clock.SHANGHAI).astimezone(UTC)
