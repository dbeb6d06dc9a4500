"""The demo's movable clock: an offset in the database that every process follows."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import clock
from engine.core.db import Base

_ROW = 1


class DemoClock(Base):
    """One row: how many seconds the demo's clock stands from real time."""

    __tablename__ = "demo_clock"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offset_seconds: Mapped[int] = mapped_column(default=0)


def follow(session: Session) -> None:
    """Set this process's clock as the database says."""
    row = session.get(DemoClock, _ROW)
    clock.set_offset(timedelta(seconds=row.offset_seconds if row else 0))


def move(session: Session, by: timedelta) -> None:
    """Move the clock forward; going back would break the order of what already happened."""
    row = session.get(DemoClock, _ROW) or DemoClock(id=_ROW, offset_seconds=0)
    row.offset_seconds += int(by.total_seconds())
    session.add(row)
    session.flush()
    clock.set_offset(timedelta(seconds=row.offset_seconds))
