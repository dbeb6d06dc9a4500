"""What may become a variable: JSON that every store can hold."""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

from engine import feel

# Beyond this orjson writes no integers.
LARGEST, SMALLEST = 2**63 - 1, -(2**63)
# orjson writes at most 254 levels; no form has ten.
DEEPEST = 100
_TOO_DEEP = f"内容嵌套超过 {DEEPEST} 层，无法保存，请简化"


_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


class Unstorable(Exception):
    """A value that cannot be kept; ``message`` says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def plain(value: Any) -> Any:
    """The JSON form of a value, a copy. Raises ``Unstorable``."""
    try:
        found = feel.to_json(value)
    except RecursionError:
        raise Unstorable(_TOO_DEEP) from None
    _check(found)
    return found


def _check(value: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise Unstorable(_TOO_DEEP)
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float):
        if not isfinite(value):
            raise Unstorable("数字超出可保存的范围，请检查填写或计算")
    elif isinstance(value, int):
        if not SMALLEST <= value <= LARGEST:
            raise Unstorable("数字超出可保存的范围，请检查填写或计算")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def _check_text(text: str) -> None:
    # Half a surrogate pair is no UTF-8; the null character is none of PostgreSQL's text.
    if "\0" in text or (not text.isascii() and _HALF_A_PAIR.search(text)):
        raise Unstorable("文字中有不能保存的字符，请删除后重试")
