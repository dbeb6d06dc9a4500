"""Typed borders: a value fitted to a ``typeRef``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engine.feel import Run, Type, coerce
from engine.feel.temporal import read_date, read_datetime, read_duration, read_time
from engine.feel.values import kind_name

_READERS: dict[str, Callable[[str], Any]] = {
    "date": read_date,
    "time": read_time,
    "date and time": read_datetime,
    "days and time duration": read_duration,
    "years and months duration": read_duration,
}


_EXACT: dict[str, type] = {"number": Decimal, "string": str, "boolean": bool}


def exact(kind: Type | None) -> type | None:
    """The Python type whose values need no fitting; None where each value must be looked at."""
    return _EXACT.get(kind.kind) if kind is not None and kind.allowed is None else None


def fit(run: Run, value: Any, kind: Type | None, label: str) -> Any:
    """``value`` as the type wants it, else null and a warning.

    Beside FEEL's own conversions ISO 8601 text becomes a temporal value, because variables carry dates as text.
    """
    if kind is None or value is None:
        return value
    result, fits = coerce(value, kind)
    if not fits:
        result, fits = coerce(_read(value, kind), kind)
        fits = fits and result is not None
    if not fits:
        run.warn(f"“{label}”应是 {kind.name or kind.kind}，实际是 {kind_name(value)}，按 null 处理")
        return None
    return result


def _read(value: Any, kind: Type) -> Any:
    if isinstance(value, str) and kind.kind in _READERS:
        found = _READERS[kind.kind](value)
        if found is None and kind.kind == "date":
            moment = read_datetime(value)
            return moment.date() if moment is not None else None
        return found
    if isinstance(value, datetime) and kind.kind == "date":
        return value.date()
    if isinstance(value, list) and kind.kind == "list" and kind.element is not None:
        return [_read(item, kind.element) if not isinstance(item, date) else item for item in value]
    if isinstance(value, dict) and kind.fields is not None:
        parts = dict(kind.fields)
        return {key: _part(item, parts.get(key)) for key, item in value.items()}
    return value


def _part(value: Any, kind: Type | None) -> Any:
    if kind is None or value is None:
        return value
    result, fits = coerce(value, kind)
    return result if fits else _read(value, kind)
