"""A change of a calendar, and how far the days of running cases have been counted anew."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from engine.core.db import Base, WithId

JOB = "recount"


class CalendarChange(WithId, Base):
    """``office_id`` 0 is everybody's. Cases are taken in the order of their ids, ``after_id`` was the last one."""

    __tablename__ = "calendar_change"

    office_id: Mapped[int]
    title: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[datetime]
    made_by_name: Mapped[str] = mapped_column(String(60))
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    moved: Mapped[int] = mapped_column(default=0)
    after_id: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]
