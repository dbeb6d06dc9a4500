"""Regular expressions: from the XPath dialect FEEL asks for (XPath functions 3.1, 5.6) to Python's.

What XPath does not know is refused, even where Python does: ``(?…)`` but ``(?:``, ``\\b``, possessive repeats,
references back inside classes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.feel.errors import too_much
from engine.feel.functions.letters import letters
from engine.feel.limits import MAX_PATTERN

_FLAGS = {"s": re.DOTALL, "m": re.MULTILINE, "i": re.IGNORECASE, "x": 0}
_SAME = frozenset("nrt\\|.?*+(){}-[]^$sSdDwW")
_NAME_CLASSES = {"i": r"^\W\d", "c": r"\w.\-:", "I": r"\W\d", "C": r"^\w.\-:"}
_CATEGORY = re.compile(r"\{([^{}]+)\}")
_POSSESSIVE = re.compile(r"(?:[*+?]|\{[\d,]+\})\+|[*+?]\?[*+?]")
_MAX_CLASSES = 8


class _Wrong(Exception):
    """Not a pattern of XPath."""


def compiled(pattern: str, flags: str) -> re.Pattern[str] | None:
    """Python's form of an XPath pattern, or None when it is wrong. Raises FeelError when it is too long."""
    if len(pattern) > MAX_PATTERN:
        raise too_much(f"的正则表达式过长（上限 {MAX_PATTERN} 字符）", "请拆成几次匹配")
    if set(flags) - set("smixq"):
        return None
    if "q" in flags:
        return re.compile(re.escape(pattern), re.IGNORECASE if "i" in flags else 0)
    if "x" in flags:
        pattern = without_space(pattern)
    bits = 0
    for flag in flags:
        bits |= _FLAGS[flag]
    try:
        return re.compile(_Translation(pattern, "m" in flags).whole(), bits)
    except (_Wrong, re.error, OverflowError, RecursionError):
        return None


def without_space(pattern: str) -> str:
    """White space outside classes removed (flag x), behind a backslash too."""
    result: list[str] = []
    inside, escaped = 0, False
    for char in pattern:
        if char.isspace() and not inside:
            continue
        if not escaped and char in "[]":
            inside += 1 if char == "[" else -1 if inside else 0
        escaped = char == "\\" and not escaped
        result.append(char)
    return "".join(result)


class _Translation:
    """One pass over a pattern."""

    def __init__(self, pattern: str, lines: bool) -> None:
        self.pattern = pattern
        self.lines = lines
        self.at = 0
        self.classes = 0

    def whole(self) -> str:
        parts: list[str] = []
        while self.at < len(self.pattern):
            parts.append(self._atom())
        text = "".join(parts)
        if _POSSESSIVE.search(re.sub(r"\\.|\[.*?\]", "x", self.pattern, flags=re.DOTALL)):
            raise _Wrong
        return text

    def _atom(self) -> str:
        char = self.pattern[self.at]
        self.at += 1
        if char == "\\":
            return self._escape()
        if char == "[":
            return self._class()
        if char == "$":
            return "$" if self.lines else r"\Z"
        if (
            char == "("
            and self.pattern[self.at : self.at + 1] == "?"
            and self.pattern[self.at + 1 : self.at + 2] != ":"
        ):
            raise _Wrong
        return char

    def _escape(self) -> str:
        char = self._next()
        if char in "123456789":
            return f"(?:\\{char})"
        if char in _NAME_CLASSES:
            return f"[{_NAME_CLASSES[char]}]"
        if char in "pP":
            return f"[{'^' if char == 'P' else ''}{self._category()}]"
        if char not in _SAME:
            raise _Wrong
        return f"\\{char}"

    def _next(self) -> str:
        if self.at >= len(self.pattern):
            raise _Wrong
        self.at += 1
        return self.pattern[self.at - 1]

    def _category(self) -> str:
        match = _CATEGORY.match(self.pattern, self.at)
        found = letters(match[1]) if match is not None else None
        self.classes += 1
        if match is None or found is None or self.classes > _MAX_CLASSES:
            raise _Wrong
        self.at = match.end()
        return found

    def _class(self) -> str:
        """``[…]``, with another one subtracted (``[a-z-[aeiou]]``) as a look ahead."""
        negated = self.pattern[self.at : self.at + 1] == "^"
        self.at += negated
        without: list[str] = []
        parts: list[str] = []
        while True:
            char = self._next()
            if char == "]":
                break
            if char == "-" and self.pattern[self.at : self.at + 1] == "[":
                self.at += 1
                without.append(f"(?!{self._class()})")
                if self._next() != "]":
                    raise _Wrong
                break
            parts.append(self._member(char, without, negated))
        if not parts and not without:
            raise _Wrong
        inner = "".join(parts)
        kept = f"[{'^' if negated else ''}{inner}]" if inner else "[^\\d\\D]" if not negated else "[\\d\\D]"
        return f"(?:{''.join(without)}{kept})" if without else kept

    def _member(self, char: str, without: list[str], negated: bool) -> str:
        if char == "[":
            raise _Wrong
        if char != "\\":
            return "\\" + char if char in "&~|^" else char
        escaped = self._next()
        if escaped in "pP":
            found = self._category()
            if escaped == "P":
                raise _Wrong
            return found
        if escaped in _NAME_CLASSES:
            if _NAME_CLASSES[escaped].startswith("^"):
                raise _Wrong
            return _NAME_CLASSES[escaped]
        if escaped not in _SAME:
            raise _Wrong
        return f"\\{escaped}"


# --- replacing --------------------------------------------------------------------------------------------------


def replacement(text: str, groups: int) -> Callable[[re.Match[str]], str] | None:
    """XPath's replacement text (``$1``, ``\\$``) as a function of the match; None where it is wrong."""
    pieces = re.findall(r"\\[\\$]|\$\d+|[^\\$]+|[\\$]", text, re.DOTALL)
    if any(piece in ("\\", "$") for piece in pieces):
        return None
    parts = [part for piece in pieces for part in _parts(piece, groups)]

    def fill(match: re.Match[str]) -> str:
        return "".join((match.group(part) or "") if isinstance(part, int) else part for part in parts)

    return fill


def _parts(piece: str, groups: int) -> list[str | int]:
    """Literal text, or a group and the digits that no longer belong to its number."""
    if piece[0] == "\\":
        return [piece[1]]
    if piece[0] != "$":
        return [piece]
    digits = len(piece) - 1
    while digits > 1 and int(piece[1 : digits + 1]) > groups:
        digits -= 1
    number = int(piece[1 : digits + 1])
    return [*([number] if number <= groups else []), piece[digits + 1 :]]
