"""Cuts each column of a table into pieces that no cell can tell apart, each with one sample value.

A row then is one bit set per column, and overlaps and gaps are found exactly, without trying real data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, cmp_to_key
from itertools import pairwise
from typing import Any

from engine.decisions.model import InputColumn, Table
from engine.feel import Expression, Frame, Run, YearsMonths, nodes, to_text
from engine.feel.expression import CONSTANT_CALLS
from engine.feel.operators import compare, same

_OTHER = "〈其他〉"
_STEPS: dict[type, Any] = {
    Decimal: Decimal(1),
    date: timedelta(days=1),
    datetime: timedelta(seconds=1),
    timedelta: timedelta(seconds=1),
    YearsMonths: None,
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a column's values: a sample, and how a person reads it.

    ``unlikely``: between neighbouring whole numbers of a column that is counted one by one, as heads are.
    """

    sample: Any
    text: str
    unlikely: bool = False

    @property
    def shown(self) -> str:
        """The text, with one value where it stands for many."""
        sample = to_text(self.sample)
        return (
            self.text
            if self.sample is None or isinstance(self.sample, str) or sample == self.text
            else f"{self.text}（如 {sample}）"
        )


@dataclass(frozen=True)
class Column:
    """A column's pieces and, per row, the bits of those it lets through."""

    label: str
    pieces: tuple[Piece, ...]
    masks: tuple[int, ...]

    @cached_property
    def rows(self) -> tuple[int, ...]:
        """Per piece, the bits of the rows that let it through."""
        return tuple(
            sum(1 << row for row, mask in enumerate(self.masks) if mask >> bit & 1) for bit in range(len(self.pieces))
        )


class NotSimple(Exception):
    """A cell depends on more than its input and constants, so the table cannot be analysed."""


def columns_of(table: Table) -> list[Column] | None:
    """The columns, or None where the table is not simple or not whole enough to say anything for sure."""
    if any(len(rule.cells) != len(table.inputs) for rule in table.rules):
        return None
    try:
        return [_column(table, index, column) for index, column in enumerate(table.inputs)]
    except NotSimple:
        return None


def _column(table: Table, index: int, column: InputColumn) -> Column:
    cells = [rule.cells[index].test for rule in table.rules]
    allowed = list(_constants(column.allowed.node)) if column.allowed is not None else []
    values = [value for cell in cells for value in _constants(cell.node)] + allowed
    counted = any(isinstance(test, nodes.Literal) for cell in cells for test in _tests(cell))
    found = _pieces(values, column, closed=bool(allowed), counted=counted)
    pieces = [piece for piece in found if _permitted(column, piece)]
    masks = []
    for cell in cells:
        mask = 0
        for bit, piece in enumerate(pieces):
            if cell.run(Frame({"?": piece.sample}, None, Run())) is True:
                mask |= 1 << bit
        masks.append(mask)
    return Column(column.label, tuple(pieces), tuple(masks))


def _tests(cell: Expression) -> tuple[nodes.Node, ...]:
    return cell.node.tests if isinstance(cell.node, nodes.UnaryTests) else ()


def _permitted(column: InputColumn, piece: Piece) -> bool:
    return column.allowed is None or column.allowed.run(Frame({"?": piece.sample}, None, Run())) is True


def _constants(node: Any) -> Iterator[Any]:
    """Every constant a cell compares with. Raises NotSimple for anything else."""
    if isinstance(node, nodes.Literal):
        if node.value is not None:
            yield node.value
    elif isinstance(node, nodes.Negate) and isinstance(node.operand, nodes.Literal):
        yield -node.operand.value
    elif isinstance(node, nodes.Call):
        yield _called(node)
    elif isinstance(node, nodes.Name):
        if node.name != "?":
            raise NotSimple
    elif isinstance(node, tuple):
        for part in node:
            yield from _constants(part)
    elif isinstance(node, _WALKED):
        for name in node.__slots__:
            part = getattr(node, name)
            if isinstance(part, nodes.Node | tuple):
                yield from _constants(part)
    else:
        raise NotSimple


_WALKED = (
    nodes.UnaryTests,
    nodes.OpRange,
    nodes.RangeNode,
    nodes.Compare,
    nodes.Junction,
    nodes.Between,
    nodes.In,
    nodes.ListNode,
)


def _called(node: nodes.Call) -> Any:
    from engine.feel.compiler import Compiler

    known = isinstance(node.target, nodes.Name) and node.target.name in CONSTANT_CALLS
    if not known or not all(isinstance(argument, nodes.Literal) for argument in node.arguments):
        raise NotSimple
    value = Compiler().code(node)(Frame({}, None, Run()))
    if value is None:
        raise NotSimple
    return value


def _pieces(values: list[Any], column: InputColumn, *, closed: bool, counted: bool) -> list[Piece]:
    kinds = {type(value) for value in values}
    if len(kinds) > 1:
        raise NotSimple
    if bool in kinds or (column.type is not None and column.type.kind == "boolean"):
        return [Piece(True, "true"), Piece(False, "false")]
    if not kinds:
        return [Piece(None, "任意值")]
    distinct: list[Any] = []
    for value in values:
        if not any(same(value, known) for known in distinct):
            distinct.append(value)
    if str in kinds:
        pieces = [Piece(value, f"“{value}”") for value in distinct]
        return pieces if closed else [*pieces, Piece(_OTHER, "其他文本")]
    return _along(distinct, counted=counted)


def _along(values: list[Any], *, counted: bool) -> list[Piece]:
    """Points and the stretches between them."""
    if type(values[0]) not in _STEPS:
        raise NotSimple
    step = _STEPS[type(values[0])]
    if step is None or any(compare(value, values[0]) is None for value in values):
        raise NotSimple
    ordered = sorted(values, key=cmp_to_key(lambda one, other: compare(one, other) or 0))
    try:
        pieces = [Piece(ordered[0] - step, f"小于 {to_text(ordered[0])}")]
        for low, high in pairwise(ordered):
            pieces.append(Piece(low, to_text(low)))
            unlikely = counted and isinstance(low, Decimal) and high - low == 1 and low % 1 == 0
            middle = low + (high - low) / 2
            if compare(low, middle) == -1 and compare(middle, high) == -1:
                pieces.append(Piece(middle, f"{to_text(low)} 与 {to_text(high)} 之间", unlikely))
        pieces.append(Piece(ordered[-1], to_text(ordered[-1])))
        pieces.append(Piece(ordered[-1] + step, f"大于 {to_text(ordered[-1])}"))
    except OverflowError as error:
        raise NotSimple from error
    return pieces
