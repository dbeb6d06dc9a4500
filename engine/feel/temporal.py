"""Dates, times and durations: reading ISO 8601 text, and their properties. Beyond Python's years and µs: ``far``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.feel.far import Far, combined, day_of, instant, lifted, made, shifted, year_of
from engine.feel.values import NUMBERS, YearsMonths

_DATE = re.compile(r"(-?(?:0\d{3}|[1-9]\d{3,8}))-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(
    r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:(Z|z)|([+-])(\d\d):(\d\d)(?::(\d\d))?|@([A-Za-z_]+(?:/[A-Za-z_+\-0-9]+)*))?"
)
_DAYS = re.compile(r"(-)?P(?:(\d{1,12})D)?(?:T(?:(\d{1,12})H)?(?:(\d{1,12})M)?(?:(\d{1,12})(?:\.(\d{0,9}))?S)?)?")
_MONTHS = re.compile(r"(-)?P(?:(\d{1,9})Y)?(?:(\d{1,9})M)?")


@lru_cache(maxsize=256)
def zone(name: str) -> tzinfo | None:
    """The IANA zone of that name, or None."""
    if name in ("Z", "UTC", "Etc/UTC"):
        return UTC if name == "Z" else ZoneInfo(name)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def read_date(text: str) -> Any:
    """``2026-01-31``, or None."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    try:
        return day_of(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def read_time(text: str) -> Any:
    """``09:30:00``, with optional fraction to the nanosecond and ``Z``, ``+08:00`` or ``@Asia/Shanghai``; or None."""
    match = _TIME.fullmatch(text.removeprefix("T"))
    if match is None:
        return None
    micro, nano = divmod(int((match[4] or "0").ljust(9, "0")), 1000)
    try:
        return made(time(int(match[1]), int(match[2]), int(match[3]), micro, _zone_of(match)), 0, nano)
    except ValueError:
        return None


def _zone_of(match: re.Match[str]) -> tzinfo | None:
    """The zone, None where none is written. Raises ValueError where it is wrong."""
    if match[5]:
        return UTC
    if match[6]:
        offset = timedelta(hours=int(match[7]), minutes=int(match[8]), seconds=int(match[9] or 0))
        if offset > timedelta(hours=18) or int(match[8]) > 59 or int(match[9] or 0) > 59:
            raise ValueError(match[0])
        return offset_zone(offset if match[6] == "+" else -offset)
    if not match[10]:
        return None
    found = zone(match[10])
    if found is None:
        raise ValueError(match[0])
    return found


def offset_zone(offset: timedelta) -> tzinfo:
    """A fixed offset; none is UTC."""
    return timezone(offset) if offset else UTC


def read_datetime(text: str) -> Any:
    """``2026-01-31T09:30:00+08:00``; a date alone is its midnight, 24:00:00 the next one."""
    day, mark, clock = text.partition("T")
    found = read_date(day)
    if found is None:
        return None
    if not mark:
        return combined(found, time())
    days = 1 if clock.startswith("24:00:00") else 0
    clock = clock.replace("24:", "00:", days)
    moment = read_time(clock) if clock and not clock.startswith("T") else None
    if moment is None or (days and (isinstance(moment, Far) or moment.replace(tzinfo=None) != time())):
        return None
    whole = combined(found, moment)
    return shifted(whole, timedelta(days=1)) if days else whole


def read_duration(text: str) -> timedelta | YearsMonths | None:
    """``P1DT2H`` or ``P1Y2M``."""
    match = _MONTHS.fullmatch(text)
    if match and (match[2] or match[3]):
        months = int(match[2] or 0) * 12 + int(match[3] or 0)
        return YearsMonths(-months if match[1] else months)
    match = _DAYS.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        return None
    micro = int((match[6] or "").ljust(6, "0")[:6])
    try:
        length = timedelta(
            days=int(match[2] or 0),
            hours=int(match[3] or 0),
            minutes=int(match[4] or 0),
            seconds=int(match[5] or 0),
            microseconds=micro,
        )
    except OverflowError:
        return None
    return -length if match[1] else length


def read_any(text: str) -> Any:
    """The value of an ``@"..."`` literal, or None."""
    if text.startswith(("P", "-P")):
        return read_duration(text)
    if "T" in text and not text.startswith("T"):
        return read_datetime(text)
    return read_time(text) if ":" in text else read_date(text)


def months_between(start: Any, end: Any) -> int:
    """Whole months from one date to another, near or far; negative when end lies earlier."""
    if instant(end) < instant(start):
        return -months_between(end, start)
    first, last = lifted(start).near, lifted(end).near
    if not (isinstance(first, date) and isinstance(last, date)):
        raise TypeError
    months = (year_of(end) - year_of(start)) * 12 + last.month - first.month
    return months - 1 if last.day < first.day else months


def offset_of(value: Any) -> timedelta | None:
    """The offset from UTC; a time in a named zone has the zone's offset of today's rules in January 1970."""
    if isinstance(value, Far):
        return offset_of(value.near)
    if type(value) is date:
        return None
    if isinstance(value, time) and isinstance(value.tzinfo, ZoneInfo):
        return datetime.combine(date(1970, 1, 1), value).utcoffset()
    offset: timedelta | None = value.utcoffset()
    return offset


def time_seconds(value: time) -> Decimal:
    """Seconds since midnight."""
    return Decimal(value.hour * 3600 + value.minute * 60 + value.second) + Decimal(value.microsecond) / 1_000_000


def seconds(value: timedelta) -> Decimal:
    """A duration in seconds, exact to the microsecond."""
    micro = (value.days * 86400 + value.seconds) * 1_000_000 + value.microseconds
    return NUMBERS.divide(Decimal(micro), Decimal(1_000_000))


def from_seconds(value: Decimal) -> timedelta:
    """Raises OverflowError when too long."""
    return timedelta(microseconds=int(value * 1_000_000))


def _zone_name(value: time | datetime) -> str | None:
    return value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) else None


