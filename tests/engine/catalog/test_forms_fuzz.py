"""Whatever is sent, a form answers with clean values or with messages, and never breaks."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.forms import compile_form
from engine.core.errors import Fault, InvalidAnswers, ModelFault

ROW = [
    {"id": "r1", "key": "name", "type": "textfield", "validate": {"pattern": "^\\w+", "maxLength": "=3"}},
    {"id": "r2", "key": "kind", "type": "select", "values": ["passport", "resident_id", 1, True]},
    {"id": "r3", "key": "number", "type": "aj-id", "properties": {"kindKey": "kind"}},
    {"id": "r4", "key": "deep.area", "type": "number", "increment": 0.1, "conditional": {"hide": "=this.name = null"}},
    {"id": "r5", "path": "list", "type": "dynamiclist", "components": [{"id": "q", "key": "name", "type": "aj-phone"}]},
]
FORM = compile_form(
    {
        "id": "f",
        "components": [
            {"id": "a", "key": "name", "type": "textarea", "validate": {"required": True, "minLength": 1}},
            {"id": "b", "key": "area", "type": "number", "decimalDigits": 2, "validate": {"min": 0, "max": "=limit"}},
            {"id": "c", "key": "day", "type": "datetime", "subtype": "datetime", "disallowPassedDates": True},
            {"id": "d", "key": "kind", "type": "radio", "valuesExpression": "=for x in list return x.name"},
            {"id": "e", "key": "many", "type": "taglist", "values": [{"label": "甲", "value": {"a": [1]}}, "乙"]},
            {"id": "g", "type": "group", "path": "deep", "conditional": {"hide": '=kind = "x"'}, "components": [
                {"id": "h", "key": "amount", "type": "aj-amount", "readonly": "=name = null"},
                {"id": "i", "key": "region", "type": "aj-region"},
                {"id": "j", "key": "files", "type": "aj-file", "properties": {"max": 2}},
                {"id": "k", "key": "ok", "type": "checkbox"},
            ]},
            {"id": "l", "path": "list", "type": "dynamiclist", "components": ROW},
            {"id": "m", "key": "total", "type": "expression", "expression": "=sum(list.deep.area) + area"},
        ],
    }
)  # fmt: skip
KEYS = [
    "name",
    "area",
    "day",
    "kind",
    "many",
    "deep",
    "amount",
    "region",
    "files",
    "ok",
    "list",
    "number",
    "id",
    "size",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**60), 10**60)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["乙", "passport", "E1234567", "13800138000", "1.5", "2030-01-01T08:00", "enc:v1:x", "138*", "\ud800"]
    )
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner),
    max_leaves=25,
)
ANSWERS = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=8)


def answered(answers: Any, data: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, list[str]]]:
    """The clean values or the messages; any other error ends the test."""
    try:
        return FORM.clean(answers, data), {}
    except InvalidAnswers as error:
        return None, error.errors


@given(answers=ANSWERS, data=ANSWERS)
def test_any_answers_give_clean_values_or_messages(answers: dict[str, Any], data: dict[str, Any]) -> None:
    cleaned, errors = answered(answers, data)
    if cleaned is None:
        assert errors
        assert all(messages and all(messages) for messages in errors.values())
    else:
        assert set(cleaned) <= set(FORM.names)


@given(answers=JSON)
def test_answers_of_any_shape_are_answered(answers: Any) -> None:
    cleaned, errors = answered(answers, {})
    assert (cleaned is None) == bool(errors)


@given(old=ANSWERS, new=ANSWERS)
def test_a_timeline_line_can_be_written_for_any_two_values(old: dict[str, Any], new: dict[str, Any]) -> None:
    for label, before, after in FORM.changed(old, new):
        assert label
        assert isinstance(before, str)
        assert isinstance(after, str)


COMPONENT = st.dictionaries(
    st.sampled_from(["id", "key", "type", "path", "validate", "values", "conditional", "components", "properties"]),
    JSON | st.sampled_from(["textfield", "group", "dynamiclist", "number", "=a", "=a +"]),
)


@given(components=st.lists(COMPONENT | JSON, max_size=4), identity=JSON)
def test_any_schema_compiles_or_is_refused_with_faults(components: list[Any], identity: Any) -> None:
    faults: tuple[Fault, ...] = ()
    try:
        compile_form({"id": identity, "components": components})
    except ModelFault as refused:
        faults = refused.faults
    usable = isinstance(identity, str) and identity != "" and not components
    assert not (usable and faults)
    assert all(fault.message for fault in faults)


@given(content=st.binary(max_size=40))
def test_any_bytes_compile_or_are_refused(content: bytes) -> None:
    with pytest.raises(ModelFault):
        compile_form(content)


def nested(depth: int) -> Any:
    value: Any = "甲"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("answers", "key", "message"),
    [
        ({"name": "甲" * 100_001}, "a", "内容过长，最多 100000 个字"),
        ({"name": "甲\x00"}, "a", "含有无法保存的字符，请删去后重新填写"),
        ({"name": "甲", "many": nested(8)}, "e", "内容嵌套过深，无法保存，请重新填写"),
        ({"name": "甲", "many": nested(900)}, "e", "内容嵌套过深，无法保存，请重新填写"),
        ({"name": "甲", "list": [{}] * 201}, "l", "最多填写 200 行，请删去多余的"),
        ({"name": "甲", "list": [{"list": [{}] * 200}] * 200}, "", "填写的内容过多，请减少行数后再提交"),
        ([], "", "提交的内容无法识别，请刷新页面后重新填写"),
    ],
)
def test_too_much_is_refused_with_a_sentence(answers: Any, key: str, message: str) -> None:
    with pytest.raises(InvalidAnswers) as refused:
        FORM.clean(answers)
    assert refused.value.errors[key] == [message]


def test_clean_values_survive_as_json() -> None:
    answers = {"name": "甲", "area": 1.25, "deep": {"amount": "12.5", "region": "330106"}, "list": [{"name": "b"}]}
    cleaned = FORM.clean(answers, {"limit": 5})
    assert orjson.loads(orjson.dumps(cleaned)) == cleaned
