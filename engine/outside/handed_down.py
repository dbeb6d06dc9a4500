"""Cases that a service platform handed down: its number of each, how far it was told, and the files it still owes."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Date, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core.db import Base
from engine.core.types import Json

# The channel of a case that was handed down.
CHANNEL = "platform"


class HandedDown(Base):
    """One case. ``number``: the platform's; ``step``: the last one it is told of (waiting in the outbox or accepted).

    ``files``: what belongs to the case, ``{ref, code, name, sha256, asked, attachment}``; ``attachment`` is the id of
    ours, empty until it was fetched; ``asked`` marks what answers a request for a supplement that is still open.
    """

    __tablename__ = "handed_down"
    __table_args__ = (UniqueConstraint("party", "number"), Index("ix_handed_down_day", "party", "received_on"))

    case_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    party: Mapped[str] = mapped_column(String(60))
    number: Mapped[str] = mapped_column(String(120))
    received_on: Mapped[date] = mapped_column(Date)
    step: Mapped[str] = mapped_column(String(30), default="")
    files: Mapped[Any] = mapped_column(Json, default=list)


def by_number(session: Session, party: str, number: str) -> HandedDown | None:
    """The row of the platform's number."""
    return session.scalar(select(HandedDown).where(HandedDown.party == party, HandedDown.number == number))
