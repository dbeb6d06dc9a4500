"""The quick way for everyday conditions: one Python function, built as a syntax tree and never as text.

It handles comparisons, arithmetic and junctions of numbers, texts and truth values, and only while every value read
has the type its place asks for; whole numbers need no conversion, because Python compares them with decimals exactly.
In every other case, null and type mismatches among them, the closures of ``compiler`` decide: they are the meaning,
this is speed. The function can reach nothing but the values listed in ``_HELPERS`` and the constants of its text.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import CodeType, FunctionType
from typing import Any

from engine.feel import nodes
from engine.feel.values import NUMBERS

_MAX_NODES = 400  # beyond that the closures are as good, and Python's own compiler keeps its depth
_MAX_NESTING = 40
UNFIT = (KeyError, TypeError, ArithmeticError)
_HELPERS: dict[str, Any] = {
    "__builtins__": {},
    "type": type,
    "int": int,
    "Decimal": Decimal,
    "str": str,
    "bool": bool,
    "date": date,
    "unfit": UNFIT,
    "add": NUMBERS.add,
    "subtract": NUMBERS.subtract,
    "multiply": NUMBERS.multiply,
    "divide": NUMBERS.divide,
    "minus": NUMBERS.minus,
}
_COMPARE: dict[str, type[ast.cmpop]] = {
    "=": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}
_ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
_KINDS: dict[type, str] = {Decimal: "number", str: "string", bool: "boolean", date: "date"}
_ORDERED = frozenset({"number", "string", "date"})
_PYTHON = {"number": ("int", "Decimal"), "string": ("str",), "boolean": ("bool",), "date": ("date",)}
Path = tuple[str, ...]


class NotQuick(Exception):
    """The expression has no quick form."""


def name(text: str) -> ast.expr:
    """A variable being read."""
    return ast.Name(text, ast.Load())


def call(function: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(name(function), list(arguments), [])


def both(tests: Sequence[ast.expr]) -> ast.expr:
    """All of the tests; true where there are none."""
    if len(tests) < 2:
        return tests[0] if tests else ast.Constant(True)
    return ast.BoolOp(ast.And(), list(tests))


class Quick:
    """Builds the Python form of nodes, and gathers the variables with the kind each must have.

    ``mark`` keeps the names of several of them apart in one function.
    """

    def __init__(self, *, mark: str = "") -> None:
        self.variables: dict[Path, tuple[str, str]] = {}
        self.constants: dict[str, Any] = {}
        self._mark = mark
        self._nodes = 0
        self._nesting = 0

    # --- values ---

    def kind(self, node: nodes.Node) -> str | None:
        """The kind a node has by its form; None for a variable."""
        if isinstance(node, nodes.Literal):
            return _KINDS.get(type(node.value), "other")
        if isinstance(node, nodes.Name | nodes.Path):
            known = self.variables.get(_path(node))
            return known[1] if known else None
        if isinstance(node, nodes.Arithmetic | nodes.Negate):
            return "number"
        if isinstance(node, nodes.Compare | nodes.Junction | nodes.Between | nodes.In):
            return "boolean"
        return "other"

    def value(self, node: nodes.Node, kind: str) -> ast.expr:
        """The node as an operand of that kind. Raises NotQuick."""
        self._nodes += 1
        self._nesting += 1
        if self._nodes > _MAX_NODES or self._nesting > _MAX_NESTING:
            raise NotQuick
        try:
            return self._value(node, kind)
        finally:
            self._nesting -= 1

    def _value(self, node: nodes.Node, kind: str) -> ast.expr:
        if isinstance(node, nodes.Name | nodes.Path):
            return self.variable(_path(node), kind)
        if self.kind(node) != kind:
            raise NotQuick
        if isinstance(node, nodes.Literal):
            return self._constant(node.value)
        if isinstance(node, nodes.Negate):
            return self._negate(node)
        if isinstance(node, nodes.Arithmetic):
            return self._arithmetic(node)
        return self.condition(node)

    def variable(self, path: Path, kind: str) -> ast.expr:
        """A variable that must be of the kind."""
        if kind not in _PYTHON:
            raise NotQuick
        local, known = self.variables.setdefault(path, (f"v{self._mark}{len(self.variables)}", kind))
        if known != kind:
            raise NotQuick
        return name(local)

    def _constant(self, value: Any) -> ast.expr:
        if type(value) in (str, bool):
            return ast.Constant(value)
        if isinstance(value, Decimal) and abs(value) < 10**15 and value == int(value):
            return ast.Constant(int(value))
        return self.kept(value)

    def kept(self, value: Any) -> ast.expr:
        """A value of ours, handed to the function under a name."""
        local = f"c{self._mark}{len(self.constants)}"
        self.constants[local] = value
        return name(local)

    def _negate(self, node: nodes.Negate) -> ast.expr:
        if isinstance(node.operand, nodes.Literal) and isinstance(node.operand.value, Decimal):
            return self._constant(-node.operand.value)
        return call("minus", self.value(node.operand, "number"))

    def _arithmetic(self, node: nodes.Arithmetic) -> ast.expr:
        if node.op not in _ARITHMETIC:
            raise NotQuick
        return call(_ARITHMETIC[node.op], self.value(node.left, "number"), self.value(node.right, "number"))

    # --- conditions ---

    def condition(self, node: nodes.Node) -> ast.expr:
        """A node that is true or false whenever its variables have their kinds. Raises NotQuick."""
        if isinstance(node, nodes.Compare):
            return self._compare(node.op, node.left, node.right)
        if isinstance(node, nodes.Junction):
            join = ast.And() if node.op == "and" else ast.Or()
            return ast.BoolOp(join, [self.value(part, "boolean") for part in node.parts])
        if isinstance(node, nodes.Between):
            kind = self._shared(node.value, node.low, node.high)
            parts = [self.value(part, kind) for part in (node.low, node.value, node.high)]
            return ast.Compare(parts[0], [ast.LtE(), ast.LtE()], parts[1:])
        if isinstance(node, nodes.In):
            return self.tests(node.value, node.tests)
        raise NotQuick

    def _compare(self, op: str, left: nodes.Node, right: nodes.Node) -> ast.expr:
        kind = self._shared(left, right)
        if op not in ("=", "!=") and kind not in _ORDERED:
            raise NotQuick
        return ast.Compare(self.value(left, kind), [_COMPARE[op]()], [self.value(right, kind)])

    def _shared(self, *parts: nodes.Node) -> str:
        """The one kind of the parts."""
        kinds = {self.kind(part) for part in parts} - {None}
        kind = kinds.pop() if len(kinds) == 1 else None
        if kind not in _PYTHON:
            raise NotQuick
        return kind

    def cell(self, cell: nodes.UnaryTests, value: nodes.Node) -> ast.expr:
        """A decision-table cell over ``value``; ``-`` is true. Raises NotQuick."""
        if not cell.tests:
            return ast.Constant(True)
        answer = self.tests(value, cell.tests)
        return ast.UnaryOp(ast.Not(), answer) if cell.negated else answer

    def tests(self, value: nodes.Node, tests: Sequence[nodes.Node]) -> ast.expr:
        """Whether the value passes one of the tests. Raises NotQuick."""
        answers = [self._test(value, test) for test in tests]
        return answers[0] if len(answers) == 1 else ast.BoolOp(ast.Or(), answers)

    def _test(self, value: nodes.Node, test: nodes.Node) -> ast.expr:
        if isinstance(test, nodes.OpRange):
            return self._compare(test.op, value, test.end)
        if isinstance(test, nodes.RangeNode):
            return self._within(value, test)
        if isinstance(test, nodes.Literal | nodes.Negate):
            return self._compare("=", value, test)
        raise NotQuick

    def _within(self, value: nodes.Node, test: nodes.RangeNode) -> ast.expr:
        for end in (test.low, test.high):
            if not isinstance(end.operand if isinstance(end, nodes.Negate) else end, nodes.Literal):
                raise NotQuick
        kind = self._shared(value, test.low, test.high)
        if kind not in _ORDERED:
            raise NotQuick
        low, middle, high = (self.value(part, kind) for part in (test.low, value, test.high))
        signs: list[ast.cmpop] = [
            ast.LtE() if test.low_in else ast.Lt(),
            ast.LtE() if test.high_in else ast.Lt(),
        ]
        return ast.Compare(low, signs, [middle, high])

    # --- the function ---

    def guards(self) -> list[ast.expr]:
        """That every variable has its kind."""
        return [self._guard(local, kind) for local, kind in self.variables.values()]

    def _guard(self, local: str, kind: str) -> ast.expr:
        tests: list[ast.expr] = [
            ast.Compare(call("type", name(local)), [ast.Is()], [name(each)]) for each in _PYTHON[kind]
        ]
        return tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)

    def function(self, arguments: ast.arguments, body: list[ast.stmt], **more: Any) -> Callable[..., Any]:
        """The function with that body; it can reach the helpers, the constants and ``more``. Raises NotQuick."""
        return build(arguments, body, self.constants | more)


def build(arguments: ast.arguments, body: list[ast.stmt], reach: Mapping[str, Any]) -> Callable[..., Any]:
    """A function from its syntax tree. Raises NotQuick where Python's compiler gives up."""
    made = ast.FunctionDef("quick", arguments, body, [], None)
    module = ast.fix_missing_locations(ast.Module([made], []))
    try:
        whole = compile(module, "<feel>", "exec", dont_inherit=True)
    except (RecursionError, MemoryError, SyntaxError, ValueError) as error:
        raise NotQuick from error
    code = next(part for part in whole.co_consts if isinstance(part, CodeType))
    found = FunctionType(code, {**_HELPERS, **reach})
    found.__kwdefaults__ = {argument.arg: None for argument in arguments.kwonlyargs} or None
    return found


