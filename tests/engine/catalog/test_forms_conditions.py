"""What is hidden, read-only or computed is settled on the server, whatever the browser sent."""

from __future__ import annotations

from typing import Any

import pytest

from engine.catalog.forms import Form, compile_form
from engine.core.errors import InvalidAnswers


def form_of(*components: dict[str, Any]) -> Form:
    return compile_form({"id": "f", "components": list(components)})


def text(identity: str, **more: Any) -> dict[str, Any]:
    return {"id": identity, "key": identity, "type": "textfield", "label": identity, **more}


def errors_of(form: Form, answers: Any, data: dict[str, Any] | None = None) -> dict[str, list[str]]:
    with pytest.raises(InvalidAnswers) as refused:
        form.clean(answers, data)
    return refused.value.errors


REQUIRED = {"required": True}
SPOUSE = text("spouse", validate=REQUIRED, conditional={"hide": '=status != "married"'})


def test_a_hidden_field_is_dropped_and_not_asked_for() -> None:
    form = form_of(text("status"), SPOUSE)
    assert form.clean({"status": "single", "spouse": "李四"}) == {"status": "single"}
    assert errors_of(form, {"status": "married"}) == {"spouse": ["请填写“spouse”"]}


def test_a_hidden_group_hides_all_it_holds() -> None:
    group = {
        "id": "g",
        "type": "group",
        "path": "housing",
        "conditional": {"hide": '=status = "homeless"'},
        "components": [text("address", validate=REQUIRED), {"id": "in", "type": "group", "components": [text("room")]}],
    }
    form = form_of(text("status"), group)
    assert form.clean({"status": "homeless", "housing": {"address": "某路", "room": "1"}}) == {"status": "homeless"}
    assert form.clean({"status": "", "housing": {"address": "某路"}})["housing"] == {"address": "某路", "room": ""}


def test_a_forged_answer_of_a_hidden_field_hides_nothing_else() -> None:
    form = form_of(
        text("status"),
        text("waiver", conditional={"hide": '=status != "special"'}),
        text("proof", validate=REQUIRED, conditional={"hide": '=waiver = "yes"'}),
    )
    assert errors_of(form, {"status": "usual", "waiver": "yes"}) == {"proof": ["请填写“proof”"]}
    assert form.clean({"status": "special", "waiver": "yes"}) == {"status": "special", "waiver": "yes"}


def test_an_unknown_key_is_ignored_and_not_seen_by_conditions() -> None:
    form = form_of(text("proof", validate=REQUIRED, conditional={"hide": "=exempt = true"}))
    assert errors_of(form, {"exempt": True}) == {"proof": ["请填写“proof”"]}
    assert form.clean({"proof": "有", "extra": 1}, {"exempt": False}) == {"proof": "有"}


def test_conditions_that_chase_each_other_come_to_an_end() -> None:
    form = form_of(text("a", conditional={"hide": '=b = "x"'}), text("b", conditional={"hide": '=a = "x"'}))
    assert set(form.clean({"a": "x", "b": "x"})) <= {"a", "b"}


@pytest.mark.parametrize("mark", [{"disabled": True}, {"readonly": True}, {"readonly": "=locked"}])
def test_a_read_only_field_keeps_what_the_data_holds(mark: dict[str, Any]) -> None:
    form = form_of(text("name", validate=REQUIRED, **mark))
    assert form.clean({"name": "改名"}, {"name": "张三", "locked": True}) == {"name": "张三"}


def test_a_field_that_is_read_only_by_expression_can_be_answered_when_it_is_not() -> None:
    form = form_of(text("name", readonly="=locked"))
    assert form.clean({"name": "改名"}, {"name": "张三", "locked": False}) == {"name": "改名"}


def test_an_answer_cannot_unlock_its_own_field() -> None:
    form = form_of(text("grade", readonly='=grade = "A"'))
    assert form.clean({"grade": "B"}, {"grade": "A"}) == {"grade": "A"}


def test_a_read_only_field_without_data_shows_its_default_and_a_disabled_one_nothing() -> None:
    assert form_of(text("x", readonly=True, defaultValue="本市")).clean({"x": "外地"}) == {"x": "本市"}
    assert form_of(text("x", disabled=True, defaultValue="本市")).clean({"x": "外地"}) == {}


def test_an_expression_is_computed_from_the_answers_and_never_taken_from_them() -> None:
    form = form_of(
        {"id": "a", "key": "area", "type": "number"},
        {"id": "n", "key": "people", "type": "number"},
        {"id": "p", "key": "per_head", "type": "expression", "expression": "=area / people"},
        {"id": "q", "key": "small", "type": "expression", "expression": "=per_head < 15"},
    )
    assert form.clean({"area": 50, "people": 4, "per_head": 99, "small": False}) == {
        "area": 50,
        "people": 4,
        "per_head": 12.5,
        "small": True,
    }


def test_limits_may_depend_on_other_answers_and_on_the_data() -> None:
    form = form_of(
        {"id": "total", "key": "total", "type": "number"},
        {"id": "own", "key": "own", "type": "number", "validate": {"max": "=total", "min": "=least"}},
        text("note", validate={"minLength": "=if own > 50 then 5 else 0"}),
    )
    assert form.clean({"total": 60, "own": 60, "note": "超过五十米"}, {"least": 1})["own"] == 60
    assert errors_of(form, {"total": 60, "own": 61, "note": "短"}, {"least": 1}) == {
        "own": ["不得大于 60"],
        "note": ["至少 5 个字"],
    }
    assert form.clean({"own": 40}) == {"total": None, "own": 40, "note": ""}


