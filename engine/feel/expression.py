"""Compile once, evaluate often."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal, Protocol

from engine.feel import nodes
from engine.feel.compiler import Compiler
from engine.feel.errors import FeelError
from engine.feel.frame import Frame
from engine.feel.limits import Run
from engine.feel.parser import parse
from engine.feel.quick import quick_evaluate
from engine.feel.types import Type
from engine.feel.values import Range, from_python

Mode = Literal["expression", "unary"]
_OPEN_LOW = re.compile(r"^\s*[(\]]\s*\.\.")
_OPEN_HIGH = re.compile(r"\.\.\s*[)\[]\s*$")
CONSTANT_CALLS = frozenset({"date", "time", "date and time", "duration"})
_PLAIN = frozenset({str, bool, type(None)})


class Evaluate(Protocol):
    """How an expression is asked."""

    def __call__(self, context: Mapping[str, Any], *, warnings: list[str] | None = None) -> Any:
        """The value for a context of plain Python data; in unary mode the input stands under ``"?"``.

        Unknown names and unfitting types give None and a line in ``warnings``. Raises FeelError at a limit or a failed
        ``assert``.
        """
        ...


class Expression:
    """A compiled expression; immutable, shared and safe between threads.

    ``names`` are the free variables it reads (roots of paths), ``item_names`` names that stand only inside filters or
    share a built-in's name, so that they may or may not be variables. ``node`` is its parsed form.
    """

    __slots__ = ("_quick", "_reads", "code", "evaluate", "item_names", "mode", "names", "node", "text")
    evaluate: Evaluate

    def __init__(self, text: str, names: frozenset[str], mode: Mode, types: Mapping[str, Type] | None = None) -> None:
        self.text = text
        self.mode = mode
        self.node: nodes.Node = parse(text, names, mode, dict(types or {}))
        compiler = Compiler()
        try:
            self.code = compiler.code(self.node)
        except RecursionError:
            raise FeelError("嵌套过深", text=text, position=0, code="feel_limit") from None
        self.names = frozenset(compiler.names) - {"?"}
        self.item_names = frozenset(compiler.item_names) - {"?"}
        self._reads = tuple(compiler.names | compiler.item_names | ({"?"} if mode == "unary" else set()))
        self._quick: Evaluate | None = None
        self.evaluate = self._first

    def _first(self, context: Mapping[str, Any], *, warnings: list[str] | None = None) -> Any:
        """Builds the quick way when it is first needed: a table's cells never ask for it."""
        if self._quick is None:
            self._quick = quick_evaluate(self.node, self._by_closures)
            self.evaluate = self._quick
        return self._quick(context, warnings=warnings)

    def _by_closures(self, context: Mapping[str, Any], *, warnings: list[str] | None = None) -> Any:
        variables: dict[str, Any] = {}
        for name in self._reads:
            if name in context:
                value = context[name]
                variables[name] = value if type(value) in _PLAIN else from_python(value)
        return self.run(Frame(variables, None, Run(warnings)))

    def run(self, frame: Frame) -> Any:
        """The value in a scope whose variables are FEEL values already."""
        try:
            return self.code(frame)
        except RecursionError:
            raise FeelError("嵌套过深", text=self.text, code="feel_limit") from None
        except FeelError as error:
            if error.text:
                raise
            fault = error.faults[0]
            message = fault.message.removeprefix("FEEL 表达式")
            raise FeelError(f"{message}：{self.text[:80]}", text=self.text, hint=fault.hint, code=error.code) from error

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


def compile(text: str, names: Iterable[str] = (), mode: Mode = "expression") -> Expression:
    """The compiled expression, from the cache where possible. Pass ``names`` as a frozenset for speed.

    ``names``: the variables (and their fields) that are known; needed for names with spaces or signs, used for hints.
    Raises FeelError.
    """
    return _compiled(text, names if type(names) is frozenset else frozenset(names), mode)


@lru_cache(maxsize=8192)
def _compiled(text: str, names: frozenset[str], mode: Mode) -> Expression:
    return Expression(text, names, mode)


def evaluate(text: str, context: Mapping[str, Any], *, warnings: list[str] | None = None) -> Any:
    """Compile and evaluate; the context's keys are the known names. A leading ``=`` is allowed."""
    return compile(strip(text), frozenset(context)).evaluate(context, warnings=warnings)


def is_expression(text: str) -> bool:
    """Whether a model's attribute holds FEEL: it starts with ``=``."""
    return text.lstrip().startswith("=")


def strip(text: str) -> str:
    """Without the leading ``=`` and the white space around."""
    text = text.strip()
    return text[1:].lstrip() if text.startswith("=") else text


def constant_range(text: str) -> Range | None:
    """The range a text stands for, or None; used by ``range(from)``, which also knows ``[5..)`` and ``(..5]``."""
    low_open, high_open = _OPEN_LOW.match(text), _OPEN_HIGH.search(text)
    if low_open and high_open:
        return None
    filled = _OPEN_LOW.sub("(null..", text) if low_open else _OPEN_HIGH.sub("..null)", text)
    try:
        node = parse(filled, frozenset(), "expression")
        if not isinstance(node, nodes.RangeNode) or not (_is_literal(node.low) and _is_literal(node.high)):
            return None
        value = Compiler().code(node)(Frame({}, None, Run()))
    except FeelError:
        return None
    if not isinstance(value, Range):
        return None
    return replace(value, half=True) if low_open or high_open else value


def _is_literal(node: nodes.Node) -> bool:
    """An end of a range as text: a literal, a negative one, or a date built from literals."""
    if isinstance(node, nodes.Negate):
        return isinstance(node.operand, nodes.Literal)
    if isinstance(node, nodes.Call):
        dated = isinstance(node.target, nodes.Name) and node.target.name in CONSTANT_CALLS
        return dated and all(isinstance(argument, nodes.Literal) for argument in node.arguments)
    return isinstance(node, nodes.Literal)
