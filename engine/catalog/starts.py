"""Start events that wait: what a message, a signal or a date begins, of the releases in force."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from engine.core.db import Base, WithId
from engine.core.types import Json


class StartEvent(WithId, Base):
    """A start event of the newest version of its process. ``kind``: message, signal, timer; ``name`` of the first two.

    ``item`` is set where the process starts an item's cases; ``office_id`` is the office whose cases it starts unless
    the variables name one. ``timer``: ``{"type": date|duration|cycle, "text": its expression}``.
    """

    __tablename__ = "start_event"
    __table_args__ = (UniqueConstraint("process_id", "element_id"), Index("ix_start_event_name", "kind", "name"))

    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(160), default="")
    process_id: Mapped[str] = mapped_column(String(200))
    element_id: Mapped[str] = mapped_column(String(200))
    release_id: Mapped[int]
    item: Mapped[str] = mapped_column(String(120), default="")
    office_id: Mapped[int] = mapped_column(default=0)
    timer: Mapped[Any] = mapped_column(Json, default=dict)
