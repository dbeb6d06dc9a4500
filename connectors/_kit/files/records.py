"""One record of a file: a tuple of fields, cut by bytes or by a separator."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors._kit.files.faults import Misfit
from connectors._kit.files.kinds import Field, Result, Write, closures

Split = Callable[[bytes], Sequence[str]]
# Kinds that carry no value of ours.
SILENT = ("constant", "filler")
NUMBERS = ("integer", "money")


class Misplaced(Exception):
    """A line does not hold. ``field`` None: the line as such."""

    def __init__(self, reason: str, column: int = 0, field: Field | None = None) -> None:
        super().__init__(reason)
        self.reason, self.column, self.field = reason, column, field


@dataclass(frozen=True)
class Layout:
    """How a file writes its records. ``separator`` empty: fixed widths in bytes."""

    encoding: str
    separator: str = ""
    escape: str = "refuse"
    closing_separator: bool = False


class Record:
    """Reads and writes lines of one kind; compiled once per profile."""

    def __init__(self, fields: Sequence[Field], layout: Layout, results: Mapping[str, Result], mark: str = "") -> None:
        self.fields = tuple(fields)
        self._mark = mark.encode()  # how such a line begins, before its first field
        self.layout = layout
        self._split = _by_separator(self.fields, layout) if layout.separator else _by_bytes(self.fields, layout)
        pairs = [None if field.kind in SILENT else closures(field, results) for field in self.fields]
        both = list(enumerate(zip(self.fields, pairs, strict=True)))
        self._reads = [(field.name, at, pair[0]) for at, (field, pair) in both if pair]
        self._writes = [self._writing(field, pair[1] if pair else None) for _, (field, pair) in both]
        self._constants = [(at, field.value) for at, field in enumerate(self.fields) if field.kind == "constant"]

    def decode(self, line: bytes) -> dict[str, Any]:
        """The values of a line without its end. Raises ``Misplaced``."""
        if self._mark:
            if not line.startswith(self._mark):
                raise Misplaced("行首标记不符", 1)
            line = line[len(self._mark) :]
        try:
            parts = self._split(line)
            for at, value in self._constants:
                if parts[at] != value:
                    raise Misplaced("固定内容不符", self._column(at, parts), self.fields[at])
            return {name: read(parts[at]) for name, at, read in self._reads}
        except Misfit:
            raise self._located(parts) from None

    def encode(self, values: Mapping[str, Any]) -> bytes:
        """The line of ``values``, without its end. Raises ``Misplaced``: a value that would not come back the same."""
        parts: list[bytes] = []
        for field, write in zip(self.fields, self._writes, strict=True):
            try:
                parts.append(write(values.get(field.name)))
            except (Misfit, UnicodeEncodeError) as error:
                reason = str(error) if isinstance(error, Misfit) else "含有该编码没有的字"
                raise Misplaced(reason, 0, field) from None
        mark = self.layout.separator.encode(self.layout.encoding)
        return self._mark + mark.join(parts) + (mark if self.layout.closing_separator else b"")

    def _located(self, parts: Sequence[str]) -> Misplaced:
        """The first field that cannot be read, found again: reading itself keeps no count."""
        for _, at, read in self._reads:
            try:
                read(parts[at])
            except Misfit as error:
                return Misplaced(str(error), self._column(at, parts), self.fields[at])
        raise AssertionError("a line that failed reads well now")

    def _column(self, at: int, parts: Sequence[str]) -> int:
        if not self.layout.separator:
            return len(self._mark) + sum(field.width for field in self.fields[:at]) + 1
        return len(self._mark) + sum(len(part) + len(self.layout.separator) for part in parts[:at]) + 1

    def _writing(self, field: Field, write: Write | None) -> Callable[[Any], bytes]:
        encoding = self.layout.encoding
        if field.kind == "constant":
            constant = _filled(field, field.value.encode(encoding)) if field.width else field.value.encode(encoding)
            return lambda _: constant
        if write is None:
            return lambda _: b" " * field.width
        if not field.width:
            escaped = _escaping(self.layout)
            return lambda value: escaped(write(value)).encode(encoding)
        return lambda value: _padded(field, write(value), encoding)


# --- fixed widths: bytes, not characters --------------------------------------------------------------------------


def _padded(field: Field, text: str, encoding: str) -> bytes:
    if not text:
        return b" " * field.width
    if field.kind == "text" and text.strip(field.pad + " ") != text:
        raise Misfit("首尾是填充字符，对方读回会丢失")
    content = text.encode(encoding)
    if len(content) > field.width:
        if field.overflow != "cut":
            raise Misfit(f"超过 {field.width} 字节")
        while len(content) > field.width:
            text = text[:-1].rstrip(field.pad + " ")
            content = text.encode(encoding)
    return _filled(field, content)


def _filled(field: Field, content: bytes) -> bytes:
    if field.align == "left":
        return content.ljust(field.width, field.pad.encode())
    if field.kind in NUMBERS and field.pad == "0" and content[:1] == b"-":
        return content.zfill(field.width)
    return content.rjust(field.width, field.pad.encode())


def _by_bytes(fields: Sequence[Field], layout: Layout) -> Split:
    size = sum(field.width for field in fields)
    unpack = struct.Struct("".join(f"{field.width}s" for field in fields)).unpack
    strips = [_stripping(field) for field in fields]
    encoding = layout.encoding

    def split(line: bytes) -> list[str]:
        if len(line) != size:
            raise Misplaced(f"应有 {size} 字节，实有 {len(line)} 字节")
        try:
            return [
                strip(part.decode("ascii") if part.isascii() else part.decode(encoding))
                for strip, part in zip(strips, unpack(line), strict=True)
            ]
        except UnicodeDecodeError:
            raise _torn(fields, unpack(line), encoding) from None

    return split


def _torn(fields: Sequence[Field], parts: Sequence[bytes], encoding: str) -> Misplaced:
    column = 1
    for field, part in zip(fields, parts, strict=True):
        try:
            part.decode(encoding)
        except UnicodeDecodeError:
            return Misplaced(f"不是 {encoding.upper()} 编码的完整文字", column, field)
        column += field.width
    raise AssertionError("a line that failed decodes well now")


def _stripping(field: Field) -> Callable[[str], str]:
    """Padding goes; a field of spaces is empty whatever it is padded with; a number of zeros is zero."""
    pad = field.pad
    if field.kind == "filler":
        return lambda text: text
    if field.align == "left":
        return lambda text: text.rstrip(" ").rstrip(pad)
    if field.kind in NUMBERS and pad == "0":
        return lambda text: text.lstrip(" ")
    return lambda text: text.lstrip(" ").lstrip(pad)


# --- separated: decoded first, since the second byte of a Chinese character may look like a separator -------------


def _by_separator(fields: Sequence[Field], layout: Layout) -> Split:
    separator, encoding = layout.separator, layout.encoding
    wanted = len(fields) + layout.closing_separator
    mark = {"quote": '"', "backslash": "\\"}.get(layout.escape)
    careful = _unquoted if layout.escape == "quote" else _unescaped

    def split(line: bytes) -> Sequence[str]:
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError as error:
            raise Misplaced(f"不是 {encoding.upper()} 编码的文字", error.start + 1) from None
        parts = careful(text, separator) if mark is not None and mark in text else text.split(separator)
        if len(parts) != wanted or (layout.closing_separator and parts[-1]):
            raise Misplaced(f"应有 {len(fields)} 栏，实有 {len(parts) - layout.closing_separator} 栏")
        return parts

    return split


def _escaping(layout: Layout) -> Callable[[str], str]:
    separator = layout.separator

    def misleading(text: str) -> bool:
        """The separator is in it, or begins in it and ends in the real one."""
        return (text + separator).find(separator) != len(text)

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if misleading(text) or '"' in text else text

    def escaped(text: str) -> str:
        text = text.replace("\\", "\\\\")
        return "".join("\\" + char if char in separator else char for char in text)

    def refusing(text: str) -> str:
        if misleading(text):
            raise Misfit("含有分隔符")
        return text

    return {"quote": quoted, "backslash": escaped, "refuse": refusing}[layout.escape]


def _unquoted(text: str, separator: str) -> list[str]:
    parts: list[str] = []
    at = 0
    while True:
        if text[at : at + 1] == '"':
            part, at = _quoted_part(text, at + 1)
            parts.append(part)
            if at == len(text):
                return parts
            if not text.startswith(separator, at):
                raise Misplaced("引号后应为分隔符", at + 1)
            at += len(separator)
        else:
            end = text.find(separator, at)
            part = text[at:] if end < 0 else text[at:end]
            if '"' in part:
                raise Misplaced("引号的位置不对", at + 1)
            parts.append(part)
            if end < 0:
                return parts
            at = end + len(separator)


def _quoted_part(text: str, at: int) -> tuple[str, int]:
    """The content of the quotes that opened before ``at``, and the place behind them."""
    found: list[str] = []
    while True:
        end = text.find('"', at)
        if end < 0:
            raise Misplaced("引号没有结束", at)
        found.append(text[at:end])
        if text[end + 1 : end + 2] != '"':
            return "".join(found), end + 1
        found.append('"')
        at = end + 2


def _unescaped(text: str, separator: str) -> list[str]:
    parts, part, at = [], [], 0
    while at < len(text):
        if text[at] == "\\":
            if at + 1 == len(text):
                raise Misplaced("转义符后没有内容", at + 1)
            part.append(text[at + 1])
            at += 2
        elif text.startswith(separator, at):
            parts.append("".join(part))
            part = []
            at += len(separator)
        else:
            part.append(text[at])
            at += 1
    return [*parts, "".join(part)]
