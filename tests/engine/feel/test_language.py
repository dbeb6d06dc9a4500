"""What analysts write every day, and what it means."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.feel import compile, evaluate, is_expression, strip, to_json

CASE: dict[str, Any] = {
    "age": 20,
    "income": 4999,
    "rate": 0.1,
    "申请人": {"姓名": "王芳", "年龄": 35, "住 址": "西湖区"},
    "家庭成员": [{"姓名": "王芳", "年龄": 35}, {"姓名": "王小宝", "年龄": 6}, {"姓名": "李强", "年龄": 37}],
    "保障 方式": "public_rental",
    "Pre-bureau risk": "LOW",
    "count": 5,
    "nothing": None,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("age >= 18 and income < 5000", True),
        ("1 + 2 * 3 - 4", 3),
        ("-5 ** 2", 25),
        ("2 ** 3 ** 2", 64),
        ("10 - 4 - 3", 3),
        ("0.1 + 0.2 = 0.3", True),
        ("rate * 3 = 0.3", True),
        ("1 / 3 * 3", 1.0),
        ("7 / 0", None),
        ('"安" + "居"', "安居"),
        ("(1 + 2) * 3", 9),
        ("-age", -20),
        ("age > 3 = true", True),
        ("true or nothing", True),
        ("false and nothing", False),
        ("true and nothing", None),
        ('age and "x"', None),
        ("nothing = null", True),
        ("nothing < 5", None),
        ('age = "20"', None),
        ('age < "20"', None),
        ('age + "20"', None),
        ('if income < 5000 then "低" else "高"', "低"),
        ('if nothing then "a" else "b"', "b"),
        ("age between 18 and 60 and true", True),
        ("age in [18..60)", True),
        ("age in (20..60]", False),
        ("age in ]20..60[", False),
        ("age in (18, 20, 22)", True),
        ("age in (<18, >=20)", True),
        ("age in > 19", True),
        ('"b" in ("a", ["b", "c"])', True),
        ("age in null", False),
        ("申请人.年龄 * 2", 70),
        ("申请人.`住 址`", "西湖区"),
        ("申请人.电话", None),
        ("家庭成员.年龄", [35, 6, 37]),
        ("家庭成员[年龄 < 18].姓名", ["王小宝"]),
        ("家庭成员[item.年龄 < 18][1].姓名", "王小宝"),
        ("家庭成员[-1].姓名", "李强"),
        ("家庭成员[9]", None),
        ("count(家庭成员[年龄 >= 18])", 2),
        ("[1, 2, 3][item > 1]", [2, 3]),
        ("[1, 2, 3][2]", 2),
        ("[][1]", None),
        ("5[1]", 5),
        ("保障 方式", "public_rental"),
        ('`保障 方式` = "public_rental"', True),
        ('Pre-bureau risk = "LOW"', True),
        ("count + 1", 6),
        ("count([1, 2])", 2),
        ("for m in 家庭成员 return m.年龄 + 1", [36, 7, 38]),
        ("for i in 3..1 return i", [3, 2, 1]),
        ("for i in [1..3), j in [10, 20] return i + j", [11, 21, 12, 22]),
        ("for i in 1..5 return if i < 3 then 1 else partial[-1] + partial[-2]", [1, 1, 2, 3, 5]),
        ('for d in @"2026-01-30"..@"2026-02-01" return day of week(d)', ["Friday", "Saturday", "Sunday"]),
        ("some m in 家庭成员 satisfies m.年龄 < 18", True),
        ("every m in 家庭成员 satisfies m.年龄 < 18", False),
        ("every m in [] satisfies false", True),
        ("some x in [1], y in [x + 1] satisfies y = 2", True),
        ("{人均: income / 2, 低保: 人均 < 3000}.低保", True),
        ('{"a b": 1, c: a b + 1}', {"a b": 1, "c": 2}),
        ("{f: function(n) if n <= 1 then 1 else n * f(n - 1), r: f(20)}.r", 2432902008176640000),
        ("(function(a: number, b: number) a - b)(b: 1, a: 5)", 4),
        ('(function(a: number) a)("x")', None),
        ("sort([3, 1, 2], function(a, b) a > b)", [3, 2, 1]),
        ("5 instance of number", True),
        ("[1, 2] instance of list<number>", True),
        ("{a: 1} instance of context<a: string>", False),
        ("function(a) a instance of number", None),
        ("null instance of number", False),
        ('@"2026-01-31" instance of date', True),
        ('date and time("2026-01-31T00:00:00") instance of date and time', True),
        ("get or else(nothing, 3)", 3),
        ("is defined(nothing)", True),
        ("is defined(unknown)", False),
        ("is defined(申请人.电话)", False),
        ("assert(age, age > 3)", 20),
        ("// a remark\n1 /* one */ + 1", 2),
        ('"\\u4e2d\\n\\""', '中\n"'),
        ("age = 20 and not(income = 1)", True),
    ],
)
def test_an_expression_means(text: str, value: Any) -> None:
    found = to_json(evaluate(text, CASE))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("cell", "given", "passes"),
    [
        ("-", 3, True),
        ("", None, True),
        ("< 5", 3, True),
        ("< 5", None, None),
        ("3", 3, True),
        ("3, 5", 5, True),
        ('"a", "b"', "b", True),
        ('not("a", "b")', "c", True),
        ("not(1, 2)", 2, False),
        ("[1..5)", 5, False),
        ("[1..3], > 10", 11, True),
        ("not([1..3])", 2, False),
        ("? > 2 and ? < 4", 3, True),
        ('contains(?, "x")', "axb", True),
        ("null", None, True),
        ("not(null)", 1, True),
        ("true", True, True),
        ("false", False, True),
        ("true", False, False),
        ("true", None, False),
        ("limit", 100, True),
        ("< limit", 99, True),
        ("limit > 50", 1, True),
        ("limit > 500", 1, False),
        ("list", 2, True),
        ('@"2026-01-01"', "2026-01-01", None),
        ('< date("2026-01-01")', None, None),
        ("every x in ? satisfies x > 0", [1, 2], True),
        ("= 3", 3, True),
        ("!= 3", 3, False),
    ],
)
def test_a_cell_tests_its_input(cell: str, given: Any, passes: bool | None) -> None:
    assert compile(cell, ("limit", "list"), "unary").evaluate({"?": given, "limit": 100, "list": [1, 2]}) is passes


def test_an_expression_names_the_variables_it_reads() -> None:
    text = "for m in 家庭成员[年龄 > 线] return m.x + 基数 + count([1]) + {a: 1, b: a}.b"
    expression = compile(text, ("家庭成员", "年龄", "线", "基数"))
    assert expression.names == {"家庭成员", "基数"}
    assert {"年龄", "线"} <= expression.item_names


def test_the_same_text_is_compiled_once() -> None:
    names = frozenset({"a"})
    assert compile("a + 1", names) is compile("a + 1", names)


def test_names_decide_where_one_ends() -> None:
    assert compile("a - b", ("a", "b")).evaluate({"a": 5, "b": 2}) == 3
    assert compile("a - b", ("a - b",)).evaluate({"a - b": 7}) == 7
    assert compile("申请人.住 址", ("申请人", "住 址")).evaluate(CASE) == "西湖区"
    assert compile("month of stay + 1", ("month of stay",)).evaluate({"month of stay": 2}) == 3


def test_python_numbers_become_exact_decimals() -> None:
    value = compile("a + b").evaluate({"a": 0.1, "b": 10**30})
    assert value == Decimal("1000000000000000000000000000000.1")


def test_every_null_that_was_not_meant_leaves_a_warning() -> None:
    warnings: list[str] = []
    assert compile('missing + a + substring("x", 5)').evaluate({"a": "b"}, warnings=warnings) is None
    assert any("没有变量“missing”" in line for line in warnings)
    assert any("substring" in line for line in warnings)
    assert any("无法计算" in line for line in warnings)


def test_a_model_marks_expressions_with_an_equals_sign() -> None:
    assert is_expression("= a + 1")
    assert not is_expression("a + 1")
    assert strip(" = a + 1 ") == "a + 1"
    assert evaluate("= a + 1", {"a": 1}) == 2
