"""Whatever text an analyst or an attacker writes: a value or a FeelError, soon, and nothing else."""

from __future__ import annotations

import builtins
import sys
import time
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.feel import FUNCTIONS, FeelError, compile, to_json

CONTEXT: dict[str, Any] = {
    "a": 1,
    "b": "文本",
    "c": [1, 2, None, "x"],
    "d": {"e": 5, "f g": [True]},
    "年龄": 30,
    "x y": Decimal("1.5"),
    "?": 7,
}
NAMES = frozenset(CONTEXT)
VOCABULARY = """
if then else for in return some every satisfies function and or between instance of not true false null item partial
list context number string date time external + - * / ** = != < <= > >= ( ) [ ] { } , : . .. -> ? @ ; ! & | ' " ` // /*
*/ （ ） ， 。 1 0 -1 1.5 .5 1e9 1e6000 "text" "" "\\u4e2d" @"2026-01-31" @"P1D" @"x" @"9999-12-31" @"0001-01-01"
duration("P999999999D") 99999999999999999999999999999999999999 0.0000000000000000000000000000000000000001
"""
WORDS = (*FUNCTIONS, *NAMES, "9" * 300, *VOCABULARY.split())
OPERANDS = """
1 -1 0 1.5 "a" "" true null [] [1,2] ["a","b"] {} {"k":1} [1..3] (<5) @"2026-01-31" @"09:30:00" @"P1D" @"P1Y" 1e6000
@"2026-01-31T09:30:00+08:00" @"2026-01-31T09:30:00" @"9999-12-31" @"-P999999999D" function(x)x abs c d [[1],[2]]
{"key":"a","value":1}
"""
VALUES = st.sampled_from(OPERANDS.split())
TWINS = "for i in 1..40 return [partial[-1], partial[-1]]"


def run(text: str, mode: Any) -> None:
    with suppress(FeelError):
        to_json(compile(text, NAMES, mode).evaluate(CONTEXT, warnings=[]))


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join), st.sampled_from(["expression", "unary"]))
def test_words_of_the_language_in_any_order_raise_nothing_but_feel_errors(text: str, mode: str) -> None:
    run(text, mode)


@given(st.text(max_size=60), st.sampled_from(["expression", "unary"]))
def test_any_text_raises_nothing_but_feel_errors(text: str, mode: str) -> None:
    run(text, mode)


@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(VALUES, max_size=5))
def test_every_function_takes_any_arguments(name: str, arguments: list[str]) -> None:
    run(f"{name}({', '.join(arguments)})", "expression")


@given(VALUES, st.sampled_from(["+", "-", "*", "/", "**", "=", "!=", "<", ">=", "in", "and", "or"]), VALUES)
@example('@"P1Y"', "*", "1e6000")
def test_every_operator_takes_any_operands(left: str, op: str, right: str) -> None:
    run(f"{left} {op} {right}", "expression")
    run(f"for v in [{left}, {right}] return v {op} v", "expression")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "[" * 5000,
        "1" + "+1" * 5000,
        "-" * 5000 + "1",
        "a" + ".a" * 5000,
        "c" + "[1]" * 3000,
        "not(" * 3000,
        "if true then " * 1000 + "1",
        "x in (" * 200,
        "]1.." * 200,
        "a[" * 200,
        '"' + "a" * 30_000 + '"',
        "for i in 1..1000000000 return i",
        "for i in 1..99999, j in 1..99999 return i",
        "some i in 1..99999, j in 1..99999 satisfies i < 0",
        "{f: function(n) f(n), r: f(1)}.r",
        "{f: function(n) if n < 1 then 1 else f(n - 1) + f(n - 1), r: f(40)}.r",
        "for i in 1..99999 return append(partial, partial)",
        'for i in 1..30 return if i = 1 then "xxxxxxxxxx" else partial[-1] + partial[-1]',
        "2 ** 999999999",
        "2 ** 6143 ** 2",
        "1e999999999",
        'matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "(a+)+$")',
        'matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "(a|a)*$")',
        'matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "(a|aa)+$")',
        'matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "a*a*a*a*a*a*b")',
        'replace(string join(for i in 1..9999 return "a"), "a", "' + "b" * 500 + '")',
        "decimal(1/3, 999999999)",
        TWINS,
        f"{{l: {TWINS}, s: string(l)}}",
        f"{{l: {TWINS}, m: {TWINS}, e: l = m}}.e",
        f"{{l: {TWINS}, f: flatten(l)}}.f",
        "flatten(for i in 1..40 return if i = 1 then [] else [partial[-1], partial[-1]])",
        "exp(999999)",
        "distinct values(for i in 1..99999 return i)",
        "sort(for i in 1..99999 return -i, function(x, y) sort([x, y])[1] = x)",
    ],
)
def test_an_expression_without_end_is_stopped_in_time(text: str) -> None:
    started = time.thread_time()
    run(text, "expression")
    assert time.thread_time() - started < 6


@pytest.mark.parametrize(
    "text",
    [
        "__import__(1)",
        "a.__class__",
        "b.__class__.__mro__",
        "abs.overloads",
        'get value(d, "__class__")',
        "today.__globals__",
    ],
)
def test_no_expression_reaches_python(text: str) -> None:
    assert compile(text, NAMES).evaluate(CONTEXT) is None


HOSTILE = [
    '__import__("os").system("touch {mark}")',
    'exec("open(chr(47))")',
    'eval("1+1")',
    'open("{mark}", "w")',
    "().__class__.__bases__[1].__subclasses__()",
    "a.__class__.__init__.__globals__",
    '"{{0.__class__}}".format(1)',
    'function(x) external {{java: {{class: "java.lang.Runtime", method signature: "exec(java.lang.String)"}}}}',
    'lambda: open("{mark}", "w")',
    "[x for x in ().__class__.__base__.__subclasses__()]",
    'a if open("{mark}", "w") else b',
    'import os; os.system("touch {mark}")',
    '`__import__`("os").system("touch {mark}")',
    '{{"__builtins__": 1}}.__builtins__.open("{mark}", "w")',
    '__builtins__ = 1 and unfit > 2 and otherwise("{mark}") = 1',
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("mode", ["expression", "unary"])
def test_text_of_a_model_is_never_run_as_python(
    text: str, mode: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a condition, a mapping, a cell and a form alike: all of them go through here."""
    mark = tmp_path / "mark"
    for name in ("eval", "exec", "open", "__import__"):
        monkeypatch.setattr(builtins, name, _alarm(name, getattr(builtins, name)))
    text = text.format(mark=mark)
    run(text, mode)
    run(f"{text} and a >= 1", mode)
    assert not mark.exists()


class Reached(BaseException):
    """A model's text reached a function of Python."""


def _alarm(name: str, real: Any) -> Any:
    """The function itself for Python's own use; an alarm when a generated function or a value of a model calls it."""

    def guarded(*arguments: Any, **more: Any) -> Any:
        caller = sys._getframe(1)
        if caller.f_code.co_filename == "<feel>" or name in ("eval", "exec"):
            raise Reached(name)
        return real(*arguments, **more)

    return guarded
