"""Unary tests: decision-table cells and the right side of ``in`` (DMN 1.5, 7.3.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.feel import nodes
from engine.feel.frame import Frame
from engine.feel.operators import equal, flip, matches_value, ordered

Code = Callable[[Frame], Any]
Test = Callable[[Frame, Any], bool | None]
_CONDITIONS = (nodes.Compare, nodes.Junction, nodes.Between, nodes.In, nodes.InstanceOf)


def cell(tests: Sequence[Test], negated: bool) -> Code:
    """A cell over the input ``?`` of the frame; no tests means ``-``."""
    if not tests:
        return lambda frame: True

    def tested(frame: Frame) -> bool | None:
        answer = _any(frame, frame.vars.get("?"), tests)
        return flip(answer) if negated else answer

    return tested


def inside(value: Code, tests: Sequence[Test]) -> Code:
    """``value in (test, test)``."""

    def tested(frame: Frame) -> bool | None:
        found = value(frame)
        return _any(frame.child({"?": found}), found, tests)

    return tested


def operator(op: str, end: Code) -> Test:
    """``< 5`` and the like."""
    if op == "=":
        return lambda frame, value: equal(value, end(frame))
    if op == "!=":
        return lambda frame, value: flip(equal(value, end(frame)))
    return lambda frame, value: ordered(op, value, end(frame))


def wanted(code: Code) -> Test:
    """A value, a list or a range that the input must equal or lie in."""
    return lambda frame, value: matches_value(value, code(frame))


def condition_on_input(code: Code) -> Test:
    """An expression with ``?``: true or false as it says; anything else is compared with the input."""

    def tested(frame: Frame, value: Any) -> bool | None:
        answer = code(frame)
        return answer if isinstance(answer, bool) else matches_value(value, answer)

    return tested


def condition(code: Code) -> Test:
    """A condition without ``?``: its own truth, unless the input is a boolean to compare with."""

    def tested(frame: Frame, value: Any) -> bool | None:
        answer = code(frame)
        if isinstance(value, bool):
            return equal(value, answer)
        return answer if isinstance(answer, bool) else None

    return tested


def is_condition(node: nodes.Node) -> bool:
    """Whether the node by its form says true or false."""
    return isinstance(node, _CONDITIONS) or (isinstance(node, nodes.Loop) and node.kind != "for")


def reads_input(node: Any) -> bool:
    """Whether ``?`` occurs anywhere in the node."""
    if isinstance(node, nodes.Name):
        return node.name == "?"
    if isinstance(node, tuple):
        return any(reads_input(part) for part in node)
    return isinstance(node, nodes.Node) and any(reads_input(getattr(node, name)) for name in node.__slots__)


def _any(frame: Frame, value: Any, tests: Sequence[Test]) -> bool | None:
    result: bool | None = False
    for test in tests:
        answer = test(frame, value)
        if answer is True:
            return True
        if answer is None:
            result = None
    return result
