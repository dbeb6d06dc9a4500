"""What is kept of a case's time: its limits, its stops, what was asked for longer."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.catalog.limits import Span
from engine.core.db import Base, WithId, where


class ClockStop(WithId, Base):
    """One stop: why, from when to when, and the paper that says so.

    ``notice`` is the template of the paper (``publicity``: a public notice), ``notice_id`` its id once it is known;
    ``until_at`` is the end of the longest stop the item allows. ``token`` is the step that stopped the clock.
    """

    __tablename__ = "clock_stop"

    case_id: Mapped[int] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(String(40))
    token: Mapped[str] = mapped_column(String(64), default="", server_default=text("''"))
    notice: Mapped[str] = mapped_column(String(60), default="", server_default=text("''"))
    notice_id: Mapped[int | None]
    started_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class CaseLimit(Base):
    """One limit that runs: of the case (``token`` empty), or of one task of it.

    ``amount`` and ``extended`` are in ``unit``; ``due_at`` is when it is over (of days: the midnight that ends
    ``due_on``). ``rung`` counts the warnings that were given. Rows of steps that are done stay until the case is over.
    """

    __tablename__ = "case_limit"
    __table_args__ = (Index("ix_case_limit_due", "due_at", **where("ended_at IS NULL")),)

    case_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    element_id: Mapped[str] = mapped_column(String(120), default="")
    unit: Mapped[str] = mapped_column(String(6))
    amount: Mapped[int]
    extended: Mapped[int] = mapped_column(default=0)
    from_at: Mapped[datetime]
    due_on: Mapped[date] = mapped_column(Date)
    due_at: Mapped[datetime]
    rung: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]

    @property
    def span(self) -> Span:
        """How long it is, with what was added."""
        return Span(self.amount + self.extended, self.unit)


class Extension(WithId, Base):
    """Longer was asked for. ``state``: asked, granted, refused, over (with its case).

    ``role`` decides; ``amount`` is in ``unit``.
    """

    __tablename__ = "extension"
    __table_args__ = (
        Index("ix_extension_case", "case_id"),
        Index("ix_extension_open", "role", "office_id", **where("state = 'asked'")),
    )

    case_id: Mapped[int]
    office_id: Mapped[int]
    state: Mapped[str] = mapped_column(String(8), default="asked")
    unit: Mapped[str] = mapped_column(String(6))
    amount: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(60))
    asked_at: Mapped[datetime]
    asked_by: Mapped[str] = mapped_column(String(40))
    asked_by_name: Mapped[str] = mapped_column(String(60))
    opinion: Mapped[str] = mapped_column(Text, default="")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(String(40), default="")
    decided_by_name: Mapped[str] = mapped_column(String(60), default="")
