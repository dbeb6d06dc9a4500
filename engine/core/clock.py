"""The only clock. Aware UTC inside, Asia/Shanghai for people; the demo may move it by an offset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")

_offset = timedelta()
_frozen: datetime | None = None


def now() -> datetime:
    """The present moment, aware, UTC."""
    return _frozen if _frozen is not None else datetime.now(UTC) + _offset


def today() -> date:
    """The calendar day in Asia/Shanghai."""
    return local(now()).date()


def local(moment: datetime) -> datetime:
    """The same moment on a clock in Asia/Shanghai."""
    return moment.astimezone(SHANGHAI)


def set_offset(offset: timedelta) -> None:
    """Move the clock by ``offset`` from real time (demo mode; kept in the database by ``MoveClock``)."""
    global _offset
    _offset = offset


def offset() -> timedelta:
    """How far the clock stands from real time."""
    return _offset


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    """Hold the clock still at ``moment`` (tests and scenarios)."""
    global _frozen
    before, _frozen = _frozen, moment.astimezone(UTC)
    try:
        yield
    finally:
        _frozen = before


def move_frozen(moment: datetime) -> None:
    """Move a held clock; only inside ``frozen``."""
    global _frozen
    if _frozen is None:
        raise RuntimeError("the clock is not held")
    _frozen = moment.astimezone(UTC)
