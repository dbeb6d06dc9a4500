"""Jobs that workers take over the API: which there are, and taking them under a lease."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from engine.core import clock
from engine.core.db import for_update
from engine.jobs import queue
from engine.jobs.queue import Job

KIND = "external"


@dataclass(frozen=True)
class Wanted:
    """Jobs of a type, of some offices; None: of all."""

    type: str
    offices: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Activated:
    """A job as its worker gets it, without its variables. ``deadline`` is when another worker may have it.

    ``task``: what a task listener is told of its user task, as the process names it.
    """

    id: int
    type: str
    case_id: int
    process_id: str
    token: str
    element_id: str
    headers: Mapping[str, Any]
    worker: str
    retries: int
    deadline: datetime
    scopes: tuple[str, ...]
    listener: str
    task: Mapping[str, Any] | None
    priority: int
    lease: str


def _due(wanted: Wanted) -> Select[Job]:
    query = select(Job).where(
        Job.kind == queue.written(KIND), Job.operation == wanted.type, queue.READY, Job.due_at <= clock.now()
    )
    return query if wanted.offices is None else query.where(Job.office_id.in_(wanted.offices))


def any_due(session: Session, wanted: Wanted) -> bool:
    """Whether there is something to take: a look that locks nothing."""
    lost = select(Job.id).where(Job.kind == KIND, Job.operation == wanted.type, queue.RUNNING)
    return bool(
        session.scalar(_due(wanted).with_only_columns(Job.id).limit(1))
        or session.scalar(lost.where(Job.leased_until < clock.now()).limit(1))
    )


def take(session: Session, wanted: Wanted, worker: str, timeout: timedelta, limit: int) -> list[Activated]:
    """Take jobs for ``timeout``, the urgent before the old; past it they are free again."""
    queue.reclaim(session)
    query = _due(wanted).order_by(Job.priority.desc(), Job.due_at, Job.id).limit(limit)
    if for_update(session):
        query = query.with_for_update(skip_locked=True)
    return [_activated(job) for job in queue.lease(session, list(session.scalars(query)), worker, timeout)]


def lease_token(job: Job) -> str:
    """Changes whenever the job is taken anew."""
    return f"{job.id}-{job.attempts}"


def _activated(job: Job) -> Activated:
    assert job.leased_until is not None
    return Activated(
        id=job.id,
        type=job.operation,
        case_id=job.case_id,
        process_id=job.process_id,
        token=job.token,
        element_id=job.element_id,
        headers=dict(job.payload.get("headers") or {}),
        worker=job.worker,
        retries=job.retries_left,
        deadline=job.leased_until,
        scopes=tuple(job.scopes),
        listener=job.listener,
        task=job.payload.get("task"),
        priority=job.priority,
        lease=lease_token(job),
    )
