"""Our own field types: identity number, phone, amount, region, files."""

from __future__ import annotations

from typing import Any

import pytest

from engine.catalog.forms import Form, compile_form
from engine.core import idnum
from engine.core.errors import InvalidAnswers

FIRST17 = "11010119900307123"
ID_NUMBER = FIRST17 + idnum.check_char(FIRST17)


def form_of(*components: dict[str, Any]) -> Form:
    return compile_form({"id": "f", "components": list(components)})


def outcome(kind: str, value: Any, properties: dict[str, Any] | None = None, **more: Any) -> Any:
    """The cleaned value of one own field, or its messages."""
    form = form_of({"id": "x", "key": "x", "type": kind, "label": "甲", "properties": properties or {}, **more})
    try:
        return form.clean({"x": value})["x"]
    except InvalidAnswers as error:
        return error.errors["x"]


def test_an_id_number_is_kept_in_upper_case_without_blanks() -> None:
    number = "11010119900307" + "002"
    number += idnum.check_char(number)
    typed = f"{number[:6]} {number[6:14]} {number[14:]}".lower()
    assert outcome("aj-id", typed) == number


def test_a_wrong_check_character_is_named() -> None:
    wrong = FIRST17 + ("1" if ID_NUMBER[-1] != "1" else "2")
    assert outcome("aj-id", wrong) == ["身份证号校验位不正确，请核对是否输错"]


def test_the_kind_beside_the_number_decides_what_it_must_look_like() -> None:
    form = form_of(
        {
            "id": "g",
            "type": "group",
            "path": "applicant",
            "components": [
                {"id": "k", "key": "id_kind", "type": "textfield"},
                {"id": "n", "key": "id_number", "type": "aj-id", "properties": {"kindKey": "id_kind"}},
            ],
        }
    )
    passport = {"applicant": {"id_kind": "passport", "id_number": "e1234567"}}
    assert form.clean(passport) == {"applicant": {"id_kind": "passport", "id_number": "E1234567"}}
    for kind, message in (("resident_id", "身份证号应为 18 位：17 位数字加 1 位数字或 X"), ("", "请先选择证件类型")):
        with pytest.raises(InvalidAnswers) as refused:
            form.clean({"applicant": {"id_kind": kind, "id_number": "E1234567"}})
        assert refused.value.errors == {"n": [message]}


@pytest.mark.parametrize(
    "typed", ["13800138000", "138 0013 8000", "138-0013-8000", "+8613800138000", "１３８００１３８０００"]
)
def test_a_mobile_number_is_kept_as_eleven_digits(typed: str) -> None:
    assert outcome("aj-phone", typed) == "13800138000"


@pytest.mark.parametrize("typed", ["12800138000", "1380013800", "138001380000", "010-12345678", "一三八", 13800138000])
def test_what_is_no_mobile_number_is_refused(typed: Any) -> None:
    messages = outcome("aj-phone", typed)
    assert messages[0].startswith("请填写")


@pytest.mark.parametrize(
    ("sent", "fen"),
    [(123450, 123450), (123450.0, 123450), ("1234.5", 123450), ("1,234.50 元", 123450), ("￥0.1", 10), (0, 0)],
)
def test_an_amount_becomes_whole_fen(sent: Any, fen: int) -> None:
    assert outcome("aj-amount", sent) == fen


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (0.5, "请填写金额，最多两位小数"),
        ("1.234", "请填写金额，最多两位小数"),
        ("一百", "请填写金额，最多两位小数"),
        (True, "请填写金额，最多两位小数"),
        (-1, "金额不能为负数"),
        ("-0.01", "金额不能为负数"),
        (10**15, "金额过大，请核对是否多输了数字"),
    ],
)
def test_what_is_no_amount_is_refused(sent: Any, message: str) -> None:
    assert outcome("aj-amount", sent) == [message]


def test_a_signed_amount_may_be_negative() -> None:
    assert outcome("aj-amount", "-12.30", {"signed": "true"}) == -1230