MEMBERS = {
    "id": "members",
    "path": "members",
    "type": "dynamiclist",
    "label": "共同申请人",
    "properties": {"min": "1", "max": "3"},
    "components": [
        text("name", validate=REQUIRED),
        {"id": "income", "key": "income", "type": "aj-amount", "conditional": {"hide": "=this.minor = true"}},
        {"id": "minor", "key": "minor", "type": "checkbox"},
        {"id": "number", "key": "number", "type": "expression", "expression": "=i[1]"},
    ],
}


def test_each_row_of_a_list_is_judged_by_itself() -> None:
    rows = [{"name": " 张三 ", "income": 100, "minor": False}, {"name": "张小", "income": 5, "minor": True}]
    assert form_of(MEMBERS).clean({"members": rows}) == {
        "members": [
            {"name": "张三", "income": 100, "minor": False, "number": 1},
            {"name": "张小", "minor": True, "number": 2},
        ]
    }


def test_messages_in_a_list_carry_the_row() -> None:
    errors = errors_of(form_of(MEMBERS), {"members": [{"name": "张三"}, {"income": -1}, "不是行"]})
    assert errors == {
        "name.1": ["请填写“name”"],
        "income.1": ["金额不能为负数"],
        "name.2": ["请填写“name”"],
        "members.2": ["这一行的内容无法识别，请删去后重新填写"],
    }


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "请填写“共同申请人”"),
        ([{"name": "甲"}] * 4, "最多填写 3 行，请删去多余的"),
        ([{"name": "甲"}] * 201, "最多填写 200 行，请删去多余的"),
        ("甲", "列表的内容无法识别，请重新填写"),
    ],
)
def test_the_rows_of_a_list_are_counted(rows: Any, message: str) -> None:
    assert errors_of(form_of(MEMBERS), {"members": rows})["members"] == [message]


def test_a_list_that_may_not_grow_keeps_its_number_of_rows() -> None:
    form = form_of({**MEMBERS, "properties": {}, "allowAddRemove": False})
    data = {"members": [{"name": "甲"}, {"name": "乙"}]}
    assert len(form.clean({"members": [{"name": "丙"}, {"name": "丁"}]}, data)["members"]) == 2
    assert errors_of(form, {"members": [{"name": "丙"}]}, data)["members"][0].startswith("这里固定为 2 行")


def test_lists_inside_lists_name_both_rows() -> None:
    inner = {"id": "homes", "path": "homes", "type": "dynamiclist", "components": [text("address", validate=REQUIRED)]}
    outer = {"id": "people", "path": "people", "type": "dynamiclist", "components": [text("name"), inner]}
    answers = {"people": [{"name": "甲", "homes": [{"address": "一号"}]}, {"homes": [{"address": "二号"}, {}]}]}
    assert errors_of(form_of(outer), answers) == {"address.1.1": ["请填写“address”"]}
    del answers["people"][1]["homes"][1]
    assert form_of(outer).clean(answers)["people"][1] == {"name": "", "homes": [{"address": "二号"}]}


def test_a_read_only_list_stays_as_it_is() -> None:
    data = {"members": [{"name": "甲", "kept": 1}]}
    assert form_of({**MEMBERS, "readonly": True}).clean({"members": []}, data) == data


def test_a_masked_number_that_came_back_untouched_stands_for_the_one_before() -> None:
    form = form_of({"id": "p", "key": "phone", "type": "aj-phone", "label": "手机号码"})
    assert form.clean({"phone": "138****8000"}, {"phone": "13800138000"}) == {"phone": "13800138000"}
    assert errors_of(form, {"phone": "139****8000"}, {"phone": "13800138000"}) == {"p": ["请重新填写完整的手机号码"]}
    assert errors_of(form, {"phone": "138****8000"}) == {"p": ["请重新填写完整的手机号码"]}


def test_a_mask_in_a_list_must_fit_one_row_only() -> None:
    phone = {"id": "p", "key": "phone", "type": "aj-phone"}
    form = form_of({"id": "l", "path": "people", "type": "dynamiclist", "components": [phone]})
    data = {"people": [{"phone": "13800138000"}, {"phone": "13911118000"}]}
    assert form.clean({"people": [{"phone": "139****8000"}]}, data) == {"people": [{"phone": "13911118000"}]}
    assert errors_of(form, {"people": [{"phone": "1*********0"}]}, data) == {"p.0": ["请重新填写完整的号码"]}


def test_a_sealed_value_is_taken_only_where_it_came_from() -> None:
    form = form_of({"id": "p", "key": "phone", "type": "aj-phone"})
    assert form.clean({"phone": "enc:v1:k:AAAA"}, {"phone": "enc:v1:k:AAAA"}) == {"phone": "enc:v1:k:AAAA"}
    assert errors_of(form, {"phone": "enc:v1:k:BBBB"}, {"phone": "enc:v1:k:AAAA"})


def test_a_rule_that_cannot_be_computed_is_a_message_and_not_a_crash() -> None:
    form = form_of(text("x", conditional={"hide": "=count(for a in 1..3000, b in 1..3000 return a) > 0"}))
    assert errors_of(form, {"x": "甲"})["x"][0].startswith("此项的规则无法计算，请联系管理员")
