"""Whatever value goes in comes out the same, as text and as JSON."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.feel import YearsMonths, evaluate, from_python, to_json, to_text

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
LEAVES = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | TEXTS
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))
TEMPORALS = (
    st.dates()
    | st.times().map(lambda moment: moment.replace(fold=0))
    | st.datetimes().map(lambda moment: moment.replace(fold=0))
    | st.timedeltas(timedelta(days=-99999), timedelta(days=99999))
    | st.integers(-99999, 99999).map(YearsMonths)
)


@given(JSON)
def test_plain_data_survives_the_border(value: Any) -> None:
    assert to_json(from_python(value)) == value
    assert to_json(evaluate("value", {"value": value})) == value


@given(NUMBERS)
def test_a_number_reads_back_from_its_text(value: Decimal) -> None:
    assert evaluate(f"({to_text(value)})", {}) == value


@given(TEMPORALS)
def test_a_temporal_value_reads_back_from_its_text(value: Any) -> None:
    assert evaluate(f'@"{to_text(value)}"', {}) == value


@given(TEXTS)
def test_a_text_reads_back_from_its_literal(value: str) -> None:
    literal = to_text([value])
    assert evaluate(literal, {}) == [value]


@given(NUMBERS, NUMBERS)
def test_order_is_total_and_agrees_with_subtraction(left: Decimal, right: Decimal) -> None:
    found = {op: evaluate(f"a {op} b", {"a": left, "b": right}) for op in ("<", "=", ">")}
    assert sum(found.values()) == 1
    assert evaluate("a - b", {"a": left, "b": right}).is_signed() == found["<"] or found["="]
