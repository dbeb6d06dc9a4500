"""The durable queue: one row per piece of work, claimed under a lease, kept until it is done."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Index,
    String,
    Text,
    bindparam,
    delete,
    literal,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import clock, ids, parties
from engine.core.db import Base, WithId, for_update
from engine.core.types import Json
from engine.core.writes import insert_later
from engine.jobs import wake

LEASE = timedelta(seconds=60)
# What our own workers do, in the order in which they look.
OURS = ("timer", "clock", "signal", "start", "message", "retry", "run", "recount", "bundle", "report", "call")
# Of these, what another party must answer.
CALLS = ("report", "call")
LOST = "lost"


EXTERNAL_READY = "kind = 'external' AND state = 'ready'"


def _where(condition: str) -> dict[str, Any]:
    """An index over some rows only, on both databases."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


class Job(WithId, Base):
    """One piece of work. Done ones are deleted.

    ``kind``: call (an outside operation), timer, signal (to one waiting token), start (an instance that a start event
    begins), message (a kept one that may have a taker by now), retry (one of many incidents), clock (the next warning
    of a case), recount (days of many cases after a change of the calendar), bundle (a case as zip), external (for
    workers over the API). ``state``: ready, running, failed, suspended (with its case), parked (its party does not
    answer).
    ``operation`` is the job type; of equal kinds the higher ``priority`` goes first. ``payload`` holds what the worker
    needs; personal values inside it stay sealed. ``scopes``: the variable scopes the token sees, innermost first.
    ``listener``: the event a listener's job is about (start, completing …), else empty. ``leased_until`` is the API's
    deadline.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_due", "kind", "due_at", **_where("state = 'ready'")),
        Index("ix_job_leased", "leased_until", **_where("state = 'running'")),
        Index("ix_job_case", "case_id"),
        Index("ix_job_parked", "party", "id", **_where("state = 'parked'")),
        Index("ux_job_token", "case_id", "token", "kind", unique=True, **_where("kind <> 'signal'")),
    )

    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(12), default="ready")
    case_id: Mapped[int]
    office_id: Mapped[int] = mapped_column(default=0)
    process_id: Mapped[str] = mapped_column(String(200), default="")
    token: Mapped[str] = mapped_column(String(64))
    element_id: Mapped[str] = mapped_column(String(200), default="")
    operation: Mapped[str] = mapped_column(String(200), default="")
    party: Mapped[str] = mapped_column(String(60), default="")
    listener: Mapped[str] = mapped_column(String(40), default="")
    scopes: Mapped[Any] = mapped_column(Json, default=list)
    payload: Mapped[Any] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    due_at: Mapped[datetime]
    priority: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    retries_left: Mapped[int] = mapped_column(default=3)
    worker: Mapped[str] = mapped_column(String(120), default="")
    leased_until: Mapped[datetime | None]
    error_code: Mapped[str] = mapped_column(String(120), default="")
    last_error: Mapped[str] = mapped_column(Text, default="")


Index("ix_job_urgent", Job.kind, Job.priority.desc(), Job.due_at, Job.id, **_where("state = 'ready'"))
Index("ix_job_type", Job.operation, Job.priority.desc(), Job.due_at, Job.id, **_where(EXTERNAL_READY))


def written(word: str) -> BindParameter[str]:
    """A word of ours that stands in the statement itself: a plan for any word would not know which index is meant."""
    return bindparam(None, word, String(), literal_execute=True)


READY, RUNNING = Job.state == written("ready"), Job.state == written("running")


def _of_kinds(kinds: Sequence[str]) -> ColumnElement[bool]:
    if len(kinds) == 1:
        return Job.kind == written(kinds[0])
    return Job.kind.in_(kinds)


def enqueue(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add jobs in one statement; the workers find them when they next look."""
    defaults = {
        "state": "ready",
        "element_id": "",
        "operation": "",
        "payload": {},
        "office_id": 0,
        "process_id": "",
        "party": "",
        "listener": "",
        "scopes": [],
        "created_at": clock.now(),
        "priority": 0,
        "error_code": "",
        "attempts": 0,
        "retries_left": 3,
        "worker": "",
        "leased_until": None,
        "last_error": "",
    }
    made = [{"id": ids.new(), **defaults, **row} for row in rows]
    if not made:
        return
    insert_later(session, Job, made)
    wake.promise(session, {str(row["kind"]) for row in made})


