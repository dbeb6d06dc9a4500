"""Cron expressions as Camunda 8 allows them in a timer's cycle: second minute hour day month weekday, or a macro."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MACROS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
MONTHS = {name: number for number, name in enumerate(_MONTHS, 1)}
WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}
# Lowest, highest, names: by field.
Range = tuple[int, int, dict[str, int]]
RANGES: tuple[Range, ...] = ((0, 59, {}), (0, 59, {}), (0, 23, {}), (1, 31, {}), (1, 12, MONTHS), (0, 7, WEEKDAYS))
# The 29th of February on a given weekday comes back within 40 years at the latest.
_SEARCHED_DAYS = 41 * 366


def is_cron(text: str) -> bool:
    """Whether a cycle is written as cron rather than as ISO 8601."""
    return text.startswith("@") or len(text.split()) == 6


@dataclass(frozen=True, slots=True)
class Cron:
    """The allowed numbers of each field, ascending."""

    seconds: list[int]
    minutes: list[int]
    hours: list[int]
    days: list[int]
    months: list[int]
    weekdays: list[int]

    def after(self, moment: datetime) -> datetime | None:
        """The first matching moment later than ``moment``, in its zone; None when there is none."""
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        for _ in range(_SEARCHED_DAYS):
            if day.month in self.months and day.day in self.days and day.isoweekday() % 7 in self.weekdays:
                found = self._in_day(day, moment)
                if found is not None:
                    return found
            day += timedelta(days=1)
        return None

    def _in_day(self, day: datetime, moment: datetime) -> datetime | None:
        for hour in self.hours:
            for minute in self.minutes:
                for second in self.seconds:
                    found = day.replace(hour=hour, minute=minute, second=second)
                    if found > moment:
                        return found
        return None


def read(text: str) -> Cron:
    """Raises ``ValueError`` when the expression cannot be read."""
    fields = MACROS.get(text, text).split()
    if len(fields) != len(RANGES):
        raise ValueError(text)
    numbers = [_field(field.upper(), *bounds) for field, bounds in zip(fields, RANGES, strict=True)]
    # Sunday is 0 and 7.
    numbers[5] = sorted({number % 7 for number in numbers[5]})
    return Cron(*numbers)


def _field(text: str, low: int, high: int, names: dict[str, int]) -> list[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, last = low, high
        if span not in ("*", "?"):
            begin, dash, stop = span.partition("-")
            first = _number(begin, names)
            last = _number(stop, names) if dash else high if step else first
        every = int(step) if step else 1
        if not low <= first <= last <= high or every < 1:
            raise ValueError(text)
        found.update(range(first, last + 1, every))
    return sorted(found)


def _number(text: str, names: dict[str, int]) -> int:
    return names[text] if text in names else int(text)
