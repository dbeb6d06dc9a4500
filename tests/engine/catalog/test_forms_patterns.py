"""Patterns written for the browser mean the same here, or are refused before anybody meets them."""

from __future__ import annotations

import time

import pytest

from engine.catalog.form_pattern import PatternRefused, translate

# (pattern, text, new RegExp(pattern).test(text) in JavaScript)
SAME = [
    (r"\d{3}", "ab123", True),
    (r"^\d{3}$", "１２３", False),
    (r"^\d{3}$", "123\n", False),
    (r"^\w+$", "姓名", False),
    (r"^\S+$", "姓名", True),
    (r"^\s$", "\u3000", True),
    (r"^\s$", "\ufeff", True),
    (r"^\s$", "\x85", False),
    (r"^.$", "\u2028", False),
    (r"^.$", "\x85", True),
    (r"^[\s,]+$", " \u3000,", True),
    (r"^[\u4e00-\u9fa5]{2,20}(·[\u4e00-\u9fa5]{2,20})?$", "阿依古丽·买买提", True),
    (r"^[\u4e00-\u9fa5]{2,20}$", "Li", False),
    (r"^1[3-9]\d{9}$", "13800138000", True),
    (r"^(\d{15}|\d{17}[\dXx])$", "11010119900307123x", True),
    (r"^[A-Z]{2}-\d+$", "AB-7", True),
    (r"^[^@\s]+@[^@\s]+\.[a-z]{2,6}$", "a@b.cn", True),
    (r"^[-+]?\d+(\.\d{1,2})?$", "-3.25", True),
    (r"^[[\]&|~-]+$", "[]&|~-", True),
    (r"^\d{1,3}(,\d{3})*$", "1,234,567", True),
    (r"^(?=.*[a-z])(?=.*\d)[a-z\d]{4,8}$", "ab12", True),
    (r"^(?!000)\d{3}$", "000", False),
    (r"a|b", "xxb", True),
    (r"^(a|b)+$", "abba", True),
    (r"\bok\b", "是ok的", True),
    (r"^\x41\u0042\/\.$", "AB/.", True),
    (r"^\d+?$", "12", True),
    (r"^$", "", True),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), SAME)
def test_a_pattern_means_what_it_means_in_javascript(pattern: str, text: str, expected: bool) -> None:
    assert translate(pattern).accepts(text) is expected


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a*)*", "^(\\d{1,3})+$", "(a|a)+b", "(a|ab)*c", "((ab?)c)+", "^(.|\\s)*$", "(a?){30}", "(.*,){20}x"],
)
def test_a_pattern_that_may_run_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(PatternRefused, match="极慢"):
        translate(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(?<year>\\d{4})", "(?<=a)b", "(?i)a", "(a)\\1", "\\p{Han}", "\\u{4e00}", "[a", "(a", "a)", "*a", "a**", "a++",
     "{2}", "a{,3}", "a{3,1}", "[]", "[z-a]", "\\", "^*", "\\cA", "a" * 501, "(" * 20 + "a" + ")" * 20],
)  # fmt: skip
def test_what_the_two_languages_do_not_share_is_refused(pattern: str) -> None:
    with pytest.raises(PatternRefused):
        translate(pattern)


@pytest.mark.parametrize("pattern", [r"\d+\d+", r"^\d+\d+\d+$", r"\w+@\w+", r"a.*b", r"^[a-z]{2,30}[a-z]{2,30}[a-z]*$"])
def test_the_slowest_text_a_pattern_is_given_takes_no_time_to_speak_of(pattern: str) -> None:
    ready = translate(pattern)
    began = time.perf_counter()
    for text in ("1" * ready.limit, "a" * ready.limit, "a" * (ready.limit - 1) + "!"):
        ready.accepts(text)
    assert time.perf_counter() - began < 2
