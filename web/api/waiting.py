"""A call that waits for the end of an instance holds a thread: only so many may, so that the others stay served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from engine.core.errors import Refused

PLACES = 2

_places = BoundedSemaphore(PLACES)


class Exhausted(Refused):
    """Too many are waiting already."""

    code = "resource_exhausted"


@contextmanager
def place() -> Iterator[None]:
    """A place to wait. Raises ``Exhausted``."""
    if not _places.acquire(blocking=False):
        raise Exhausted("同时等待的请求过多，请稍后再试")
    try:
        yield
    finally:
        _places.release()