def test_limits_of_an_amount_are_fen_in_the_form_and_yuan_in_the_message() -> None:
    assert outcome("aj-amount", 99, validate={"min": 100}) == ["不得小于 1.00 元"]
    assert outcome("aj-amount", 12345678, validate={"max": 10000000}) == ["不得大于 100,000.00 元"]


@pytest.mark.parametrize("sent", ["330106", "浙江省/杭州市/西湖区", "330106001"])
def test_a_region_is_a_code_or_the_names_on_the_way(sent: str) -> None:
    assert outcome("aj-region", sent) == sent


def test_a_form_may_ask_for_codes_or_names_alone() -> None:
    assert outcome("aj-region", "浙江省/杭州市", {"valueType": "code"}) == ["请选择“甲”"]
    assert outcome("aj-region", "330106", {"valueType": "path"}) == ["请选择“甲”"]
    assert outcome("aj-region", "浙江省//西湖区") == ["请选择“甲”"]


def test_a_region_the_code_table_does_not_know_is_refused() -> None:
    form = form_of({"id": "x", "key": "x", "type": "aj-region"})
    known = {"330106"}
    assert form.clean({"x": "330106"}, codes=lambda table, value: table == "region" and value in known)
    with pytest.raises(InvalidAnswers) as refused:
        form.clean({"x": "990106"}, codes=lambda table, value: table == "region" and value in known)
    assert refused.value.errors == {"x": ["没有这个行政区划，请重新选择"]}


PROOF = {"id": "7301", "name": "收入证明.pdf", "size": 2048}


def test_files_keep_id_name_and_size_and_nothing_else() -> None:
    assert outcome("aj-file", [{**PROOF, "url": "https://example.cn"}]) == [PROOF]
    assert outcome("aj-file", [{"id": 7301}]) == [{"id": "7301", "name": "", "size": 0}]


@pytest.mark.parametrize(
    "sent", ["7301", [{"name": "a.pdf"}], [{"id": "../etc"}], [{"id": True}], [{"id": "abc"}], [7]]
)
def test_what_is_no_uploaded_file_is_refused(sent: Any) -> None:
    assert outcome("aj-file", sent)[0] in ("请重新上传文件", "有文件没有传完，请移除后重新上传")


def test_the_number_of_files_is_counted() -> None:
    other = {**PROOF, "id": "7302"}
    assert outcome("aj-file", [PROOF, other], {"max": "1"}) == ["最多上传 1 个文件，请移除多余的"]
    assert outcome("aj-file", [PROOF, other], {"single": True}) == ["最多上传 1 个文件，请移除多余的"]
    assert outcome("aj-file", [PROOF], {"min": 2}) == ["至少上传 2 个文件"]
    assert outcome("aj-file", [PROOF, PROOF]) == ["同一个文件上传了两次，请移除一个"]
    assert outcome("aj-file", [], validate={"required": True}) == ["请上传“甲”"]


def test_the_ids_of_all_files_are_at_hand_for_checking() -> None:
    form = form_of(
        {"id": "a", "key": "proof", "type": "aj-file"},
        {
            "id": "l",
            "path": "members",
            "type": "dynamiclist",
            "components": [{"id": "b", "key": "papers.id_card", "type": "aj-file"}],
        },
    )
    rows = [{"papers": {"id_card": [{"id": "2"}, {"id": "3"}]}}, {}]
    cleaned = form.clean({"proof": [{"id": "1"}], "members": rows})
    assert form.file_ids(cleaned) == ["1", "2", "3"]


@pytest.mark.parametrize("kind", ["textfield", "textarea", "aj-id", "aj-phone", "aj-region"])
def test_text_that_poses_as_a_sealed_value_is_refused(kind: str) -> None:
    messages = outcome(kind, "enc:v1:k1:AAAA")
    assert messages[0].startswith(("内容不能以 enc:", "请重新填写完整的"))
