"""What an evaluation leaves behind for people: which row fired, on which values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from engine.decisions.model import Rule, Table
from engine.feel import Frame, Run, to_json

Entry = dict[str, Any] | Callable[[], dict[str, Any]]
_PLAIN = frozenset({Decimal, str, bool, type(None)})
_FEW = 1000


class Trace(Run):
    """An evaluation that keeps its explanation. ``full`` keeps rows that did not match, too.

    An entry may be a function that writes it down, for whoever asks.
    """

    __slots__ = ("entries", "full")

    def __init__(self, warnings: list[str], *, full: bool) -> None:
        super().__init__(warnings)
        self.full = full
        self.entries: list[Entry] = []

    def table(
        self, table: Table, values: list[Any], found: Sequence[tuple[Rule, Any]], frame: Frame, outputs: Any
    ) -> None:
        """Keep one run of a table: the rows that matched; all rows, with their outputs, where all are asked for.

        Where none matched all rows are kept, too.
        """
        hits = [rule for rule, _ in found]
        if hits and not self.full:
            entry = partial(_table, table, values, sorted(hits, key=_row) if len(hits) > 1 else hits, hits, [], outputs)
            plain = _PLAIN.issuperset(map(type, values)) and _is_plain(outputs)
            self.entries.append(entry if plain else entry())
        else:
            scopes = [frame.child({"?": value}) for value in values]
            entry_now = _table(table, values, table.rules, hits, scopes, outputs)
            given = {rule.row: to_json(output) for rule, output in found}
            for rule in entry_now["rules"]:
                if rule["row"] in given:
                    rule["outputs"] = given[rule["row"]]
            self.entries.append(entry_now)

    def expression(self, decision: str, name: str, text: str, inputs: Mapping[str, Any], value: Any) -> None:
        """Keep one decision without a table of its own."""
        self.entries.append(
            {
                "decision": decision,
                "name": name,
                "hit_policy": None,
                "expression": text,
                "inputs": [
                    {"expression": key, "label": key, "value": to_json(item)}
                    for key, item in inputs.items()
                    if to_json(item) is not None or item is None
                ],
                "rules": [],
                "outputs": to_json(value),
            }
        )


def _is_plain(value: Any) -> bool:
    """Whether writing the value down can wait: it is small, and cannot exceed a limit."""
    if type(value) in (list, dict):
        parts = value if type(value) is list else value.values()
        return len(value) <= _FEW and _PLAIN.issuperset(map(type, parts))
    return type(value) in _PLAIN


def _row(rule: Rule) -> int:
    return rule.row


def _table(
    table: Table, values: list[Any], rules: Sequence[Rule], hits: list[Rule], scopes: list[Frame], outputs: Any
) -> dict[str, Any]:
    shown = [to_json(value) for value in values]
    matched = {rule.row for rule in hits}
    return {
        "decision": table.owner,
        "name": table.name,
        "hit_policy": f"{table.hit_policy} {table.aggregation}".strip(),
        "inputs": [
            {"expression": column.text, "label": column.label, "value": value}
            for column, value in zip(table.inputs, shown, strict=True)
        ],
        "rules": [_rule(rule, rule.row in matched, shown, scopes) for rule in rules],
        "outputs": to_json(outputs),
    }


def _rule(rule: Rule, matched: bool, values: list[Any], scopes: list[Frame]) -> dict[str, Any]:
    passed = [True] * len(values)
    if not matched:
        passed = [cell.test.run(scope) is True for cell, scope in zip(rule.cells, scopes, strict=False)]
    return {
        "id": rule.id,
        "row": rule.row,
        "annotations": dict(rule.annotations),
        "cells": [
            {"input": value, "test": cell.text, "passed": answer}
            for cell, value, answer in zip(rule.cells, values, passed, strict=False)
        ],
        "matched": matched,
    }
