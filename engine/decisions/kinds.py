"""Finds values of types that can never go together, by the form of an expression and the types of what it reads.

It only speaks where it is sure: a name without a type, and everything computed by functions and loops, is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.feel import Type, nodes
from engine.feel.types import BUILT_IN, SIMPLE
from engine.feel.values import kind_name

_SCALARS = frozenset(SIMPLE.values()) - {"Any", "null", "list", "context", "function", "range"}
_DURATIONS = frozenset({"days and time duration", "years and months duration"})
_MOMENTS = frozenset({"date", "date and time"})
_NAMES = {
    "number": "数字",
    "string": "文本",
    "boolean": "真假",
    "date": "日期",
    "time": "时间",
    "date and time": "日期时间",
    "days and time duration": "时长",
    "years and months duration": "年月时长",
}


class Kinds:
    """Reads one expression; ``wrong`` gathers what cannot go together, in Chinese."""

    def __init__(self, known: Mapping[str, Type | None]) -> None:
        self.known = known
        self.wrong: list[str] = []

    def cell(self, node: nodes.Node) -> None:
        """A decision-table cell over ``?``."""
        tests = node.tests if isinstance(node, nodes.UnaryTests) else (node,)
        wanted = self.known.get("?")
        for test in tests:
            for end in _ends(test):
                self._together(self.kind(end), wanted, "比较", end)

    def value(self, node: nodes.Node, wanted: Type | None) -> None:
        """An output of a type. Dates may be written as text."""
        found = self.kind(node)
        if found is not None and wanted is not None and found.kind == "string" and _is_temporal(wanted):
            return
        if _apart(found, wanted) and found is not None and wanted is not None:
            self.wrong.append(f"这一列是{_word(wanted)}，却填了{_word(found)} {_text(node)}".rstrip())

    def kind(self, node: nodes.Node) -> Type | None:
        """The type of a node as far as it is sure."""
        if isinstance(node, nodes.Literal):
            return BUILT_IN.get("Null" if node.value is None else kind_name(node.value))
        if isinstance(node, nodes.Name):
            return self.known.get(node.name)
        if isinstance(node, nodes.Path):
            base = self.kind(node.base)
            return dict(base.fields).get(node.key) if base is not None and base.fields is not None else None
        if isinstance(node, nodes.Negate):
            return self.kind(node.operand)
        if isinstance(node, nodes.Compare):
            self._together(self.kind(node.left), self.kind(node.right), "比较", node.right)
            return BUILT_IN["boolean"]
        if isinstance(node, nodes.Arithmetic):
            return self._arithmetic(node)
        return self._condition(node)

    def _condition(self, node: nodes.Node) -> Type | None:
        if isinstance(node, nodes.Junction):
            for part in node.parts:
                self._together(self.kind(part), BUILT_IN["boolean"], f"用 {node.op} 连接", part)
            return BUILT_IN["boolean"]
        if isinstance(node, nodes.Between):
            for end in (node.low, node.high):
                self._together(self.kind(node.value), self.kind(end), "比较", end)
            return BUILT_IN["boolean"]
        if isinstance(node, nodes.In):
            value = self.kind(node.value)
            for end in (end for test in node.tests for end in _ends(test)):
                self._together(self.kind(end), value, "比较", end)
            return BUILT_IN["boolean"]
        if isinstance(node, nodes.If):
            self._together(self.kind(node.test), BUILT_IN["boolean"], "作条件", node.test)
            then, other = self.kind(node.then), self.kind(node.other)
            return then if then == other else None
        if isinstance(node, nodes.Call):
            for argument in node.arguments:
                self.kind(argument)
        return None

    def _arithmetic(self, node: nodes.Arithmetic) -> Type | None:
        left, right = self.kind(node.left), self.kind(node.right)
        if left is None or right is None or not {left.kind, right.kind} <= _SCALARS:
            return None
        if left.kind == right.kind and (left.kind == "number" or (left.kind == "string" and node.op == "+")):
            return left
        dated = {left.kind, right.kind} & (_DURATIONS | _MOMENTS | {"time"})
        if "boolean" in (left.kind, right.kind) or "string" in (left.kind, right.kind) or not dated:
            self.wrong.append(f"{_word(left)}与{_word(right)}不能用 {node.op} 计算")
        return None

    def _together(self, one: Type | None, other: Type | None, how: str, node: nodes.Node) -> None:
        if _apart(one, other) and one is not None and other is not None:
            self.wrong.append(f"{_word(one)}与{_word(other)}不能{how} {_text(node)}".rstrip())


def _ends(test: nodes.Node) -> Iterator[nodes.Node]:
    """What a unary test compares the input with, or the test itself where it reads the input."""
    if isinstance(test, nodes.OpRange):
        yield test.end
    elif isinstance(test, nodes.RangeNode):
        yield from (test.low, test.high)
    elif isinstance(test, nodes.Literal | nodes.Negate):
        yield test


def _apart(one: Type | None, other: Type | None) -> bool:
    if one is None or other is None or not {one.kind, other.kind} <= _SCALARS:
        return False
    return one.kind != other.kind and not {one.kind, other.kind} <= _MOMENTS


def _is_temporal(kind: Type) -> bool:
    return kind.kind in _MOMENTS | _DURATIONS | {"time"}


def _word(kind: Type) -> str:
    return _NAMES.get(kind.kind, kind.kind)


def _text(node: Any) -> str:
    if isinstance(node, nodes.Literal) and isinstance(node.value, str):
        return f'"{node.value}"'
    return ""
