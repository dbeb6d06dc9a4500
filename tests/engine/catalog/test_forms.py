"""A form that the browser or the server could not run is refused at publish, with every fault at once."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from engine.catalog.forms import Form, compile_form, strip_for
from engine.core.errors import ModelFault


def form_of(*components: dict[str, Any]) -> Form:
    return compile_form({"id": "f", "components": list(components)})


def codes_of(*components: Any) -> list[tuple[str, str]]:
    """(code, element) of every fault."""
    with pytest.raises(ModelFault) as refused:
        compile_form({"id": "f", "components": list(components)}, "apply.form")
    return [(fault.code, fault.element) for fault in refused.value.faults]


def field(identity: str, **more: Any) -> dict[str, Any]:
    return {"id": identity, "key": identity, "type": "textfield", **more}


def test_all_faults_are_told_at_once() -> None:
    faults = codes_of(
        {"id": "a", "type": "textfeild", "key": "a"},
        field("b", conditional={"hide": "=x +"}),
        field("c", validate={"pattern": "(a+)+"}),
        field("d", key="b"),
        field("b", key="e"),
    )
    assert faults == [
        ("unknown_field_type", "a"),
        ("form_feel", "b"),
        ("form_pattern", "c"),
        ("duplicate_key", "d"),
        ("duplicate_id", "b"),
    ]


def test_a_fault_names_file_line_field_and_the_likely_fix() -> None:
    first, second = '{"type": "text", "text": "x"}', '{"id": "n", "type": "textfeild", "label": "姓名"}'
    text = f'{{"id": "f", "components": [\n{first},\n{second}\n]}}'.encode()
    with pytest.raises(ModelFault) as refused:
        compile_form(text, "apply.form")
    fault = refused.value.faults[0]
    assert (fault.file, fault.line, fault.element, fault.name) == ("apply.form", 3, "n", "姓名")
    assert fault.hint == "是否想写 textfield"


@pytest.mark.parametrize(
    ("component", "code"),
    [
        ({"type": "html", "id": "x", "content": "<b>"}, "field_type_refused"),
        ({"type": "iframe", "id": "x", "url": "https://example.cn"}, "field_type_refused"),
        ({"type": "image", "id": "x", "source": "data:image/png;base64,AAAA"}, "field_type_refused"),
        ({"type": "filepicker", "id": "x", "key": "x"}, "field_type_refused"),
        ({"type": "textfield", "key": "x"}, "form_field_id"),
        ({"type": "textfield", "id": "x"}, "form_key"),
        (field("x", key="1.a"), "form_key"),
        (field("x", key="a..b"), "form_key"),
        ({"type": "dynamiclist", "id": "x", "components": []}, "form_key"),
        ({"type": "group", "id": "x"}, "form_components"),
        (field("x", conditional={"hide": "a = 1"}), "form_feel"),
        (field("x", readonly="=if"), "form_feel"),
        (field("x", label="=1 +"), "form_feel"),
        (field("x", type="number", validate={"min": "一"}), "form_setting"),
        (field("x", type="number", validate={"max": "=1 +"}), "form_feel"),
        (field("x", type="number", increment=0), "form_setting"),
        (field("x", type="number", decimalDigits=1.5), "form_setting"),
        (field("x", type="select"), "form_setting"),
        (field("x", type="select", valuesExpression="homes"), "form_feel"),
        (field("x", type="expression"), "form_setting"),
        ("x", "form_component"),
    ],
)
def test_what_cannot_work_is_refused(component: Any, code: str) -> None:
    assert code in [found for found, _ in codes_of(component)]


def test_a_key_may_not_lie_inside_another_value_nor_hold_one() -> None:
    assert codes_of(field("a", key="person"), field("b", key="person.name")) == [("duplicate_key", "b")]
    assert codes_of(field("b", key="person.name"), field("a", key="person")) == [("duplicate_key", "a")]
    listed = {"id": "l", "type": "dynamiclist", "path": "person", "components": [field("n", key="name")]}
    assert codes_of(listed, field("b", key="person.name")) == [("duplicate_key", "b")]
    group = {"id": "g", "type": "group", "path": "person", "components": [field("n", key="name")]}
    assert form_of(group, {**group, "id": "h", "components": [field("m", key="phone")]}).names == ("person",)


def test_containers_nest_six_deep_and_no_deeper() -> None:
    inner: dict[str, Any] = field("x")
    for depth in range(5):
        inner = {"id": f"g{depth}", "type": "group", "components": [inner]}
    assert form_of(inner).names == ("x",)
    assert codes_of({"id": "g9", "type": "group", "components": [inner]}) == [("form_depth", "")]


def test_a_button_and_a_foreign_phone_rule_are_only_warned_of() -> None:
    form = form_of({"id": "s", "type": "button"}, field("p", validate={"validationType": "phone"}))
    assert [(fault.code, fault.level) for fault in form.warnings] == [
        ("form_button", "warning"),
        ("form_phone", "warning"),
    ]


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        (b"{", "form_json"),
        (b"[]", "form_json"),
        (b'{"components": []}', "form_id"),
        (b'{"id": "f"}', "form_components"),
    ],
)
def test_a_file_that_is_no_form_is_refused(schema: bytes, code: str) -> None:
    with pytest.raises(ModelFault) as refused:
        compile_form(schema, "x.form")
    assert refused.value.code == code


def test_a_form_tells_its_fields_places_and_personal_values() -> None:
    form = form_of(
        {"id": "t", "type": "text", "text": "# 申请"},
        field("n", key="applicant.name", label="**姓名**：", validate={"required": True}),
        field("card", type="textfield", properties={"personal": "true"}),
        {
            "id": "l",
            "type": "dynamiclist",
            "path": "members",
            "components": [{"id": "p", "key": "phone", "type": "aj-phone"}],
        },
    )
    told = [(one.id, one.path, one.label, one.required, one.personal) for one in form.fields]
    assert told == [
        ("n", "applicant.name", "姓名", True, False),
        ("card", "card", "", False, True),
        ("l", "members", "", False, False),
        ("p", "members[].phone", "", False, True),
    ]
    assert form.names == ("applicant", "card", "members")


def test_the_schema_is_served_as_it_was_given() -> None:
    schema = {"id": "f", "schemaVersion": 19, "components": [field("x", layout={"row": "r"})]}
    assert compile_form(orjson.dumps(schema)).schema == schema


def test_the_browser_gets_the_fields_and_what_expressions_read_and_nothing_else() -> None:
    form = form_of(
        field("x", conditional={"hide": "=locked"}, description="来源：{{source.name}}"),
        field("s", type="select", valuesKey="homes"),
    )
    values = {"x": 1, "locked": True, "source": {"name": "公安"}, "homes": [], "secret": "他人信息"}
    assert form.display(values) == {"x": 1, "locked": True, "source": {"name": "公安"}, "homes": []}


def test_what_changed_is_told_in_words_and_personal_values_never() -> None:
    form = form_of(
        field("n", label="姓名"),
        {"id": "r", "key": "rent", "type": "aj-amount", "label": "月租金"},
        {"id": "m", "key": "m", "type": "radio", "label": "婚姻", "values": [{"label": "已婚", "value": "20"}]},
        {"id": "p", "key": "phone", "type": "aj-phone", "label": "手机"},
        {"id": "c", "key": "ok", "type": "checkbox", "label": "同意"},
        {"id": "f", "key": "files", "type": "aj-file", "label": "材料"},
        {"id": "l", "path": "people", "type": "dynamiclist", "label": "成员", "components": [field("k", label="关系")]},
    )
    old = {"n": "甲", "rent": 100, "phone": "13800138000", "ok": False, "people": [{"k": "子"}], "m": None}
    new = {
        "n": "甲",
        "rent": 123450,
        "phone": "13900139000",
        "ok": True,
        "m": "20",
        "files": [{"id": "1", "name": "a"}],
    }
    assert form.changed(old, {**new, "people": [{"k": "女"}, {"k": ""}]}) == [
        ("月租金", "1.00 元", "1,234.50 元"),
        ("婚姻", "（空）", "已婚"),
        ("手机", "（已隐去）", "（已隐去）"),
        ("同意", "否", "是"),
        ("材料", "（空）", "a"),
        ("成员", "1 行", "2 行"),
        ("成员 第 1 行 关系", "子", "女"),
    ]
    assert form.changed(new, new) == []


def test_a_role_gets_the_schema_without_the_fields_it_may_not_see() -> None:
    group = {
        "id": "g",
        "type": "group",
        "path": "applicant",
        "components": [field("n", key="name"), field("p", key="phone")],
    }
    form = form_of(group, field("opinion"), {"id": "t", "type": "text", "text": "说明"})
    stripped = strip_for(form, {"applicant.phone", "opinion"})
    assert [one.path for one in compile_form(stripped).fields] == ["applicant.name"]
    assert [one.path for one in compile_form(strip_for(form, {"applicant"})).fields] == ["opinion"]
    assert [one.path for one in form.fields] == ["applicant.name", "applicant.phone", "opinion"]
