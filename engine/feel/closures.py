"""The closures behind the operators: made from the closures of their parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.feel.arithmetic import arithmetic, mismatch
from engine.feel.frame import Frame
from engine.feel.operators import ORDER, compare, equal, flip, within
from engine.feel.values import Exactly, FeelFunction, Range

Code = Callable[[Frame], Any]


def chain(first: Code, steps: Sequence[tuple[str, Code]]) -> Code:
    """``a + b - c …`` from the left, however long, without nesting."""

    def computed(frame: Frame) -> Any:
        value = first(frame)
        for op, right in steps:
            other = right(frame)
            result = arithmetic(op, value, other)
            if result is None:
                frame.run.warn(mismatch(op, value, other))
            value = result
        return value

    return computed


def comparison(op: str, left: Code, right: Code) -> Code:
    """``= != < <= > >=``."""
    if op == "=":
        return lambda frame: equal(left(frame), right(frame))
    if op == "!=":
        return lambda frame: flip(equal(left(frame), right(frame)))
    order = ORDER[op]

    def compared(frame: Frame) -> bool | None:
        value, other = left(frame), right(frame)
        sign = compare(value, other)
        if sign is None:
            frame.run.warn(mismatch(op, value, other))
            return None
        return order(sign)

    return compared


def junction(parts: Sequence[Code], decisive: bool) -> Code:
    """``or`` (decided by true) and ``and`` (decided by false); anything but a boolean counts as unknown."""

    def joined(frame: Frame) -> bool | None:
        result: bool | None = not decisive
        for part in parts:
            value = part(frame)
            if value is decisive:
                return decisive
            if not isinstance(value, bool):
                result = None
        return result

    return joined


def between(value: Code, low: Code, high: Code) -> Code:
    """``value between low and high``, ends included."""

    def found(frame: Frame) -> bool | None:
        return within(value(frame), Range(low(frame), high(frame)))

    return found


def ranged(low: Code, high: Code, low_in: bool, high_in: bool) -> Code:
    """``[low..high]`` and its open forms; null when the ends cannot be compared."""

    def made(frame: Frame) -> Range | None:
        low_end, high_end = low(frame), high(frame)
        if low_end is not None and high_end is not None and compare(low_end, high_end) is None:
            frame.run.warn(mismatch("..", low_end, high_end))
            return None
        return Range(low_end, high_end, low_in, high_in)

    return made


def half_range(op: str, end: Code) -> Code:
    """``(< 5)`` as a value."""
    if op in ("=", "!="):
        return lambda frame: Exactly(end(frame), op == "=")

    def made(frame: Frame) -> Range | None:
        value = end(frame)
        if compare(value, value) is None:
            return None
        if op[0] == "<":
            return Range(None, value, False, op == "<=", half=True)
        return Range(value, None, op == ">=", False, half=True)

    return made


def context(entries: Sequence[tuple[str, Code]]) -> Code:
    """``{a: 1, b: a + 1}``: each entry sees those before it."""

    def made(frame: Frame) -> dict[str, Any]:
        values: dict[str, Any] = {}
        inside = frame.child(values)
        for key, value in entries:
            values[key] = value(inside)
        return dict(values)

    return made


def function(names: tuple[str, ...], kinds: tuple[Any, ...], body: Code) -> Code:
    """A function value that remembers the scope it was made in."""

    def made(frame: Frame) -> FeelFunction:
        def invoke(_run: Any, values: list[Any]) -> Any:
            return body(frame.child(dict(zip(names, values, strict=True))))

        return FeelFunction(names, invoke, kinds)

    return made
