"""What the analysis of a table says is held against the table itself, with inputs that know nothing of the analysis."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.core.errors import ModelFault
from engine.decisions import Model, check, load
from engine.decisions.coverage import dead_rows, overlaps, uncovered
from engine.decisions.samples import columns_of
from engine.feel import to_json
from tests.engine.decisions.build import model_xml, table_xml

COLUMNS = ["n:number", "t:string", "b:boolean"]
NUMBERS = ["-", "-", "< 5", ">= 5", "[0..10]", "(10..20)", "not(< 3)", "> 20, < 0", "[5..10), 12"]
COUNTED = ["-", "1", "2", "<= 1", ">= 3", "not(2)", "1, 2"]
TEXTS = ["-", "-", '"a"', '"b"', 'not("a")', '"a", "b"', 'not("a", "b")', '!= "a"']
TRUTHS = ["-", "-", "true", "false", "not(true)"]
OUTPUTS = ['"x"', '"y"', '"z"']
POLICIES = ["UNIQUE", "FIRST", "ANY", "PRIORITY"]


def rows(numbers: list[str]) -> st.SearchStrategy[list[str]]:
    cells = [st.sampled_from(pool) for pool in (numbers, TEXTS, TRUTHS, OUTPUTS)]
    return st.lists(st.tuples(*cells).map(" | ".join), min_size=1, max_size=9)


WHOLE = st.integers(-3, 25)
HALF = WHOLE.map(lambda each: each / 2)
TABLES = st.one_of(st.tuples(rows(NUMBERS), st.just(HALF)), st.tuples(rows(COUNTED), st.just(WHOLE)))


def loaded(lines: list[str], policy: str) -> Model:
    logic = table_xml(COLUMNS, ['x:string:"x","y","z"'], lines, f'hitPolicy="{policy}"')
    return load(model_xml(f'<decision id="decide" name="判定">{logic}</decision>'))


def matched(model: Model, inputs: dict[str, Any]) -> list[Any]:
    """Rows that match; ``["broken"]`` where that breaks the hit policy."""
    try:
        entry = model.evaluate("decide", inputs, explanation="full").explanation[-1]
    except ModelFault as fault:
        if fault.faults[0].code not in ("dmn_not_unique", "dmn_not_any"):
            raise
        return ["broken"]
    return [rule["row"] for rule in entry["rules"] if all(cell["passed"] for cell in rule["cells"])]


@given(TABLES, st.sampled_from(POLICIES), st.data())
def test_no_input_falls_where_the_analysis_denies_a_gap_or_an_overlap(
    table: tuple[list[str], st.SearchStrategy[Any]], policy: str, data: st.DataObject
) -> None:
    model = loaded(table[0], policy)
    said = {fault.code for fault in check(model)}
    assume("dmn_unchecked" not in said)
    for _ in range(10):
        inputs = {"n": data.draw(table[1]), "t": data.draw(st.sampled_from("abcd")), "b": data.draw(st.booleans())}
        hits = matched(model, inputs)
        assert hits or "dmn_gap" in said
        assert hits != ["broken"] or "dmn_overlap" in said


@given(TABLES, st.sampled_from(POLICIES))
def test_every_example_of_a_gap_or_an_overlap_is_real(
    table: tuple[list[str], st.SearchStrategy[Any]], policy: str
) -> None:
    model = loaded(table[0], policy)
    (found,) = model.tables
    columns = columns_of(found)
    assert columns is not None

    def inputs(pieces: list[int]) -> dict[str, Any]:
        samples = [column.pieces[bit].sample for column, bit in zip(columns, pieces, strict=True)]
        return dict(zip("ntb", (Decimal(1) if sample is None else sample for sample in samples), strict=True))

    for pieces in uncovered(columns, (1 << len(found.rules)) - 1):
        assert model.evaluate("decide", typed(inputs(pieces))).value is None
    if policy in ("UNIQUE", "ANY"):
        for _, _, pieces in overlaps(found, columns):
            with pytest.raises(ModelFault, match="同时命中"):
                model.evaluate("decide", typed(inputs(pieces)))


def typed(inputs: dict[str, Any]) -> dict[str, Any]:
    """Any value of its type where the column takes every value."""
    usual = {"n": Decimal, "t": str, "b": bool}
    return {name: value if isinstance(value, usual[name]) else usual[name]() for name, value in inputs.items()}


@given(TABLES, st.sampled_from(["FIRST", "PRIORITY"]), st.data())
def test_a_row_called_dead_never_decides(
    table: tuple[list[str], st.SearchStrategy[Any]], policy: str, data: st.DataObject
) -> None:
    model = loaded(table[0], policy)
    (found,) = model.tables
    dead = {found.rules[index].row for index, _ in dead_rows(found, columns_of(found) or [])}
    assume(dead)
    for _ in range(10):
        inputs = {"n": data.draw(table[1]), "t": data.draw(st.sampled_from("abcd")), "b": data.draw(st.booleans())}
        hits = matched(model, inputs)
        value = model.evaluate("decide", inputs).value
        winners = [row for row in hits if to_json(value) == found.rules[row - 1].outputs[0].text.strip('"')]
        assert not winners or winners[0] not in dead
