"""JavaScript patterns of form-js read for Python: the common subset, and only where the cost has a ceiling.

form-js runs ``new RegExp(pattern).test(value)``: unanchored, no flags. A small reader takes what both languages
share, writes it with JavaScript's meaning (``\\d`` and ``\\w`` ASCII, ``\\s`` Unicode, ``$`` the very end) and counts
the ways a text could be tried, because Python cannot stop a match once it runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SPACES = "\\t\\n\\v\\f\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff"
MAX_PATTERN = 500
MAX_SUBJECT = 5_000
MIN_SUBJECT = 64  # a pattern too costly for this much text is refused
BUDGET = 20_000_000  # ways to try one text
_LONG = 32  # a wider range of repeats counts as open-ended
_PROBES = frozenset(map(chr, range(9, 127))) | frozenset("é中　")
_COUNT = re.compile(r"\{(\d{1,3})(,(\d{0,3}))?\}")
_ESCAPED_IN_CLASS = re.compile(r"[\[&|~]")


class PatternRefused(ValueError):
    """The pattern is outside the subset or too costly; the text is Chinese, for the analyst."""


@dataclass(frozen=True)
class Pattern:
    """A pattern ready to run on texts of at most ``limit`` characters."""

    expression: re.Pattern[str]
    limit: int

    def accepts(self, text: str) -> bool:
        """Whether ``text`` holds the pattern somewhere; the caller keeps to ``limit``."""
        return self.expression.search(text) is not None


def translate(pattern: str) -> Pattern:
    """Read a JavaScript pattern. Raises ``PatternRefused``."""
    if len(pattern) > MAX_PATTERN:
        raise PatternRefused(f"正则表达式过长，最多 {MAX_PATTERN} 个字符")
    reader = _Reader(pattern)
    piece = reader.alternatives()
    if reader.at < len(pattern):
        raise PatternRefused("括号不成对")
    try:
        expression = re.compile(piece.text, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternRefused("服务器无法执行这个正则表达式") from error
    return Pattern(expression, _limit(piece, anchored=pattern.startswith("^") and "|" not in pattern))


def _limit(piece: _Piece, anchored: bool) -> int:
    """The longest text that stays inside the budget."""
    power = piece.open_ended + (0 if anchored else 1)
    limit = MAX_SUBJECT
    while limit >= MIN_SUBJECT and piece.ways * limit**power > BUDGET:
        limit = limit * 9 // 10
    if limit < MIN_SUBJECT:
        raise PatternRefused("重复次数不定的部分过多，匹配可能极慢，请减少 * 和 +")
    return limit


@dataclass(frozen=True)
class _Piece:
    """Translated text, the probes it can begin with, bounded ``ways`` to try it, ``open_ended`` repeats.

    ``choices`` holds what each alternative can begin with, where the piece is nothing but alternatives.
    """

    text: str
    first: frozenset[str] = _PROBES
    ways: int = 1
    open_ended: int = 0
    choices: tuple[frozenset[str], ...] = ()

    @property
    def varies(self) -> bool:
        return self.ways > max(1, len(self.choices)) or self.open_ended > 0


def _one(text: str) -> _Piece:
    """A piece that takes exactly one character."""
    try:
        expression = re.compile(text, re.ASCII)
    except re.error as error:
        raise PatternRefused(f"字符范围「{text}」有误") from error
    return _Piece(text, frozenset(probe for probe in _PROBES if expression.fullmatch(probe)))


class _Reader:
    """Recursive descent over one pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at, self.depth = pattern, 0, 0

    def peek(self, count: int = 1) -> str:
        return self.pattern[self.at : self.at + count]

    def take(self, count: int = 1) -> str:
        text = self.peek(count)
        if len(text) < count:
            raise PatternRefused("正则表达式没有写完")
        self.at += count
        return text

    def alternatives(self) -> _Piece:
        branches = [self.sequence()]
        while self.peek() == "|":
            self.take()
            branches.append(self.sequence())
        if len(branches) == 1:
            return branches[0]
        return _Piece(
            "|".join(branch.text for branch in branches),
            frozenset().union(*(branch.first for branch in branches)),
            sum(branch.ways for branch in branches),
            max(branch.open_ended for branch in branches),
            tuple(branch.first for branch in branches),
        )

    def sequence(self) -> _Piece:
        text, first, ways, open_ended = "", _PROBES, 1, 0
        while self.peek() and self.peek() not in "|)":
            piece = self.repeated(*self.atom())
            first = first if text else piece.first
            text, ways, open_ended = text + piece.text, ways * piece.ways, open_ended + piece.open_ended
            if ways > BUDGET:
                raise PatternRefused("正则表达式过于复杂，匹配可能极慢")
        return _Piece(text, first, ways, open_ended)

    def repeated(self, piece: _Piece, repeatable: bool) -> _Piece:
        low, high, mark = self.count()
        if not mark:
            return piece
        if not repeatable:
            raise PatternRefused(f"「{mark}」前面没有可以重复的内容")
        if self.peek() in ("*", "+", "{"):
            raise PatternRefused("两个重复符号不能连写")
        if high is None or high > 1:
            _no_nesting(piece)
        spread = _LONG + 1 if high is None else high - low
        first = piece.first if low else _PROBES
        if spread > _LONG:
            return _Piece(piece.text + mark, first, piece.ways, piece.open_ended + 1)
        return _Piece(piece.text + mark, first, piece.ways * (spread + 1), piece.open_ended)

    def count(self) -> tuple[int, int | None, str]:
        """Least, most (None = open) and the mark itself; an empty mark where nothing repeats."""
        known: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        sign = self.peek()
        if sign in known:
            low, high = known[sign]
            mark = self.take()
        elif sign == "{":
            found = _COUNT.match(self.pattern, self.at)
            if found is None:
                raise PatternRefused("「{」要写成 {2}、{2,} 或 {2,4}，普通的「{」请写成 \\{")
            low = int(found[1])
            high = low if found[2] is None else (int(found[3]) if found[3] else None)
            mark = self.take(len(found[0]))
            if high is not None and high < low:
                raise PatternRefused("重复次数的上限小于下限")
        else:
            return 1, 1, ""
        return low, high, mark + (self.take() if self.peek() == "?" else "")

    def atom(self) -> tuple[_Piece, bool]:
        """The next atom and whether it may be repeated."""
        sign = self.take()
        if sign == "(":
            return self.group()
        if sign == "[":
            return _one(self.char_class()), True
        if sign == "\\":
            return self.escape()
        if sign in "^$":
            return _Piece("^" if sign == "^" else "\\Z"), False
        if sign in "*+?{}]":
            raise PatternRefused(f"「{sign}」前面没有内容，普通字符请写成 \\{sign}")
        if sign == ".":
            return _one("[^\\n\\r\\u2028\\u2029]"), True
        return _one(re.escape(sign)), True

    def group(self) -> tuple[_Piece, bool]:
        start, repeatable = "(?:", True
        if self.peek() == "?":
            mark = self.take(2)
            if mark not in ("?:", "?=", "?!"):
                raise PatternRefused("不支持命名分组和后行断言，请用普通括号")
            start, repeatable = f"({mark}", mark == "?:"
        self.depth += 1
        if self.depth > 10:
            raise PatternRefused("括号嵌套过深")
        inner = self.alternatives()
        self.depth -= 1
        if self.peek() != ")":
            raise PatternRefused("括号不成对")
        first = inner.first if repeatable else _PROBES
        text = f"{start}{inner.text}{self.take()}"
        return _Piece(text, first, inner.ways, inner.open_ended, inner.choices), repeatable

    def escape(self) -> tuple[_Piece, bool]:
        if self.peek() and self.peek() in "bB":
            return _Piece(f"\\{self.take()}"), False
        return _one(self.escaped(in_class=False)), True

    def escaped(self, in_class: bool) -> str:
        sign = self.take()
        if sign in "dDwW":
            return f"\\{sign}"
        if sign == "s":
            return SPACES if in_class else f"[{SPACES}]"
        if sign == "S" and not in_class:
            return f"[^{SPACES}]"
        if sign in "tnvfr":
            return f"\\{sign}"
        if sign in "xu":
            digits = self.take(2 if sign == "x" else 4)
            if not re.fullmatch(r"[0-9a-fA-F]+", digits):
                raise PatternRefused(f"\\{sign} 后面应为十六进制数字")
            return f"\\{sign}{digits}"
        if sign.isalnum():
            raise PatternRefused(f"不支持「\\{sign}」，请改用字符范围，如 [\\u4e00-\\u9fa5]")
        return re.escape(sign) if not in_class else f"\\{sign}"

    def char_class(self) -> str:
        text = "["
        if self.peek() == "^":
            text += self.take()
        if self.peek() == "]":
            raise PatternRefused("方括号里没有内容")
        while self.peek() != "]":
            sign = self.take()
            if sign == "\\":
                text += self.escaped(in_class=True)
            elif sign == "-" and self.peek() in ("]", "-"):
                text += "\\-"
            else:
                text += f"\\{sign}" if _ESCAPED_IN_CLASS.match(sign) else sign
        return text + self.take()


def _no_nesting(piece: _Piece) -> None:
    """Inside what repeats nothing may vary, and alternatives must begin with different characters."""
    if piece.varies:
        raise PatternRefused("重复里面又有重复（如 (a+)+），匹配可能极慢，请改写")
    seen: set[str] = set()
    for first in piece.choices:
        if seen & first:
            raise PatternRefused("重复的括号里各个选择的开头不能相同，匹配可能极慢，请改写")
        seen |= first
