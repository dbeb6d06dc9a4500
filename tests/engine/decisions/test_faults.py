"""What is wrong with a file is said before it is used, all at once, with line and element."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import Fault, ModelFault
from engine.decisions import check, load
from tests.engine.decisions.build import HEAD, Table, model_xml, table_xml

ROWS = ['< 18 | "a" | "A" | 第一条', '>= 18 | - | "B" | 第二条']
TABLE = table_xml(["age:number", "kind:string"], ['x:string:"A","B"'], ROWS, annotations='<annotation name="依据"/>')
SOUND = model_xml(
    '<inputData id="in" name="age"><variable name="age" typeRef="number"/></inputData>'
    '<decision id="t" name="表"><informationRequirement><requiredInput href="#in"/></informationRequirement>'
    f'{TABLE}</decision><decision id="e" name="e"><informationRequirement><requiredDecision href="#t"/>'
    "</informationRequirement><literalExpression><text>表 + age</text></literalExpression></decision>"
)


def faults(xml: bytes) -> tuple[Fault, ...]:
    with pytest.raises(ModelFault) as caught:
        load(xml, "表.dmn")
    return caught.value.faults


def test_every_wrong_cell_is_listed_with_row_column_and_line(table: Table) -> None:
    with pytest.raises(ModelFault) as caught:
        table(["age:number"], ["x:string"], ['>= | "A"', '1 | "A"', "== 3 | ‘B’"])
    found = caught.value.faults
    assert [(fault.element, fault.line) for fault in found] == [("c1_0", 2), ("c3_0", 4), ("c3_1", 4)]
    assert found[0].name == "第 1 行“age”列"
    assert found[0].code == "feel_syntax"
    assert found[0].file == "判定.dmn"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('<decision id="a" name="a"/>', "dmn_logic"),
        ('<decision id="a" name="a"><decisionTable id="t" hitPolicy="MOST"/></decision>', "dmn_hit_policy"),
        (
            '<decision id="a" name="a"><decisionTable id="t"><input id="i"/><output id="o"/></decisionTable>'
            "</decision>",
            "dmn_input",
        ),
        (
            '<decision id="a" name="a"><variable name="a" typeRef="nmber"/>'
            "<literalExpression><text>1</text></literalExpression></decision>",
            "dmn_unknown_type",
        ),
        (
            '<decision id="a" name="a"><literalExpression expressionLanguage="python"><text>1</text>'
            "</literalExpression></decision>",
            "dmn_language",
        ),
        (
            '<decision id="a" name="a"><informationRequirement id="r"><requiredInput href="#no"/>'
            "</informationRequirement><literalExpression><text>1</text></literalExpression></decision>",
            "dmn_requirement",
        ),
        (
            '<decision id="a" name="a"><informationRequirement id="r"><requiredDecision href="#a"/>'
            "</informationRequirement><literalExpression><text>1</text></literalExpression></decision>",
            "dmn_cycle",
        ),
    ],
)
def test_a_model_that_cannot_work_is_refused(body: str, code: str) -> None:
    assert code in [fault.code for fault in faults(model_xml(body))]


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"<definitions",
        b"<html/>",
        b'<definitions xmlns="http://example.org/"/>',
        b'<!DOCTYPE d [<!ENTITY a "b">]>' + HEAD.encode() + b"&a;</definitions>",
        b'<!DOCTYPE d SYSTEM "file:///etc/passwd">' + HEAD.encode() + b"</definitions>",
    ],
    ids=["empty", "broken", "another language", "another namespace", "entities", "outside file"],
)
def test_files_that_are_no_dmn_or_try_to_reach_out_are_refused(xml: bytes) -> None:
    assert faults(xml)[0].code in {"dmn_xml", "dmn_version"}


def test_a_half_finished_file_can_be_looked_at_and_its_good_decisions_tried() -> None:
    model = load(
        model_xml(
            '<decision id="good" name="good"><literalExpression><text>1</text></literalExpression></decision>',
            '<decision id="bad" name="bad"><literalExpression><text>1 +</text></literalExpression></decision>',
        ),
        strict=False,
    )
    assert model.evaluate("good", {}).json() == 1
    with pytest.raises(ModelFault, match="没有写完"):
        model.evaluate("bad", {})
    assert len(model.faults) == 1


def test_a_row_without_cells_and_a_line_without_end_refuse_only_their_decision() -> None:
    broken = TABLE.replace('<inputEntry id="c1_1"><text>"a"</text></inputEntry>', "")
    xml = SOUND.replace(TABLE.encode(), broken.encode()).replace(b'<inputData id="in"', b'<inputData id="other"')
    model = load(xml, strict=False)
    assert {"dmn_rule", "dmn_requirement"} <= {fault.code for fault in check(model)}
    with pytest.raises(ModelFault, match="单元格数与列数不符"):
        model.evaluate("t", {"age": 3})


def test_a_limit_reached_while_deciding_names_the_decision() -> None:
    model = load(
        model_xml(
            '<decision id="a" name="甲"><literalExpression><text>for i in 1..x return i</text></literalExpression>'
            "</decision>"
        ),
        "表.dmn",
    )
    with pytest.raises(ModelFault) as caught:
        model.evaluate("a", {"x": 10**9})
    fault = caught.value.faults[0]
    assert (fault.code, fault.file, fault.element, fault.name) == ("feel_limit", "表.dmn", "a", "甲")


def nested(depth: int) -> str:
    inner = "<literalExpression><text>1</text></literalExpression>"
    for _ in range(depth):
        inner = f'<context><contextEntry><variable name="a"/>{inner}</contextEntry></context>'
    return f'<decision id="d0" name="d0">{inner}</decision>'


def chained(length: int) -> str:
    return "".join(
        f'<decision id="d{at}" name="d{at}"><informationRequirement><requiredDecision href="#d{at + 1}"/>'
        f"</informationRequirement><literalExpression><text>d{at + 1}</text></literalExpression></decision>"
        for at in range(length)
    ) + (f'<decision id="d{length}" name="d{length}"><literalExpression><text>1</text></literalExpression></decision>')


SELF_CALLING = (
    '<businessKnowledgeModel id="f" name="f"><variable name="f"/><encapsulatedLogic><formalParameter name="n"/>'
    "<literalExpression><text>f(n)</text></literalExpression></encapsulatedLogic></businessKnowledgeModel>"
    '<decision id="d0" name="d0"><knowledgeRequirement><requiredKnowledge href="#f"/></knowledgeRequirement>'
    "<literalExpression><text>f(1)</text></literalExpression></decision>"
)


@pytest.mark.parametrize(
    "body", [nested(80), nested(400), chained(50), chained(2000), SELF_CALLING], ids=["80", "400", "50", "2000", "self"]
)
def test_depth_without_end_is_a_fault_and_no_crash(body: str) -> None:
    try:
        value = load(model_xml(body)).evaluate("d0", {}).json()
    except ModelFault as caught:
        assert caught.code in {"dmn_xml", "feel_limit"}  # noqa: PT017
    else:
        assert value is not None


@given(
    st.integers(0, 5000), st.integers(1, 60), st.sampled_from(['"', "<", "&", "", "\x00", "]]>", "<rule/>", 'id="x"'])
)
def test_a_damaged_file_is_a_fault_and_no_crash(start: int, length: int, junk: str) -> None:
    start %= len(SOUND)
    xml = SOUND[:start] + junk.encode() + SOUND[start + length :]
    with suppress(ModelFault):
        model = load(xml, strict=False)
        check(model)
        for name in model.decisions:
            with suppress(ModelFault):
                model.evaluate(name, {"age": 3, "kind": "a"}, explanation="full")
