"""Moving many cases to another release: a run, and a row for each of its cases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, String, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import clock
from engine.core.db import Base, WithId
from engine.core.types import Json, SealedJson
from engine.jobs import queue

# States of a run: checking, planned, running, paused, done, cancelled.
CHECKING, PLANNED, RUNNING, PAUSED, DONE, CANCELLED = "checking", "planned", "running", "paused", "done", "cancelled"
JOB = "run"


class MigrationRun(WithId, Base):
    """One run. ``mapping`` holds what was mapped by hand: element (or ``process:element``) → element.

    It is ``checking`` until every case has been looked at (the dry run), then ``planned`` until somebody starts it.
    """

    __tablename__ = "migration_run"
    __table_args__ = (Index("ix_migration_run_item", "item", "created_at"),)

    item: Mapped[str] = mapped_column(String(120))
    source_id: Mapped[int]
    target_id: Mapped[int]
    mapping: Mapped[Any] = mapped_column(Json, default=dict)
    processes: Mapped[Any] = mapped_column(Json, default=dict)
    state: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))
    created_by_name: Mapped[str] = mapped_column(String(60))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class MigratedCase(WithId, Base):
    """One case of a run. ``state``: waiting (to be checked), planned, refused, failed (our program
    stumbled), ok, undone, skipped.

    ``tokens`` and ``variables`` are what the case was before, kept for an undo until ``kept_until`` or until it moved
    on; ``version`` is the case's own after the migration.
    """

    __tablename__ = "migrated_case"
    __table_args__ = (
        Index("ix_migrated_case_run", "run_id", "state", "id"),
        Index("ix_migrated_case_case", "case_id"),
        Index("ix_migrated_case_kept", "kept_until"),
    )

    run_id: Mapped[int]
    case_id: Mapped[int]
    number: Mapped[str] = mapped_column(String(40))
    office_id: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    message: Mapped[str] = mapped_column(Text, default="")
    findings: Mapped[Any] = mapped_column(Json, default=list)
    version: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    variables: Mapped[Any | None] = mapped_column(SealedJson)
    kept_until: Mapped[datetime | None]
    done_at: Mapped[datetime | None]


def next_rows(session: Session, run: MigrationRun, limit: int) -> list[int]:
    """The rows a chunk takes next: to be checked, or to be migrated; none where the run stands."""
    wanted = {CHECKING: "waiting", RUNNING: "planned"}.get(run.state)
    if wanted is None:
        return []
    query = select(MigratedCase.id).where(MigratedCase.run_id == run.id, MigratedCase.state == wanted)
    return list(session.scalars(query.order_by(MigratedCase.id).limit(limit)))


def counts(session: Session, run_id: int) -> dict[str, int]:
    """How many cases of a run are in each state."""
    query = select(MigratedCase.state, func.count()).where(MigratedCase.run_id == run_id).group_by(MigratedCase.state)
    return dict(session.execute(query).all())


def call_worker(session: Session, run_id: int) -> None:
    """Queue the next chunk."""
    row = {"kind": JOB, "case_id": 0, "token": str(run_id), "due_at": clock.now(), "payload": {"run": str(run_id)}}
    queue.enqueue(session, [row])
