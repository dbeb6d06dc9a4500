"""``profile.yaml``: how a party's file is written. Read once, checked, and compiled into closures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from marshmallow import ValidationError

from connectors._kit.files.kinds import Field, Result
from connectors._kit.files.reading import BOM, Reader
from connectors._kit.files.records import Layout, Misplaced, Record
from connectors._kit.files.schema import ProfileSchema
from engine.core.errors import Refused

ENDS = {"crlf": b"\r\n", "lf": b"\n", "any": b"\n"}
CHUNK = 65_536


class Counter:
    """Adds up what a total declares: lines, or the field ``sum`` of lines with the outcome ``of``."""

    def __init__(self, place: str, field: str, sum_of: str, of: str, result: str) -> None:
        self.place, self.field, self.value = place, field, 0
        self._sum, self._of, self._result = sum_of, of, result

    def add(self, values: Mapping[str, Any]) -> None:
        """Count one line of the body."""
        if self._of and getattr(values[self._result], "outcome", None) != self._of:
            return
        self.value += values[self._sum] or 0 if self._sum else 1


@dataclass(frozen=True)
class Profile:
    """A compiled profile. ``key`` names the fields by which a line is found again."""

    name: str
    title: str
    layout: Layout
    bom: str
    line_end: str
    last_line_end: str
    max_line_bytes: int
    max_lines: int
    body: Record
    head: Record | None
    trailer: Record | None
    totals: tuple[Mapping[str, str], ...]
    key: tuple[str, ...]
    results: Mapping[str, Result]

    @property
    def end(self) -> bytes:
        """The bytes between two lines."""
        return ENDS[self.line_end]

    def counters(self) -> list[Counter]:
        """Fresh counters of the declared totals."""
        result = next((field.name for field in self.body.fields if field.kind == "result"), "")
        return [Counter(one["in"], one["field"], one["sum"], one["of"], result) for one in self.totals]

    def read(self, content: bytes | Iterable[bytes], name: str = "") -> Reader:
        """The lines of a file given whole or in chunks; ``name`` is what a fault calls it."""
        if isinstance(content, bytes):
            whole = content
            content = (whole[at : at + CHUNK] for at in range(0, len(whole), CHUNK))
        return Reader(self, content, name or self.title)

    def build(
        self,
        lines: Iterable[Mapping[str, Any]],
        head: Mapping[str, Any] | None = None,
        trailer: Mapping[str, Any] | None = None,
    ) -> Iterator[bytes]:
        """The file in chunks of about 64 KiB. Totals that are not given are filled in.

        A head with totals is written before the lines, so these are held in memory then. Raises ``Refused``
        (``file_value``): a value does not fit its field, or a given total does not hold.
        """
        pending = bytearray(BOM if self.bom == "always" else b"")
        for line in self._framed(lines, head or {}, trailer or {}):
            pending += line
            if len(pending) >= CHUNK:
                yield bytes(pending)
                pending.clear()
        if pending:
            yield bytes(pending)

    def _framed(
        self, lines: Iterable[Mapping[str, Any]], head: Mapping[str, Any], trailer: Mapping[str, Any]
    ) -> Iterator[bytes]:
        """Every line with the line end it owes."""
        end = b"\r\n" if self.line_end == "crlf" else b"\n"
        previous: bytes | None = None
        for line in self._encoded(lines, head, trailer):
            if previous is not None:
                yield previous + end
            previous = line
        if previous is not None:
            yield previous if self.last_line_end == "never" else previous + end

    def _encoded(
        self, lines: Iterable[Mapping[str, Any]], head: Mapping[str, Any], trailer: Mapping[str, Any]
    ) -> Iterator[bytes]:
        counters, number = self.counters(), 1
        if self.head:
            if any(counter.place == "head" for counter in counters):
                lines = list(lines)
                ahead = self.counters()
                for values in lines:
                    self._count(ahead, values)
                head = self._with_totals(head, "head", ahead)
            yield self._one(self.head, head, number)
            number += 1
        for values in lines:
            self._count(counters, values)
            yield self._one(self.body, values, number)
            number += 1
        if self.trailer:
            yield self._one(self.trailer, self._with_totals(trailer, "trailer", counters), number)

    def _count(self, counters: list[Counter], values: Mapping[str, Any]) -> None:
        for counter in counters:
            try:
                counter.add(values)
            except (KeyError, TypeError):
                # The line itself is refused a moment later, with the field that is wrong.
                continue

    def _with_totals(self, given: Mapping[str, Any], place: str, counters: list[Counter]) -> dict[str, Any]:
        counted = {counter.field: counter.value for counter in counters if counter.place == place}
        for name, value in counted.items():
            if given.get(name, value) != value:
                raise Refused(f"「{self.title}」的合计 {name} 与各行不符", code="file_value")
        return {**given, **counted}

    def _one(self, record: Record, values: Mapping[str, Any], number: int) -> bytes:
        try:
            return record.encode(values)
        except Misplaced as wrong:
            title = (wrong.field.title or wrong.field.name) if wrong.field else ""
            raise Refused(f"「{self.title}」第 {number} 行的{title}：{wrong.reason}", code="file_value") from None


@lru_cache
def load(path: Path) -> Profile:
    """The profile in ``path``. Raises ``ValueError`` that names the file and the faulty keys."""
    return compile_profile(yaml.safe_load(path.read_text(encoding="utf-8")), path.name)


def compile_profile(declared: Mapping[str, Any], where: str = "profile") -> Profile:
    """A profile from what YAML holds. Raises ``ValueError``."""
    try:
        data = ProfileSchema().load(declared)
    except ValidationError as error:
        raise ValueError(f"{where}: {error.messages}") from error
    layout = Layout(data["encoding"], data["separator"], data["escape"], data["closing_separator"])
    results = {code: Result(code, one["code"], one["outcome"], one["text"]) for code, one in data["results"].items()}
    records = {place: _record(data, place, layout, results) for place in ("head", "body", "trailer")}
    body = records["body"]
    if body is None:
        raise ValueError(f"{where}: body has no fields")
    return Profile(
        name=data["name"],
        title=data["title"],
        layout=layout,
        bom=data["bom"],
        line_end=data["line_end"],
        last_line_end=data["last_line_end"],
        max_line_bytes=data["max_line_bytes"],
        max_lines=data["max_lines"],
        body=body,
        head=records["head"],
        trailer=records["trailer"],
        totals=tuple(data["totals"]),
        key=tuple(data["key"]),
        results=results,
    )


def _record(data: Mapping[str, Any], place: str, layout: Layout, results: Mapping[str, Result]) -> Record | None:
    if not data[place]:
        return None
    return Record([Field(**field) for field in data[place]], layout, results, data["marks"].get(place, ""))
