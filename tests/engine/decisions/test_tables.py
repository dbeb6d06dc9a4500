"""Decision tables: hit policies, borders, and the explanation they leave."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import ModelFault
from engine.decisions import load
from engine.feel import compile, to_json
from tests.engine.decisions.build import Table, model_xml, table_xml

AGES = ["age:number"]
GRADE = ['grade:string:"A","B","C"']


@pytest.mark.parametrize(
    ("policy", "age", "value"),
    [
        ('hitPolicy="FIRST"', 70, "C"),
        ('hitPolicy="PRIORITY"', 70, "A"),
        ('hitPolicy="RULE ORDER"', 70, ["C", "B", "A"]),
        ('hitPolicy="OUTPUT ORDER"', 70, ["A", "B", "C"]),
        ('hitPolicy="COLLECT"', 70, ["C", "B", "A"]),
        ('hitPolicy="COLLECT" aggregation="COUNT"', 70, 3),
        ('hitPolicy="COLLECT" aggregation="MIN"', 70, "A"),
        ('hitPolicy="FIRST"', 1, None),
        ('hitPolicy="COLLECT"', 1, None),
    ],
)
def test_the_hit_policy_says_which_rows_count(table: Table, policy: str, age: int, value: Any) -> None:
    model = table(AGES, GRADE, ['>= 18 | "C"', '>= 60 | "B"', '>= 65 | "A"'], policy)
    assert to_json(model.evaluate("decide", {"age": age}).value) == value


@pytest.mark.parametrize(("aggregation", "value"), [("SUM", 27), ("MIN", 5), ("MAX", 22), ("COUNT", 2)])
def test_collect_adds_up(table: Table, aggregation: str, value: int) -> None:
    policy = f'hitPolicy="COLLECT" aggregation="{aggregation}"'
    model = table(AGES, ["days:number"], ["- | 22", ">= 60 | 5", "> 90 | 1"], policy)
    assert model.evaluate("decide", {"age": 61}).json() == value


def test_two_rows_of_a_unique_table_are_a_fault_that_names_them(table: Table) -> None:
    model = table(AGES, GRADE, ['>= 18 | "A"', '>= 60 | "B"'])
    with pytest.raises(ModelFault) as caught:
        model.evaluate("decide", {"age": 61})
    fault = caught.value.faults[0]
    assert (fault.code, fault.file, fault.element, fault.name) == ("dmn_not_unique", "判定.dmn", "row2", "判定")
    assert "第 1、2 行" in fault.message


def test_any_allows_several_rows_of_one_result(table: Table) -> None:
    model = table(AGES, GRADE, ['>= 18 | "A"', '>= 60 | "A"', '>= 90 | "B"'], 'hitPolicy="ANY"')
    assert model.evaluate("decide", {"age": 61}).value == "A"
    with pytest.raises(ModelFault, match="结果相同"):
        model.evaluate("decide", {"age": 91})


def test_several_outputs_make_a_context(table: Table) -> None:
    model = table(AGES, ["result:string", "line:number"], ['>= 18 | "准予" | 100 * 2', '< 18 | "不予" | '])
    assert model.evaluate("decide", {"age": 20}).json() == {"result": "准予", "line": 200}
    assert model.evaluate("decide", {"age": 2}).json() == {"result": "不予", "line": None}


def test_a_default_stands_where_no_row_matches() -> None:
    logic = table_xml(AGES, ["grade:string"], ['>= 18 | "A"']).replace(
        'typeRef="string"></output>',
        'typeRef="string"><defaultOutputEntry><text>"none"</text></defaultOutputEntry></output>',
    )
    model = load(model_xml(f'<decision id="decide" name="判定">{logic}</decision>'))
    assert model.evaluate("decide", {"age": 2}).value == "none"


def test_an_explanation_tells_rows_values_and_clauses(table: Table) -> None:
    model = table(
        ["人均收入:number", "户口:string"],
        ["结果:string"],
        ['< 5000 | "本市" | "准予" | 第八条', '>= 5000 | - | "不予" | 第九条'],
        annotations='<annotation name="依据"/>',
    )
    result = model.evaluate("判定", {"人均收入": 4200, "户口": "本市"}, explanation="full")
    assert result.explanation == [
        {
            "decision": "decide",
            "name": "判定",
            "hit_policy": "UNIQUE",
            "inputs": [
                {"expression": "人均收入", "label": "人均收入", "value": 4200},
                {"expression": "户口", "label": "户口", "value": "本市"},
            ],
            "rules": [
                {
                    "id": "row1",
                    "row": 1,
                    "annotations": {"依据": "第八条"},
                    "cells": [
                        {"input": 4200, "test": "< 5000", "passed": True},
                        {"input": "本市", "test": '"本市"', "passed": True},
                    ],
                    "matched": True,
                    "outputs": "准予",
                },
                {
                    "id": "row2",
                    "row": 2,
                    "annotations": {"依据": "第九条"},
                    "cells": [
                        {"input": 4200, "test": ">= 5000", "passed": False},
                        {"input": "本市", "test": "-", "passed": True},
                    ],
                    "matched": False,
                },
            ],
            "outputs": "准予",
        }
    ]
    brief = model.evaluate("判定", {"人均收入": 4200, "户口": "本市"})
    assert [rule["id"] for rule in brief.explanation[0]["rules"]] == ["row1"]
    assert model.rules("decide") == ["row1", "row2"]


def test_a_description_is_an_annotation_too() -> None:
    row = '<rule id="row1">'
    logic = table_xml(AGES, GRADE, ['- | "A"']).replace(row, f"{row}<description>第三条</description>")
    model = load(model_xml(f'<decision id="decide" name="判定">{logic}</decision>'))
    rule = model.evaluate("decide", {"age": 1}).explanation[0]["rules"][0]
    assert rule["annotations"] == {"说明": "第三条"}


@pytest.mark.parametrize(
    ("kind", "cell", "given"),
    [
        ("date", '>= date("2026-01-01")', "2026-03-01"),
        ("dateTime", '> date and time("2026-01-01T00:00:00Z")', "2026-03-01T08:00:00+08:00"),
        ("dayTimeDuration", '> @"P9D"', "P10D"),
        ("number", "> 1", 1.5),
        ("boolean", "true", True),
        ("Any", '"x"', "x"),
        ("string", '"x"', ["x"]),
    ],
)
def test_inputs_are_fitted_to_the_type_of_their_column(table: Table, kind: str, cell: str, given: Any) -> None:
    model = table([f"x:{kind}"], ["y:string"], [f'{cell} | "hit"'])
    assert model.evaluate("decide", {"x": given}).value == "hit"


def test_a_value_of_the_wrong_type_is_unknown_and_says_so(table: Table) -> None:
    model = table(AGES, GRADE, ['< 18 | "A"', '>= 18 | "B"'])
    result = model.evaluate("decide", {"age": "六十"})
    assert result.value is None
    assert any("“age”应是 number" in line for line in result.warnings)


def test_a_value_outside_the_allowed_ones_is_refused(table: Table) -> None:
    model = table(['kind:string:"a","b"'], GRADE, ['"a" | "A"'])
    with pytest.raises(ModelFault) as caught:
        model.evaluate("decide", {"kind": "z"})
    assert caught.value.code == "dmn_input_not_allowed"


def test_an_output_may_calculate_with_the_inputs(table: Table) -> None:
    model = table(["age:number"], ["rest:number"], [">= 18 | 65 - age"])
    assert model.evaluate("decide", {"age": 20}).json() == 45


def test_an_unknown_decision_is_a_fault_with_a_hint(table: Table) -> None:
    with pytest.raises(ModelFault) as caught:
        table(AGES, GRADE, ['- | "A"']).evaluate("decid", {})
    assert caught.value.code == "dmn_unknown_decision"
    assert "decide" in caught.value.faults[0].hint


def test_where_no_row_matches_the_explanation_says_which_conditions_failed(table: Table) -> None:
    rows = ['>= 18 | "a" | "1"', '< 18 | "b" | "2"']
    result = table(["age:number", "kind:string"], ["x:string"], rows).evaluate("decide", {"age": 30, "kind": "b"})
    assert result.value is None
    cells = [[cell["passed"] for cell in rule["cells"]] for rule in result.explanation[0]["rules"]]
    assert cells == [[True, False], [False, True]]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["-", "5", "< 10", "[2..8)", "not(3)", "null", '"a"', "? > limit", "limit", "> 1.5, 1"]),
            st.sampled_from(["-", '"a"', 'not("a")', 'starts with(?, "b")', "null", '"a", "bc"']),
        ),
        min_size=1,
        max_size=8,
    ),
    st.one_of(st.none(), st.integers(-1, 12), st.floats(-1, 12), st.text("ab", max_size=2)),
    st.one_of(st.none(), st.sampled_from(["a", "b", "bc", ""]), st.integers(0, 3)),
    st.sampled_from(["COLLECT", "FIRST"]),
)
def test_a_table_matches_the_rows_whose_cells_all_pass_one_by_one(
    cells: list[tuple[str, str]], number: Any, text: Any, policy: str
) -> None:
    rows = [f'{first} | {second} | "{at}"' for at, (first, second) in enumerate(cells)]
    logic = table_xml(["n:", "t:"], ["x:string"], rows, f'hitPolicy="{policy}"')
    model = load(model_xml(f'<decision id="decide" name="判定">{logic}</decision>'))
    inputs = {"n": number, "t": text, "limit": 4}
    wanted = [
        str(at)
        for at, (first, second) in enumerate(cells)
        if compile(first, ("limit",), "unary").evaluate({**inputs, "?": number}) is True
        and compile(second, (), "unary").evaluate({**inputs, "?": text}) is True
    ]
    found = model.evaluate("decide", inputs).value
    assert found == ((wanted[0] if policy == "FIRST" else wanted) if wanted else None)
