"""Where a running expression finds its variables: a chain of scopes, innermost first."""

from __future__ import annotations

from typing import Any

from engine.feel.functions import FUNCTIONS
from engine.feel.limits import Run
from engine.feel.temporal import RANGE_PARTS, part_of
from engine.feel.values import Exactly, Range

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
    part = part_of(value, key)
    if part is not None:
        return part(value)
    if isinstance(value, Range | Exactly) and key in RANGE_PARTS:
        return _range_part(value, key)
    if value is not None:
        run.warn(f"取不到“{key}”，按 null 处理")
    return None


def has_key(value: Any, key: str) -> bool:
    """Whether ``value.key`` is defined."""
    return isinstance(value, dict) and key in value


def _range_part(value: Range | Exactly, key: str) -> Any:
    if isinstance(value, Exactly):
        value = Range(value.value, value.value) if value.equal else Range(None, None, False, False)
    parts = (value.low, value.high, value.low_in, value.high_in)
    return parts[RANGE_PARTS.index(key)]
