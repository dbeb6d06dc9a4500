"""May these jobs call their party now? Asked in the transaction that claims them.

The rate limit holds across processes: the calls of the last period stand in the party's breaker row, counted in tenths
of the period. Whoever comes too early is put back for later; no retry is spent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from engine.core import clock, parties
from engine.core.parties import RateLimit
from engine.jobs.queue import Job
from engine.outside import breaker
from engine.outside.breaker import CLOSED, HALF_OPEN, Breaker

SLICES = 10
# Parties that were in trouble when this process last asked: their next answer is worth telling.
_watched: set[str] = set()


def admit(session: Session, jobs: Sequence[Job]) -> list[Job]:
    """Those of ``jobs`` that may go out; the others are parked or put back."""
    admitted = []
    rows: dict[str, Breaker] = {}
    for job in sorted(jobs, key=lambda one: one.party):  # always in one order: two workers never wait for each other
        if not job.party or (job.kind == "call" and parties.rules(job.party, job.operation).ordered):
            admitted.append(job)
            continue
        if job.party not in rows:
            rows[job.party] = breaker.locked(session, job.party)
        if _admit(rows[job.party], job):
            admitted.append(job)
    session.flush()
    for party, row in rows.items():
        (_watched.add if row.state != CLOSED or row.failures else _watched.discard)(party)
    return admitted


def watched(party: str) -> bool:
    """Whether the breaker waits for an answer of the party."""
    return party in _watched


def _admit(row: Breaker, job: Job) -> bool:
    declared, now = parties.party(job.party), clock.now()
    half_open = row.state == HALF_OPEN
    if row.state != CLOSED and not (half_open and row.probes < declared.breaker.probes):
        breaker.park(job, job.attempts - 1)
        return False
    wait = _wait(row, declared.rate_limit, now)
    if wait > 0:
        job.state, job.worker, job.leased_until, job.attempts = "ready", "", None, job.attempts - 1
        job.due_at = now + timedelta(seconds=wait)
        return False
    row.probes += half_open
    return True


def _wait(row: Breaker, limit: RateLimit, now: datetime) -> float:
    """Take a place and give 0, or the seconds until one is free.

    A slice counts until it has left the period whole, so that no period of this length ever holds more calls.
    """
    if not limit.calls:
        return 0.0
    length = limit.seconds / SLICES
    present = int(now.timestamp() / length)
    kept = [(number, count) for number, count in row.calls if present - SLICES <= number <= present]
    if sum(count for _, count in kept) >= limit.calls:
        return max((kept[0][0] + SLICES + 1) * length - now.timestamp(), length / 10)
    last = kept.pop()[1] if kept and kept[-1][0] == present else 0
    row.calls = [*kept, (present, last + 1)]
    return 0.0
