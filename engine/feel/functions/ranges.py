"""Range (interval) functions (DMN 1.5, 10.3.4.9). A point stands for a range of one value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.feel.functions.registry import FUNCTIONS, BuiltIn, Null, Overload, Parameter, built_in
from engine.feel.operators import compare, equal_ranges
from engine.feel.values import Range

Relation = Callable[[Range, Range], bool]


def _order(left: Any, right: Any) -> int:
    sign = compare(left, right)
    if sign is None:
        raise Null("两端不能比较")
    return sign


def _before(a: Range, b: Range) -> bool:
    sign = _order(a.high, b.low)
    return sign < 0 or (sign == 0 and not (a.high_in and b.low_in))


def _meets(a: Range, b: Range) -> bool:
    return a.high_in and b.low_in and _order(a.high, b.low) == 0


def _low(a: Range, b: Range) -> int:
    """Which range begins first: -1 for ``a``."""
    sign = _order(a.low, b.low)
    return sign if sign or a.low_in == b.low_in else (-1 if a.low_in else 1)


def _high(a: Range, b: Range) -> int:
    sign = _order(a.high, b.high)
    return sign if sign or a.high_in == b.high_in else (1 if a.high_in else -1)


def _overlaps(a: Range, b: Range) -> bool:
    return not _before(a, b) and not _before(b, a)


def _overlaps_before(a: Range, b: Range) -> bool:
    return _overlaps(a, b) and _low(a, b) < 0 and _high(a, b) <= 0


def _finishes(a: Range, b: Range) -> bool:
    return _high(a, b) == 0 and _low(a, b) >= 0


def _starts(a: Range, b: Range) -> bool:
    return _low(a, b) == 0 and _high(a, b) <= 0


def _includes(a: Range, b: Range) -> bool:
    return _low(a, b) <= 0 and _high(a, b) >= 0


def _swapped(relation: Relation) -> Relation:
    return lambda a, b: relation(b, a)


def _as_range(value: Any) -> Range:
    if isinstance(value, Range):
        if value.low is None or value.high is None:
            raise Null("区间没有两端")
        return value
    if value is None or isinstance(value, list | dict | bool):
        raise Null("需要区间或一个值")
    return Range(value, value)


def _register(name: str, relation: Relation, points: str) -> None:
    """``points`` lists the argument shapes: p a point, r a range."""

    def body(left: Any, right: Any) -> bool:
        shape = ("r" if isinstance(left, Range) else "p") + ("r" if isinstance(right, Range) else "p")
        if shape not in points.split():
            raise Null("参数要是区间")
        return relation(_as_range(left), _as_range(right))

    entry = FUNCTIONS.setdefault(name, BuiltIn(name))
    for first, second in (("range1", "range2"), ("point1", "point2"), ("point", "range"), ("range", "point")):
        parameters = (Parameter(first, "any", False), Parameter(second, "any", False))
        entry.overloads.append(Overload(parameters, False, body, False))


_register("before", _before, "pp pr rp rr")
_register("after", _swapped(_before), "pp pr rp rr")
_register("meets", _meets, "rr")
_register("met by", _swapped(_meets), "rr")
_register("overlaps", _overlaps, "rr")
_register("overlaps before", _overlaps_before, "rr")
_register("overlaps after", _swapped(_overlaps_before), "rr")
_register("finishes", _finishes, "pr rr")
_register("finished by", _swapped(_finishes), "rp rr")
_register("includes", _includes, "rp rr")
_register("during", _swapped(_includes), "pr rr")
_register("starts", _starts, "pr rr")
_register("started by", _swapped(_starts), "rp rr")
_register("coincides", equal_ranges, "pp rr")


@built_in("range(from: string)")
def range_from(text: str) -> Range:
    from engine.feel.expression import constant_range

    found = constant_range(text)
    if found is None or _unordered(found):
        raise Null("文本不是区间")
    return found


def _unordered(found: Range) -> bool:
    if found.low is None or found.high is None:
        return False
    sign = compare(found.low, found.high)
    return sign is None or sign > 0
