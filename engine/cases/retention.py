"""How long the history of a closed case is kept: ``retention: {years: 10}`` in its item.yaml, from the closing on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.record import JournalEntry
from engine.catalog import releases
from engine.core import clock

ERASED = "erased"


@dataclass(frozen=True)
class Overdue:
    """A case whose history has had its time."""

    case_id: int
    number: str
    item: str
    closed_at: datetime


def years(session: Session, release_id: int) -> int | None:
    """The years that the pinned release says; None where it says nothing: then the history stays."""
    stated = (releases.view(session, release_id).item.raw.get("retention") or {}).get("years")
    return stated if isinstance(stated, int) and stated > 0 else None


def is_over(session: Session, case: Case) -> bool:
    """Whether the case is closed and its time is over."""
    kept = years(session, case.release_id)
    return kept is not None and case.closed_at is not None and case.closed_at <= _before(kept)


def overdue(session: Session, limit: int) -> Iterator[Overdue]:
    """Cases to be erased, the oldest first; nothing is changed: this is also the dry run."""
    closed = select(Case.release_id).where(Case.closed_at.is_not(None)).distinct()
    for release_id in session.scalars(closed).all():
        kept = years(session, release_id)
        if kept is None:
            continue
        done = select(JournalEntry.seq).where(JournalEntry.case_id == Case.id, JournalEntry.kind == ERASED)
        query = select(Case.id, Case.number, Case.item, Case.closed_at).where(
            Case.release_id == release_id, Case.closed_at <= _before(kept), ~done.exists()
        )
        for case_id, number, item, closed_at in session.execute(query.order_by(Case.closed_at).limit(limit)):
            assert closed_at is not None
            yield Overdue(case_id, number, item, closed_at)


def _before(kept: int) -> datetime:
    now = clock.now()
    # The 29th of February has no anniversary in most years.
    day = 28 if (now.month, now.day) == (2, 29) else now.day
    return now.replace(year=now.year - kept, day=day)