def _sign_div(value: timedelta, part: Callable[[int], int]) -> Decimal:
    total = abs(value) // timedelta(seconds=1)
    return Decimal(-part(total) if value < timedelta() else part(total))


_DATE_PARTS: dict[str, Callable[[Any], Any]] = {
    "year": lambda value: Decimal(value.year),
    "month": lambda value: Decimal(value.month),
    "day": lambda value: Decimal(value.day),
    "weekday": lambda value: Decimal(value.isoweekday()),
}
_TIME_PARTS: dict[str, Callable[[Any], Any]] = {
    "hour": lambda value: Decimal(value.hour),
    "minute": lambda value: Decimal(value.minute),
    "second": lambda value: Decimal(value.second),
    "time offset": offset_of,
    "timezone": _zone_name,
}
_DAY_PARTS: dict[str, Callable[[Any], Any]] = {
    "days": lambda value: _sign_div(value, lambda total: total // 86400),
    "hours": lambda value: _sign_div(value, lambda total: total // 3600 % 24),
    "minutes": lambda value: _sign_div(value, lambda total: total // 60 % 60),
    "seconds": lambda value: _sign_div(value, lambda total: total % 60),
}
_MONTH_PARTS: dict[str, Callable[[Any], Any]] = {
    "years": lambda value: Decimal(value.years),
    "months": lambda value: Decimal(value.rest),
}
PARTS: dict[type, dict[str, Callable[[Any], Any]]] = {
    date: _DATE_PARTS,
    time: _TIME_PARTS,
    datetime: _DATE_PARTS | _TIME_PARTS,
    timedelta: _DAY_PARTS,
    YearsMonths: _MONTH_PARTS,
}


def part_of(value: Any, key: str) -> Callable[[Any], Any] | None:
    """How a temporal value's property is read; None where it has none of that name."""
    if isinstance(value, Far):
        found = PARTS[value.kind].get(key)
        if key == "year":
            return lambda far: Decimal(far.year)
        return (lambda far: found(far.near)) if found is not None else None
    parts = PARTS.get(type(value))
    return parts.get(key) if parts is not None else None


RANGE_PARTS = ("start", "end", "start included", "end included")
PART_NAMES = frozenset(name for parts in PARTS.values() for name in parts) | set(RANGE_PARTS)
