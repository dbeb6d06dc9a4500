"""A whole case as one zip file, made by a worker for the caseworker who asked."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from engine.core.db import Base, WithId

JOB = "bundle"
KEPT = timedelta(days=1)


class CaseBundle(WithId, Base):
    """One zip. ``state``: waiting, working, ready, failed; ``done`` of ``total`` files are in; ``sha`` in the store."""

    __tablename__ = "case_bundle"
    __table_args__ = (Index("ix_case_bundle_case", "case_id", "id"), Index("ix_case_bundle_until", "until"))

    case_id: Mapped[int]
    actor_id: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    sha: Mapped[str] = mapped_column(String(64), default="")
    size: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime]
    until: Mapped[datetime]
