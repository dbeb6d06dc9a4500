"""Cuts FEEL text into tokens. Names with spaces are put together later, by the parser, which knows the names."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from engine.feel.errors import FeelError
from engine.feel.limits import MAX_TEXT

_LETTER = r"(?:[^\W\d]|[\u200c\u200d\u2070-\u218f\u2c00-\u2fef\U00010000-\U000effff])"
_PART = r"(?:\w|[\u00b7\u0300-\u036f\u200c\u200d\u203f\u2040\u2070-\u218f\u2c00-\u2fef\U00010000-\U000effff])"
_TOKEN = re.compile(
    rf"""
    (?P<space>(?:[\s\ufeff]|//[^\n]*|/\*.*?\*/)+)
  | (?P<num>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<str>"(?:[^"\\]|\\.)*")
  | (?P<at>@\s*"(?:[^"\\]|\\.)*")
  | (?P<tick>`[^`]+`)
  | (?P<name>{_LETTER}{_PART}*)
  | (?P<op>\*\*|<=|>=|!=|\.\.|->|[^\s])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(U[0-9a-fA-F]{6}|u[0-9a-fA-F]{4}|.)", re.DOTALL)
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\"}
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is num, str, at, tick, name, op or end; ``text`` the value without quotes and escapes."""

    kind: str
    text: str
    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    """The tokens of ``text``, closed by one ``end`` token. Raises FeelError."""
    if len(text) > MAX_TEXT:
        raise FeelError(f"太长（上限 {MAX_TEXT} 字符）", text=text, position=0, hint="请拆成几个表达式")
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FeelError("含有无法识别的字符", text=text, position=position)
        kind = match.lastgroup or "op"
        if kind != "space":
            tokens.append(Token(kind, _value(kind, match.group(), text, position), position, match.end()))
        position = match.end()
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def _value(kind: str, raw: str, text: str, position: int) -> str:
    if kind == "str":
        return unescape(raw[1:-1])
    if kind == "at":
        return unescape(raw[raw.index('"') + 1 : -1])
    if kind == "tick":
        return raw[1:-1].strip()
    if kind == "op" and raw in '"`':
        raise FeelError("的引号没有成对", text=text, position=position, hint="请补上右引号")
    return raw


def half_width(sign: str) -> str:
    """The ASCII sign a full-width one was meant to be; the sign itself where there is none."""
    return '"' if sign in "“”" else unicodedata.normalize("NFKC", sign)


def unescape(text: str) -> str:
    """FEEL string escapes replaced; unknown ones are kept as they stand."""
    if "\\" not in text:
        return text
    return _SURROGATES.sub(_join_surrogates, _ESCAPE.sub(_escape, text))


def _escape(match: re.Match[str]) -> str:
    code = match.group(1)
    if len(code) > 1:
        number = int(code[1:], 16)
        return chr(number) if number <= 0x10FFFF else match.group()
    return _SIMPLE.get(code, match.group())


def _join_surrogates(match: re.Match[str]) -> str:
    return match.group().encode("utf-16", "surrogatepass").decode("utf-16")


@lru_cache(maxsize=8192)
def name_parts(name: str) -> tuple[str, ...]:
    """The token texts a declared name is made of, for longest-match look-up."""
    try:
        return tuple(token.text for token in tokenize(name)[:-1])
    except FeelError:
        return (name,)
