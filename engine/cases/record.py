"""What happened and why: the hash-chained journal, the element history, the decisions and the answers of forms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Index, String, Text, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.cases.case import Case
from engine.core import ids
from engine.core.actor import Actor
from engine.core.db import Base, WithId, for_update, insert_with_conflict
from engine.core.types import Json, SealedJson

# The chain of what belongs to no case.
_INSTALLATION = "office"


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


class Journal:
    """The lines that one transaction adds: chained as they come, written together at its end by ``write``."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._heads: dict[int, tuple[int, str]] = {}
        self._cases: dict[int, Case] = {}
        self._entries: list[dict[str, Any]] = []
        self._payloads: list[dict[str, Any]] = []

    def add(
        self,
        case: Case | None,
        actor: Actor,
        at: datetime,
        kind: str,
        title: str,
        payload: Mapping[str, Any],
        element_id: str = "",
    ) -> None:
        """Append one line to the chain of ``case`` (or to the installation's own chain)."""
        body, digest = _digest(payload)
        case_id = 0 if case is None else case.id
        before_seq, before = self._head(case)
        seq, entry_id = before_seq + 1, ids.new()
        hash_ = chain_hash(before, case_id, seq, at, actor.key, actor.shown, kind, title, element_id, digest)
        self._heads[case_id] = seq, hash_
        self._entries.append(
            {
                "id": entry_id,
                "case_id": case_id,
                "seq": seq,
                "at": at,
                "actor_key": actor.key,
                "actor_name": actor.shown,
                "kind": kind,
                "title": title,
                "element_id": element_id,
                "payload_digest": digest,
                "hash": hash_,
            }
        )
        if payload:
            self._payloads.append({"entry_id": entry_id, "payload": orjson.loads(body)})

    def _head(self, case: Case | None) -> tuple[int, str]:
        """Where the chain stands in this transaction; whoever asks first holds the chain's lock."""
        case_id = 0 if case is None else case.id
        if case_id not in self._heads and case is not None:
            self._cases[case_id] = case
            self._heads[case_id] = case.journal_seq, case.journal_hash
        elif case_id not in self._heads:
            self._heads[0] = _end_of_installation(self._session)
        return self._heads[case_id]

    def write(self) -> None:
        """All lines in one statement, all payloads in another, and the ends of the chains."""
        if not self._entries:
            return
        self._session.execute(insert(JournalEntry), self._entries)
        if self._payloads:
            self._session.execute(insert(JournalPayload), self._payloads)
        for case_id, (seq, hash_) in self._heads.items():
            if case_id:
                self._cases[case_id].journal_seq, self._cases[case_id].journal_hash = seq, hash_
            else:
                ours = update(JournalHead).where(JournalHead.chain == _INSTALLATION)
                self._session.execute(ours.values(seq=seq, hash=hash_))


def _end_of_installation(session: Session) -> tuple[int, str]:
    made = insert_with_conflict(session, JournalHead).values(chain=_INSTALLATION, seq=0, hash="")
    session.execute(made.on_conflict_do_nothing())
    query = select(JournalHead.seq, JournalHead.hash).where(JournalHead.chain == _INSTALLATION)
    seq, hash_ = session.execute(query.with_for_update() if for_update(session) else query).one()
    return seq, hash_


def chain_hash(before: str, case_id: int, seq: int, at: datetime, *fields: str) -> str:
    """SHA-256 over the hash before and every field of the line; as a JSON list, so that no field runs into another."""
    return sha256(orjson.dumps([before, case_id, seq, at.isoformat(), *fields])).hexdigest()


def verify(session: Session, case_id: int) -> int | None:
    """None where the chain of a case (0: of the installation) holds, else the number of the first line that does not.

    Every line, its payload where it still stands, and the end of the chain are looked at: a chain cut short is broken.
    """
    before, expected = "", 0
    rows = session.execute(
        select(JournalEntry, JournalPayload)
        .outerjoin(JournalPayload, JournalPayload.entry_id == JournalEntry.id)
        .where(JournalEntry.case_id == case_id)
        .order_by(JournalEntry.seq)
    )
    for entry, payload in rows:
        expected += 1
        told = chain_hash(
            before,
            case_id,
            entry.seq,
            entry.at,
            entry.actor_key,
            entry.actor_name,
            entry.kind,
            entry.title,
            entry.element_id,
            entry.payload_digest,
        )
        whole = payload is None or _digest(payload.payload)[1] == entry.payload_digest
        if entry.seq != expected or told != entry.hash or not whole:
            return expected
        before = entry.hash
    return None if _head(session, case_id) == (expected, before) else expected + 1


def _head(session: Session, case_id: int) -> tuple[int, str]:
    """Where the chain ends, as whoever wrote last left it."""
    if case_id:
        query = select(Case.journal_seq, Case.journal_hash).where(Case.id == case_id)
    else:
        query = select(JournalHead.seq, JournalHead.hash).where(JournalHead.chain == _INSTALLATION)
    found = session.execute(query).one_or_none()
    return (found[0], found[1]) if found else (0, "")


def _digest(payload: Any) -> tuple[bytes, str]:
    body = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS, default=str)
    return body, sha256(body).hexdigest()
