"""Where a running expression finds its variables: a chain of scopes, innermost first."""

from __future__ import annotations

from typing import Any

from engine.feel.functions import FUNCTIONS
from engine.feel.limits import Run
from engine.feel.temporal import PARTS
from engine.feel.values import Range

MISSING = object()


class Frame:
    """One scope. ``vars`` hold FEEL values; ``run`` is the evaluation it belongs to."""

    __slots__ = ("parent", "run", "vars")

    def __init__(self, variables: dict[str, Any], parent: Frame | None, run: Run) -> None:
        self.vars = variables
        self.parent = parent
        self.run = run

    def child(self, variables: dict[str, Any]) -> Frame:
        """A scope inside this one."""
        return Frame(variables, self, self.run)

    def find(self, name: str) -> Any:
        """The value of a name, or ``MISSING``; a built-in only where no variable has the name."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.vars:
                return frame.vars[name]
            frame = frame.parent
        return FUNCTIONS.get(name, MISSING)

    def lookup(self, name: str) -> Any:
        """As ``find``, with null and a warning for an unknown name."""
        value = self.find(name)
        if value is MISSING:
            self.run.warn(f"没有变量“{name}”，按 null 处理")
            return None
        return value


def get_path(run: Run, value: Any, key: str) -> Any:
    """``value.key``: of a context, of each element of a list, of a temporal value or a range."""
    kind = type(value)
    if kind is dict:
        if key in value:
            return value[key]
        run.warn(f"没有“{key}”，按 null 处理")
        return None
    if kind is list:
        return [get_path(run, item, key) for item in value]
    parts = PARTS.get(kind)
    if parts is not None and key in parts:
        return parts[key](value)
    if kind is Range:
        return _range_part(value, key)
    if value is not None:
        run.warn(f"取不到“{key}”，按 null 处理")
    return None


def has_key(value: Any, key: str) -> bool:
    """Whether ``value.key`` is defined."""
    return isinstance(value, dict) and key in value


def _range_part(value: Range, key: str) -> Any:
    return {
        "start": value.low,
        "end": value.high,
        "start included": value.low_in,
        "end included": value.high_in,
    }.get(key)
