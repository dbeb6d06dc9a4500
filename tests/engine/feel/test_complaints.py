"""A wrong expression says where and what to do."""

from __future__ import annotations

import pytest

from engine.core.errors import ModelFault
from engine.feel import FeelError, compile

NAMES = ("客户年龄", "income", "risk level")


@pytest.mark.parametrize(
    ("text", "position", "says", "hint"),
    [
        ("1 +", 3, "没有写完", "补全"),
        ("a == b", 3, "多了一个 =", "只写一个 ="),
        ("a && b", 2, "没有 & 运算", "请写 and"),
        ("!a", 0, "没有 ! 运算", "not("),
        ("'x'", 0, "要用双引号", "双引号"),
        ('"abc', 0, "引号没有成对", "右引号"),
        ("客户 年龄 > 3", 3, "不认识名称“客户 年龄”", "是不是“客户年龄”"),
        ("riks level", 5, "不认识名称", "是不是“risk level”"),
        ("if a then b", 11, "缺少 else", "else"),
        ("（1）", 0, "全角符号“（”", "半角“(”"),
        ("a，b", 1, "全角符号“，”", "半角“,”"),
        ("(1 + 2", 6, "缺少“)”", ""),
        ("[1..5", 5, "区间没有写完", "[1..10]"),
        ("x instance of nmber", 14, "不认识类型", "是不是“number”"),
        ('@"2026-13-01"', 0, "不是日期", '@"2026-01-31"'),
        ("{a: 1, a: 2}", 7, "“a”重复", ""),
        ("f(a: 1, 2)", 8, "要么都写名称", ""),
        ("function(a) external {x: 1}", 12, "不支持 external", "FEEL"),
        ("", 0, "是空的", "请填写"),
        ("1 then 2", 2, "中不应出现“then”", ""),
        ("((" * 40, 60, "嵌套过深", ""),
    ],
)
def test_a_wrong_expression_says_where_and_what_to_do(text: str, position: int, says: str, hint: str) -> None:
    with pytest.raises(FeelError) as caught:
        compile(text, NAMES)
    error = caught.value
    assert error.position == position
    assert says in error.message
    assert hint in error.hint
    assert "⟦⟧" in error.excerpt


def test_a_feel_error_is_a_model_fault_with_a_stable_code() -> None:
    with pytest.raises(ModelFault) as caught:
        compile("1 +")
    assert caught.value.code == "feel_syntax"
    assert caught.value.faults[0].level == "error"


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("for i in 1..1000000 return i", "feel_limit", "范围过大"),
        ('assert(1, false, "收入缺失")', "feel_assert", "收入缺失"),
        ('matches("x", "(a+)+")', "feel_limit", "可能极慢"),
        ("{f: function(n) f(n), r: f(1)}", "feel_limit", "函数调用过深"),
    ],
)
def test_a_limit_at_run_time_says_which(text: str, code: str, says: str) -> None:
    with pytest.raises(FeelError) as caught:
        compile(text).evaluate({})
    assert caught.value.code == code
    assert says in caught.value.message
    assert text[:20] in caught.value.message


def test_values_feel_cannot_hold_are_refused() -> None:
    with pytest.raises(FeelError, match="不能使用"):
        compile("a").evaluate({"a": object()})
