"""Equality, order and membership of values. None is FEEL's null: what cannot be compared gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from engine.feel.far import Far, combined, instant
from engine.feel.limits import Budget
from engine.feel.temporal import offset_of, seconds, time_seconds
from engine.feel.values import Exactly, Range, YearsMonths, kind_name

_SCALARS = (Decimal, str, bool, YearsMonths, timedelta)


def equal(left: Any, right: Any) -> bool | None:
    """``=``: null only equals null; different types give null."""
    if left is None or right is None:
        return left is right
    kind = type(left)
    if kind is Far or type(right) is Far:
        return _same_far(left, right)
    if kind is not type(right):
        return False if {kind, type(right)} == {Range, Exactly} else None
    if kind in _SCALARS:
        return bool(left == right)
    if kind is list or kind is dict:
        return _equal_parts(left, right, Budget())
    if kind in (datetime, time):
        return _same_moment(left, right)
    if kind is Range:
        return equal_ranges(left, right)
    return bool(left == right)


def _equal_parts(left: Any, right: Any, budget: Budget) -> bool | None:
    """Lists and contexts part by part; unequal beats unknown."""
    if type(left) not in (list, dict) or type(left) is not type(right):
        return equal(left, right)
    budget.spend(len(left) + 1)
    if isinstance(left, dict):
        if left.keys() != right.keys():
            return False
        pairs: Iterable[tuple[Any, Any]] = [(item, right[key]) for key, item in left.items()]
    else:
        if len(left) != len(right):
            return False
        pairs = zip(left, right, strict=True)
    result: bool | None = True
    for one, other in pairs:
        answer = _equal_parts(one, other, budget)
        if answer is False:
            return False
        result = None if answer is None else result
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
    """Fractions of a second do not count for ``=``, as the compatibility kit has it; for ``<`` they do."""
    mine, other = offset_of(left), offset_of(right)
    if (mine is None) != (other is None):
        return False
    if isinstance(left, time):
        return int(time_key(left)) == int(time_key(right))
    return bool(left.replace(microsecond=0) == right.replace(microsecond=0))


def _same_far(left: Any, right: Any) -> bool | None:
    if kind_name(left) != kind_name(right):
        return None
    if (offset_of(left) is None) != (offset_of(right) is None):
        return False
    return instant(left) // 10**9 == instant(right) // 10**9


def time_key(value: time) -> Decimal:
    """Seconds since midnight UTC; of a time without zone since its own midnight."""
    offset = offset_of(value)
    return time_seconds(value) - (seconds(offset) if offset else 0)


def flip(answer: bool | None) -> bool | None:
    """Three-valued ``not``."""
    return None if answer is None else not answer


def same(left: Any, right: Any) -> bool:
    """Equality for lists (contains, distinct): never null."""
    return equal(left, right) is True


def compare(left: Any, right: Any) -> int | None:
    """-1, 0, 1, or None when the two cannot be ordered."""
    kind = type(left)
    if kind is Far or type(right) is Far:
        return _far_order(left, right)
    if kind is not type(right):
        if {kind, type(right)} == {date, datetime}:
            return compare(as_moment(left), as_moment(right))
        return None
    if kind is time or kind is datetime:
        if (offset_of(left) is None) != (offset_of(right) is None):
            return None
        if kind is time:
            left, right = time_key(left), time_key(right)
    elif kind not in (Decimal, str, date, timedelta, YearsMonths):
        return None
    if left == right:
        return 0
    return -1 if left < right else 1


def _far_order(left: Any, right: Any) -> int | None:
    kinds = {kind_name(left), kind_name(right)}
    if kinds == {"date", "date and time"}:
        left, right = (
            combined(each, time(tzinfo=UTC)) if kind_name(each) == "date" else each for each in (left, right)
        )
    elif len(kinds) > 1:
        return None
    if (offset_of(left) is None) != (offset_of(right) is None):
        return None
    one, other = instant(left), instant(right)
    return (one > other) - (one < other)


def as_moment(value: date) -> datetime:
    """A date as its midnight UTC."""
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
        return answer if wanted.equal else flip(answer)
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
