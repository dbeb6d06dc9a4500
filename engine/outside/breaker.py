"""The circuit breaker of each party, kept in the database: all workers see the same.

Closed: calls go out. So many Unreachable in a row open it: the party's waiting jobs are *parked*, none of their retries
is spent. After the cool-down it is half open: a few jobs probe. When they all got an answer it closes and lets the
parked jobs go at a measured rate; when one did not, it is open again.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, Text, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import clock, parties
from engine.core.db import Base, for_update, insert_with_conflict
from engine.core.types import Json
from engine.jobs import wake
from engine.jobs.queue import Job

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"
# A probe whose worker died is given up after this long.
PROBE_SECONDS = 60.0
RELEASE_SECONDS = 1.0


class Breaker(Base):
    """One party. ``failures``: Unreachable in a row; ``probes``: let through while half open, ``answered``: of these.

    ``releasing``: parked jobs are being let go, last at ``released_at``. ``calls``: recent calls for the rate limit.
    """

    __tablename__ = "breaker"

    party: Mapped[str] = mapped_column(String(60), primary_key=True)
    state: Mapped[str] = mapped_column(String(12), default=CLOSED)
    failures: Mapped[int] = mapped_column(default=0)
    probes: Mapped[int] = mapped_column(default=0)
    answered: Mapped[int] = mapped_column(default=0)
    trips: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime | None]
    probe_at: Mapped[datetime | None]
    releasing: Mapped[bool] = mapped_column(default=False)
    released_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(Text, default="")
    calls: Mapped[Any] = mapped_column(Json, default=list)


def locked(session: Session, party: str) -> Breaker:
    """The party's row under a lock, made at first use."""
    query = select(Breaker).where(Breaker.party == party).execution_options(populate_existing=True)
    if for_update(session):
        query = query.with_for_update()
    found = session.scalar(query)
    if found is None:
        row = {"party": party, "state": CLOSED, "failures": 0, "probes": 0, "answered": 0, "trips": 0}
        row |= {"releasing": False, "last_error": "", "calls": []}
        session.execute(insert_with_conflict(session, Breaker).values(row).on_conflict_do_nothing())
        found = session.scalars(query).one()
    return found


def failed(session: Session, job: Job, error: str) -> bool:
    """A call got no answer. True where the job is parked now: its retry is not spent."""
    row, rules, now = locked(session, job.party), parties.party(job.party).breaker, clock.now()
    row.failures += 1
    row.last_error = error[:500]
    if row.state == HALF_OPEN or (row.state == CLOSED and row.failures >= rules.failures):
        _trip(session, row, now)
    if row.state != OPEN:
        session.flush()
        return False
    # It did ask, so the next attempt is a repeat; but probes for an hour must not count as so many deaths of workers.
    park(job, max(job.attempts - 1, 1))
    session.flush()
    return True


def answered(session: Session, party: str) -> None:
    """The party gave an answer, of whatever kind: it is there."""
    row = locked(session, party)
    if row.state == CLOSED:
        row.failures = 0
    elif row.state == HALF_OPEN:
        row.answered += 1
        if row.answered >= parties.party(party).breaker.probes:
            close(session, row)
    session.flush()


def close(session: Session, row: Breaker) -> None:
    """Call again, and let the parked jobs go, the first second's worth at once."""
    row.state, row.failures, row.probes, row.answered = CLOSED, 0, 0, 0
    row.opened_at, row.probe_at, row.last_error = None, None, ""
    row.releasing = True
    _release(session, row, clock.now())


def park(job: Job, attempts: int) -> None:
    """Put a job aside until its party is back."""
    job.state, job.worker, job.leased_until, job.attempts = "parked", "", None, attempts


def due(session: Session) -> bool:
    """Whether ``tend`` has something to do."""
    return session.scalar(select(Breaker.party).where(_due(clock.now())).limit(1)) is not None


def tend(session: Session) -> int:
    """Let probes try after the cool-down, and parked jobs go after recovery; gives how many jobs were woken."""
    now, woken = clock.now(), 0
    query = select(Breaker).where(_due(now)).order_by(Breaker.party)
    if for_update(session):
        query = query.with_for_update(skip_locked=True)
    for row in session.scalars(query):
        if row.releasing:
            woken += _release(session, row, now)
        else:
            row.state, row.probes, row.answered = HALF_OPEN, 0, 0
            row.probe_at = now + timedelta(seconds=PROBE_SECONDS)
            woken += _wake(session, row.party, parties.party(row.party).breaker.probes)
    session.flush()
    return woken


def _due(now: datetime) -> Any:
    return or_(
        Breaker.state.in_((OPEN, HALF_OPEN)) & (Breaker.probe_at <= now),
        Breaker.releasing & (Breaker.released_at <= now - timedelta(seconds=RELEASE_SECONDS)),
    )


def _trip(session: Session, row: Breaker, now: datetime) -> None:
    row.state, row.probes, row.answered, row.releasing = OPEN, 0, 0, False
    row.opened_at, row.trips = now, row.trips + 1
    row.probe_at = now + timedelta(seconds=parties.party(row.party).breaker.cool_down_seconds)
    session.flush()
    # Those that wait for a later moment (a promised answer) are parked when it comes.
    waiting = (Job.party == row.party, Job.state == "ready", Job.due_at <= now)
    # A report on its way into the outbox calls nobody.
    ordered = [name for name, rules in parties.party(row.party).operations.items() if rules.ordered]
    calling = (Job.kind == "report") | ((Job.kind == "call") & Job.operation.not_in(ordered))
    session.execute(update(Job).where(*waiting, calling).values(state="parked"))


def _release(session: Session, row: Breaker, now: datetime) -> int:
    rate = max(int(parties.party(row.party).breaker.release_per_second * RELEASE_SECONDS), 1)
    woken = _wake(session, row.party, rate)
    row.releasing, row.released_at = woken == rate, now
    return woken


def _wake(session: Session, party: str, count: int) -> int:
    """Make the ``count`` jobs that have waited longest ready."""
    oldest = select(Job.id).where(Job.party == party, Job.state == "parked").order_by(Job.id).limit(count)
    chosen: Iterable[int] = list(session.scalars(oldest))
    if chosen:
        woken = update(Job).where(Job.id.in_(chosen), Job.state == "parked")
        session.execute(woken.values(state="ready", due_at=clock.now()))
        wake.promise(session, {"call", "report"})
    return len(list(chosen))


def pause(job: Job) -> timedelta:
    """How long a job waits after a failed attempt, as its party's manifest says."""
    # Not for secrets: what failed together must not come back together.
    chance = random.random()  # noqa: S311
    return timedelta(seconds=parties.party(job.party).backoff.pause(job.attempts, chance))
