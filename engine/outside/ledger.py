"""Every call to another party: what was asked and answered (encrypted), how long it took, how it ended."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import clock, ids
from engine.core.db import Base, WithId
from engine.core.operations import Answer, Evidence, Operation
from engine.core.types import Sealed, SealedBytes


class CallRecord(WithId, Base):
    """One attempt of one outside operation. ``outcome``: answered, pending, unreachable, declined, fault."""

    __tablename__ = "call_record"
    __table_args__ = (Index("ix_call_case", "case_id"),)

    case_id: Mapped[int]
    operation: Mapped[str] = mapped_column(String(120))
    title: Mapped[str] = mapped_column(String(120))
    party: Mapped[str] = mapped_column(String(60), index=True)
    element_id: Mapped[str] = mapped_column(String(120))
    token: Mapped[str] = mapped_column(String(64))
    attempt: Mapped[int]
    at: Mapped[datetime]
    latency_ms: Mapped[int]
    outcome: Mapped[str] = mapped_column(String(12))
    verdict: Mapped[str] = mapped_column(String(10), default="")
    error: Mapped[str] = mapped_column(Text, default="")
    subject: Mapped[str] = mapped_column(Sealed, default="")
    summary: Mapped[str] = mapped_column(Sealed, default="")
    request: Mapped[bytes | None] = mapped_column(SealedBytes)
    response: Mapped[bytes | None] = mapped_column(SealedBytes)
    media_type: Mapped[str] = mapped_column(String(60), default="")
    digest: Mapped[str] = mapped_column(String(64), default="")


class PendingAnswer(WithId, Base):
    """A request that a party answers later; ``message_id`` of the answer makes a repeat harmless."""

    __tablename__ = "pending_answer"
    __table_args__ = (UniqueConstraint("party", "correlation"),)

    party: Mapped[str] = mapped_column(String(60))
    correlation: Mapped[str] = mapped_column(String(120))
    job_id: Mapped[int]
    case_id: Mapped[int]
    token: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


def note(
    session: Session,
    operation: Operation,
    *,
    case_id: int,
    element_id: str,
    token: str,
    attempt: int,
    outcome: str,
    latency_ms: int,
    answer: Answer | None = None,
    evidence: Evidence | None = None,
    error: str = "",
) -> None:
    """Add one line to the ledger of calls."""
    record = CallRecord(
        id=ids.new(),
        case_id=case_id,
        operation=operation.name,
        title=operation.title,
        party=operation.party,
        element_id=element_id,
        token=token,
        attempt=attempt,
        at=evidence.at if evidence else clock.now(),
        latency_ms=latency_ms,
        outcome=outcome,
        verdict=(answer.verdict or "") if answer else "",
        error=error[:2000],
    )
    if evidence is not None:
        record.subject, record.summary = evidence.subject, evidence.summary
        record.request, record.response = evidence.request, evidence.response
        record.media_type = evidence.media_type
        record.digest = sha256(evidence.request + b"\0" + evidence.response).hexdigest()
    session.add(record)
