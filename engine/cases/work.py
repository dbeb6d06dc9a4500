"""Waits are rows: open tasks of people, subscriptions to messages and signals, incidents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from engine.core.db import Base, WithId
from engine.core.types import Json


class Task(WithId, Base):
    """A user task. ``state``: open, done, cancelled. ``role`` is the queue; ``assignee`` an actor key or empty."""

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_queue", "office_id", "state", "role"),
        Index("ix_task_mine", "assignee", "state"),
        Index("ix_task_case", "case_id", "state"),
    )

    case_id: Mapped[int]
    office_id: Mapped[int]
    token: Mapped[str] = mapped_column(String(64))
    process_id: Mapped[str] = mapped_column(String(120))
    element_id: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(120))
    stage: Mapped[str] = mapped_column(String(40), default="")
    role: Mapped[str] = mapped_column(String(60))
    assignee: Mapped[str] = mapped_column(String(40), default="")
    form_id: Mapped[str] = mapped_column(String(160))
    properties: Mapped[Any] = mapped_column(Json, default=dict)
    state: Mapped[str] = mapped_column(String(12), default="open")
    version: Mapped[int] = mapped_column(default=1)
    priority: Mapped[int] = mapped_column(default=50)
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[str] = mapped_column(String(40), default="")
    done_by_name: Mapped[str] = mapped_column(String(60), default="")


class Subscription(WithId, Base):
    """A token that waits for a message (``kind`` message, with a key) or a signal."""

    __tablename__ = "subscription"
    __table_args__ = (Index("ix_subscription_name_key", "name", "key"),)

    case_id: Mapped[int] = mapped_column(index=True)
    token: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(160))
    key: Mapped[str] = mapped_column(String(160), default="")
    element_id: Mapped[str] = mapped_column(String(120))


class BufferedMessage(WithId, Base):
    """A message that came before its subscription, or the mark that it was taken; once per ``message_id``."""

    __tablename__ = "buffered_message"
    __table_args__ = (Index("ix_message_name_key", "name", "key", "taken"),)

    name: Mapped[str] = mapped_column(String(160))
    key: Mapped[str] = mapped_column(String(160))
    message_id: Mapped[str] = mapped_column(String(160), unique=True)
    variables: Mapped[Any] = mapped_column(Json, default=dict)
    taken: Mapped[bool] = mapped_column(default=False)
    arrived_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Incident(WithId, Base):
    """A case that cannot go on by itself. ``state``: open, resolved."""

    __tablename__ = "incident"
    __table_args__ = (Index("ix_incident_office_state", "office_id", "state"), Index("ix_incident_case", "case_id"))

    case_id: Mapped[int]
    office_id: Mapped[int]
    token: Mapped[str] = mapped_column(String(64))
    element_id: Mapped[str] = mapped_column(String(120))
    element_name: Mapped[str] = mapped_column(String(120))
    code: Mapped[str] = mapped_column(String(60))
    message: Mapped[str] = mapped_column(Text)
    party: Mapped[str] = mapped_column(String(60), default="")
    state: Mapped[str] = mapped_column(String(12), default="open")
    raised_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str] = mapped_column(String(60), default="")


def stage_of(properties: Mapping[str, Any], before: str) -> str:
    """The stage an element belongs to, else the one the case was in."""
    return str(properties.get("stage") or before)
