"""What an analyst should know about a model before it is published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.core.errors import Fault
from engine.decisions.coverage import check_coverage
from engine.decisions.kinds import Kinds
from engine.decisions.model import Literal, Model, OutputCell, OutputColumn, Rule, Scope, Table
from engine.feel import Expression, Frame, Run, Type, did_you_mean, nodes


def check(model: Model) -> list[Fault]:
    """Findings about a model loaded with ``strict=False`` or strictly; every table of it, wherever it stands.

    Errors: what reading found, values outside the allowed ones, values of types that never go together. Warnings:
    unknown names, overlapping rows, gaps, rows that can never fire.
    """
    found = list(model.faults)
    for table in model.tables:
        found.extend(_check_table(model, table))
    for literal in model.literals:
        found.extend(_check_literal(model, literal))
    return found


def _check_table(model: Model, table: Table) -> Iterator[Fault]:
    scope = model.scopes.get(table.owner, _NOWHERE)
    heads = {name for column in table.inputs for name in column.value.names}
    for head in table.inputs:
        place = _Place(model, head.id, f"{table.name}“{head.label}”列", table.line)
        yield from _unknown(place, head.value, scope.names if scope.drawn else None, "列头")
        yield from _mistyped(place, head.value, scope.types)
    for rule in table.rules:
        yield from _check_rule(model, table, rule, scope, scope.names | heads)
    yield from check_coverage(table, model.file)


def _check_rule(model: Model, table: Table, rule: Rule, scope: Scope, known: frozenset[str]) -> Iterator[Fault]:
    row = f"{table.name} 第 {rule.row} 行"
    for cell, column in zip(rule.cells, table.inputs, strict=False):
        place = _Place(model, cell.id, f"{row}“{column.label}”列", cell.line)
        yield from _unknown(place, cell.test, known, "单元格")
        kinds = Kinds({**scope.types, "?": column.type or Kinds(scope.types).kind(column.value.node)})
        kinds.cell(cell.test.node)
        yield from place.mistyped(kinds)
    for output, result in zip(rule.outputs, table.outputs, strict=False):
        if output.value is None:
            continue
        place = _Place(model, output.id, f"{row}“{result.label or '输出'}”列", output.line)
        yield from _unknown(place, output.value, known, "单元格")
        kinds = Kinds(scope.types)
        kinds.value(output.value.node, result.type)
        yield from place.mistyped(kinds)
        yield from _not_allowed(place, output, result)


def _check_literal(model: Model, literal: Literal) -> Iterator[Fault]:
    scope = model.scopes.get(literal.owner, _NOWHERE)
    place = _Place(model, literal.element, literal.name, literal.line)
    yield from _unknown(place, literal.expression, scope.names if scope.drawn else None, "表达式")
    yield from _mistyped(place, literal.expression, scope.types)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something stands: element, row and column, line."""

    model: Model
    element: str
    name: str
    line: int

    def fault(self, code: str, message: str, hint: str, level: str) -> Fault:
        return Fault(code, message, self.model.file, self.element, self.name, self.line, hint, level)

    def mistyped(self, kinds: Kinds) -> Iterator[Fault]:
        for message in kinds.wrong:
            yield self.fault("dmn_type", message, "请改值，或改列头与输入的类型", "error")


_NOWHERE = Scope(frozenset(), {}, False)


# --- names and types ------------------------------------------------------------------------------------------------


def _unknown(place: _Place, text: Expression, known: frozenset[str] | None, what: str) -> Iterator[Fault]:
    """Names that are not known; nothing where ``known`` is None, because any variable may be read."""
    for name in sorted(text.names - known) if known is not None else ():
        hint = did_you_mean(name, known or ())
        if what == "列头":
            message, usual = f"列头用到的“{name}”不是这个决策的输入", "请把它连成决策的输入"
        else:
            message = f"{what}用到的“{name}”没有定义"
            usual = f'文本要加引号："{name}"' if _is_bare(text, name) else "请核对变量名"
        yield place.fault("dmn_unknown_name", message, hint or usual, "warning")


def _mistyped(place: _Place, text: Expression, types: Mapping[str, Type | None]) -> Iterator[Fault]:
    kinds = Kinds(types)
    kinds.kind(text.node)
    yield from place.mistyped(kinds)


def _is_bare(cell: Expression, name: str) -> bool:
    """Whether the name stands alone as a value, like text whose quotes were forgotten."""
    node = cell.node
    tests = node.tests if isinstance(node, nodes.UnaryTests) else (node,)
    return any(isinstance(test, nodes.Name) and test.name == name for test in tests)


# --- allowed values -------------------------------------------------------------------------------------------------


def _not_allowed(place: _Place, cell: OutputCell, column: OutputColumn) -> Iterator[Fault]:
    if cell.value is not None and not _is_allowed(cell.value, column):
        allowed = column.allowed.text if column.allowed else ""
        message = f"输出 {cell.text} 不在“{column.label}”的允许值（{allowed}）内"
        yield place.fault("dmn_output_not_allowed", message, "请改成允许的值，或在列头补上它", "error")


def _is_allowed(value: Expression, column: OutputColumn) -> bool:
    if column.allowed is None or not isinstance(value.node, nodes.Literal):
        return True
    return column.allowed.run(Frame({"?": value.node.value}, None, Run())) is True
