"""What happened and why: the hash-chained journal, the element history, the decisions and the answers of forms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Index, String, Text, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.cases.case import Case
from engine.core import ids
from engine.core.actor import Actor
from engine.core.db import Base, WithId, for_update
from engine.core.types import Json, SealedJson


class JournalEntry(WithId, Base):
    """One line of the record. ``hash`` covers the line and the hash before it; the payload is covered by its digest."""

    __tablename__ = "journal_entry"
    __table_args__ = (Index("ux_journal_chain", "case_id", "seq", unique=True),)

    case_id: Mapped[int]
    seq: Mapped[int]
    at: Mapped[datetime]
    actor_key: Mapped[str] = mapped_column(String(40))
    actor_name: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(300))
    element_id: Mapped[str] = mapped_column(String(120), default="")
    payload_digest: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class JournalPayload(Base):
    """What an entry carries, encrypted, apart from the chain so that it can be erased when its time is over."""

    __tablename__ = "journal_payload"

    entry_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    payload: Mapped[Any] = mapped_column(SealedJson)


class JournalHead(Base):
    """The end of a chain that belongs to no case (logins, publishing, parameters)."""

    __tablename__ = "journal_head"

    chain: Mapped[str] = mapped_column(String(20), primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


class Activity(WithId, Base):
    """One event of the process: ``kind`` is activated, completed, cancelled, flow or incident."""

    __tablename__ = "activity"
    __table_args__ = (Index("ix_activity_case", "case_id"),)

    case_id: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(12))
    process_id: Mapped[str] = mapped_column(String(120))
    element_id: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(160), default="")
    type: Mapped[str] = mapped_column(String(40), default="")
    token: Mapped[str] = mapped_column(String(64), default="")
    flow_id: Mapped[str] = mapped_column(String(120), default="")


class DecisionRecord(WithId, Base):
    """One evaluated decision: what went in, what came out, which rows fired and why."""

    __tablename__ = "decision_record"

    case_id: Mapped[int] = mapped_column(index=True)
    at: Mapped[datetime]
    element_id: Mapped[str] = mapped_column(String(120))
    decision_id: Mapped[str] = mapped_column(String(160))
    value: Mapped[Any | None] = mapped_column(Json)
    explanation: Mapped[Any] = mapped_column(Json)


class Submission(WithId, Base):
    """The answers of one submitted form, encrypted as a whole."""

    __tablename__ = "submission"
    __table_args__ = (Index("ix_submission_case", "case_id", "element_id"),)

    case_id: Mapped[int]
    element_id: Mapped[str] = mapped_column(String(120))
    form_id: Mapped[str] = mapped_column(String(160))
    task_id: Mapped[int | None]
    actor_key: Mapped[str] = mapped_column(String(40))
    actor_name: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime]
    answers: Mapped[Any] = mapped_column(SealedJson)
    summary: Mapped[str] = mapped_column(Text, default="")


def write(
    session: Session,
    case: Case | None,
    actor: Actor,
    at: datetime,
    kind: str,
    title: str,
    payload: Mapping[str, Any],
    element_id: str = "",
) -> None:
    """Append one entry to the chain of ``case`` (or to the installation's own chain)."""
    body = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS, default=str)
    digest = sha256(body).hexdigest()
    if case is None:
        seq, before = _next_of_installation(session)
    else:
        seq, before = case.journal_seq + 1, case.journal_hash
    case_id = 0 if case is None else case.id
    hash_ = chain_hash(before, case_id, seq, at, actor.key, kind, title, digest)
    entry_id = ids.new()
    session.execute(
        insert(JournalEntry),
        {
            "id": entry_id,
            "case_id": case_id,
            "seq": seq,
            "at": at,
            "actor_key": actor.key,
            "actor_name": actor.name,
            "kind": kind,
            "title": title,
            "element_id": element_id,
            "payload_digest": digest,
            "hash": hash_,
        },
    )
    if payload:
        session.execute(insert(JournalPayload), {"entry_id": entry_id, "payload": orjson.loads(body)})
    if case is None:
        head = session.get_one(JournalHead, "office")
        head.seq, head.hash = seq, hash_
        session.flush()
    else:
        case.journal_seq, case.journal_hash = seq, hash_


def _next_of_installation(session: Session) -> tuple[int, str]:
    query = select(JournalHead).where(JournalHead.chain == "office")
    head = session.scalar(query.with_for_update() if for_update(session) else query)
    if head is None:
        session.add(JournalHead(chain="office", seq=0, hash=""))
        session.flush()
        return 1, ""
    return head.seq + 1, head.hash


def chain_hash(
    before: str, case_id: int, seq: int, at: datetime, actor: str, kind: str, title: str, digest: str
) -> str:
    """SHA-256 over the hash before and every field of the line."""
    line = "\n".join((before, str(case_id), str(seq), at.isoformat(), actor, kind, title, digest))
    return sha256(line.encode()).hexdigest()


def verify(session: Session, case_id: int) -> int | None:
    """None where the chain of a case holds, else the number of the first line that does not."""
    before, expected = "", 0
    for entry in session.scalars(
        select(JournalEntry).where(JournalEntry.case_id == case_id).order_by(JournalEntry.seq)
    ):
        expected += 1
        told = chain_hash(
            before, case_id, entry.seq, entry.at, entry.actor_key, entry.kind, entry.title, entry.payload_digest
        )
        if entry.seq != expected or told != entry.hash:
            return expected
        before = entry.hash
    return None