def _path(node: nodes.Node) -> Path:
    steps: list[str] = []
    while isinstance(node, nodes.Path):
        steps.append(node.key)
        node = node.base
    if not isinstance(node, nodes.Name):
        raise NotQuick
    return (node.name, *reversed(steps))


def quick_evaluate(node: nodes.Node, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """``evaluate(context, *, warnings=None)`` for a whole expression: the quick form, else ``otherwise``."""
    quick = Quick()
    try:
        if isinstance(node, nodes.UnaryTests):
            answer = quick.cell(node, nodes.Name(0, "?"))
        elif isinstance(node, nodes.Arithmetic):
            answer = quick.value(node, "number")
        else:
            answer = quick.condition(node)
        return quick.function(_ARGUMENTS, _body(quick, answer), otherwise=otherwise)
    except NotQuick:
        return otherwise


_ARGUMENTS = ast.arguments([], [ast.arg("context")], None, [ast.arg("warnings")], [None], None, [])


def _body(quick: Quick, answer: ast.expr) -> list[ast.stmt]:
    """Read the variables, check their kinds, answer; at the first surprise ask the closures."""
    steps: list[ast.stmt] = []
    for path, (local, _) in quick.variables.items():
        read = name("context")
        for step in path:
            read = ast.Subscript(read, ast.Constant(step), ast.Load())
        steps.append(ast.Assign([ast.Name(local, ast.Store())], read))
    steps.append(ast.If(both(quick.guards()), [ast.Return(answer)], []))
    closures = ast.Call(name("otherwise"), [name("context")], [ast.keyword("warnings", name("warnings"))])
    return [
        ast.Try(steps, [ast.ExceptHandler(name("unfit"), None, [ast.Pass()])], [], []),
        ast.Return(closures),
    ]
