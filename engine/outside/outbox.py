"""The ordered outbox: reports of one case to one party go out one after the other, whatever becomes of the case.

A report waits until the one before it was accepted. Only the head of a line has a job; lines of other cases do not
wait for it. A head the party refuses is *stuck*: a person sends it again or leaves it out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import clock, ids
from engine.core.db import Base, WithId
from engine.core.types import Json
from engine.jobs import queue

WAITING, SENDING, ACCEPTED, STUCK, SKIPPED = "waiting", "sending", "accepted", "stuck", "skipped"
UNDONE = (WAITING, SENDING, STUCK)
TOKEN = "outbox-"  # noqa: S105 - what the token of a report's job begins with


class Report(WithId, Base):
    """One report. ``number`` counts from 1 within case and party; ``payload`` holds variables (sealed) and headers."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("case_id", "party", "number"),
        Index("ix_outbox_state", "party", "state"),
    )

    party: Mapped[str] = mapped_column(String(60))
    case_id: Mapped[int]
    office_id: Mapped[int]
    number: Mapped[int]
    operation: Mapped[str] = mapped_column(String(200))
    element_id: Mapped[str] = mapped_column(String(200), default="")
    key: Mapped[str] = mapped_column(String(120))
    payload: Mapped[Any] = mapped_column(Json, default=dict)
    state: Mapped[str] = mapped_column(String(12), default=WAITING)
    error: Mapped[str] = mapped_column(Text, default="")
    queued_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


def put(
    session: Session,
    *,
    party: str,
    case_id: int,
    office_id: int,
    operation: str,
    element_id: str,
    key: str,
    payload: dict[str, Any],
    retries: int,
) -> Report:
    """Add a report to the end of its line; the case must be locked."""
    line = (Report.case_id == case_id, Report.party == party)
    highest = session.scalar(select(func.max(Report.number)).where(*line)) or 0
    report = Report(
        id=ids.new(),
        party=party,
        case_id=case_id,
        office_id=office_id,
        number=highest + 1,
        operation=operation,
        element_id=element_id,
        key=key,
        payload=payload,
        state=WAITING,
        queued_at=clock.now(),
    )
    session.add(report)
    session.flush()
    send_next(session, party, case_id, retries)
    return report


def send_next(session: Session, party: str, case_id: int, retries: int) -> None:
    """Give the head of a line its job, unless it has one or is stuck."""
    undone = (Report.case_id == case_id, Report.party == party, Report.state.in_(UNDONE))
    head = session.scalar(select(Report).where(*undone).order_by(Report.number).limit(1))
    if head is None or head.state != WAITING:
        return
    head.state = SENDING
    row = {"kind": "report", "case_id": case_id, "office_id": head.office_id, "token": f"{TOKEN}{head.id}"}
    row |= {"element_id": head.element_id, "operation": head.operation, "party": party, "due_at": clock.now()}
    queue.enqueue(session, [{**row, "payload": {"report": head.id}, "retries_left": max(retries, 1)}])
    session.flush()


def of(session: Session, report_id: int) -> Report:
    """A report by its id."""
    return session.get_one(Report, report_id, populate_existing=True)
