"""Read a file line by line, whatever its size; totals are counted on the way and compared at the end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors._kit.files.faults import FileFault
from connectors._kit.files.records import Misplaced, Record

if TYPE_CHECKING:
    from connectors._kit.files.profile import Profile

BOM = b"\xef\xbb\xbf"
CONTROL_BYTES = re.compile(rb"[\x00-\x1f\x7f]")
CONTROL_BYTES_BUT_TAB = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True)
class Total:
    """A total that the file declares at ``line`` beside what its lines add up to (分, or a number of lines)."""

    field: str
    line: int
    declared: int
    counted: int

    @property
    def differs(self) -> bool:
        return self.declared != self.counted


class Reader:
    """Iterate once for the body's lines. ``head`` is there from the start of it, ``trailer`` and ``totals`` at its end.

    Raises ``FileFault`` at the first line that does not hold.
    """

    def __init__(self, profile: Profile, chunks: Iterable[bytes], name: str) -> None:
        self.profile, self.name = profile, name
        self.head: dict[str, Any] = {}
        self.trailer: dict[str, Any] = {}
        self.totals: list[Total] = []
        self.first_line = 2 if profile.head else 1
        self.lines = 0
        self._source = self._cut(chunks)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        profile = self.profile
        number = 0
        if profile.head:
            first = next(self._source, None)
            if first is None:
                raise FileFault(self.name, 1, 0, "文件是空的，缺少首行")
            number, self.head = 1, self._decode(profile.head, first, 1)
        counters = profile.counters()
        held: bytes | None = None
        for found in self._source:
            line: bytes | None = found
            if profile.trailer:
                # The last line is the trailer; which one is the last is known one line later.
                line, held = held, found
            if line is None:
                continue
            number += 1
            values = self._decode(profile.body, line, number)
            for counter in counters:
                counter.add(values)
            self.lines += 1
            yield values
        if profile.trailer:
            if held is None:
                raise FileFault(self.name, number + 1, 0, "缺少尾行，文件可能不完整")
            self.trailer = self._decode(profile.trailer, held, number + 1)
        for counter in counters:
            declared, at = (self.head, 1) if counter.place == "head" else (self.trailer, number + 1)
            self.totals.append(Total(counter.field, at, declared[counter.field], counter.value))

    def _decode(self, record: Record, line: bytes, number: int) -> dict[str, Any]:
        if self._forbidden.search(line):
            at = self._forbidden.search(line)
            raise FileFault(self.name, number, at.start() + 1 if at else 0, "含有控制字符")
        try:
            return record.decode(line)
        except Misplaced as wrong:
            title = (wrong.field.title or wrong.field.name) if wrong.field else ""
            raise FileFault(self.name, number, wrong.column, wrong.reason, title) from None

    def _cut(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Lines without their ends. A line longer than the profile allows ends the reading, not the memory."""
        profile = self.profile
        end, limit = profile.end, profile.max_line_bytes
        loose = profile.line_end == "any"
        self._forbidden = CONTROL_BYTES_BUT_TAB if "\t" in profile.layout.separator else CONTROL_BYTES
        rest, number = b"", 0
        for chunk in self._without_bom(chunks):
            rest += chunk
            lines = rest.split(end)
            rest = lines.pop()
            for line in lines:
                number += 1
                if number > profile.max_lines:
                    raise FileFault(self.name, number, 0, f"超过 {profile.max_lines} 行")
                yield line[:-1] if loose and line[-1:] == b"\r" else line
            if len(rest) > limit:
                raise FileFault(self.name, number + 1, 0, f"一行超过 {limit} 字节")
        if rest and profile.last_line_end == "always":
            raise FileFault(self.name, number + 1, 0, "末行没有换行，文件可能不完整")
        if rest:
            yield rest
        elif number and profile.last_line_end == "never":
            raise FileFault(self.name, number, 0, "末行之后不应有换行")

    def _without_bom(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks behind the BOM, which may be spread over several of them."""
        chunks = iter(chunks)
        start = b""
        while len(start) < len(BOM) and (chunk := next(chunks, None)) is not None:
            start += chunk
        has = start.startswith(BOM)
        if has and self.profile.bom == "never":
            raise FileFault(self.name, 1, 1, "文件以 BOM 开头，与约定不符")
        if not has and self.profile.bom == "always":
            raise FileFault(self.name, 1, 1, "文件应以 BOM 开头")
        yield start[len(BOM) :] if has else start
        yield from chunks
