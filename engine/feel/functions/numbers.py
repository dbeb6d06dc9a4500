"""Numeric functions (DMN 1.5, 10.3.4.5) and ``not``."""

from __future__ import annotations

from datetime import timedelta
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)
from typing import Any

from engine.feel.functions.registry import Null, built_in
from engine.feel.values import NUMBERS, YearsMonths

_MIN_SCALE, _MAX_SCALE = -6111, 6176


@built_in("not(negand: any)")
def logical_not(value: Any) -> bool | None:
    return not value if isinstance(value, bool) else None


def _rounded(value: Decimal, scale: Decimal | None, mode: str) -> Decimal:
    digits = 0 if scale is None else int(scale)
    if not _MIN_SCALE <= digits <= _MAX_SCALE:
        raise Null("小数位数超出范围")
    if -int(value.as_tuple().exponent) <= digits:
        return value
    step = Decimal((0, (1,), -digits))
    return value.quantize(step, rounding=mode, context=_wide(value, digits))


def _wide(value: Decimal, digits: int) -> Any:
    context = NUMBERS.copy()
    context.prec = max(34, value.adjusted() + digits + 2)
    return context


@built_in("decimal(n: number, scale: number)")
def decimal(value: Decimal, scale: Decimal) -> Decimal:
    return _rounded(value, scale, ROUND_HALF_EVEN)


@built_in("floor(n: number)")
@built_in("floor(n: number, scale: number)")
def floor(value: Decimal, scale: Decimal | None = None) -> Decimal:
    return _rounded(value, scale, ROUND_FLOOR)


@built_in("ceiling(n: number)")
@built_in("ceiling(n: number, scale: number)")
def ceiling(value: Decimal, scale: Decimal | None = None) -> Decimal:
    return _rounded(value, scale, ROUND_CEILING)


@built_in("round up(n: number, scale: number)")
def round_up(value: Decimal, scale: Decimal) -> Decimal:
    return _rounded(value, scale, ROUND_UP)


@built_in("round down(n: number, scale: number)")
def round_down(value: Decimal, scale: Decimal) -> Decimal:
    return _rounded(value, scale, ROUND_DOWN)


@built_in("round half up(n: number, scale: number)")
def round_half_up(value: Decimal, scale: Decimal) -> Decimal:
    return _rounded(value, scale, ROUND_HALF_UP)


@built_in("round half down(n: number, scale: number)")
def round_half_down(value: Decimal, scale: Decimal) -> Decimal:
    return _rounded(value, scale, ROUND_HALF_DOWN)


@built_in("abs(n: number)")
def absolute(value: Decimal) -> Decimal:
    return abs(value)


@built_in("abs(n: duration)")
def absolute_duration(value: timedelta | YearsMonths) -> timedelta | YearsMonths:
    return YearsMonths(abs(value.months)) if isinstance(value, YearsMonths) else abs(value)


@built_in("modulo(dividend: number, divisor: number)")
def modulo(dividend: Decimal, divisor: Decimal) -> Decimal:
    if not divisor:
        raise Null("除数不能为零")
    whole = NUMBERS.divide(dividend, divisor).to_integral_value(ROUND_FLOOR)
    return NUMBERS.subtract(dividend, NUMBERS.multiply(divisor, whole))


@built_in("sqrt(number: number)")
def sqrt(value: Decimal) -> Decimal:
    return NUMBERS.sqrt(value)


@built_in("log(number: number)")
def log(value: Decimal) -> Decimal:
    if value <= 0:
        raise Null("只能对正数取对数")
    return NUMBERS.ln(value)


@built_in("exp(number: number)")
def exp(value: Decimal) -> Decimal:
    return NUMBERS.exp(value)


@built_in("odd(number: number)")
def odd(value: Decimal) -> bool:
    return abs(value % 2) == 1


@built_in("even(number: number)")
def even(value: Decimal) -> bool:
    return value % 2 == 0
