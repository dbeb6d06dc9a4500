"""Functions over lists of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from engine.feel.arithmetic import add, divide
from engine.feel.functions.registry import Null, built_in
from engine.feel.values import NUMBERS, ONE, YearsMonths

Body = Callable[[list[Decimal]], Any]


def _over_numbers(name: str) -> Callable[[Body], Body]:
    """Register ``name(list)`` and ``name(a, b, …)``; anything but numbers is null."""

    def register(body: Body) -> Body:
        def of_list(items: list[Any]) -> Any:
            if not all(type(item) is Decimal for item in items):
                raise Null("列表里有不是数字的项")
            return body(items)

        built_in(f"{name}(list: list)")(of_list)
        built_in(f"{name}(...n: any)")(lambda *items: of_list(list(items)))
        return body

    return register


def _total(items: list[Any]) -> Any:
    """Numbers, or durations of one kind."""
    total = items[0]
    if type(total) not in (Decimal, timedelta, YearsMonths):
        raise Null("列表里有不是数字的项")
    for item in items[1:]:
        if type(item) is not type(total):
            raise Null("列表里有不是数字的项")
        total = add(total, item)
    return total


@built_in("sum(list: list)")
def total_of_list(items: list[Any]) -> Any:
    return _total(items) if items else None


@built_in("sum(...n: any)")
def total_of(*items: Any) -> Any:
    return _total(list(items))


@built_in("mean(list: list)")
def mean_of_list(items: list[Any]) -> Any:
    return divide(_total(items), Decimal(len(items))) if items else None


@built_in("mean(...n: any)")
def mean_of(*items: Any) -> Any:
    return mean_of_list(list(items))


@_over_numbers("product")
def product(items: list[Decimal]) -> Decimal | None:
    if not items:
        return None
    result = ONE
    for item in items:
        result = NUMBERS.multiply(result, item)
    return result


@_over_numbers("median")
def median(items: list[Decimal]) -> Decimal | None:
    if not items:
        return None
    ordered = sorted(items)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return NUMBERS.divide(NUMBERS.add(ordered[middle - 1], ordered[middle]), Decimal(2))


@_over_numbers("stddev")
def stddev(items: list[Decimal]) -> Decimal | None:
    """Of a sample (n - 1)."""
    if len(items) < 2:
        return None
    mean = NUMBERS.divide(_total(items), Decimal(len(items)))
    squares = _total([NUMBERS.power(NUMBERS.subtract(item, mean), Decimal(2)) for item in items])
    return NUMBERS.sqrt(NUMBERS.divide(squares, Decimal(len(items) - 1)))


@_over_numbers("mode")
def mode(items: list[Decimal]) -> list[Decimal]:
    if not items:
        return []
    counted = Counter(items)
    most = max(counted.values())
    return sorted(item for item, number in counted.items() if number == most)
