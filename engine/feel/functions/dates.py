"""Date, time and duration functions (DMN 1.5, 10.3.4.1 and 10.3.4.7). ``today`` is the day in Asia/Shanghai."""

from __future__ import annotations

import calendar
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.core import clock
from engine.feel.far import Far, combined, day_of, day_part, lifted, made, time_part, year_of
from engine.feel.functions.registry import Null, built_in
from engine.feel.temporal import (
    months_between,
    offset_of,
    offset_zone,
    read_date,
    read_datetime,
    read_duration,
    read_time,
    zone,
)
from engine.feel.values import YearsMonths, kind_name

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _found(value: Any, what: str) -> Any:
    if value is None:
        raise Null(f"文本不是{what}")
    return value


@built_in("now()")
def now() -> datetime:
    """With the fixed offset of Asia/Shanghai, so that it is plain ISO 8601 as text."""
    here = clock.local(clock.now())
    return here.astimezone(offset_zone(here.utcoffset() or timedelta()))


@built_in("today()")
def today() -> date:
    return clock.today()


@built_in("date(from: string)")
def date_from_text(text: str) -> Any:
    return _found(read_date(text), "日期")


@built_in("date(from: day)")
def date_from(value: Any) -> Any:
    return day_part(value)


@built_in("date(year: number, month: number, day: number)")
def date_of(year: Decimal, month: Decimal, day: Decimal) -> Any:
    return day_of(_whole(year), _whole(month), _whole(day))


def _whole(value: Decimal) -> int:
    if value != value.to_integral_value():
        raise Null("需要整数")
    return int(value)


@built_in("time(from: string)")
def time_from_text(text: str) -> Any:
    return _found(read_time(text), "时间")


@built_in("time(from: clock)")
def time_from(value: Any) -> Any:
    return time_part(value)


@built_in("time(from: date)")
def time_from_date(value: Any) -> time:
    return time(tzinfo=offset_zone(timedelta()))


@built_in("time(hour: number, minute: number, second: number, offset?: days)")
def time_of(hour: Decimal, minute: Decimal, second: Decimal, offset: timedelta | None) -> Any:
    micro, nano = divmod(int(second % 1 * 10**9), 1000)
    if second < 0 or (offset is not None and abs(offset) > timedelta(hours=18)):
        raise Null("时间超出范围")
    tz = None if offset is None else offset_zone(offset)
    return made(time(_whole(hour), _whole(minute), int(second), micro, tz), 0, nano)


@built_in("date and time(from: string)")
def moment_from_text(text: str) -> Any:
    return _found(read_datetime(text), "日期时间")


@built_in("date and time(from: moment)")
def moment_from(value: Any) -> Any:
    return value


@built_in("date and time(date: day, time: time)")
def moment_of(day: Any, at: Any) -> Any:
    return combined(day_part(day), at)


@built_in("date and time(date and time: moment, timezone: string)")
def moment_in_zone(value: Any, name: str) -> Any:
    found = zone(name)
    if found is None:
        raise Null("不认识的时区")
    far = lifted(value)
    if not isinstance(far.near, datetime):
        raise Null("需要日期时间")
    near = far.near.astimezone(found) if far.near.tzinfo else far.near.replace(tzinfo=found)
    return made(near, far.cycles, far.nano)


@built_in(
    "date and time(year: number, month: number, day: number, hour: number, minute: number, second: number,"
    " offset?: days)"
)
def moment_of_parts(*parts: Any) -> Any:
    return combined(date_of(*parts[:3]), time_of(*parts[3:]))


@built_in("duration(from: string)")
def duration(text: str) -> timedelta | YearsMonths:
    return _found(read_duration(text), "时长")


@built_in("duration(from: duration)")
def duration_itself(value: timedelta | YearsMonths) -> timedelta | YearsMonths:
    return value


@built_in("years and months duration(from: day, to: day)")
def years_and_months_duration(start: Any, end: Any) -> YearsMonths:
    """Of the calendar days; the time of day does not count."""
    return YearsMonths(months_between(date_from(start), date_from(end)))


def _near(value: Any) -> Any:
    """The like of a date within Python's years."""
    return lifted(value).near


@built_in("day of year(date: day)")
def day_of_year(value: Any) -> Decimal:
    return Decimal(_near(value).timetuple().tm_yday)


@built_in("day of week(date: day)")
def day_of_week(value: Any) -> str:
    return _DAYS[_near(value).weekday()]


@built_in("month of year(date: day)")
def month_of_year(value: Any) -> str:
    return _MONTHS[_near(value).month - 1]


@built_in("week of year(date: day)")
def week_of_year(value: Any) -> Decimal:
    return Decimal(_near(value).isocalendar()[1])


@built_in("last day of month(date: day)")
def last_day_of_month(value: Any) -> Any:
    near = _near(value)
    return day_of(year_of(value), near.month, calendar.monthrange(near.year, near.month)[1])


@built_in("is(value1: any, value2: any)")
def identical(left: Any, right: Any) -> bool:
    """The same value of the same type; zones must be written alike."""
    if kind_name(left) != kind_name(right):
        return False
    if isinstance(left, Far) or isinstance(right, Far):
        return bool(left == right)
    if isinstance(left, time | datetime) and isinstance(right, time | datetime):
        return left.replace(tzinfo=None) == right.replace(tzinfo=None) and _zone_of(left) == _zone_of(right)
    return bool(left == right)


def _zone_of(value: time | datetime) -> object:
    return value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) else offset_of(value)
