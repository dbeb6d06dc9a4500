"""What is left at other parties, as it was when last asked: a page does not ask each time it is looked at."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from engine.core.errors import OutsideFault
from engine.core.stocks import Level, Stock, stocks

KEPT_SECONDS = 600.0
# What could not be asked is asked again sooner.
AGAIN_SECONDS = 60.0

log = logging.getLogger("anju.web")
_lock = threading.Lock()
_asked: dict[str, tuple[float, Line]] = {}


@dataclass(frozen=True)
class Line:
    """One stock for people. ``left`` None: the party did not say, ``why`` tells what came instead."""

    party: str
    title: str
    unit: str
    left: int | None
    least: int = 0
    low: bool = False
    why: str = ""


def lines() -> dict[str, Line]:
    """Every stock by party. To be called outside of any transaction: it may call the parties."""
    return {party: _line(one) for party, one in stocks().items()}


def forget() -> None:
    """Ask anew at the next look."""
    with _lock:
        _asked.clear()


def _line(one: Stock) -> Line:
    # One at a time: whoever comes meanwhile waits for the same answer.
    with _lock:
        known = _asked.get(one.party)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        try:
            made, kept = _known(one, one.ask()), KEPT_SECONDS
        except OutsideFault as error:
            log.warning("stock not known", extra={"party": one.party, "code": error.code})
            made, kept = Line(one.party, one.title, one.unit, None, why=error.message), AGAIN_SECONDS
        _asked[one.party] = (time.monotonic() + kept, made)
        return made


def _known(one: Stock, level: Level) -> Line:
    return Line(one.party, one.title, one.unit, level.left, level.least, level.low)
