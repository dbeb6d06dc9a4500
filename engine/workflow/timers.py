"""When a timer is due: ISO 8601 dates, durations, repeating intervals, cron. Local is Asia/Shanghai, stored is UTC."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.core.clock import SHANGHAI

from . import cron
from .expressions import Stuck

_DURATION = re.compile(
    r"(?P<sign>-)?P(?!$)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?!$)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_CYCLE = re.compile(r"R(?P<count>\d*)/(?:(?P<start>\d.*)/)?(?P<period>P[^/]+)")
_ENDLESS = -1


@dataclass(frozen=True, slots=True)
class Due:
    """``moment`` (UTC); ``left``: repetitions after this one, -1 without end, None for a single timer."""

    moment: datetime
    left: int | None = None


def first_due(kind: str, text: Any, now: datetime) -> Due:
    """The first moment of ``timeDate``, ``timeDuration`` or ``timeCycle``. Raises ``Stuck`` when it cannot be read."""
    if not isinstance(text, str) or not text.strip():
        raise Stuck("timer_unreadable", "定时器没有得出时间，请检查其中的变量")
    text = text.strip()
    if kind == "timeDate":
        return Due(moment_of(text))
    if kind == "timeDuration":
        return Due(after(now, text))
    if cron.is_cron(text):
        return Due(_next_by_cron(text, now), _ENDLESS)
    count, start, period = _cycle(text)
    moment = moment_of(start) if start else after(now, period)
    return Due(moment, _ENDLESS if count is None else max(count - 1, 0))


def next_due(text: str, previous: Due) -> Due | None:
    """The moment after ``previous`` of a cycle, None when it was the last."""
    if not previous.left:
        return None
    text = text.strip()
    if cron.is_cron(text):
        return Due(_next_by_cron(text, previous.moment), _ENDLESS)
    period = _cycle(text)[2]
    return Due(after(previous.moment, period), previous.left - 1 if previous.left > 0 else _ENDLESS)


def check_literal(kind: str, text: str) -> None:
    """Raises ``Stuck`` when a timer written into the model cannot be read."""
    first_due(kind, text, datetime(2026, 1, 1, tzinfo=UTC))


def _cycle(text: str) -> tuple[int | None, str, str]:
    """``R3/PT1H`` or ``R/2026-01-01T08:00:00+08:00/P1D`` as (count, start, period)."""
    match = _CYCLE.fullmatch(text)
    if match is None:
        raise Stuck("timer_unreadable", f"循环定时“{text}”无法识别，应形如 R3/PT1H")
    return int(match["count"]) if match["count"] else None, match["start"] or "", match["period"]


def _next_by_cron(text: str, moment: datetime) -> datetime:
    try:
        found = cron.read(text).after(moment.astimezone(SHANGHAI))
    except ValueError:
        raise Stuck("timer_unreadable", f"循环定时“{text}”无法识别，应形如 0 0 9 * * MON-FRI") from None
    if found is None:
        raise Stuck("timer_unreadable", f"循环定时“{text}”无法识别：没有这样的日子")
    return found.astimezone(UTC)


def moment_of(text: str) -> datetime:
    """An ISO 8601 date or date-time as UTC; without a zone it is Asia/Shanghai. Raises ``Stuck``."""
    # FEEL writes a zone's name as @Asia/Shanghai, Java as [Asia/Shanghai].
    body, _, zone_name = text.replace("[", "@").rstrip("]").partition("@")
    try:
        zone = ZoneInfo(zone_name) if zone_name else SHANGHAI
        if len(body) == 10:
            return datetime.combine(date.fromisoformat(body), time(), zone).astimezone(UTC)
        moment = datetime.fromisoformat(body)
    except (ValueError, ZoneInfoNotFoundError):
        raise Stuck("timer_unreadable", f"时间“{text}”无法识别，应形如 2026-12-31T09:00:00+08:00") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def after(start: datetime, duration: str) -> datetime:
    """``start`` plus an ISO 8601 duration; years and months by the calendar in Asia/Shanghai. Raises ``Stuck``."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise Stuck("timer_unreadable", f"时长“{duration}”无法识别，应形如 P3D 或 PT2H30M")
    sign = -1 if match["sign"] else 1
    amount = {name: float(value or 0) for name, value in match.groupdict().items() if name != "sign"}
    months = sign * int(amount.pop("years") * 12 + amount.pop("months"))
    try:
        local = _add_months(start.astimezone(SHANGHAI), months) if months else start
        return (local + sign * timedelta(**amount)).astimezone(UTC)
    except (OverflowError, ValueError):
        raise Stuck("timer_unreadable", f"时长“{duration}”超出了日历的范围") from None


def _add_months(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
