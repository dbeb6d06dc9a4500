"""Lines a second of building, parsing and matching, in memory, with a profile such as banks use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from time import perf_counter
from typing import Any

from connectors._kit.files.matching import match
from connectors._kit.files.profile import compile_profile

LINES = 18_000
_BODY: list[dict[str, Any]] = [
    {"name": "number", "kind": "integer", "width": 8},
    {"name": "account", "kind": "digits", "width": 20},
    {"name": "name", "kind": "text", "width": 60},
    {"name": "amount", "kind": "money", "width": 15},
    {"name": "day", "kind": "date", "width": 8, "format": "YYYYMMDD"},
    {"name": "serial", "kind": "digits", "width": 16, "required": False},
    {"name": "result", "kind": "result", "width": 4, "required": False},
    {"name": "note", "kind": "text", "width": 40, "required": False, "overflow": "cut"},
]
_TRAILER: list[dict[str, Any]] = [
    {"name": "mark", "kind": "constant", "value": "END", "width": 3},
    {"name": "count", "kind": "integer", "width": 8},
    {"name": "amount", "kind": "money", "width": 18},
]


def measure(lines: int = LINES) -> dict[str, float]:
    """Lines a second by name (``fixed.build``, ``.parse``, ``.match``; ``separated.…``); match includes parsing."""
    found: dict[str, float] = {}
    for kind, separator in (("fixed", ""), ("separated", "@|$")):
        found.update({f"{kind}.{name}": speed for name, speed in _measured(separator, lines).items()})
    return found


def _measured(separator: str, lines: int) -> dict[str, float]:
    profile = compile_profile(_declared(separator))
    sent = [_line(number) for number in range(1, lines + 1)]
    content = b"".join(profile.build(sent))
    return {
        "build": _speed(lines, lambda: sum(map(len, profile.build(sent)))),
        "parse": _speed(lines, lambda: sum(1 for _ in profile.read(content))),
        "match": _speed(lines, lambda: len(match(sent, profile.read(content), key=profile.key).pairs)),
    }


def _declared(separator: str) -> dict[str, Any]:
    def fitting(record: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**field, "width": 0} for field in record] if separator else record

    return {
        "name": "bench",
        "title": "测速文件",
        "encoding": "gb18030",
        "separator": separator,
        "body": fitting(_BODY),
        "trailer": fitting(_TRAILER),
        "totals": [{"in": "trailer", "field": "count"}, {"in": "trailer", "field": "amount", "sum": "amount"}],
        "key": ["number"],
        "results": {"0000": {"code": "paid", "outcome": "ok", "text": "成功"}},
    }


def _line(number: int) -> dict[str, Any]:
    return {
        "number": number,
        "account": f"62220210{number:011d}",
        "name": ("林秋实", "欧阳海燕", "孙伯年")[number % 3],
        "amount": 45_000 + number % 1_000,
        "day": date(2026, 11, 1 + number % 20),
        "serial": f"{number:016d}",
        "result": "0000",
        "note": "十一月租金",
    }


def _speed(lines: int, work: Callable[[], int]) -> float:
    """The best of three rounds: the machine's other work only ever slows one down."""
    best = 0.0
    for _ in range(3):
        begun = perf_counter()
        work()
        best = max(best, lines / (perf_counter() - begun))
    return best
