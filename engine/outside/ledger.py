"""Every call to another party: what was asked and answered (encrypted), how long it took, how it ended."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import clock, ids, parties, secrets
from engine.core.db import Base, WithId
from engine.core.operations import Answer, Evidence, Operation
from engine.core.types import Sealed, SealedBytes
from engine.outside import consent


class CallRecord(WithId, Base):
    """One attempt of one outside operation. ``outcome``: answered, pending, unreachable, declined, fault."""

    __tablename__ = "call_record"
    __table_args__ = (Index("ix_call_case", "case_id"), Index("ix_call_party_at", "party", "at"))

    case_id: Mapped[int]
    operation: Mapped[str] = mapped_column(String(120))
    title: Mapped[str] = mapped_column(String(120))
    party: Mapped[str] = mapped_column(String(60))
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
    purpose: Mapped[str] = mapped_column(String(120), default="")
    consent: Mapped[str] = mapped_column(String(120), default="")
    cost_fen: Mapped[int] = mapped_column(default=0)
    seal: Mapped[str] = mapped_column(String(64), default="")


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
    """Add one line to the ledger of calls, sealed."""
    rules = parties.rules(operation.party, operation.name)
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
        subject="",
        summary="",
        media_type="",
        digest="",
        purpose=operation.purpose[:120],
        consent=(consent.standing(session, case_id) or "") if rules.consent else "",
        # Whoever was not reached sends no bill.
        cost_fen=0 if outcome in ("unreachable", "fault") else rules.cost_fen,
    )
    if evidence is not None:
        record.subject, record.summary = evidence.subject, evidence.summary
        record.request, record.response = evidence.request, evidence.response
        record.media_type = evidence.media_type
        record.digest = sha256(evidence.request + b"\0" + evidence.response).hexdigest()
    record.seal = seal(record)
    session.add(record)


# What the seal holds together; the whole exchange stands in it by its digest.
_SEALED = (
    *("id", "case_id", "operation", "party", "element_id", "token", "attempt", "latency_ms", "outcome", "verdict"),
    *("error", "subject", "summary", "media_type", "purpose", "consent", "cost_fen"),
)


def seal(record: CallRecord) -> str:
    """The keyed hash over a line and its evidence: whoever changes one of them cannot make it again."""
    exchange = (record.request or b"") + b"\0" + (record.response or b"")
    values = [str(getattr(record, name)) for name in _SEALED]
    return secrets.digest(
        "\n".join(("call", record.at.astimezone(UTC).isoformat(), sha256(exchange).hexdigest(), *values))
    )


def is_untouched(record: CallRecord) -> bool:
    """Whether a line and its evidence are as they were written. False as well for a line from before the seals."""
    return hmac.compare_digest(record.seal, seal(record))
