"""Every decision's table of examples: inputs and what must come out, as analysts wrote them in a CSV.

Columns are ``name``, dotted inputs, then ``then <FEEL over result>``. Cells are YAML; an empty expectation is not
checked.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine import feel
from engine.core.config import ROOT
from engine.decisions import Model, load

HERE = Path(__file__).parent


def models() -> dict[str, Model]:
    """Decision id → the model that holds it, over all items."""
    found: dict[str, Model] = {}
    for path in sorted((ROOT / "rules").rglob("*.dmn")):
        model = load(path.read_bytes(), path.name)
        found.update(dict.fromkeys(model.decisions, model))
    return found


MODELS = models()


def examples() -> list[tuple[str, dict[str, str]]]:
    """(decision id, row) for every row of every CSV."""
    rows: list[tuple[str, dict[str, str]]] = []
    for path in sorted(HERE.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += [(path.stem, row) for row in csv.DictReader(file)]
    return rows


EXAMPLES = examples()


def inputs_of(row: dict[str, str]) -> dict[str, Any]:
    """Dotted columns become nested inputs; an empty cell is absent."""
    inputs: dict[str, Any] = {}
    for column, cell in row.items():
        if column == "name" or column.startswith("then ") or cell == "":
            continue
        *groups, last = column.split(".")
        place = inputs
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = yaml.safe_load(cell)
    return inputs


def check_example(model: Model, decision: str, row: dict[str, str]) -> None:
    """Raises ``AssertionError`` where the model answers otherwise."""
    result = model.evaluate(decision, inputs_of(row)).value
    for column, cell in row.items():
        if column.startswith("then ") and cell != "":
            actual = feel.to_json(feel.evaluate(column.removeprefix("then "), {"result": result}))
            assert actual == yaml.safe_load(cell), f"{column} is {actual!r}"


@pytest.mark.parametrize(("decision", "row"), EXAMPLES, ids=[f"{one}: {row['name']}" for one, row in EXAMPLES])
def test_example(decision: str, row: dict[str, str]) -> None:
    check_example(MODELS[decision], decision, row)


def test_every_decision_has_examples() -> None:
    assert sorted({decision for decision, _ in EXAMPLES}) == sorted(MODELS)
