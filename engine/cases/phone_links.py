"""Links that let a phone hand pictures to one material of one case without a log-in, once and for a short while."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from engine.core.db import Base, WithId
from engine.core.types import Json

LASTS = timedelta(minutes=15)
MOST_FILES = 9


class PhoneLink(WithId, Base):
    """One link, made by a caseworker. ``files``: the attachments that came through it, once ``used_at`` is set."""

    __tablename__ = "phone_link"
    __table_args__ = (Index("ix_phone_link_case", "case_id", "id"),)

    case_id: Mapped[int]
    code: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(120))
    replaces: Mapped[int | None]
    made_by: Mapped[str] = mapped_column(String(40))
    made_at: Mapped[datetime]
    until: Mapped[datetime]
    used_at: Mapped[datetime | None]
    files: Mapped[list[int]] = mapped_column(Json, default=list)
