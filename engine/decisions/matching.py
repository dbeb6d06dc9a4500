"""Finds the rows a table's values match, with one function made for the table.

Columns whose cells are constants, ranges and comparisons of one kind are tested in place; other cells are asked as
they are. While a value lacks the kind of its column (null among them), every cell is asked.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from engine.decisions.model import Rule
from engine.feel import Frame, nodes
from engine.feel.quick import NotQuick, Quick, both, build, call, name

Match = Callable[[Sequence[Any], Frame], list[int]]
_MAX_CELLS = 20_000
_FAR = 10**15


def matcher(rules: Sequence[Rule], columns: int, *, first: bool) -> Match:
    """``match(values, frame)``: indexes of the rows that match, in order; only the first where that is enough."""

    def ask(values: Sequence[Any], frame: Frame) -> list[int]:
        scopes = [frame.child({"?": value}) for value in values]
        hits: list[int] = []
        for index, rule in enumerate(rules):
            if all(cell.test.code(scope) is True for cell, scope in zip(rule.cells, scopes, strict=False)):
                hits.append(index)
                if first:
                    break
        return hits

    whole = all(len(rule.cells) == columns for rule in rules)
    if not rules or not columns or not whole or len(rules) * columns > _MAX_CELLS:
        return ask
    try:
        return _made(rules, columns, ask, first=first)
    except NotQuick:
        return ask


def _made(rules: Sequence[Rule], columns: int, ask: Match, *, first: bool) -> Match:
    reach: dict[str, Any] = {"ask": ask, "whole": _whole}
    guards: list[ast.expr] = []
    before: list[ast.stmt] = []
    tests: list[list[ast.expr]] = [[] for _ in rules]
    for column in range(columns):
        quick = _column(rules, column, tests, reach)
        if quick is None:
            before.append(_scope(column))
            continue
        guards.extend(quick.guards())
        for local, kind in quick.variables.values():
            if kind == "number":
                before.append(ast.Assign([ast.Name(local, ast.Store())], call("whole", name(local))))
    body: list[ast.stmt] = [_unpack(columns), *before]
    refused = ast.UnaryOp(ast.Not(), both(guards))
    body.append(ast.If(refused, [ast.Return(call("ask", name("values"), name("frame")))], []))
    body.append(ast.Assign([ast.Name("hits", ast.Store())], ast.List([], ast.Load())))
    for index, row in enumerate(tests):
        found: list[ast.stmt]
        if first:
            found = [ast.Return(ast.List([ast.Constant(index)], ast.Load()))]
        else:
            append = ast.Attribute(name("hits"), "append", ast.Load())
            found = [ast.Expr(ast.Call(append, [ast.Constant(index)], []))]
        body.append(ast.If(both(row), found, []))
    body.append(ast.Return(name("hits")))
    arguments = ast.arguments([], [ast.arg("values"), ast.arg("frame")], None, [], [], None, [])
    return build(arguments, body, reach)


def _whole(value: Any) -> Any:
    """A whole decimal as int, because Python compares ints several times faster."""
    if type(value) is Decimal and value.is_finite() and -_FAR < value < _FAR and value == value.to_integral_value():
        return int(value)
    return value


def _unpack(columns: int) -> ast.stmt:
    targets: list[ast.expr] = [ast.Name(f"v{column}_0", ast.Store()) for column in range(columns)]
    return ast.Assign([ast.Tuple(targets, ast.Store())], name("values"))


def _scope(column: int) -> ast.stmt:
    """``s1 = frame.child({"?": v1_0})``, for cells that must be asked."""
    value = ast.Dict([ast.Constant("?")], [name(f"v{column}_0")])
    made = ast.Call(ast.Attribute(name("frame"), "child", ast.Load()), [value], [])
    return ast.Assign([ast.Name(f"s{column}", ast.Store())], made)


def _column(rules: Sequence[Rule], column: int, tests: list[list[ast.expr]], reach: dict[str, Any]) -> Quick | None:
    """Adds the column's test to each row that has one; None where the cells must be asked."""
    cells = [rule.cells[column].test for rule in rules]
    quick = Quick(mark=f"{column}_")
    value = nodes.Name(0, "?")
    try:
        inline = [quick.cell(cell.node, value) for cell in cells if isinstance(cell.node, nodes.UnaryTests)]
        if set(quick.variables) - {("?",)}:
            raise NotQuick
    except NotQuick:
        for index, (row, cell) in enumerate(zip(tests, cells, strict=True)):
            asked = f"t{column}_{index}"
            reach[asked] = cell.code
            row.append(ast.Compare(call(asked, name(f"s{column}")), [ast.Is()], [ast.Constant(True)]))
        return None
    for row, test in zip(tests, inline, strict=True):
        if not (isinstance(test, ast.Constant) and test.value is True):
            row.append(test)
    reach |= quick.constants
    return quick
