"""``for``, ``some``, ``every`` and filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.feel.errors import too_much
from engine.feel.frame import Frame
from engine.feel.limits import MAX_LIST, list_fits
from engine.feel.values import Range, kind_name

Code = Callable[[Frame], Any]
Source = tuple[str, Code, Code | None]


def loop(kind: str, sources: Sequence[Source], body: Code) -> Code:
    """The closure of a loop over one or more sources; later sources may read earlier variables."""
    if kind == "for":
        return lambda frame: _collect(frame, sources, body)
    return lambda frame: _quantify(frame, sources, body, kind == "some")


def _collect(frame: Frame, sources: Sequence[Source], body: Code) -> list[Any] | None:
    result: list[Any] = []
    for scope in _turns(frame.child({"partial": result}), sources):
        if scope is None:
            return None
        frame.run.tick()
        value = body(scope)
        result.append(value)
        list_fits(len(result))
    return list(result)


def _quantify(frame: Frame, sources: Sequence[Source], body: Code, decisive: bool) -> bool | None:
    result: bool | None = not decisive
    for scope in _turns(frame, sources):
        if scope is None:
            return None
        frame.run.tick()
        value = body(scope)
        if value is decisive:
            return decisive
        if not isinstance(value, bool):
            result = None
    return result


def _turns(frame: Frame, sources: Sequence[Source]) -> Iterator[Frame | None]:
    """One scope per turn; None when a source cannot be walked."""
    (variable, low, high), rest = sources[0], sources[1:]
    values = _domain(frame, low, high)
    if values is None:
        yield None
        return
    for value in values:
        scope = frame.child({variable: value})
        if rest:
            yield from _turns(scope, rest)
        else:
            yield scope


def _domain(frame: Frame, low: Code, high: Code | None) -> Sequence[Any] | None:
    value = low(frame)
    if high is not None:
        return _steps(frame, value, high(frame))
    if isinstance(value, list):
        return value
    if isinstance(value, Range):
        return _of_range(frame, value)
    if value is None:
        frame.run.warn("循环的列表是 null，结果为 null")
        return None
    return [value]


def _of_range(frame: Frame, value: Range) -> list[Any] | None:
    walked = _steps(frame, value.low, value.high)
    if walked is None:
        return None
    if walked and not value.low_in:
        walked = walked[1:]
    if walked and not value.high_in:
        walked = walked[:-1]
    return walked


def _steps(frame: Frame, low: Any, high: Any) -> list[Any] | None:
    """Whole numbers or days from low to high, downwards when high is less."""
    if isinstance(low, Decimal) and isinstance(high, Decimal):
        first, last = _whole(low), _whole(high)
        if first is not None and last is not None:
            _fits(abs(last - first))
            step = 1 if last >= first else -1
            return [Decimal(number) for number in range(first, last + step, step)]
    if _is_day(low) and _is_day(high):
        days = (high - low).days
        _fits(abs(days))
        return [low + timedelta(days=number if days >= 0 else -number) for number in range(abs(days) + 1)]
    frame.run.warn(f"不能从 {kind_name(low)} 循环到 {kind_name(high)}，结果为 null")
    return None


def _whole(value: Decimal) -> int | None:
    if abs(value) > 10**15 or value != value.to_integral_value():
        return None
    return int(value)


def _is_day(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _fits(length: int) -> None:
    if length >= MAX_LIST:
        raise too_much(f"的循环范围过大（上限 {MAX_LIST}）", "请缩小范围")


# --- filters ----------------------------------------------------------------------------------------------------


def pick(frame: Frame, value: Any, test: Code) -> Any:
    """``value[test]``: the element at a number, or all elements for which the test is true."""
    if value is None:
        return None
    items = value if isinstance(value, list) else [value]
    if not items:
        return None if kind_name(test(frame.child({"item": None}))) == "number" else []
    result: list[Any] = []
    for position, item in enumerate(items):
        frame.run.tick()
        scope = {"item": item, **item} if isinstance(item, dict) else {"item": item}
        answer = test(frame.child(scope))
        if position == 0 and type(answer) is Decimal:
            return _at(frame, items, answer)
        if answer is True:
            result.append(item)
    return result


def _at(frame: Frame, items: list[Any], index: Decimal) -> Any:
    number = int(index)
    if number != index or number == 0 or abs(number) > len(items):
        frame.run.warn(f"列表没有第 {index} 项，按 null 处理")
        return None
    return items[number - 1] if number > 0 else items[number]
