"""Calls into pyHanko, each in a thread of its own: it runs an event loop, and the caller may have one already."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def apart(work: Callable[[], Result]) -> Result:
    """What ``work`` gives; what it raises passes through."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(work).result()
