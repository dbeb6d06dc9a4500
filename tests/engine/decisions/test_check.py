"""What an analyst hears before publishing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.decisions import check, load
from engine.feel.types import BUILT_IN
from tests.engine.decisions.build import Table, model_xml, table_xml


def found(table: Table, *args: object, **more: object) -> list[tuple[str, str]]:
    return [(fault.code, fault.message) for fault in check(table(*args, strict=False, **more))]


def test_a_sound_table_raises_no_word(table: Table) -> None:
    assert (
        found(
            table,
            ["age:number", 'kind:string:"a","b"', "ok:boolean"],
            ["x:string"],
            ['< 18 | - | - | "1"', '>= 18 | "a" | - | "2"', '>= 18 | "b" | true | "3"', '>= 18 | "b" | false | "4"'],
        )
        == []
    )


def test_overlapping_rows_of_a_unique_table_are_shown_with_an_example(table: Table) -> None:
    words = found(table, ["age:number"], ["x:string"], ['<= 18 | "1"', '>= 18 | "2"'])
    assert words == [("dmn_overlap", "与第 1 行重叠，例如 age = 18")]


@pytest.mark.parametrize(
    ("rows", "gap"),
    [
        (['< 18 | "1"', '> 18 | "2"'], "age = 18"),
        (['[0..15] | "1"', '[16..99] | "2"'], "age = 小于 0（如 -1）"),
        (['<= 15 | "1"', '>= 16 | "2"'], "age = 15 与 16 之间（如 15.5）"),
    ],
)
def test_a_gap_is_shown_with_an_example(table: Table, rows: list[str], gap: str) -> None:
    assert ("dmn_gap", f"没有一行覆盖 {gap}") in found(table, ["age:number"], ["x:string"], rows)


def test_heads_counted_one_by_one_leave_no_gap_between_them(table: Table) -> None:
    assert found(table, ["heads:number"], ["x:number"], ["<= 1 | 1", "2 | 2", ">= 3 | 3"]) == []


def test_text_and_dates_are_covered_too(table: Table) -> None:
    words = found(table, ["kind:string"], ["x:string"], ['"a" | "1"', 'not("a", "b") | "2"'])
    assert words == [("dmn_gap", "没有一行覆盖 kind = “b”")]
    words = found(table, ["on:date"], ["x:string"], ['< @"2026-01-01" | "1"', '> @"2026-01-01" | "2"'])
    assert words == [("dmn_gap", "没有一行覆盖 on = 2026-01-01")]


def test_a_row_behind_a_wider_one_is_dead(table: Table) -> None:
    words = found(table, ["age:number"], ["x:string"], ['- | "1"', '> 18 | "2"'], 'hitPolicy="FIRST"')
    assert words == [("dmn_dead_row", "永远不会命中，第 1 行已经包含它，例如 age = 大于 18（如 19） 由第 1 行决定")]


def test_a_row_that_several_others_cover_together_is_dead(table: Table) -> None:
    rows = ['< 18 | "1"', '>= 18 | "2"', '[10..30] | "3"']
    words = found(table, ["age:number"], ["x:string"], rows, 'hitPolicy="FIRST"')
    assert words == [("dmn_dead_row", "永远不会命中，别的行合起来已经包含它，例如 age = 10 由第 1 行决定")]


def test_a_row_of_less_priority_behind_a_wider_one_is_dead(table: Table) -> None:
    rows = ['> 18 | "低"', '- | "高"']
    words = found(table, ["age:number"], ['x:string:"高","低"'], rows, 'hitPolicy="PRIORITY"')
    assert [code for code, _ in words] == ["dmn_dead_row"]


def test_rows_of_an_any_table_that_disagree_are_shown(table: Table) -> None:
    rows = ['< 18 | "1"', '<= 18 | "1"', '> 17 | "2"']
    words = found(table, ["age:number"], ["x:string"], rows, 'hitPolicy="ANY"')
    assert [code for code, _ in words] == ["dmn_overlap", "dmn_overlap"]


@pytest.mark.parametrize(
    ("cell", "output", "message"),
    [
        ('"18"', '"a"', '文本与数字不能比较 "18"'),
        ("> true", '"a"', "真假与数字不能比较"),
        ('["a".."c"]', '"a"', '文本与数字不能比较 "a"'),
        ("-", "12", "这一列是文本，却填了数字"),
        ("-", '"a" - 1', "文本与数字不能用 - 计算"),
        ("-", 'if age then "a" else "b"', "数字与真假不能作条件"),
    ],
)
def test_types_that_never_go_together_are_shown(table: Table, cell: str, output: str, message: str) -> None:
    model = table(["age:number"], ["x:string"], [f"{cell} | {output}", '- | "z"'], 'hitPolicy="FIRST"', strict=False)
    model.scopes["decide"] = replace(model.scopes["decide"], types={"age": BUILT_IN["number"]})
    words = [fault for fault in check(model) if fault.code == "dmn_type"]
    assert message in [fault.message for fault in words]
    assert words[0].name.startswith("判定 第 1 行“")
    assert words[0].level == "error"


def test_dates_as_text_may_stand_in_output_columns_but_not_in_conditions(table: Table) -> None:
    words = found(table, ["on:date"], ["x:date"], ['< @"2026-01-01" | "2026-01-01"', '"2026-01-01" | "2026-02-01"'])
    assert [message for code, message in words if code == "dmn_type"] == ['文本与日期不能比较 "2026-01-01"']


def test_tables_inside_functions_and_contexts_are_analysed_too() -> None:
    logic = table_xml(["age:number"], ["x:string"], ['< 18 | "1"', "> 18 | agee"])
    function = f"""<encapsulatedLogic><formalParameter name="age" typeRef="number"/>{logic}</encapsulatedLogic>"""
    entry = f"""<contextEntry><variable name="步骤"/>{logic}</contextEntry>"""
    model = load(
        model_xml(
            f'<businessKnowledgeModel id="f" name="函数"><variable name="函数"/>{function}</businessKnowledgeModel>',
            f"""<decision id="d" name="盒子"><context>{entry}</context></decision>""",
        ),
        strict=False,
    )
    said = [(fault.code, fault.name, fault.hint) for fault in check(model)]
    assert ("dmn_gap", "函数", "请补一行，或设置默认输出") in said
    assert ("dmn_gap", "盒子", "请补一行，或设置默认输出") in said
    assert ("dmn_unknown_name", "函数 第 2 行“x”列", "是不是“age”？") in said


def test_a_misspelt_name_in_an_expression_is_shown_with_the_likely_one() -> None:
    model = load(
        model_xml(
            '<inputData id="i" name="家庭收入"><variable name="家庭收入" typeRef="number"/></inputData>',
            '<decision id="d" name="人均"><informationRequirement><requiredInput href="#i"/></informationRequirement>'
            "<literalExpression id='e'><text>家庭收人 / 3</text></literalExpression></decision>",
        ),
        strict=False,
    )
    assert [(fault.code, fault.element, fault.hint) for fault in check(model)] == [
        ("dmn_unknown_name", "e", "是不是“家庭收入”？")
    ]


def test_a_cell_nothing_can_satisfy_is_shown(table: Table) -> None:
    words = found(table, ["age:number"], ["x:string"], ['[9..1] | "1"', '- | "2"'])
    assert words == [("dmn_never", "“age”列的条件没有任何值能满足")]


def test_forgotten_quotes_are_guessed(table: Table) -> None:
    model = table(["kind:string"], ["x:string"], ["公租房 | 准予", '- | "不予"'], 'hitPolicy="FIRST"')
    hints = [fault.hint for fault in check(model) if fault.code == "dmn_unknown_name"]
    assert hints == ['文本要加引号："公租房"', '文本要加引号："准予"']


def test_an_output_outside_its_allowed_values_is_an_error(table: Table) -> None:
    model = table(["age:number"], ['x:string:"准予","不予"'], ['- | "准许"'])
    faults = check(model)
    assert [(fault.code, fault.level, fault.element) for fault in faults] == [
        ("dmn_output_not_allowed", "error", "c1_1")
    ]


def test_unreadable_cells_come_first(table: Table) -> None:
    assert found(table, ["age:number"], ["x:string"], ['>= | "1"'])[0][0] == "feel_syntax"


def test_a_table_that_depends_on_more_than_constants_is_left_alone(table: Table) -> None:
    assert found(table, ["age:number", "line:number"], ["x:string"], ['< line | - | "1"', '> line | - | "2"']) == []


NUMBER_CELLS = st.sampled_from(
    ["-", "= 1", "= 2", "< 1", "<= 2", "> 2", ">= 3", "[1..2]", "(1..3)", "not(= 2)", "= 1, = 3", "? > 1"]
)
TEXT_CELLS = st.sampled_from(["-", '"a"', '"b"', 'not("a")', '"a", "b"'])
ROWS = st.lists(st.tuples(NUMBER_CELLS, TEXT_CELLS), min_size=1, max_size=5)
TRIED = [(number, text) for number in (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5) for text in ("a", "b", "z")]


@given(ROWS)
def test_overlaps_and_gaps_are_what_trying_every_value_finds(rows: list[tuple[str, str]]) -> None:
    logic = table_xml(["n:number", "t:string"], ["x:number"], [f"{n} | {t} | 1" for n, t in rows])
    model = load(model_xml(f'<decision id="decide" name="判定">{logic}</decision>'))
    said = {fault.code for fault in check(model)}
    tests = [rule.cells for rule in model.tables[0].rules]
    hits = [
        sum(number.test.evaluate({"?": n}) is True and text.test.evaluate({"?": t}) is True for number, text in tests)
        for n, t in TRIED
    ]
    assert ("dmn_overlap" in said) == any(hit > 1 for hit in hits)
    assert ("dmn_gap" in said) == any(hit == 0 for hit in hits)
