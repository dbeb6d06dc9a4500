"""Overlaps, gaps and rows that can never decide, of simple decision tables; each with an example that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from engine.core.errors import Fault
from engine.decisions.model import Rule, Table
from engine.decisions.samples import Column, columns_of
from engine.feel import nodes
from engine.feel.operators import same

_MAX_REPORTS = 5
_MAX_STEPS = 20_000
_ONE_ROW = frozenset({"UNIQUE", "ANY", "FIRST", "PRIORITY"})


class TooLarge(Exception):
    """The pieces of the columns are too many to walk."""


def check_coverage(table: Table, file: str) -> Iterator[Fault]:
    """Warnings about a table; nothing for tables that are not simple."""
    columns = columns_of(table)
    if columns is None or not table.rules:
        return
    try:
        yield from _findings(table, columns, file)
    except TooLarge:
        hint = "请拆成几张较小的决策表"
        yield _fault("dmn_unchecked", "条件的组合太多，没有查完空缺和被遮盖的行", table, file, None, hint)


def _findings(table: Table, columns: list[Column], file: str) -> Iterator[Fault]:
    if table.hit_policy in ("UNIQUE", "ANY"):
        yield from _overlaps(table, columns, file)
    yield from _never(table, columns, file)
    if table.hit_policy in ("FIRST", "PRIORITY"):
        yield from _dead_rows(table, columns, file)
    if table.hit_policy in _ONE_ROW and all(column.default is None for column in table.outputs):
        yield from _gaps(table, columns, file)


def _fault(code: str, message: str, table: Table, file: str, rule: Rule | None, hint: str) -> Fault:
    return Fault(
        code,
        message,
        file=file,
        element=rule.id if rule else table.owner,
        name=f"{table.name} 第 {rule.row} 行" if rule else table.name,
        line=rule.line if rule else table.line,
        hint=hint,
        level="warning",
    )


def overlaps(table: Table, columns: list[Column]) -> Iterator[tuple[int, int, list[int]]]:
    """Pairs of rows (later, earlier) that one input can match against the hit policy, with the pieces that show it."""
    for second, rule in enumerate(table.rules):
        for first in range(second):
            common = [column.masks[first] & column.masks[second] for column in columns]
            if all(common) and not (table.hit_policy == "ANY" and _same_outputs(table.rules[first], rule)):
                yield second, first, [_lowest(mask) for mask in common]


def _same_outputs(one: Rule, other: Rule) -> bool:
    return [cell.text for cell in one.outputs] == [cell.text for cell in other.outputs]


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _overlaps(table: Table, columns: list[Column], file: str) -> Iterator[Fault]:
    hint = "UNIQUE 表的各行不得同时命中" if table.hit_policy == "UNIQUE" else "ANY 表同时命中的行要给出相同结果"
    for number, (second, first, pieces) in enumerate(overlaps(table, columns)):
        if number >= _MAX_REPORTS:
            return
        message = f"与第 {table.rules[first].row} 行重叠，例如 {example(columns, pieces)}"
        yield _fault("dmn_overlap", message, table, file, table.rules[second], hint)


def dead_rows(table: Table, columns: list[Column]) -> Iterator[tuple[int, int]]:
    """Rows whose every input is decided by other rows, and the bit set of those."""
    for index in range(len(table.rules)):
        before = _before(table, index)
        reachable = all(column.masks[index] for column in columns)
        if before and reachable and next(uncovered(columns, before, index), None) is None:
            yield index, before


def _before(table: Table, index: int) -> int:
    """The rows that win over a row when both match, as bits."""
    if table.hit_policy == "FIRST":
        return (1 << index) - 1
    ranks = [_rank(table, rule) for rule in table.rules]
    mine = ranks[index]
    if mine is None:
        return 0
    return sum(
        1 << row
        for row, rank in enumerate(ranks)
        if rank is not None and (rank < mine or (rank == mine and row < index))
    )


def _rank(table: Table, rule: Rule) -> tuple[int, ...] | None:
    """The row's place by priority; None where an output is no constant."""
    places: list[int] = []
    for cell, column in zip(rule.outputs, table.outputs, strict=False):
        node: Any = cell.value.node if cell.value is not None else None
        if not isinstance(node, nodes.Literal):
            return None
        places.append(next((at for at, known in enumerate(column.order) if same(known, node.value)), len(column.order)))
    return tuple(places)


def _dead_rows(table: Table, columns: list[Column], file: str) -> Iterator[Fault]:
    for index, before in dead_rows(table, columns):
        pieces = [_lowest(column.masks[index]) for column in columns]
        winner = next(
            row
            for row in range(len(table.rules))
            if before >> row & 1
            and all(column.masks[row] >> bit & 1 for column, bit in zip(columns, pieces, strict=True))
        )
        alone = all(not column.masks[index] & ~column.masks[winner] for column in columns)
        what = f"第 {table.rules[winner].row} 行已经包含它" if alone else "别的行合起来已经包含它"
        shown = f"例如 {example(columns, pieces)} 由第 {table.rules[winner].row} 行决定"
        hint = "请调整顺序或删去这一行"
        yield _fault("dmn_dead_row", f"永远不会命中，{what}，{shown}", table, file, table.rules[index], hint)


def _never(table: Table, columns: list[Column], file: str) -> Iterator[Fault]:
    for index, rule in enumerate(table.rules):
        for column in columns:
            if not column.masks[index]:
                message = f"“{column.label}”列的条件没有任何值能满足"
                found = _fault("dmn_never", message, table, file, rule, "请核对区间方向和允许值")
                yield replace(found, element=rule.cells[columns.index(column)].id or rule.id)


def _gaps(table: Table, columns: list[Column], file: str) -> Iterator[Fault]:
    for number, pieces in enumerate(uncovered(columns, (1 << len(table.rules)) - 1)):
        if number >= _MAX_REPORTS:
            return
        message = f"没有一行覆盖 {example(columns, pieces)}"
        yield _fault("dmn_gap", message, table, file, None, "请补一行，或设置默认输出")


def uncovered(columns: list[Column], rows: int, within: int | None = None) -> Iterator[list[int]]:
    """Pieces per column that none of the rows (bits) covers, of a table or ``within`` one row.

    Equal remainders are walked once. Raises TooLarge.
    """
    seen: set[tuple[int, int]] = set()
    waiting: list[tuple[list[int], int]] = [([], rows)]
    steps = 0
    while waiting:
        steps += 1
        if steps > _MAX_STEPS:
            raise TooLarge
        path, alive = waiting.pop()
        if not alive:
            yield path + [_lowest(_open(column, within)) for column in columns[len(path) :]]
            continue
        if len(path) == len(columns) or (len(path), alive) in seen:
            continue
        seen.add((len(path), alive))
        column = columns[len(path)]
        open_bits = _open(column, within)
        for bit in reversed(range(len(column.pieces))):
            if open_bits >> bit & 1:
                waiting.append(([*path, bit], alive & column.rows[bit]))


def _open(column: Column, within: int | None) -> int:
    """The pieces to walk, as bits."""
    if within is not None:
        return column.masks[within]
    return sum(1 << bit for bit, piece in enumerate(column.pieces) if not piece.unlikely)


def example(columns: list[Column], pieces: list[int]) -> str:
    """One piece per column, as a person reads it."""
    return "、".join(
        f"{column.label} = {column.pieces[bit].shown}" for column, bit in zip(columns, pieces, strict=True)
    )
