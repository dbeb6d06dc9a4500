"""Arithmetic on values. None is FEEL's null: every mismatch of types, overflow and division by zero gives it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, DecimalException
from typing import Any

from engine.feel.far import Far, difference, made, months_added, shifted
from engine.feel.limits import MAX_EXPONENT, string_fits
from engine.feel.operators import as_moment, time_key
from engine.feel.temporal import from_seconds, offset_of, seconds
from engine.feel.values import NUMBERS, YearsMonths, kind_name

_MAX_MONTHS = 12 * 10**9


def add(left: Any, right: Any) -> Any:
    """``+``."""
    kind, other = type(left), type(right)
    if kind is Decimal and other is Decimal:
        return NUMBERS.add(left, right)
    if kind is str and other is str:
        string_fits(len(left) + len(right))
        return left + right
    if kind is other and kind is timedelta:
        return left + right
    if kind is other and kind is YearsMonths:
        return _months(left.months + right.months)
    if other in (timedelta, YearsMonths):
        return _shift(left, right)
    return _shift(right, left) if kind in (timedelta, YearsMonths) else None


def subtract(left: Any, right: Any) -> Any:
    """``-``."""
    kind, other = type(left), type(right)
    if kind is Decimal and other is Decimal:
        return NUMBERS.subtract(left, right)
    if kind is other and kind is timedelta:
        return left - right
    if kind is other and kind is YearsMonths:
        return _months(left.months - right.months)
    if other is timedelta:
        return _shift(left, -right)
    if other is YearsMonths:
        return _shift(left, _months(-right.months))
    return _difference(left, right)


def _months(months: int) -> YearsMonths:
    """Raises OverflowError when too long to mean anything."""
    if abs(months) > _MAX_MONTHS:
        raise OverflowError(months.bit_length())
    return YearsMonths(months)


def _shift(value: Any, length: timedelta | YearsMonths) -> Any:
    if isinstance(length, YearsMonths):
        return months_added(value, length.months) if _has_day(value) else None
    if _has_day(value):
        return shifted(value, length)
    if isinstance(value, Far):
        moved = _shift(value.near, length)
        return made(moved, 0, value.nano)
    if isinstance(value, time):
        day = datetime.combine(date(2000, 1, 3), value.replace(tzinfo=None))
        return (
            (day + timedelta(seconds=length.seconds, microseconds=length.microseconds))
            .time()
            .replace(tzinfo=value.tzinfo)
        )
    return None


def _has_day(value: Any) -> bool:
    return isinstance(value, date) or (isinstance(value, Far) and isinstance(value.near, date))


def _difference(left: Any, right: Any) -> timedelta | None:
    if isinstance(left, Far) or isinstance(right, Far):
        if kind_name(left) != kind_name(right) or (offset_of(left) is None) != (offset_of(right) is None):
            return None
        return difference(left, right)
    if isinstance(left, time) and isinstance(right, time):
        if (offset_of(left) is None) != (offset_of(right) is None):
            return None
        return from_seconds(time_key(left) - time_key(right))
    if isinstance(left, date) and isinstance(right, date):
        if type(left) is not type(right):
            left, right = as_moment(left), as_moment(right)
        if isinstance(left, datetime) and (offset_of(left) is None) != (offset_of(right) is None):
            return None
        return left - right
    return None


def multiply(left: Any, right: Any) -> Any:
    """``*``."""
    kind, other = type(left), type(right)
    if kind is Decimal and other is Decimal:
        return NUMBERS.multiply(left, right)
    if kind is Decimal:
        left, right = right, left
    if type(right) is not Decimal:
        return None
    if isinstance(left, timedelta):
        return from_seconds(NUMBERS.multiply(seconds(left), right))
    if isinstance(left, YearsMonths):
        return _months(int(NUMBERS.multiply(Decimal(left.months), right)))
    return None


def divide(left: Any, right: Any) -> Any:
    """``/``; division by zero is null."""
    kind, other = type(left), type(right)
    if kind is Decimal and other is Decimal:
        return NUMBERS.divide(left, right) if right else None
    if other is Decimal and right:
        if kind is timedelta:
            return from_seconds(NUMBERS.divide(seconds(left), right))
        if kind is YearsMonths:
            return _months(int(NUMBERS.divide(Decimal(left.months), right)))
    if kind is other and kind is timedelta:
        return NUMBERS.divide(seconds(left), seconds(right)) if right else None
    if kind is other and kind is YearsMonths:
        return NUMBERS.divide(Decimal(left.months), Decimal(right.months)) if right.months else None
    return None


def power(left: Any, right: Any) -> Any:
    """``**``; a huge exponent or result is null."""
    if type(left) is not Decimal or type(right) is not Decimal:
        return None
    if abs(right) > MAX_EXPONENT:
        return None
    result = NUMBERS.power(left, right)
    return result if result.is_finite() else None


_PLAIN: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "**": power,
}


def arithmetic(op: str, left: Any, right: Any) -> Any:
    """Any arithmetic operator; overflow of numbers or dates is null."""
    try:
        return _PLAIN[op](left, right)
    except (DecimalException, OverflowError, ValueError):
        return None


def negate(value: Any) -> Any:
    """Unary minus."""
    if isinstance(value, Decimal | timedelta):
        return NUMBERS.minus(value) if isinstance(value, Decimal) else -value
    return YearsMonths(-value.months) if isinstance(value, YearsMonths) else None


def mismatch(op: str, left: Any, right: Any) -> str:
    """The warning for an operator that gave null."""
    return f"{kind_name(left)} {op} {kind_name(right)} 无法计算，结果为 null"
