"""What the operators do to values. None is FEEL's null: every mismatch of types gives it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, DecimalException
from typing import Any

from engine.feel.limits import MAX_EXPONENT, string_fits
from engine.feel.temporal import add_months, from_seconds, offset_of, seconds, time_seconds
from engine.feel.values import NUMBERS, Exactly, Range, YearsMonths, kind_name

_SCALARS = (Decimal, str, bool, YearsMonths, timedelta)


def equal(left: Any, right: Any) -> bool | None:
    """``=``: null only equals null; different types give null."""
    if left is None or right is None:
        return left is right
    kind = type(left)
    if kind is not type(right):
        return False if {kind, type(right)} == {Range, Exactly} else None
    if kind in _SCALARS:
        return bool(left == right)
    if kind is list:
        if len(left) != len(right):
            return False
        return _all(equal(one, other) for one, other in zip(left, right, strict=True))
    if kind is dict:
        if left.keys() != right.keys():
            return False
        return _all(equal(item, right[key]) for key, item in left.items())
    if kind in (datetime, time):
        return _same_moment(left, right)
    if kind is Range:
        return equal_ranges(left, right)
    return bool(left == right)


def _all(answers: Any) -> bool | None:
    result: bool | None = True
    for answer in answers:
        if answer is False:
            return False
        if answer is None:
            result = None
    return result


def equal_ranges(left: Range, right: Range) -> bool:
    """Same ends, same openness."""
    return (
        left.half == right.half
        and left.low_in == right.low_in
        and left.high_in == right.high_in
        and equal(left.low, right.low) is True
        and equal(left.high, right.high) is True
    )


def _same_moment(left: Any, right: Any) -> bool | None:
    mine, other = offset_of(left), offset_of(right)
    if (mine is None) != (other is None):
        return False
    if isinstance(left, time):
        return _time_key(left) == _time_key(right)
    return bool(left == right)


def _time_key(value: time) -> Decimal:
    offset = offset_of(value)
    return time_seconds(value) - (seconds(offset) if offset else 0)


def same(left: Any, right: Any) -> bool:
    """Equality for lists (contains, distinct): never null."""
    return equal(left, right) is True


def compare(left: Any, right: Any) -> int | None:
    """-1, 0, 1, or None when the two cannot be ordered."""
    kind = type(left)
    if kind is not type(right):
        if {kind, type(right)} == {date, datetime}:
            return compare(_as_moment(left), _as_moment(right))
        return None
    if kind is time or kind is datetime:
        if (offset_of(left) is None) != (offset_of(right) is None):
            return None
        if kind is time:
            left, right = _time_key(left), _time_key(right)
    elif kind not in (Decimal, str, date, timedelta, YearsMonths):
        return None
    if left == right:
        return 0
    return -1 if left < right else 1


def _as_moment(value: date) -> datetime:
    if isinstance(value, datetime):
        return value
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


ORDER: dict[str, Callable[[int], bool]] = {
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
}


def ordered(op: str, left: Any, right: Any) -> bool | None:
    """``<``, ``<=``, ``>``, ``>=``."""
    sign = compare(left, right)
    return None if sign is None else ORDER[op](sign)


def within(value: Any, wanted: Range | Exactly) -> bool | None:
    """Whether a value lies in a range; null when it cannot be compared with an end."""
    if isinstance(wanted, Exactly):
        answer = equal(value, wanted.value)
        return answer if wanted.equal or answer is None else not answer
    above = _beyond(value, wanted.low, wanted, 1)
    below = _beyond(value, wanted.high, wanted, -1)
    if above is False or below is False:
        return False
    return None if above is None or below is None else True


def _beyond(value: Any, end: Any, wanted: Range, side: int) -> bool | None:
    if end is None:
        return True if wanted.half else None
    included = wanted.low_in if side > 0 else wanted.high_in
    sign = compare(value, end)
    if sign is None:
        return None
    return sign == side or (included and sign == 0)


def matches_value(value: Any, wanted: Any) -> bool | None:
    """``value in wanted``: in a range, in a list (or a range of the list), else equal."""
    if isinstance(wanted, Range | Exactly):
        return within(value, wanted)
    if isinstance(wanted, list):
        if isinstance(value, list) and equal(value, wanted) is True:
            return True
        return any(_in_item(value, item) for item in wanted)
    return equal(value, wanted)


def _in_item(value: Any, item: Any) -> bool:
    if isinstance(item, Range | Exactly):
        return within(value, item) is True
    return equal(value, item) is True


# --- arithmetic -------------------------------------------------------------------------------------------------


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
        return YearsMonths(left.months + right.months)
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
        return YearsMonths(left.months - right.months)
    if other is timedelta:
        return _shift(left, -right)
    if other is YearsMonths:
        return _shift(left, YearsMonths(-right.months))
    return _difference(left, right)


def _shift(value: Any, length: timedelta | YearsMonths) -> Any:
    if isinstance(length, YearsMonths):
        return add_months(value, length.months) if isinstance(value, date) else None
    if isinstance(value, datetime):
        return value + length
    if isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC) + length
        return moment.date()
    if isinstance(value, time):
        day = datetime.combine(date(2000, 1, 3), value.replace(tzinfo=None))
        return (
            (day + timedelta(seconds=length.seconds, microseconds=length.microseconds))
            .time()
            .replace(tzinfo=value.tzinfo)
        )
    return None


def _difference(left: Any, right: Any) -> timedelta | None:
    if isinstance(left, time) and isinstance(right, time):
        if (offset_of(left) is None) != (offset_of(right) is None):
            return None
        return from_seconds(_time_key(left) - _time_key(right))
    if isinstance(left, date) and isinstance(right, date):
        if type(left) is not type(right):
            left, right = _as_moment(left), _as_moment(right)
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
        return YearsMonths(int(NUMBERS.multiply(Decimal(left.months), right)))
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
            return YearsMonths(int(NUMBERS.divide(Decimal(left.months), right)))
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
