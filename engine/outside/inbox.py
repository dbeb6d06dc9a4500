"""What other parties sent us: each message once, however often it comes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import clock, ids
from engine.core.db import Base, WithId, insert_with_conflict
from engine.core.types import Json


class InboundMessage(WithId, Base):
    """A message that was taken. ``digest``: of what it said; ``result``: what the party is told, also the next time."""

    __tablename__ = "inbound_message"
    __table_args__ = (UniqueConstraint("party", "message_id"),)

    party: Mapped[str] = mapped_column(String(60))
    message_id: Mapped[str] = mapped_column(String(160))
    kind: Mapped[str] = mapped_column(String(60))
    digest: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime]
    repeats: Mapped[int] = mapped_column(default=0)
    result: Mapped[Any] = mapped_column(Json, default=dict)


def first(session: Session, party: str, message_id: str, kind: str, digest: str) -> tuple[InboundMessage, bool]:
    """The row of a message, and whether it is new; of two at the same moment the second waits for the first."""
    row = {"id": ids.new(), "party": party, "message_id": message_id, "kind": kind, "digest": digest}
    row |= {"received_at": clock.now(), "repeats": 0, "result": {}}
    made = insert_with_conflict(session, InboundMessage).values(row).on_conflict_do_nothing()
    new = session.scalar(made.returning(InboundMessage.id)) is not None
    query = select(InboundMessage).where(InboundMessage.party == party, InboundMessage.message_id == message_id)
    return session.scalars(query).one(), new


def repeated(session: Session, row: InboundMessage) -> None:
    """Count one more delivery; several at the same moment are all counted."""
    of = InboundMessage
    session.execute(update(of).where(of.id == row.id).values(repeats=of.repeats + 1))
