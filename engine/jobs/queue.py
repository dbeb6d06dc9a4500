"""The durable queue: one row per piece of work, claimed under a lease, kept until it is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, String, Text, delete, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import clock, ids
from engine.core.db import Base, WithId, for_update
from engine.core.types import Json

LEASE = timedelta(seconds=60)
BACKOFF_SECONDS = (2, 10, 60, 300)


class Job(WithId, Base):
    """``kind``: call (outside operation), timer, signal. ``state``: ready, running, failed; done ones are deleted.

    ``payload`` holds what the worker needs; personal values inside it stay sealed.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_due", "state", "due_at", "priority"),
        Index("ux_job_token", "case_id", "token", "kind", unique=True),
    )

    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(12), default="ready")
    case_id: Mapped[int]
    token: Mapped[str] = mapped_column(String(64))
    element_id: Mapped[str] = mapped_column(String(200), default="")
    operation: Mapped[str] = mapped_column(String(120), default="")
    payload: Mapped[Any] = mapped_column(Json, default=dict)
    due_at: Mapped[datetime]
    priority: Mapped[int] = mapped_column(default=50)
    attempts: Mapped[int] = mapped_column(default=0)
    retries_left: Mapped[int] = mapped_column(default=3)
    worker: Mapped[str] = mapped_column(String(80), default="")
    leased_until: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(Text, default="")


def enqueue(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add jobs in one statement; the workers find them when they next look."""
    defaults = {
        "state": "ready",
        "element_id": "",
        "operation": "",
        "payload": {},
        "priority": 50,
        "attempts": 0,
        "retries_left": 3,
        "worker": "",
        "leased_until": None,
        "last_error": "",
    }
    made = [{"id": ids.new(), **defaults, **row} for row in rows]
    if not made:
        return
    session.execute(insert(Job), made)


def claim(session: Session, worker: str, limit: int = 1) -> list[Job]:
    """Take the most urgent due jobs under a lease; a lease that ran out is free again."""
    now = clock.now()
    query = (
        select(Job)
        .where(
            Job.due_at <= now,
            (Job.state == "ready") | ((Job.state == "running") & (Job.leased_until < now)),
        )
        .order_by(Job.priority, Job.due_at, Job.id)
        .limit(limit)
    )
    if for_update(session):
        query = query.with_for_update(skip_locked=True)
    jobs = list(session.scalars(query))
    for job in jobs:
        job.state, job.worker, job.leased_until = "running", worker, now + LEASE
        job.attempts += 1
    session.flush()
    return jobs


def postpone(job: Job, error: str) -> bool:
    """Put a failed job back with growing pauses; False when its retries are spent."""
    job.last_error, job.leased_until, job.worker = error[:2000], None, ""
    job.retries_left -= 1
    if job.retries_left <= 0:
        job.state = "failed"
        return False
    pause = BACKOFF_SECONDS[min(job.attempts, len(BACKOFF_SECONDS)) - 1]
    job.state, job.due_at = "ready", clock.now() + timedelta(seconds=pause)
    return True


def drop(session: Session, case_id: int, tokens: Iterable[str]) -> None:
    """Forget the jobs of tokens that no longer wait."""
    gone = list(tokens)
    if gone:
        session.execute(delete(Job).where(Job.case_id == case_id, Job.token.in_(gone)))
