"""Overlaps, gaps and dead rows of simple decision tables."""

from __future__ import annotations

from collections.abc import Iterator

from engine.core.errors import Fault
from engine.decisions.model import Rule, Table
from engine.decisions.samples import Column, columns_of

_MAX_REPORTS = 5
_MAX_STEPS = 20_000
_ONE_ROW = frozenset({"UNIQUE", "ANY", "FIRST", "PRIORITY"})


def check_coverage(table: Table, file: str) -> Iterator[Fault]:
    """Warnings about a table; nothing for tables that are not simple."""
    columns = columns_of(table)
    if columns is None or not table.rules:
        return
    if table.hit_policy == "UNIQUE":
        yield from _overlaps(table, columns, file)
    if table.hit_policy == "FIRST":
        yield from _dead_rows(table, columns, file)
    if table.hit_policy in _ONE_ROW and all(column.default is None for column in table.outputs):
        yield from _gaps(table, columns, file)
    yield from _never(table, columns, file)


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


def _overlaps(table: Table, columns: list[Column], file: str) -> Iterator[Fault]:
    found = 0
    for second, rule in enumerate(table.rules):
        for first in range(second):
            common = [column.masks[first] & column.masks[second] for column in columns]
            if not all(common):
                continue
            found += 1
            if found > _MAX_REPORTS:
                return
            example = _example(columns, [(mask & -mask).bit_length() - 1 for mask in common])
            message = f"与第 {table.rules[first].row} 行重叠，例如 {example}"
            yield _fault("dmn_overlap", message, table, file, rule, "UNIQUE 表的各行不得同时命中")


def _dead_rows(table: Table, columns: list[Column], file: str) -> Iterator[Fault]:
    for second, rule in enumerate(table.rules):
        for first in range(second):
            if all(not column.masks[second] & ~column.masks[first] for column in columns):
                message = f"永远不会命中，第 {table.rules[first].row} 行已经包含它"
                yield _fault("dmn_dead_row", message, table, file, rule, "请调整顺序或删去这一行")
                break


def _never(table: Table, columns: list[Column], file: str) -> Iterator[Fault]:
    for index, rule in enumerate(table.rules):
        for column in columns:
            if not column.masks[index]:
                message = f"“{column.label}”列的条件没有任何值能满足"
                yield _fault("dmn_never", message, table, file, rule, "请核对区间方向和允许值")


def _gaps(table: Table, columns: list[Column], file: str) -> Iterator[Fault]:
    for number, pieces in enumerate(_uncovered(columns, len(table.rules))):
        if number >= _MAX_REPORTS:
            return
        example = _example(columns, pieces)
        yield _fault("dmn_gap", f"没有一行覆盖 {example}", table, file, None, "请补一行，或设置默认输出")


def _uncovered(columns: list[Column], rows: int) -> Iterator[list[int]]:
    """Pieces per column that no row covers; equal remainders are walked once."""
    seen: set[tuple[int, int]] = set()
    waiting: list[tuple[list[int], int]] = [([], (1 << rows) - 1)]
    steps = 0
    while waiting and steps < _MAX_STEPS:
        steps += 1
        path, alive = waiting.pop()
        if not alive:
            yield path + [0] * (len(columns) - len(path))
            continue
        if len(path) == len(columns) or (len(path), alive) in seen:
            continue
        seen.add((len(path), alive))
        column = columns[len(path)]
        for bit, piece in reversed(list(enumerate(column.pieces))):
            if piece.unlikely:
                continue
            left = sum(1 << row for row in range(rows) if alive >> row & 1 and column.masks[row] >> bit & 1)
            waiting.append(([*path, bit], left))


def _example(columns: list[Column], pieces: list[int]) -> str:
    return "、".join(f"{column.label} = {column.pieces[bit].text}" for column, bit in zip(columns, pieces, strict=True))
