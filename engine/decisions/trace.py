"""What an evaluation leaves behind for people: which row fired, on which values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.decisions.model import Rule, Table
from engine.feel import Frame, Run, to_json


class Trace(Run):
    """An evaluation that keeps its explanation. ``full`` keeps rows that did not match, too."""

    __slots__ = ("entries", "full")

    def __init__(self, warnings: list[str], *, full: bool) -> None:
        super().__init__(warnings)
        self.full = full
        self.entries: list[dict[str, Any]] = []

    def table(
        self,
        table: Table,
        values: list[Any],
        hits: list[Rule],
        scopes: list[Frame],
        outputs: Any,
    ) -> None:
        """Keep one run of a table."""
        shown = [to_json(value) for value in values]
        matched = {rule.id for rule in hits}
        rules = table.rules if self.full or not hits else sorted(hits, key=lambda rule: rule.row)
        self.entries.append(
            {
                "decision": table.owner,
                "name": table.name,
                "hit_policy": f"{table.hit_policy} {table.aggregation}".strip(),
                "inputs": [
                    {"expression": column.text, "label": column.label, "value": value}
                    for column, value in zip(table.inputs, shown, strict=True)
                ],
                "rules": [_rule(rule, rule.id in matched, shown, scopes) for rule in rules],
                "outputs": to_json(outputs),
            }
        )

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


def _rule(rule: Rule, matched: bool, values: list[Any], scopes: list[Frame]) -> dict[str, Any]:
    cells = []
    for cell, value, scope in zip(rule.cells, values, scopes, strict=False):
        passed = True if matched else cell.test.run(scope) is True
        cells.append({"input": value, "test": cell.text, "passed": passed})
    return {
        "id": rule.id,
        "row": rule.row,
        "annotations": dict(rule.annotations),
        "cells": cells,
        "matched": matched,
    }
