"""The quick way says what the closures say, whatever the values are."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.feel import Frame, Run, compile, from_python
from engine.feel.quick import NotQuick, Quick

EXPRESSIONS = """
a >= 18 and b < 5000
a = "x" or b = "y"
in_use = true
a between 1 and b
a in [1..5] and b in (< 3, > 7.5, "x")
a in (1, 2, 3) or b in ("x", "y")
a + b * 2 > 10
(a - 1) / b >= 0.5
-a < b + 1
a = b
a.k > 1 and a.m = "x"
a = 0.1 or a = 1e30
a != true
a < @"2026-01-01"
a and b
a or b = 1
a > "m"
a between "a" and "m"
(a > 1) = (b > 1)
a in ["x".."z")
""".strip().splitlines()
CELLS = """
18
[18..60)
< 5, > 7.5
not("x", "y")
"x"
true
? > 3 and ? < 9
@"2026-01-01"
-
null
not(1, 2)
""".strip().splitlines()
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 30),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.1, 1.0, Decimal("0.1"), Decimal("5"), Decimal("NaN"), 10**40, "x", "y", "m", "", [], [1]]),
    st.sampled_from([date(2026, 1, 1), date(2025, 1, 1), {"k": 2, "m": "x"}, {"k": None}, {"k": 1.5, "m": 1}]),
)
CONTEXTS = st.dictionaries(st.sampled_from(["a", "b", "in_use"]), VALUES)


def by_closures(text: str, mode: Any, context: dict[str, Any]) -> tuple[Any, bool]:
    warnings: list[str] = []
    known = {name: from_python(value) for name, value in context.items()}
    return compile(text, frozenset(), mode).run(Frame(known, None, Run(warnings))), bool(warnings)


@given(st.sampled_from(EXPRESSIONS), CONTEXTS)
def test_an_expression_means_the_same_on_both_ways(text: str, context: dict[str, Any]) -> None:
    warnings: list[str] = []
    found = compile(text, frozenset()).evaluate(context, warnings=warnings)
    assert (found, bool(warnings)) == by_closures(text, "expression", context)


@given(st.sampled_from(CELLS), VALUES)
def test_a_cell_means_the_same_on_both_ways(text: str, value: Any) -> None:
    found = compile(text, frozenset(), "unary").evaluate({"?": value})
    assert found == by_closures(text, "unary", {"?": value})[0]


def way(text: str) -> Any:
    """How an expression is evaluated from its second time on."""
    expression = compile(text)
    expression.evaluate({})
    return expression.evaluate


@pytest.mark.parametrize("text", ["a >= 18 and b < 5000", "a in (1, 2)", 'x.y = "z"', "a + 1 > b"])
def test_everyday_conditions_take_the_quick_way(text: str) -> None:
    assert way(text).__name__ == "quick"


@pytest.mark.parametrize("text", ["count(a)", "null = null", '@"09:30:00" = @"09:30:00"', "a = b", "a ** 2 > 1", "a"])
def test_what_needs_more_care_goes_the_long_way(text: str) -> None:
    assert way(text).__name__ != "quick"


def test_a_generated_function_reaches_the_helpers_alone() -> None:
    function = way("a >= 18 and b < 5000")
    reach = set(function.__globals__)
    assert {name for name in reach if name.startswith("__")} == {"__builtins__"}
    assert function.__globals__["__builtins__"] == {}
    assert not set(function.__code__.co_names) - reach


def test_names_of_python_are_only_names_of_variables() -> None:
    assert compile("__import__ = 1 and type > 2 and otherwise = 3").evaluate({"type": 3, "__import__": 1}) is False
    assert compile("type > 2").evaluate({"type": 3}) is True


def test_an_expression_too_large_goes_the_long_way() -> None:
    text = " + ".join(["a"] * 3000) + " > 1"
    with pytest.raises(NotQuick):
        Quick().condition(compile(text).node)
    assert compile(text).evaluate({"a": 1}) is True
