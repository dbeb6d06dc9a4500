"""What colleagues say to each other about a case: messages with read marks, comments, phrases, kept signatures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import clock, ids
from engine.core.actor import Actor
from engine.core.db import Base, WithId, insert_rows, where
from engine.core.types import Sealed


class StaffMessage(WithId, Base):
    """A word to one caseworker, unread while ``read_at`` is None.

    ``kind``: copy, mention, urge, answer, returned, asked, warning. ``from_key`` is who sent it,
    ``system:0`` for the house itself.
    """

    __tablename__ = "staff_message"
    __table_args__ = (
        Index("ix_staff_message_to", "to_key", "id"),
        Index("ix_staff_message_unread", "to_key", **where("read_at IS NULL")),
        Index("ix_staff_message_case", "case_id"),
        Index("ix_staff_message_task", "task_id", **where("task_id IS NOT NULL")),
    )

    to_key: Mapped[str] = mapped_column(String(40))
    from_key: Mapped[str] = mapped_column(String(40))
    from_name: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(12))
    case_id: Mapped[int]
    task_id: Mapped[int | None]
    text: Mapped[str] = mapped_column(Sealed)
    sent_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class Comment(WithId, Base):
    """What somebody said about a case, for colleagues only; sealed, since it may speak of people."""

    __tablename__ = "case_comment"
    __table_args__ = (Index("ix_case_comment_case", "case_id", "id"),)

    case_id: Mapped[int]
    task_id: Mapped[int | None]
    author_key: Mapped[str] = mapped_column(String(40))
    author_name: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Sealed)
    said_at: Mapped[datetime]


class Phrase(WithId, Base):
    """A ready wording of an opinion. ``owner``: an actor key, or ``office:<id>`` for everybody of an office."""

    __tablename__ = "phrase"
    __table_args__ = (Index("ix_phrase_owner", "owner", "id"),)

    owner: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(String(300))


class KeptSignature(Base):
    """The handwriting a caseworker signs with: a picture in the file store. Papers name the picture itself."""

    __tablename__ = "kept_signature"

    staff_key: Mapped[str] = mapped_column(String(40), primary_key=True)
    sha: Mapped[str] = mapped_column(String(64))
    drawn_at: Mapped[datetime]


def tell(
    session: Session, sender: Actor, to: Iterable[str], kind: str, case_id: int, task_id: int | None, text: str
) -> int:
    """Send one message to each of the actor keys but the sender; gives how many. One statement."""
    now = clock.now()
    rows = [
        {
            "id": ids.new(),
            "to_key": key,
            "from_key": sender.key,
            "from_name": sender.shown,
            "kind": kind,
            "case_id": case_id,
            "task_id": task_id,
            "text": text,
            "sent_at": now,
            "read_at": None,
        }
        for key in dict.fromkeys(to)
        if key.startswith("staff:") and key != sender.key
    ]
    insert_rows(session, StaffMessage, rows)
    return len(rows)
