"""Compare what came back with what was sent, line by line. Nothing is paired that leaves room for doubt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from connectors._kit.files.reading import Reader

Line = Mapping[str, Any]
KINDS = {
    "missing": "发出的一行没有结果",
    "duplicate": "同一行的结果出现多次，内容相同",
    "contradiction": "同一行的结果出现多次，内容不同",
    "unknown": "结果中的一行不是我方发出的",
    "amount": "金额与发出的不同",
    "field": "内容与发出的不同",
    "total": "文件申报的合计与各行不符",
}


@dataclass(frozen=True)
class Difference:
    """One difference. ``key`` names the line, ``line`` where it stands in the file (0: nowhere).

    Numbers are 分, or lines for a total that counts; content other than numbers is not repeated.
    """

    kind: str
    key: str = ""
    line: int = 0
    field: str = ""
    expected: int | None = None
    found: int | None = None

    def __str__(self) -> str:
        place = f"第 {self.line} 行" if self.line else ""
        numbers = f"：应为 {self.expected}，实为 {self.found}" if self.expected is not None else ""
        key, name = f"「{self.key}」" if self.key else "", f"（{self.field}）" if self.field else ""
        return f"{place}{key}{KINDS[self.kind]}{name}{numbers}"


@dataclass
class Matching:
    """``pairs``: (sent, received), each sent line at most once. ``differences``: all that a person must see."""

    pairs: list[tuple[Line, Line]] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Every line sent has its result, and nothing differs."""
        return not self.differences


def match(
    sent: Iterable[Line],
    received: Iterable[Line],
    *,
    key: Sequence[str],
    amount: str = "amount",
    same: Sequence[str] = (),
) -> Matching:
    """Pair by ``key``; ``amount`` (empty: none) and the fields in ``same`` must agree.

    ``received`` may be a ``Reader``: its totals are compared too. A key received twice pairs once where both say the
    same, and never where they differ. Raises ``ValueError`` where we sent one key twice.
    """
    name = itemgetter(*key)
    expected: dict[Any, Line] = {}
    count = 0
    for line in sent:
        expected[name(line)] = line
        count += 1
    if count != len(expected):
        raise ValueError(f"{count - len(expected)} sent lines share a key with another")
    compared = tuple(each for each in (amount, *same) if each)
    found = Matching()
    seen, doubtful = _pair(expected, received, name, compared, amount, found)
    found.pairs = [(expected[one], line) for one, (_, line) in seen.items() if one not in doubtful]
    found.differences += [Difference("missing", _shown(one)) for one in expected if one not in seen]
    for total in received.totals if isinstance(received, Reader) else ():
        if total.differs:
            declared = Difference("total", "", total.line, total.field, total.counted, total.declared)
            found.differences.append(declared)
    return found


def _pair(
    expected: Mapping[Any, Line],
    received: Iterable[Line],
    name: Any,
    compared: Sequence[str],
    amount: str,
    found: Matching,
) -> tuple[dict[Any, tuple[int, Line]], set[Any]]:
    """The first line received of each key that was sent, and the keys that must not be paired."""
    seen: dict[Any, tuple[int, Line]] = {}
    doubtful: set[Any] = set()
    first = received.first_line if isinstance(received, Reader) else 1
    for at, line in enumerate(received, first):
        one = name(line)
        ours = expected.get(one)
        if ours is None:
            found.differences.append(Difference("unknown", _shown(one), at))
        elif one in seen:
            same = seen[one][1] == line
            found.differences.append(Difference("duplicate" if same else "contradiction", _shown(one), at))
            if not same:
                doubtful.add(one)
        else:
            seen[one] = at, line
            for each in compared:
                if ours[each] != line[each]:
                    doubtful.add(one)
                    found.differences.append(_differing(one, at, each, amount, ours[each], line[each]))
    return seen, doubtful


def _differing(one: Any, at: int, name: str, amount: str, expected: Any, found: Any) -> Difference:
    if name == amount:
        return Difference("amount", _shown(one), at, name, expected, found)
    return Difference("field", _shown(one), at, name)


def _shown(one: Any) -> str:
    return "/".join(map(str, one)) if isinstance(one, tuple) else str(one)
