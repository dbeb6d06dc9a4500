"""What is left of something paid for in advance at another party: messages, seals, calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """How much is left, and below which somebody has to buy more."""

    left: int
    least: int

    @property
    def low(self) -> bool:
        """Whether it is time to buy."""
        return self.left < self.least


@dataclass(frozen=True)
class Stock:
    """``ask`` calls the party: outside of any transaction. It raises ``OutsideFault``."""

    party: str
    title: str
    unit: str
    ask: Callable[[], Level]


_stocks: dict[str, Stock] = {}


def stock(party: str, *, title: str, unit: str) -> Callable[[Callable[[], Level]], Callable[[], Level]]:
    """Name the function that asks ``party`` what is left."""

    def add(ask: Callable[[], Level]) -> Callable[[], Level]:
        _stocks[party] = Stock(party, title, unit, ask)
        return ask

    return add


def stocks() -> dict[str, Stock]:
    """Every stock by party."""
    return dict(sorted(_stocks.items()))
