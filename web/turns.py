"""How often one person may ask for what costs us something, within one process."""

from __future__ import annotations

import threading
import time
from collections import deque


class Turns:
    """At most ``calls`` within any ``seconds`` for each key."""

    def __init__(self, calls: int, seconds: float) -> None:
        self.calls, self.seconds = calls, seconds
        self._lock = threading.Lock()
        self._taken: dict[str, deque[float]] = {}

    def take(self, key: str) -> bool:
        """Take a turn; False where there is none left for now."""
        present = time.monotonic()
        with self._lock:
            self._forget(present)
            taken = self._taken.setdefault(key, deque())
            if len(taken) >= self.calls:
                return False
            taken.append(present)
            return True

    def _forget(self, present: float) -> None:
        for key in list(self._taken):
            taken = self._taken[key]
            while taken and taken[0] <= present - self.seconds:
                taken.popleft()
            if not taken:
                del self._taken[key]
