"""Counting insured months: each calendar month once, however many units paid for it."""

from __future__ import annotations

from collections.abc import Iterable


def index(month: str) -> int:
    """``yyyymm`` as a running number."""
    return int(month[:4]) * 12 + int(month[4:]) - 1


def months_of(periods: Iterable[tuple[str, str]], first: str, last: str) -> set[int]:
    """The running numbers of the months inside ``first``…``last`` that some period covers."""
    low, high = index(first), index(last)
    return {month for begin, end in periods for month in range(max(index(begin), low), min(index(end), high) + 1)}


def unbroken(months: set[int], until: str) -> int:
    """How many months in a row end with ``until`` (0 where that month itself is missing)."""
    month, count = index(until), 0
    while month - count in months:
        count += 1
    return count
