"""Who saw identity data in clear, why, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from engine.core.db import Base, WithId
from engine.core.types import Sealed

LASTS = timedelta(minutes=1)


class Reveal(WithId, Base):
    """One look at what is masked. It ends by itself at ``until``."""

    __tablename__ = "reveal"
    __table_args__ = (Index("ix_reveal_case", "case_id", "actor_key"), Index("ix_reveal_office", "office_id", "id"))

    case_id: Mapped[int]
    office_id: Mapped[int]
    actor_key: Mapped[str] = mapped_column(String(40))
    actor_name: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str] = mapped_column(Sealed)
    at: Mapped[datetime]
    until: Mapped[datetime]
