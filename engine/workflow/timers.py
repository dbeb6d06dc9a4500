"""When a timer is due: ISO 8601 dates, durations and repeating intervals. Local means Asia/Shanghai, stored is UTC."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.core.clock import SHANGHAI

from .expressions import Stuck

_DURATION = re.compile(
    r"(?P<sign>-)?P(?!$)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?!$)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
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
    if kind == "timeDuration" or not text.startswith("R"):
        return Due(after(now, text), None if kind == "timeDuration" else 0)
    count, start, period = _cycle(text)
    moment = moment_of(start) if start else after(now, period)
    return Due(moment, _ENDLESS if count is None else max(count - 1, 0))


def next_due(text: str, previous: Due) -> Due | None:
    """The moment after ``previous`` of a cycle, None when it was the last."""
    if not previous.left:
        return None
    period = _cycle(text.strip())[2]
    return Due(after(previous.moment, period), previous.left - 1 if previous.left > 0 else _ENDLESS)


def check_literal(kind: str, text: str) -> None:
    """Raises ``Stuck`` when a timer written into the model cannot be read."""
    first_due(kind, text, datetime(2026, 1, 1, tzinfo=UTC))


def _cycle(text: str) -> tuple[int | None, str, str]:
    """``R3/PT1H`` or ``R/2026-01-01T08:00:00+08:00/P1D`` as (count, start, period)."""
    head, *rest = text.split("/")
    if not re.fullmatch(r"R\d*", head) or not 1 <= len(rest) <= 2:
        raise Stuck("timer_unreadable", f"循环定时“{text}”无法识别，应形如 R3/PT1H")
    count = int(head[1:]) if len(head) > 1 else None
    return count, rest[0] if len(rest) == 2 else "", rest[-1]


def moment_of(text: str) -> datetime:
    """An ISO 8601 date or date-time as UTC; without a zone it is Asia/Shanghai. Raises ``Stuck``."""
    body, _, zone_name = text.partition("@")
    zone_name = zone_name.split("[")[-1].rstrip("]")
    try:
        zone = ZoneInfo(zone_name) if zone_name else SHANGHAI
        if len(body) == 10:
            return datetime.combine(date.fromisoformat(body), time(), zone).astimezone(UTC)
        moment = datetime.fromisoformat(body.split("[")[0])
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
