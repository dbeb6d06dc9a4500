"""Ids made by us: 63 bits, ordered by time, the same in tables, addresses and the REST API.

Layout: 41 bits of milliseconds since 2020-01-01, 12 bits of a counter, 10 bits drawn once per process.
"""

from __future__ import annotations

import secrets
import threading
from time import time_ns

_EPOCH_MS = 1_577_836_800_000
_lock = threading.Lock()
_process_bits = secrets.randbits(10)
_last_ms = 0
_count = 0


def new() -> int:
    """A fresh id; two processes never give the same one in practice, one process never at all."""
    global _last_ms, _count
    # Real time, not the demo's movable clock: an id must never come twice.
    with _lock:
        now_ms = max(time_ns() // 1_000_000 - _EPOCH_MS, _last_ms)
        if now_ms == _last_ms:
            _count += 1
            if _count >= 4096:
                now_ms, _count = now_ms + 1, 0
        else:
            _count = 0
        _last_ms = now_ms
        return (now_ms << 22) | (_count << 10) | _process_bits


def reseed() -> None:
    """Draw new process bits; called after a fork."""
    global _process_bits
    _process_bits = secrets.randbits(10)
