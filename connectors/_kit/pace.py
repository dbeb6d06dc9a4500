"""Keep to the number of calls that a party allows us."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque

from connectors._kit.settings import PartySettings
from engine.core.errors import Unreachable

_lock = threading.Lock()
_taken: dict[str, deque[float]] = defaultdict(deque)


def wait_for_turn(settings: PartySettings) -> None:
    """Wait until one more call is allowed, at most the party's time-out. Raises ``Unreachable`` (``rate_limit``)."""
    give_up = time.monotonic() + settings.timeout
    while (wait := _take(settings)) > 0:
        if time.monotonic() + wait > give_up:
            raise Unreachable(f"对「{settings.title}」的调用过于频繁", code="rate_limit")
        time.sleep(wait)


def _take(settings: PartySettings) -> float:
    """Take a place and return 0, or return the seconds until one is free."""
    limit = settings.rate_limit
    with _lock:
        present, taken = time.monotonic(), _taken[settings.party]
        while taken and taken[0] <= present - limit.seconds:
            taken.popleft()
        if len(taken) < limit.calls:
            taken.append(present)
            return 0.0
        return taken[0] + limit.seconds - present
