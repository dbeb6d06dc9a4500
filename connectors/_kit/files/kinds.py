"""The kinds of fields: each gives two closures, one from text to a value and one back.

Values: ``text``, ``digits`` str; ``integer`` int; ``money`` int 分; ``date`` date; ``time`` time; ``moment`` naive
datetime as the party wrote it (its local time); ``result`` a ``Result``. Nothing there is None, where it may be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, NamedTuple

from connectors._kit.files.faults import Misfit

Read = Callable[[str], Any]
Write = Callable[[Any], str]

# Control characters, what some readers take for a line end, a BOM, and marks that turn the direction of writing.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")
MOMENTS = {
    "date": {"YYYYMMDD": "%Y%m%d", "YYYY-MM-DD": "%Y-%m-%d", "YYYY/MM/DD": "%Y/%m/%d"},
    "time": {"HHMMSS": "%H%M%S", "HH:MM:SS": "%H:%M:%S"},
    "moment": {"YYYYMMDDHHMMSS": "%Y%m%d%H%M%S", "YYYY-MM-DD HH:MM:SS": "%Y-%m-%d %H:%M:%S"},
}
REMEMBERED = 4096
# More digits than any amount has; Python itself refuses to read thousands of them.
MOST_DIGITS = 30


class Result(NamedTuple):
    """A bank's result code and what it means here. ``outcome``: ok, failed, pending, reversed or unknown."""

    bank_code: str
    code: str
    outcome: str
    text: str


@dataclass(frozen=True)
class Field:
    """One field of a record. ``width`` in bytes, 0 in a separated file; ``places`` decimals that are written."""

    name: str
    title: str
    kind: str
    width: int = 0
    align: str = "left"
    pad: str = " "
    required: bool = True
    signed: bool = False
    places: int = 0
    format: str = ""
    value: str = ""
    overflow: str = "refuse"


def closures(field: Field, results: Mapping[str, Result]) -> tuple[Read, Write]:
    """How to read and write ``field``, without its padding."""
    read, write = _plain(field, results)
    if field.required:
        return _present(read), _given(write)
    return (lambda text: read(text) if text else None), (lambda value: "" if value in (None, "") else write(value))


def _present(read: Read) -> Read:
    def reading(text: str) -> Any:
        if not text:
            raise Misfit("不能为空")
        return read(text)

    return reading


def _given(write: Write) -> Write:
    def writing(value: Any) -> str:
        if value is None or value == "":
            raise Misfit("不能为空")
        return write(value)

    return writing


def _plain(field: Field, results: Mapping[str, Result]) -> tuple[Read, Write]:
    if field.kind == "text":
        return _text, _text
    if field.kind == "digits":
        return _digits, _digits
    if field.kind == "integer":
        return _reading_integer(field.signed), _writing_integer(field.signed)
    if field.kind == "money":
        return _reading_money(field.places, field.signed), _writing_money(field.places, field.signed)
    if field.kind == "result":
        return _reading_result(results), _writing_result
    return _reading_moment(field), _writing_moment(field)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Misfit("应为文字")
    if not value.isprintable() and CONTROL.search(value):
        raise Misfit("含有控制字符")
    return value


def _digits(value: Any) -> str:
    if not isinstance(value, str) or not (value.isascii() and value.isdigit()):
        raise Misfit("应为数字")
    return value


def _unsigned(text: str, signed: bool) -> str:
    """The text behind a sign that is allowed there."""
    return text[1:] if signed and text[:1] == "-" else text


def _number(digits: str) -> int:
    """Padding counts for nothing, however wide; what is behind it is bounded."""
    if len(digits) > MOST_DIGITS:
        digits = digits.lstrip("0") or "0"
        if len(digits) > MOST_DIGITS:
            raise Misfit(f"超过 {MOST_DIGITS} 位数字")
    return int(digits)


def _reading_integer(signed: bool) -> Read:
    def read(text: str) -> int:
        digits = _unsigned(text, signed)
        if not (digits.isascii() and digits.isdigit()):
            raise Misfit("应为整数")
        number = _number(digits)
        return -number if text[0] == "-" else number

    return read


def _writing_integer(signed: bool) -> Write:
    def write(value: Any) -> str:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Misfit("应为整数")
        if value < 0 and not signed:
            raise Misfit("不能为负数")
        return str(value)

    return write


def _reading_money(places: int, signed: bool) -> Read:
    """``places`` 0: the file holds 分. 2: it holds 元 with exactly two decimals."""
    if not places:
        return _reading_integer(signed)

    def read(text: str) -> int:
        digits = _unsigned(text, signed)
        yuan, point, fen = digits[:-3], digits[-3:-2], digits[-2:]
        if point != "." or not (digits.isascii() and yuan.isdigit() and fen.isdigit()):
            raise Misfit("应为两位小数的金额")
        amount = _number(yuan + fen)
        return -amount if text[0] == "-" else amount

    return read


def _writing_money(places: int, signed: bool) -> Write:
    plain = _writing_integer(signed)
    if not places:
        return plain

    def write(value: Any) -> str:
        text = plain(value)
        sign = "-" if value < 0 else ""
        digits = text.lstrip("-").zfill(3)
        return f"{sign}{digits[:-2]}.{digits[-2:]}"

    return write


def _reading_moment(field: Field) -> Read:
    """Remembers what it read: a file repeats a few dates many times."""
    pattern = MOMENTS[field.kind][field.format]
    cuts: Mapping[str, Callable[[datetime], Any]] = {
        "date": datetime.date,
        "time": datetime.time,
        "moment": lambda one: one,
    }
    cut = cuts[field.kind]
    write = _writing_moment(field)
    known: dict[str, Any] = {}

    def read(text: str) -> Any:
        found = known.get(text)
        if found is None:
            try:
                found = cut(datetime.strptime(text, pattern))  # noqa: DTZ007 - the party's local time
            except ValueError:
                raise Misfit(f"应为 {field.format}") from None
            # strptime is lenient: it takes a space for a zero, and the digits of any script.
            if write(found) != text:
                raise Misfit(f"应为 {field.format}")
            if len(known) < REMEMBERED:
                known[text] = found
        return found

    return read


def _writing_moment(field: Field) -> Write:
    kinds: Mapping[str, type[date | time]] = {"date": date, "time": time, "moment": datetime}
    kind = kinds[field.kind]
    pattern = MOMENTS[field.kind][field.format].replace("%Y", "{0.year:04d}")

    def write(value: Any) -> str:
        if not isinstance(value, kind) or (kind is date and isinstance(value, datetime)):
            raise Misfit(f"应为可写成 {field.format} 的日期或时间")
        # strftime writes the year 900 with three digits.
        return str(value.strftime(pattern if kind is time else pattern.format(value)))

    return write


def _reading_result(results: Mapping[str, Result]) -> Read:
    """A code that nobody mapped is an unknown outcome: a person looks at it, nothing is booked."""
    known = dict(results)

    def read(text: str) -> Result:
        found = known.get(text)
        return found or Result(_text(text), "unmapped_code", "unknown", "对方返回了未登记的结果码，请人工核对")

    return read


def _writing_result(value: Any) -> str:
    return _text(value.bank_code if isinstance(value, Result) else value)
