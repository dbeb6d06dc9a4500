"""Values as text: what ``string()`` gives, and the JSON form of results."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.feel.far import Far
from engine.feel.limits import MAX_STRING, Budget
from engine.feel.temporal import offset_zone
from engine.feel.values import Exactly, Range, YearsMonths, kind_name

_AS_IS = frozenset({str, bool, type(None)})


def to_json(value: Any) -> Any:
    """JSON-able form: whole numbers as int, others as float, temporals as ISO 8601 text (zones as offsets), ranges as
    FEEL text.

    Functions have no JSON form and become None. Raises FeelError for a value of more than ``MAX_NODES`` parts.
    """
    kind = type(value)
    if kind in _AS_IS:
        return value
    if kind is Decimal:
        return int(value) if value == value.to_integral_value() else float(value)
    return _json(value, Budget())


def _json(value: Any, budget: Budget) -> Any:
    budget.spend()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {str(key): _json(item, budget) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item, budget) for item in value]
    if isinstance(value, datetime) and isinstance(value.tzinfo, ZoneInfo):
        return to_text(value.astimezone(offset_zone(value.utcoffset() or timedelta())))
    return None if kind_name(value) in ("function", "unknown") else to_text(value)


def to_text(value: Any) -> str:
    """A value as FEEL's ``string()`` writes it (strings inside lists and contexts are quoted)."""
    return value if isinstance(value, str) else _inner(value, Budget(MAX_STRING))


def _inner(value: Any, budget: Budget) -> str:
    if isinstance(value, list):
        budget.spend()
        return "[" + ", ".join([_inner(item, budget) for item in value]) + "]"
    if isinstance(value, dict):
        budget.spend()
        return "{" + ", ".join([f"{_key(key)}: {_inner(item, budget)}" for key, item in value.items()]) + "}"
    text = _plain(value)
    budget.spend(len(text) + 1)
    return text


def _plain(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, Range):
        return _range(value)
    if isinstance(value, Exactly):
        return f"{'=' if value.equal else '!='} {_inner(value.value, Budget(MAX_STRING))}"
    return temporal_text(value)


def _key(name: str) -> str:
    plain = name.replace(" ", "").replace("_", "")
    return name if plain.isalnum() and not plain[0].isdigit() else '"' + name.replace('"', '\\"') + '"'


def _range(value: Range) -> str:
    if value.half and value.low is None:
        return f"{'<=' if value.high_in else '<'} {_plain(value.high)}"
    if value.half:
        return f"{'>=' if value.low_in else '>'} {_plain(value.low)}"
    left, right = "[" if value.low_in else "(", "]" if value.high_in else ")"
    return f"{left}{_plain(value.low)}..{_plain(value.high)}{right}"


def number_text(value: Decimal) -> str:
    """Plain digits without exponent and without trailing zeros after the point."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def temporal_text(value: Any) -> str:
    """A date, time, date and time or duration as ISO 8601."""
    if isinstance(value, Far):
        return _far_text(value)
    if isinstance(value, datetime):
        return f"{value.date().isoformat()}T{_clock(value)}{_zone(value.tzinfo, value)}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return f"{_clock(value)}{_zone(value.tzinfo, value)}"
    if isinstance(value, timedelta):
        return days_text(value)
    if isinstance(value, YearsMonths):
        return _months_text(value)
    return kind_name(value)


def _far_text(value: Far) -> str:
    near = value.near
    day = ""
    if isinstance(near, date):
        day = f"{'-' if value.year < 0 else ''}{abs(value.year):04d}-{near.month:02d}-{near.day:02d}"
    clock = ""
    if isinstance(near, time | datetime):
        clock = _clock(near, value.nano) + _zone(near.tzinfo, near)
    return f"{day}T{clock}" if day and clock else day or clock


def _clock(value: time | datetime, nano: int = 0) -> str:
    text = f"{value.hour:02d}:{value.minute:02d}:{value.second:02d}"
    fraction = f".{value.microsecond:06d}{nano:03d}".rstrip("0")
    return text + fraction if fraction != "." else text


def _zone(zone: tzinfo | None, value: time | datetime) -> str:
    if zone is None:
        return ""
    if isinstance(zone, ZoneInfo):
        return f"@{zone.key}"
    offset = value.utcoffset()
    if not offset:
        return "Z"
    seconds = int(offset.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    text = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
    return text + (f":{seconds % 60:02d}" if seconds % 60 else "")


def days_text(value: timedelta) -> str:
    """``P1DT2H`` and the like; ``PT0S`` for nothing."""
    sign, rest = ("-", -value) if value < timedelta() else ("", value)
    seconds, micro = rest.seconds, rest.microseconds
    clock = [(seconds // 3600, "H"), (seconds // 60 % 60, "M")]
    text = "".join(f"{number}{unit}" for number, unit in clock if number)
    if seconds % 60 or micro:
        text += f"{seconds % 60}" + (f".{micro:06d}".rstrip("0") if micro else "") + "S"
    days = f"{rest.days}D" if rest.days else ""
    return f"{sign}P{days}{'T' + text if text else ''}" if days or text else "PT0S"


def _months_text(value: YearsMonths) -> str:
    months = abs(value.months)
    text = (f"{months // 12}Y" if months >= 12 else "") + (f"{months % 12}M" if months % 12 else "")
    return f"{'-' if value.months < 0 else ''}P{text}" if text else "P0M"
