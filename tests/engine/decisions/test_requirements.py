"""Decisions that need decisions, functions, services and other files."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.errors import ModelFault
from engine.decisions import load
from tests.engine.decisions.build import model_xml, table_xml


def literal(name: str, text: str, *needs: str, kind: str = "") -> str:
    wanted = "".join(
        f'<knowledgeRequirement><requiredKnowledge href="#{need[1:]}"/></knowledgeRequirement>'
        if need.startswith("!")
        else f'<informationRequirement><required{"Input" if need.startswith("in_") else "Decision"} href="#{need}"/>'
        "</informationRequirement>"
        for need in needs
    )
    variable = f'<variable name="{name}" typeRef="{kind}"/>' if kind else f'<variable name="{name}"/>'
    return (
        f'<decision id="{name}" name="{name}">{variable}{wanted}'
        f"<literalExpression><text>{text}</text></literalExpression></decision>"
    )


def given(name: str, kind: str) -> str:
    return f'<inputData id="in_{name}" name="{name}"><variable name="{name}" typeRef="{kind}"/></inputData>'


def test_what_is_needed_is_decided_first_and_once() -> None:
    xml = model_xml(
        given("收入", "number"),
        given("人数", "number"),
        literal("人均", "收入 / 人数", "in_收入", "in_人数", kind="number"),
        literal("低收入", "人均 &lt; 5000", "人均"),
        literal("结论", "if 低收入 and 人均 > 0 then 1 else 0", "低收入", "人均"),
    )
    result = load(xml).evaluate("结论", {"收入": 9000, "人数": 3})
    assert result.json() == 1
    assert [entry["decision"] for entry in result.explanation] == ["人均", "低收入", "结论"]
    assert result.explanation[0]["outputs"] == 3000
    assert result.explanation[0]["inputs"][1] == {"expression": "人数", "label": "人数", "value": 3}


def test_variables_need_not_be_drawn_as_inputs() -> None:
    model = load(model_xml(literal("x", "家庭.人数 + 1")))
    assert model.evaluate("x", {"家庭": {"人数": 2}}).json() == 3


def test_a_business_knowledge_model_is_a_function() -> None:
    bkm = (
        '<businessKnowledgeModel id="tax" name="税额"><variable name="税额"/><encapsulatedLogic>'
        '<formalParameter name="金额" typeRef="number"/><literalExpression><text>金额 * 0.1</text></literalExpression>'
        "</encapsulatedLogic></businessKnowledgeModel>"
    )
    invoked = (
        '<decision id="b" name="b"><variable name="b"/>'
        '<knowledgeRequirement><requiredKnowledge href="#tax"/></knowledgeRequirement>'
        "<invocation><literalExpression><text>税额</text></literalExpression>"
        '<binding><parameter name="金额"/><literalExpression><text>200</text></literalExpression></binding>'
        "</invocation></decision>"
    )
    model = load(model_xml(bkm, literal("a", "税额(100)", "!tax"), invoked))
    assert model.evaluate("a", {}).json() == 10
    assert model.evaluate("b", {}).json() == 20
    assert model.evaluate("税额", {"金额": 50}).json() == 5


def test_a_table_inside_a_function_is_explained_too() -> None:
    logic = table_xml(["分:number"], ["等:string"], ['>= 60 | "及格"', '< 60 | "不及格"'])
    bkm = (
        '<businessKnowledgeModel id="grade" name="等级"><variable name="等级"/><encapsulatedLogic>'
        f'<formalParameter name="分" typeRef="number"/>{logic}</encapsulatedLogic></businessKnowledgeModel>'
    )
    result = load(model_xml(bkm, literal("a", "等级(70)", "!grade"))).evaluate("a", {})
    assert result.value == "及格"
    assert [(entry["decision"], entry["hit_policy"]) for entry in result.explanation] == [
        ("grade", "UNIQUE"),
        ("a", None),
    ]


def test_a_service_decides_with_the_inputs_it_is_given() -> None:
    service = (
        '<decisionService id="svc" name="核算"><variable name="核算"/><outputDecision href="#结论"/>'
        '<inputData href="#in_收入"/></decisionService>'
    )
    xml = model_xml(given("收入", "number"), literal("结论", "收入 * 2", "in_收入"), service)
    assert load(xml).evaluate("核算", {"收入": 4}).json() == 8


def test_boxed_expressions_nest() -> None:
    boxed = """<decision id="x" name="x"><variable name="x"/><context>
      <contextEntry><variable name="l"/><list><literalExpression><text>1</text></literalExpression>
        <literalExpression><text>5</text></literalExpression></list></contextEntry>
      <contextEntry><variable name="big"/><filter><in><literalExpression><text>l</text></literalExpression></in>
        <match><literalExpression><text>item > 2</text></literalExpression></match></filter></contextEntry>
      <contextEntry><variable name="r"/><relation><column name="a"/><column name="b"/>
        <row><literalExpression><text>1</text></literalExpression><literalExpression><text>2</text></literalExpression>
        </row></relation></contextEntry>
      <contextEntry><variable name="t"/><for iteratorVariable="i"><in><literalExpression><text>l</text>
        </literalExpression></in><return><literalExpression><text>i * 2</text></literalExpression></return></for>
      </contextEntry>
      <contextEntry><variable name="c"/><conditional><if><literalExpression><text>count(l) = 2</text>
        </literalExpression></if><then><literalExpression><text>"two"</text></literalExpression></then>
        <else><literalExpression><text>"other"</text></literalExpression></else></conditional></contextEntry>
      <contextEntry><variable name="f"/><functionDefinition><formalParameter name="n"/>
        <literalExpression><text>n + 1</text></literalExpression></functionDefinition></contextEntry>
      <contextEntry><variable name="g"/><literalExpression><text>f(2)</text></literalExpression></contextEntry>
    </context></decision>"""
    value = load(model_xml(boxed)).evaluate("x", {}).json()
    assert value == {"l": [1, 5], "big": [5], "r": [{"a": 1, "b": 2}], "t": [2, 10], "c": "two", "f": None, "g": 3}


def test_item_definitions_type_and_restrict_values() -> None:
    types = """<itemDefinition name="户型"><typeRef>string</typeRef><allowedValues><text>"一居", "两居"</text>
      </allowedValues></itemDefinition>
      <itemDefinition name="家庭"><itemComponent name="人数"><typeRef>number</typeRef></itemComponent>
      </itemDefinition>"""
    model = load(model_xml(types, given("a", "户型"), given("b", "家庭"), literal("x", "[a, b.人数]", "in_a", "in_b")))
    assert model.evaluate("x", {"a": "一居", "b": {"人数": 3}}).json() == ["一居", 3]
    assert model.evaluate("x", {"a": "九居", "b": {"人数": "三"}}).json() == [None, None]


def test_an_imported_file_lends_its_decisions_and_types() -> None:
    shared = model_xml(literal("限额", "100")).replace(b'namespace="urn:test"', b'namespace="urn:shared"')
    using = model_xml(
        '<import name="公共" namespace="urn:shared" locationURI="shared.dmn"'
        ' importType="https://www.omg.org/spec/DMN/20191111/MODEL/"/>',
        literal("x", "公共.限额 + 1", "urn:shared#限额").replace('href="#urn:shared#', 'href="urn:shared#'),
    )
    model = load(using, resolve=lambda _namespace, location: shared if location == "shared.dmn" else None)
    assert model.evaluate("x", {}).json() == 101
    with pytest.raises(ModelFault, match="找不到导入的文件"):
        load(using)


@pytest.mark.parametrize(
    ("domain", "value"), [("1..4", [1, 2, 6, 24]), ("[1..4]", [1, 2, 6, 24]), ("[1, 2]", [1, 2]), ("3", [3])]
)
def test_a_boxed_loop_walks_ranges_with_and_without_brackets_and_sees_what_it_has(domain: str, value: Any) -> None:
    text = "if count(partial) = 0 then i else i * partial[-1]"
    logic = (
        f'<for iteratorVariable="i"><in><literalExpression><text>{domain}</text></literalExpression></in>'
        f"<return><literalExpression><text>{text}</text></literalExpression></return></for>"
    )
    model = load(model_xml(f'<decision id="d" name="d"><variable name="d"/>{logic}</decision>'))
    assert model.evaluate("d", {}).json() == value


@pytest.mark.parametrize(
    ("call", "value"), [("S(1)", 4), ("S(n: 1)", 4), ("S([1])", 4), ('S("a")', None), ("S()", None)]
)
def test_a_decision_service_is_called_as_a_function_of_its_inputs(call: str, value: Any) -> None:
    need = "<informationRequirement><required{} href='#{}'/></informationRequirement>"
    logic = "<literalExpression><text>{}</text></literalExpression>"
    model = load(
        model_xml(
            '<inputData id="i" name="n"><variable name="n" typeRef="number"/></inputData>',
            f'<decision id="a" name="A"><variable name="A"/>{need.format("Input", "i")}{logic.format("n + 1")}'
            "</decision>",
            f'<decision id="b" name="B"><variable name="B"/>{need.format("Decision", "a")}{logic.format("A * 2")}'
            "</decision>",
            '<decisionService id="s" name="S"><variable name="S"/><outputDecision href="#b"/>'
            '<encapsulatedDecision href="#a"/><inputData href="#i"/></decisionService>',
            '<decision id="x" name="X"><variable name="X"/><knowledgeRequirement><requiredKnowledge href="#s"/>'
            f"</knowledgeRequirement>{logic.format(call)}</decision>",
        )
    )
    assert model.evaluate("x", {}).json() == value
