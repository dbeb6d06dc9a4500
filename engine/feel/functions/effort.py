"""How long a text a regular expression may safely be run on. Python's matcher backtracks and cannot be stopped.

``loops`` counts repeats without end that follow each other, ``ways`` the other choices: matching then takes at most
about ``ways * length ** (loops + 1)`` steps. A repeat of something that itself has choices can take for ever: refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BUDGET = 4e8  # steps, a few seconds at worst
_MAX_WAYS = 1e6
_MAX_GROUPS = 30
_REPEAT = re.compile(r"([*+?]|\{(\d{1,4})(,(\d{0,4}))?\})\??")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]+", re.DOTALL)
_ESCAPE = re.compile(r"\\[pP]\{\w+\}|\\.", re.DOTALL)


class RunsAway(Exception):
    """The pattern repeats something that can itself match in several ways."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What one part of a pattern may cost; ``first`` its first literal, or None."""

    loops: int = 0
    ways: float = 1.0
    first: str | None = None
    empty: bool = False


def longest_subject(pattern: str, most: int) -> int:
    """The longest text, up to ``most``, that the pattern may be run on; 0 where it may not be run at all."""
    try:
        effort = _Reader(pattern).alternatives(0)
    except RunsAway:
        return 0
    length = (_BUDGET / effort.ways) ** (1 / (effort.loops + 1))
    return min(most, int(length))


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def alternatives(self, depth: int) -> Effort:
        if depth > _MAX_GROUPS:
            raise RunsAway
        parts = [self.sequence(depth)]
        while self.at < len(self.pattern) and self.pattern[self.at] == "|":
            self.at += 1
            parts.append(self.sequence(depth))
        if len(parts) == 1:
            return parts[0]
        firsts = [part.first for part in parts]
        apart = None not in firsts and len(set(firsts)) == len(firsts)
        ways = max(part.ways for part in parts) if apart else sum(part.ways for part in parts)
        return Effort(max(part.loops for part in parts), _bounded(ways), None, any(part.empty for part in parts))

    def sequence(self, depth: int) -> Effort:
        total = Effort(empty=True)
        start = True
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            part = self.repeated(self.atom(depth))
            first = part.first if start else total.first
            ways = _bounded(total.ways * part.ways)
            total = Effort(total.loops + part.loops, ways, first, total.empty and part.empty)
            start = False
        return total

    def atom(self, depth: int) -> Effort:
        char = self.pattern[self.at]
        if char == "(":
            self.at += 1
            if self.pattern.startswith("?:", self.at):
                self.at += 2
            inner = self.alternatives(depth + 1)
            self.at += 1
            return inner
        for rule in (_CLASS, _ESCAPE):
            match = rule.match(self.pattern, self.at)
            if match is not None:
                self.at = match.end()
                return Effort()
        self.at += 1
        return Effort(empty=True) if char in "^$" else Effort(first=None if char == "." else char)

    def repeated(self, inner: Effort) -> Effort:
        match = _REPEAT.match(self.pattern, self.at)
        if match is None:
            return inner
        self.at = match.end()
        if match[1] == "?":
            return Effort(inner.loops, _bounded(inner.ways * 2), None, True)
        least = int(match[2]) if match[2] else 0 if match[1] == "*" else 1
        if match[1] in "*+" or (match[3] and not match[4]):
            if inner.loops or inner.ways > 1 or inner.empty:
                raise RunsAway
            return Effort(1, 1.0, inner.first if least else None, not least)
        most = int(match[4]) if match[4] else least
        ways = _bounded(min(inner.ways, _MAX_WAYS) ** min(most, 50) * (most - least + 1))
        return Effort(inner.loops * max(most, 1), ways, inner.first if least else None, not least or inner.empty)


def _bounded(ways: float) -> float:
    if ways > _MAX_WAYS:
        raise RunsAway
    return ways