def reclaim(session: Session) -> int:
    """Free what dead workers held; gives how many. A party's answer to it may still come: the first one counts."""
    held = select(Job.id).where(RUNNING, Job.leased_until < clock.now())
    if for_update(session):
        held = held.with_for_update(skip_locked=True)
    freed = update(Job).where(Job.id.in_(held.scalar_subquery()))
    changed = session.execute(freed.values(state="ready", worker="", leased_until=None))
    return int(changed.rowcount)  # type: ignore[attr-defined]


def due_kinds(session: Session) -> list[str]:
    """The kinds of our own work that somebody could do now, with ``LOST`` where a lease ran out."""
    now = clock.now()
    waiting = [(kind, (Job.kind == written(kind)) & READY & (Job.due_at <= now)) for kind in OURS]
    waiting.append((LOST, RUNNING & (Job.leased_until < now)))
    asked = [select(literal(name).label("kind")).where(select(Job.id).where(one).exists()) for name, one in waiting]
    return list(session.scalars(union_all(*asked)))


def claim(
    session: Session, worker: str, limit: int = 1, kinds: Sequence[str] = OURS, avoid: Sequence[str] = ()
) -> list[Job]:
    """Take due jobs under a lease: the urgent before the old, those of the parties to ``avoid`` not at all."""
    now = clock.now()
    reclaim(session)
    query = select(Job).where(_of_kinds(kinds), READY, Job.due_at <= now)
    if avoid:
        query = query.where(Job.party.not_in(avoid))
    if for_update(session):
        query = query.with_for_update(skip_locked=True)
    # Timers and the like have no priority: they come by their moment, which an index knows.
    order = (Job.priority.desc(),) if "call" in kinds else ()
    return lease(session, list(session.scalars(query.order_by(*order, Job.due_at, Job.id).limit(limit))), worker, LEASE)


def lease(session: Session, jobs: list[Job], worker: str, time: timedelta) -> list[Job]:
    """Mark locked jobs as being worked on."""
    until = clock.now() + time
    for job in jobs:
        job.state, job.worker, job.leased_until = "running", worker, until
        job.attempts += 1
    session.flush()
    return jobs


def extend(session: Session, worker: str, job_ids: Iterable[int]) -> None:
    """Hold on to what one is still working on."""
    held = (Job.id.in_(list(job_ids)), Job.worker == worker, Job.state == "running")
    session.execute(update(Job).where(*held).values(leased_until=clock.now() + LEASE))


def give_back(session: Session, worker: str, job_ids: Iterable[int]) -> None:
    """Leave to others what one took and did not begin."""
    held = (Job.id.in_(list(job_ids)), Job.worker == worker, Job.state == "running")
    session.execute(
        update(Job).where(*held).values(state="ready", worker="", leased_until=None, attempts=Job.attempts - 1)
    )


def postpone(job: Job, error: str, pause: timedelta | None = None) -> bool:
    """Put a failed job back with its party's growing pauses; False when its retries are spent."""
    job.last_error, job.leased_until, job.worker = error[:2000], None, ""
    job.retries_left -= 1
    if job.retries_left <= 0:
        job.state = "failed"
        return False
    if pause is None:
        patience = parties.party(job.party).backoff
        pause = timedelta(seconds=patience.pause(job.attempts, random.random()))  # noqa: S311  no secret
    job.state, job.due_at = "ready", clock.now() + pause
    return True


def drop(session: Session, case_id: int, tokens: Iterable[str]) -> None:
    """Forget the jobs of tokens that no longer wait."""
    gone = list(tokens)
    if gone:
        session.execute(delete(Job).where(Job.case_id == case_id, Job.token.in_(gone)))
