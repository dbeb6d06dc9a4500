"""Everyday fields mean on the server what they mean in form-js 1.23 (checked against its own validator)."""

from __future__ import annotations

from typing import Any

import pytest

from engine.catalog.forms import compile_form
from engine.core.errors import InvalidAnswers


def outcome(field: dict[str, Any], value: Any) -> Any:
    """The cleaned value, or the messages at the field."""
    form = compile_form({"id": "f", "components": [{"id": "x", "key": "x", "label": "甲", **field}]})
    try:
        return form.clean({"x": value})["x"]
    except InvalidAnswers as error:
        return error.errors["x"]


NAME = {"type": "textfield", "validate": {"required": True, "minLength": 2, "maxLength": 4}}
CODE = {"type": "textfield", "validate": {"pattern": "\\d{3}"}}
WHOLE_CODE = {"type": "textfield", "validate": {"pattern": "^[A-Z]{2}\\d{3}$", "patternErrorMessage": "如 AB123"}}
EMAIL = {"type": "textfield", "validate": {"validationType": "email"}}
AREA = {"type": "number", "decimalDigits": 2, "validate": {"required": True, "min": 1, "max": 500}}
COUNT = {"type": "number", "decimalDigits": 0, "validate": {"min": 0}}
STEP = {"type": "number", "increment": 0.5}
AGREE = {"type": "checkbox", "validate": {"required": True}}
OPTIONS = [{"label": "公租房", "value": "public"}, {"label": "补贴", "value": "subsidy"}]
RADIO = {"type": "radio", "values": OPTIONS, "validate": {"required": True}}
MANY = {"type": "checklist", "values": OPTIONS, "validate": {"required": True}}
NOTE = {"type": "textarea", "validate": {"maxLength": 5}}

ACCEPTED = [
    (NAME, "张三", "张三"),
    (NAME, "  张三  ", "张三"),
    (NAME, "欧阳娜娜", "欧阳娜娜"),
    (CODE, "a1234b", "a1234b"),
    (CODE, "", ""),
    (WHOLE_CODE, "AB123", "AB123"),
    (EMAIL, "li.wei@example.cn", "li.wei@example.cn"),
    (EMAIL, "a@b", "a@b"),
    (EMAIL, "", ""),
    (AREA, 59.5, 59.5),
    (AREA, 60, 60),
    (AREA, 1, 1),
    (AREA, 500, 500),
    (AREA, 1.1e2, 110),
    (COUNT, 0, 0),
    (COUNT, None, None),
    (STEP, 2.5, 2.5),
    (STEP, -1, -1),
    (AGREE, True, True),
    (RADIO, "public", "public"),
    (MANY, ["subsidy", "public"], ["subsidy", "public"]),
    (NOTE, "", ""),
    (NOTE, "一二三四五", "一二三四五"),
]

REFUSED = [
    (NAME, "", "请填写“甲”"),
    (NAME, None, "请填写“甲”"),
    (NAME, "张", "至少 2 个字"),
    (NAME, "张三李四王五", "最多 4 个字"),
    (CODE, "12", "格式不正确"),
    (CODE, "１２３", "格式不正确"),
    (WHOLE_CODE, "AB1234", "如 AB123"),
    (WHOLE_CODE, "ab123", "如 AB123"),
    (EMAIL, "li.wei", "请填写有效的电子邮箱"),
    (EMAIL, "a b@example.cn", "请填写有效的电子邮箱"),
    (AREA, None, "请填写“甲”"),
    (AREA, 59.555, "最多 2 位小数"),
    (AREA, 0.99, "不得小于 1"),
    (AREA, 500.01, "不得大于 500"),
    (COUNT, 1.5, "请填写整数"),
    (COUNT, -1, "不得小于 0"),
    (STEP, 0.7, "请填写有效值，最接近的是 0.5 和 1"),
    (AGREE, False, "请勾选“甲”"),
    (AGREE, None, "请勾选“甲”"),
    (RADIO, None, "请选择“甲”"),
    (MANY, [], "请选择“甲”"),
    (NOTE, "一二三四五六", "最多 5 个字"),
]


@pytest.mark.parametrize(("field", "sent", "kept"), ACCEPTED)
def test_what_form_js_accepts_is_kept(field: dict[str, Any], sent: Any, kept: Any) -> None:
    result = outcome(field, sent)
    assert result == kept
    assert type(result) is type(kept)


