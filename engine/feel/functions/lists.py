"""List functions (DMN 1.5, 10.3.4.4)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from engine.feel.functions.registry import Null, built_in, call
from engine.feel.limits import Run, list_fits
from engine.feel.operators import compare, same


@built_in("count(list: list)")
def count(items: list[Any]) -> Decimal:
    return Decimal(len(items))


@built_in("list contains(list: list, element: any)")
def list_contains(items: list[Any], element: Any) -> bool:
    return any(same(item, element) for item in items)


@built_in("is empty(list: list)")
def is_empty(items: list[Any]) -> bool:
    return not items


def _extreme(items: list[Any], sign: int) -> Any:
    if not items:
        return None
    best = items[0]
    for item in items[1:] or [best]:
        order = compare(item, best)
        if order is None:
            raise Null("列表里的项不能比较大小")
        if order == sign:
            best = item
    return best


@built_in("min(list: list)")
def smallest(items: list[Any]) -> Any:
    return _extreme(items, -1)


@built_in("min(...c: any)")
def smallest_of(*items: Any) -> Any:
    return _extreme(list(items), -1)


@built_in("max(list: list)")
def largest(items: list[Any]) -> Any:
    return _extreme(items, 1)


@built_in("max(...c: any)")
def largest_of(*items: Any) -> Any:
    return _extreme(list(items), 1)


def _all(items: list[Any]) -> bool | None:
    if any(item is False for item in items):
        return False
    return True if all(item is True for item in items) else None


def _any(items: list[Any]) -> bool | None:
    if any(item is True for item in items):
        return True
    return False if all(item is False for item in items) else None


@built_in("all(list: list)")
def all_true(items: list[Any]) -> bool | None:
    return _all(items)


@built_in("all(...b: any)")
def all_true_of(*items: Any) -> bool | None:
    return _all(list(items))


@built_in("any(list: list)")
def any_true(items: list[Any]) -> bool | None:
    return _any(items)


@built_in("any(...b: any)")
def any_true_of(*items: Any) -> bool | None:
    return _any(list(items))


def _index(items: list[Any], position: Decimal, room: int = 0) -> int:
    """A 1-based position, from the end when negative, as 0-based index."""
    number = int(position)
    if number == 0 or abs(number) > len(items) + (room if number > 0 else 0) or number != position:
        raise Null("位置超出列表范围")
    return number - 1 if number > 0 else len(items) + number


@built_in("sublist(list: list, start position: number, length?: number)")
def sublist(items: list[Any], start: Decimal, length: Decimal | None) -> list[Any]:
    first = _index(items, start)
    if length is None:
        return items[first:]
    if length < 0 or first + int(length) > len(items):
        raise Null("长度超出列表范围")
    return items[first : first + int(length)]


@built_in("append(list: list, ...item: any)")
def append(items: list[Any], *more: Any) -> list[Any]:
    list_fits(len(items) + len(more))
    return [*items, *more]


@built_in("concatenate(...list: list)")
def concatenate(*lists: list[Any]) -> list[Any]:
    list_fits(sum(len(items) for items in lists))
    return [item for items in lists for item in items]


@built_in("insert before(list: list, position: number, newItem: any)")
def insert_before(items: list[Any], position: Decimal, new: Any) -> list[Any]:
    index = _index(items, position)
    list_fits(len(items) + 1)
    return [*items[:index], new, *items[index:]]


@built_in("remove(list: list, position: number)")
def remove(items: list[Any], position: Decimal) -> list[Any]:
    index = _index(items, position)
    return [*items[:index], *items[index + 1 :]]


@built_in("list replace(list: list, position: number, newItem: any)")
def replace_at(items: list[Any], position: Decimal, new: Any) -> list[Any]:
    index = _index(items, position)
    return [*items[:index], new, *items[index + 1 :]]


@built_in("list replace(list: list, match: function, newItem: any)", run=True)
def replace_where(run: Run, items: list[Any], match: Any, new: Any) -> list[Any]:
    result = []
    for item in items:
        hit = call(run, match, [item, new])
        if not isinstance(hit, bool):
            raise Null("匹配函数没有给出真假")
        result.append(new if hit else item)
    return result


@built_in("reverse(list: list)")
def reverse(items: list[Any]) -> list[Any]:
    return items[::-1]


@built_in("index of(list: list, match: any)")
def index_of(items: list[Any], match: Any) -> list[Decimal]:
    return [Decimal(number) for number, item in enumerate(items, 1) if same(item, match)]


def _distinct(run: Run, items: list[Any]) -> list[Any]:
    result: list[Any] = []
    for item in items:
        run.tick(len(result) // 8 + 1)
        if not any(same(item, kept) for kept in result):
            result.append(item)
    return result


@built_in("distinct values(list: list)", run=True)
def distinct_values(run: Run, items: list[Any]) -> list[Any]:
    return _distinct(run, items)


@built_in("duplicate values(list: list)", run=True)
def duplicate_values(run: Run, items: list[Any]) -> list[Any]:
    run.tick(len(items) * len(items) // 8)
    return _distinct(run, [item for item in items if sum(same(item, other) for other in items) > 1])


@built_in("union(...list: list)", run=True)
def union(run: Run, *lists: list[Any]) -> list[Any]:
    return _distinct(run, concatenate(*lists))


@built_in("flatten(list: list)", run=True)
def flatten(run: Run, items: list[Any]) -> list[Any]:
    result: list[Any] = []
    waiting = list(reversed(items))
    while waiting:
        run.tick()
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(reversed(item))
            list_fits(len(waiting))
        else:
            result.append(item)
    return result


@built_in("partition(list: list, size: number)")
def partition(items: list[Any], size: Decimal) -> list[list[Any]]:
    step = int(size)
    if step < 1:
        raise Null("每份至少一项")
    return [items[start : start + step] for start in range(0, len(items), step)]


@built_in("sort(list: list, precedes?: function)", run=True)
def sort(run: Run, items: list[Any], precedes: Any) -> list[Any]:
    return sorted(items, key=cmp_to_key(_order(run, precedes)))


def _order(run: Run, precedes: Any) -> Callable[[Any, Any], int]:
    def by_value(left: Any, right: Any) -> int:
        order = compare(left, right)
        if order is None:
            raise Null("列表里的项不能比较大小")
        return order

    def by_function(left: Any, right: Any) -> int:
        if call(run, precedes, [left, right]) is True:
            return -1
        return 1 if call(run, precedes, [right, left]) is True else 0

    return by_value if precedes is None else by_function
