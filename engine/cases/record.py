"""What happened and why: the hash-chained journal (answers of forms and decisions in it) and the element history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Index,
    Integer,
    String,
    Text,
    bindparam,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.cases.case import Asked, Case
from engine.core.actor import Actor
from engine.core.db import Base, WithId, for_update, insert_with_conflict
from engine.core.types import Code, Digest, SealedJson
from engine.core.writes import insert_later, update_later

# The chain of what belongs to no case.
_INSTALLATION = "office"


class JournalEntry(Base):
    """One line of the record. ``hash`` covers the line, a digest of its payload and the hash before it.

    ``payload`` is sealed and may be erased by rule (``erase``): its digest then stands for it, and the chain holds.
    The answers of a form are the payload of a line with ``form_id`` (and ``task_id``, unless it began the case), a
    decision is one with ``decision_id``: ``{value, explanation}``. ``for_key``: for whom it was done.
    """

    __tablename__ = "journal_entry"

    case_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_key: Mapped[str] = mapped_column(String(40))
    actor_name: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(300))
    element_id: Mapped[str] = mapped_column(String(120), default="")
    form_id: Mapped[str | None] = mapped_column(String(160))
    task_id: Mapped[int | None]
    decision_id: Mapped[str | None] = mapped_column(String(200))
    for_key: Mapped[str | None] = mapped_column(String(40))
    payload: Mapped[Any | None] = mapped_column(SealedJson)
    payload_digest: Mapped[str | None] = mapped_column(Digest)
    hash: Mapped[str] = mapped_column(Digest)


class JournalHead(Base):
    """The end of a chain that belongs to no case (logins, publishing, parameters)."""

    __tablename__ = "journal_head"

    chain: Mapped[str] = mapped_column(String(20), primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


# Kept as numbers: words are only ever added, at the end.
STATES = ("active", "completed", "terminated")
ELEMENT_TYPES = (
    "task", "userTask", "serviceTask", "sendTask", "receiveTask", "scriptTask", "manualTask", "businessRuleTask",
    "callActivity", "subProcess", "eventSubProcess", "adHocSubProcess", "multiInstanceBody", "startEvent", "endEvent",
    "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent", "exclusiveGateway", "inclusiveGateway",
    "parallelGateway", "eventBasedGateway", "adHocSubProcessInnerInstance",
)  # fmt: skip


class ElementInstance(WithId, Base):
    """One element a case came to: ``id`` is the number of its token, names are in the model.

    ``process_id`` is None in the case's own process. ``via`` is the flow that brought it (of a join: the flows, with a
    space between), ``parent`` the instance of the sub-process, call activity or multi-instance body it lives in.
    """

    __tablename__ = "element_instance"
    __table_args__ = (Index("ix_element_instance_case", "case_id"),)

    case_id: Mapped[int]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    parent: Mapped[int | None]
    state: Mapped[str] = mapped_column(Code(*STATES))
    type: Mapped[str] = mapped_column(Code(*ELEMENT_TYPES))
    process_id: Mapped[str | None] = mapped_column(String(120))
    element_id: Mapped[str] = mapped_column(String(120))
    via: Mapped[str | None] = mapped_column(Text)


@dataclass(frozen=True)
class Entry:
    """What one line of the journal is to say; ``title`` is what a person reads."""

    kind: str
    title: str
    element_id: str = ""
    payload: Mapping[str, Any] | None = None
    form_id: str | None = None
    task_id: int | None = None
    decision_id: str | None = None


class Journal:
    """The lines that one transaction adds: chained as they come, written together at its end by ``write``."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._heads: dict[int, tuple[int, str]] = {}
        self._cases: dict[int, Case] = {}
        self._entries: list[dict[str, Any]] = []

    def add(self, case: Case | None, actor: Actor, at: datetime, entry: Entry) -> int:
        """Append one line to the chain of ``case`` (or to the installation's own chain); gives its number."""
        digest = _digest(entry.payload or {})
        case_id = 0 if case is None else case.id
        before_seq, before = self._head(case)
        seq = before_seq + 1
        line: dict[str, Any] = {
            "case_id": case_id,
            "seq": seq,
            "at": at,
            "actor_key": actor.key,
            "actor_name": actor.shown,
            "kind": entry.kind,
            "title": entry.title,
            "element_id": entry.element_id,
            "form_id": entry.form_id,
            "task_id": entry.task_id,
            "decision_id": entry.decision_id,
            "for_key": actor.behalf.key if actor.behalf else None,
            "payload": entry.payload or None,
            "payload_digest": None,
        }
        line["hash"] = _hash_of(before, line, digest)
        self._heads[case_id] = seq, line["hash"]
        self._entries.append(line)
        return seq

    def lines(self) -> list[tuple[Case, dict[str, Any]]]:
        """The lines of cases so far, each with its case."""
        return [(self._cases[line["case_id"]], line) for line in self._entries if line["case_id"]]

    def _head(self, case: Case | None) -> tuple[int, str]:
        """Where the chain stands in this transaction; whoever asks first holds the chain's lock."""
        case_id = 0 if case is None else case.id
        if case_id not in self._heads and case is not None:
            self._cases[case_id] = case
            self._heads[case_id] = case.journal_seq, case.journal_hash or ""
        elif case_id not in self._heads:
            self._heads[0] = _end_of_installation(self._session)
        return self._heads[case_id]

    def write(self) -> None:
        """All lines in one statement, and the ends of the chains."""
        if not self._entries:
            return
        insert_later(self._session, JournalEntry, self._entries)
        for case_id, (seq, hash_) in self._heads.items():
            if case_id:
                case = self._cases[case_id]
                case.journal_seq, case.journal_hash = seq, hash_
                update_later(self._session, case)
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


