"""Regular expressions: from the XPath dialect FEEL asks for to Python's, with a guard against runaway patterns."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.feel.errors import too_much
from engine.feel.limits import MAX_PATTERN

_FLAGS = {"s": re.DOTALL, "m": re.MULTILINE, "i": re.IGNORECASE, "x": re.VERBOSE}
_CLASSES = {
    r"\i": r"[^\W\d]",
    r"\c": r"[\w.\-:]",
    r"\I": r"[\W\d]",
    r"\C": r"[^\w.\-:]",
}
_BLOCKS = {
    "L": r"[^\W\d_]",
    "Lu": "[A-Z]",
    "Ll": "[a-z]",
    "N": r"\d",
    "Nd": r"\d",
    "P": r"[^\w\s]",
    "IsHan": "[\u3400-\u4dbf\u4e00-\u9fff]",
    "IsCJKUnifiedIdeographs": "[\u4e00-\u9fff]",
    "IsBasicLatin": "[\x00-\x7f]",
}


def compiled(pattern: str, flags: str) -> re.Pattern[str] | None:
    """Python's form of an XPath pattern, or None when it is wrong. Raises FeelError when it is too long."""
    if len(pattern) > MAX_PATTERN:
        raise too_much(f"的正则表达式过长（上限 {MAX_PATTERN} 字符）", "请拆成几次匹配")
    if set(flags) - set("smixq"):
        return None
    if "q" in flags:
        return re.compile(re.escape(pattern), re.IGNORECASE if "i" in flags else 0)
    if "x" in flags:
        pattern, flags = _without_space(pattern), flags.replace("x", "")
    if "(?" in pattern.replace("(?:", ""):
        return None
    bits = 0
    for flag in flags:
        bits |= _FLAGS[flag]
    try:
        return re.compile(_translate(pattern), bits)
    except (re.error, OverflowError, RecursionError):
        return None


def _without_space(pattern: str) -> str:
    """White space outside classes removed (flag x)."""
    result, inside = [], False
    for piece in re.findall(r"\\.|.", pattern, re.DOTALL):
        inside = piece == "[" or (inside and piece != "]")
        if inside or not piece.isspace():
            result.append(piece)
    return "".join(result)


def _translate(pattern: str) -> str:
    pattern = re.sub(r"\\p\{(\w+)\}", lambda match: _BLOCKS.get(match[1], match[0]), pattern)
    pattern = re.sub(r"\\[icIC]", lambda match: _CLASSES[match[0]], pattern)
    pattern = re.sub(r"\[([^\[\]]*)-\[([^\[\]]*)\]\]", r"(?:(?![\2])[\1])", pattern)
    return re.sub(r"(?<!\\)\$(?!\w)", r"\\Z" if "\\Z" not in pattern else "$", pattern)


def replacement(text: str) -> Callable[[re.Match[str]], str]:
    """XPath's replacement text (``$1``, ``\\$``) as a function of the match."""
    pieces = re.findall(r"\\[\\$]|\$\d|.", text, re.DOTALL)

    def fill(match: re.Match[str]) -> str:
        return "".join(_piece(piece, match) for piece in pieces)

    return fill


def _piece(piece: str, match: re.Match[str]) -> str:
    if piece in ("\\\\", "\\$"):
        return piece[1]
    if len(piece) == 2 and piece[0] == "$":
        number = int(piece[1])
        return (match.group(number) or "") if number <= (match.re.groups or 0) else ""
    return piece
