"""Our books against theirs: runs, and every difference until somebody has settled it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from engine.core.db import Base, WithId
from engine.core.types import Json, Sealed

MISSING_HERE, MISSING_THERE, DIFFERS = "missing_here", "missing_there", "differs"


class Reconciliation(WithId, Base):
    """One comparison of one day with one party; ``state``: done, failed."""

    __tablename__ = "reconciliation"
    __table_args__ = (UniqueConstraint("name", "day"),)

    party: Mapped[str] = mapped_column(String(60), index=True)
    name: Mapped[str] = mapped_column(String(120))
    title: Mapped[str] = mapped_column(String(120))
    day: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(12))
    compared: Mapped[int] = mapped_column(default=0)
    found: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(String(500), default="")
    ran_at: Mapped[datetime]


class Difference(WithId, Base):
    """One line that does not agree. ``ours`` and ``theirs``: the row as JSON, sealed; ``state``: open, settled."""

    __tablename__ = "difference"
    __table_args__ = (Index("ix_difference_state", "party", "state"), Index("ix_difference_run", "run_id"))

    run_id: Mapped[int]
    party: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(160))
    kind: Mapped[str] = mapped_column(String(20))
    fields: Mapped[Any] = mapped_column(Json, default=list)
    ours: Mapped[str] = mapped_column(Sealed, default="")
    theirs: Mapped[str] = mapped_column(Sealed, default="")
    state: Mapped[str] = mapped_column(String(12), default="open")
    note: Mapped[str] = mapped_column(String(200), default="")
    settled_by: Mapped[str] = mapped_column(String(60), default="")
    settled_at: Mapped[datetime | None]


def compare(
    ours: Mapping[str, Mapping[str, Any]], theirs: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, str, list[str]]]:
    """Key, kind and the fields that differ, by key; a field that only one side has is not compared."""
    found: list[tuple[str, str, list[str]]] = []
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in ours:
            found.append((key, MISSING_HERE, []))
        elif key not in theirs:
            found.append((key, MISSING_THERE, []))
        else:
            mine, other = ours[key], theirs[key]
            wrong = sorted(name for name in mine.keys() & other.keys() if mine[name] != other[name])
            if wrong:
                found.append((key, DIFFERS, wrong))
    return found