_SOME = ("form_id", "task_id", "decision_id", "for_key")


def _hash_of(before: str, line: Mapping[str, Any], digest: str) -> str:
    """The hash of a line; what only some lines have is covered where they have it."""
    fields = [line[name] for name in ("actor_key", "actor_name", "kind", "title", "element_id")]
    more = [f"{name}={line[name]}" for name in _SOME if line[name] is not None]
    return chain_hash(before, line["case_id"], line["seq"], line["at"], *fields, digest, *more)


def verify(session: Session, case_id: int) -> int | None:
    """None where the chain of a case (0: of the installation) holds, else the number of the first line that does not.

    Every line, its payload where it still stands, and the end of the chain are looked at: a chain cut short is broken.
    """
    before, expected = "", 0
    query = select(JournalEntry).where(JournalEntry.case_id == case_id).order_by(JournalEntry.seq)
    for entry in session.scalars(query):
        expected += 1
        digest = entry.payload_digest or _digest(entry.payload or {})
        whole = entry.payload is None or entry.payload_digest is None
        if entry.seq != expected or not whole or _hash_of(before, vars(entry), digest) != entry.hash:
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
    return (found[0], found[1] or "") if found else (0, "")


def erase(session: Session, case_id: int) -> int:
    """Erase what the lines of a case carry; their digests stay, so that the chain holds. Gives how many there were."""
    ours = select(JournalEntry).where(JournalEntry.case_id == case_id, JournalEntry.payload.is_not(None))
    entries = session.scalars(ours).all()
    for entry in entries:
        entry.payload, entry.payload_digest = None, _digest(entry.payload)
    session.flush()
    return len(entries)


def _digest(payload: Any) -> str:
    return sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


DONE_SCOPE = "did"


def did(session: Session, case_id: int, who: list[str], elements: Sequence[str]) -> bool:
    """Whether one of these people submitted one of these steps of a case, or somebody for them."""
    return bool(elements) and session.execute(*done_steps(case_id, who, elements)).first() is not None


def done_steps(case_id: int, who: list[str], elements: Sequence[str]) -> Asked:
    """Which of these steps these people submitted (actor keys), in the shape of variables: asked together with them."""
    return _DONE_STEPS, {"of_case": case_id, "done_steps": list(elements), "done_by": who}


_BY: BindParameter[Any] = bindparam("done_by", expanding=True)
# Made once: every review asks this.
_DONE_STEPS = select(literal(DONE_SCOPE), JournalEntry.element_id, null(), null()).where(
    JournalEntry.case_id == bindparam("of_case"),
    JournalEntry.task_id.is_not(None),
    JournalEntry.element_id.in_(bindparam("done_steps", expanding=True)),
    or_(JournalEntry.actor_key.in_(_BY), JournalEntry.for_key.in_(_BY)),
)


@dataclass(frozen=True)
class DecisionRecord:
    """One evaluated decision: what came out, which rows fired and why."""

    at: datetime
    element_id: str
    decision_id: str
    value: Any
    explanation: Any


def decisions(session: Session, case_id: int) -> list[DecisionRecord]:
    """The decisions of a case, oldest first, as far as they were not erased."""
    ours = JournalEntry.case_id == case_id
    query = select(JournalEntry).where(ours, JournalEntry.decision_id.is_not(None)).order_by(JournalEntry.seq)
    return [
        DecisionRecord(one.at, one.element_id, str(one.decision_id), one.payload["value"], one.payload["explanation"])
        for one in session.scalars(query)
        if one.payload is not None
    ]
