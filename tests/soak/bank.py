"""Another party for the soak: one counter that honours idempotency keys, one that does not but can be asked."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

# Seconds between the booking and the answer: when a kill hurts most.
SLOWEST = 0.8

Start = Callable[[str, list[tuple[str, str]]], Any]


class Bank:
    """A WSGI application. ``effects``: how often something was really booked, by counter and key."""

    def __init__(self, seed: int = 1) -> None:
        self.effects: Counter[tuple[str, str]] = Counter()
        self.requests: Counter[tuple[str, str]] = Counter()
        self.lost = self.asked = 0
        self._lock = threading.Lock()
        self._chance = random.Random(seed)

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        place = environ["PATH_INFO"].strip("/")
        key = parse_qs(environ["QUERY_STRING"])["key"][0]
        if place == "asked":
            with self._lock:
                self.asked += 1
                known = self.effects[("forgets", key)] > 0
            return _say(start, "200 OK" if known else "404 Not Found")
        with self._lock:
            slow, lost = self._chance.uniform(0, SLOWEST), self._chance.random() < 0.1
            self.requests[(place, key)] += 1
            self.lost += lost
            if place == "forgets" or not self.effects[(place, key)]:
                self.effects[(place, key)] += 1
        time.sleep(slow)
        # It is booked, but whoever asked never hears of it.
        return _say(start, "503 Service Unavailable" if lost else "200 OK")


def _say(start: Start, status: str) -> Iterable[bytes]:
    start(status, [("Content-Type", "text/plain")])
    return [status.encode()]
