"""String functions (DMN 1.5, 10.3.4.3) and conversion to and from text."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from engine.feel.errors import too_much
from engine.feel.functions.effort import longest_subject
from engine.feel.functions.patterns import compiled, replacement
from engine.feel.functions.registry import Null, built_in
from engine.feel.limits import MAX_SUBJECT, list_fits, string_fits
from engine.feel.text import to_text
from engine.feel.values import NUMBERS

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,5})?", re.ASCII)


@built_in("string(from: any)")
def string(value: Any) -> str | None:
    return None if value is None else to_text(value)


@built_in("number(from: string, grouping separator?: string, decimal separator?: string)")
def number(text: str, grouping: str | None, point: str | None) -> Decimal:
    if grouping not in (None, " ", ",", ".") or point not in (None, ",", ".") or (grouping and grouping == point):
        raise Null("分隔符不正确")
    text = text.replace(grouping, "") if grouping else text
    text = text.replace(point, ".") if point else text
    if len(text) > 400 or not _NUMBER.fullmatch(text):
        raise Null("文本不是数字")
    return NUMBERS.create_decimal(text)


@built_in("number(from: number)")
def number_itself(value: Decimal) -> Decimal:
    return value


@built_in("string length(string: string)")
def string_length(text: str) -> Decimal:
    return Decimal(len(text))


@built_in("substring(string: string, start position: number, length?: number)")
def substring(text: str, start: Decimal, length: Decimal | None) -> str:
    first = _position(start, len(text))
    if length is None:
        return text[first:]
    if length < 1:
        raise Null("长度必须是正数")
    return text[first : first + int(length)]


def _position(start: Decimal, length: int) -> int:
    """1-based, from the end when negative; as a 0-based index."""
    number = int(start)
    if number == 0 or abs(number) > length:
        raise Null("位置超出范围")
    return number - 1 if number > 0 else length + number


@built_in("upper case(string: string)")
def upper_case(text: str) -> str:
    return text.upper()


@built_in("lower case(string: string)")
def lower_case(text: str) -> str:
    return text.lower()


@built_in("trim(string: string)")
def trim(text: str) -> str:
    return text.strip()


@built_in("is blank(string: string)")
def is_blank(text: str) -> bool:
    return not text.strip()


@built_in("substring before(string: string, match: string)")
def substring_before(text: str, match: str) -> str:
    return text.partition(match)[0] if match and match in text else ""


@built_in("substring after(string: string, match: string)")
def substring_after(text: str, match: str) -> str:
    return text.partition(match)[2] if match else text


@built_in("contains(string: string, match: string)")
def contains(text: str, match: str) -> bool:
    return match in text


@built_in("starts with(string: string, match: string)")
def starts_with(text: str, match: str) -> bool:
    return text.startswith(match)


@built_in("ends with(string: string, match: string)")
def ends_with(text: str, match: str) -> bool:
    return text.endswith(match)


@built_in("matches(input: string, pattern: string, flags?: string)")
def matches(text: str, pattern: str, flags: str | None) -> bool:
    return _guarded(text, pattern, flags).search(text) is not None


@built_in("replace(input: string, pattern: string, replacement: string, flags?: string)")
def replace(text: str, pattern: str, new: str, flags: str | None) -> str:
    rule = _guarded(text, pattern, flags)
    if flags and "q" in flags:
        return rule.sub(lambda _match: new, text)
    fill = replacement(new, rule.groups)
    if fill is None or rule.search("") is not None:
        raise Null("替换文本不正确，或正则表达式匹配空文本")
    string_fits(len(text) + (len(text) + 1) * len(new))
    return rule.sub(fill, text)


@built_in("split(string: string, delimiter: string)")
def split(text: str, delimiter: str) -> list[str]:
    rule = _guarded(text, delimiter, None)
    if rule.search("") is not None:
        raise Null("分隔符匹配空文本")
    parts: list[str] = []
    start = 0
    for match in rule.finditer(text):
        parts.append(text[start : match.start()])
        start = match.end()
    parts.append(text[start:])
    list_fits(len(parts))
    return parts


@built_in("extract(input: string, pattern: string)")
def extract(text: str, pattern: str) -> list[str]:
    return [match.group() for match in _guarded(text, pattern, None).finditer(text)]


@lru_cache(maxsize=512)
def _rule(pattern: str, flags: str) -> tuple[re.Pattern[str] | None, int]:
    """The compiled pattern and the longest text it may be run on."""
    rule = compiled(pattern, flags)
    return rule, MAX_SUBJECT if "q" in flags else longest_subject(pattern, MAX_SUBJECT)


def _guarded(text: str, pattern: str, flags: str | None) -> re.Pattern[str]:
    rule, most = _rule(pattern, flags or "")
    if rule is None:
        raise Null("正则表达式或标志不正确")
    if not most:
        raise too_much("的正则表达式可能极慢", "请去掉重复里的重复，如 (a+)+ 或 (a|ab)*")
    if len(text) > most:
        raise too_much(f"匹配的文本过长（这个正则表达式上限 {most} 字符）", "请先截取文本，或减少 * 和 +")
    return rule


@built_in("string join(list: list, delimiter?: string)")
def string_join(items: list[Any], delimiter: str | None) -> str:
    return _join(items, delimiter or "")


@built_in("string join(list: list, delimiter?: string, prefix?: string, suffix?: string)")
def string_join_around(items: list[Any], delimiter: str | None, prefix: str | None, suffix: str | None) -> str:
    return f"{prefix or ''}{_join(items, delimiter or '')}{suffix or ''}"


def _join(items: list[Any], delimiter: str) -> str:
    texts = [item for item in items if item is not None]
    if not all(isinstance(item, str) for item in texts):
        raise Null("列表里有不是文本的项")
    string_fits(sum(len(text) for text in texts) + len(delimiter) * len(texts))
    return delimiter.join(texts)