@pytest.mark.parametrize(("field", "sent", "message"), REFUSED)
def test_what_form_js_refuses_is_refused_with_a_chinese_sentence(
    field: dict[str, Any], sent: Any, message: str
) -> None:
    assert outcome(field, sent) == [message]


def test_a_rare_character_of_a_name_counts_as_one() -> None:
    assert outcome({"type": "textfield", "validate": {"maxLength": 2}}, "\U00020bb7田") == "\U00020bb7田"


def test_blanks_alone_are_no_answer() -> None:
    assert outcome(NAME, " \u3000\n") == ["请填写“甲”"]


def test_a_missing_answer_is_what_form_js_sends_for_an_empty_field() -> None:
    kinds = {"textfield": "", "textarea": "", "number": None, "checkbox": False, "aj-amount": None, "datetime": None}
    for kind, empty in kinds.items():
        form = compile_form({"id": "f", "components": [{"id": "x", "key": "x", "type": kind}]})
        assert form.clean({}) == {"x": empty}


def test_an_optional_list_of_choices_is_empty_when_nothing_is_chosen() -> None:
    assert outcome({"type": "taglist", "values": OPTIONS}, None) == []


@pytest.mark.parametrize("sent", ["other", ["public"], {"value": "public"}, True, 0])
def test_a_value_that_is_no_option_is_refused(sent: Any) -> None:
    assert outcome(RADIO, sent) == ["所选内容不在选项中，请重新选择"]


def test_one_and_true_are_different_options() -> None:
    field = {"type": "select", "values": [{"label": "一", "value": 1}]}
    assert outcome(field, 1) == 1
    assert outcome(field, True) == ["所选内容不在选项中，请重新选择"]


def test_a_choice_made_twice_counts_once() -> None:
    assert outcome(MANY, ["public", "public"]) == ["public"]


def test_options_may_come_from_the_data() -> None:
    schema = {"id": "f", "components": [{"id": "x", "key": "x", "type": "select", "valuesKey": "homes"}]}
    form = compile_form(schema)
    homes = [{"label": "一号楼", "value": 1}, "二号楼"]
    assert form.clean({"x": "二号楼"}, {"homes": homes}) == {"x": "二号楼"}
    with pytest.raises(InvalidAnswers) as refused:
        form.clean({"x": "三号楼"}, {"homes": homes})
    assert refused.value.errors == {"x": ["所选内容不在选项中，请重新选择"]}


def test_options_may_be_computed_from_another_answer() -> None:
    schema = {
        "id": "f",
        "components": [
            {"id": "rooms", "key": "rooms", "type": "number"},
            {"id": "x", "key": "x", "type": "select", "valuesExpression": "=for n in 1..rooms return n"},
        ],
    }
    form = compile_form(schema)
    assert form.clean({"rooms": 3, "x": 3})["x"] == 3
    with pytest.raises(InvalidAnswers):
        form.clean({"rooms": 2, "x": 3})


@pytest.mark.parametrize(
    ("subtype", "good", "bad", "message"),
    [
        ("date", "2026-02-28", "2026-02-30", "请选择有效的日期"),
        ("date", "2024-02-29", "2024-2-29", "请选择有效的日期"),
        ("time", "08:30", "24:10", "请选择有效的时间"),
        ("time", "08:30+08:00", "8点", "请选择有效的时间"),
        ("datetime", "2026-02-28T08:30", "2026-02-28", "请选择有效的日期和时间"),
        ("datetime", "2026-02-28T00:30Z", "2026-13-01T08:30", "请选择有效的日期和时间"),
    ],
)
def test_days_and_times_must_exist(subtype: str, good: str, bad: str, message: str) -> None:
    field = {"type": "datetime", "subtype": subtype}
    assert outcome(field, good) == good
    assert outcome(field, bad) == [message]


def test_a_number_kept_as_text_keeps_every_digit() -> None:
    field = {"type": "number", "serializeToString": True}
    assert outcome(field, "12345678901234567890.12") == "12345678901234567890.12"
    assert outcome({"type": "number"}, "12345678901234567890.12") == ["数字位数过多，请核对是否多输了数字"]


@pytest.mark.parametrize("sent", ["十", "NaN", "1e999", True, [], {}, "0x10", float("nan"), float("inf"), 10**60])
def test_what_is_no_number_is_refused(sent: Any) -> None:
    messages = outcome({"type": "number", "validate": {"required": True}}, sent)
    assert messages in (["请填写数字"], ["请填写“甲”"])
