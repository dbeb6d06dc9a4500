"""Waits are rows: open tasks of people, subscriptions to messages and signals, incidents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.core.db import Base, WithId, where
from engine.core.types import Json

# States of a task whose listeners are asked before it is assigned, changed or done.
ASKED = ("assigning", "updating", "completing")
# Among a task's properties: why what was asked for was refused.
REFUSAL = "anju.refusal"

# The step of a task by which longer is asked for; no element of a model has such a name.
EXTENSION = "anju:extension"

# What rows had before a column came.
_EMPTY = text("''")


class Task(WithId, Base):
    """A user task. ``state``: open, done, cancelled, suspended, or one of ``ASKED``.

    ``role`` is the queue (empty: anybody's of the office); ``assignee`` an actor key or empty.
    ``alarm`` is yellow once a warning was given about its limit, red once it was escalated.
    ``due_on`` is the lawful due day of the case (None while its clock stands or has none); ``due_at`` and
    ``follow_up_at`` are the task's own dates (``zeebe:taskSchedule``).

    What colleagues ask of each other: ``kind`` is normal, added_before, added_after or added_parallel. An added task
    hangs on ``host_id`` and has no token of its own; its ``state`` is waiting until its turn comes. ``hold`` of a host:
    before (others first) or after (done, but others are still asked). ``owner`` is to whom a delegated task returns,
    ``asked_by`` who asked last. ``mark`` says how it came: returned, came_back, transferred, delegated, answered,
    added, reopened, taken_back. ``back_to`` is the step that follows instead of the model's. ``followed``: the
    tokens that its completion brought, or why it cannot be taken back.
    """

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_done", "done_by", "done_at", **where("state = 'done'")),
        Index("ix_task_case", "case_id"),
    )

    case_id: Mapped[int]
    office_id: Mapped[int]
    token: Mapped[str] = mapped_column(String(64))
    process_id: Mapped[str] = mapped_column(String(120))
    # The case's own, so that an inbox can ask for them without reading cases.
    item: Mapped[str] = mapped_column(String(120), default="", server_default=_EMPTY)
    channel: Mapped[str] = mapped_column(String(20), default="", server_default=_EMPTY)
    element_id: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(120))
    stage: Mapped[str] = mapped_column(String(40), default="")
    role: Mapped[str] = mapped_column(String(60))
    assignee: Mapped[str] = mapped_column(String(40), default="")
    form_id: Mapped[str] = mapped_column(String(160))
    properties: Mapped[Any] = mapped_column(Json, default=dict)
    state: Mapped[str] = mapped_column(String(12), default="open")
    version: Mapped[int] = mapped_column(Integer, default=1)
    priority: Mapped[int] = mapped_column(Integer, default=50)
    candidate_users: Mapped[Any | None] = mapped_column(Json)
    due_on: Mapped[date | None] = mapped_column(Date)
    due_at: Mapped[datetime | None]
    follow_up_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[str] = mapped_column(String(40), default="")
    done_by_name: Mapped[str] = mapped_column(String(60), default="")
    kind: Mapped[str] = mapped_column(String(16), default="normal", server_default="normal")
    host_id: Mapped[int | None]
    asked_by: Mapped[str] = mapped_column(String(40), default="", server_default=_EMPTY)
    owner: Mapped[str] = mapped_column(String(40), default="", server_default=_EMPTY)
    hold: Mapped[str] = mapped_column(String(8), default="", server_default=_EMPTY)
    mark: Mapped[str] = mapped_column(String(12), default="", server_default=_EMPTY)
    back_to: Mapped[str] = mapped_column(String(120), default="", server_default=_EMPTY)
    urged: Mapped[int] = mapped_column(default=0, server_default="0")
    followed: Mapped[Any | None] = mapped_column(Json)
    signature: Mapped[str] = mapped_column(String(64), default="", server_default=_EMPTY)
    alarm: Mapped[str] = mapped_column(String(6), default="", server_default=_EMPTY)


# An inbox looks at open tasks only, however many are done, in this order.
_URGENT = (Task.due_on, Task.priority.desc(), Task.id)
Index("ix_task_free", Task.role, Task.office_id, *_URGENT, **where("state = 'open' AND assignee = ''"))
Index("ix_task_mine", Task.assignee, *_URGENT, **where("state = 'open' AND assignee <> ''"))
Index("ix_task_open", Task.office_id, *_URGENT, **where("state = 'open'"))
Index("ix_task_supplement", Task.office_id, *_URGENT, **where("state = 'open' AND role = 'applicant'"))


class Subscription(WithId, Base):
    """A token that waits for a message (``kind`` message, with a key) or a signal."""

    __tablename__ = "subscription"
    __table_args__ = (Index("ix_subscription_name_key", "name", "key"),)

    case_id: Mapped[int] = mapped_column(index=True)
    token: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(160))
    key: Mapped[str] = mapped_column(String(160), default="")
    process_id: Mapped[str] = mapped_column(String(200), default="")
    element_id: Mapped[str] = mapped_column(String(120))


class BufferedMessage(WithId, Base):
    """A message that came before its subscription, or the mark that it was taken; once per ``message_id``.

    ``office_id`` is the office of whoever sent it, None for a party from outside.
    """

    __tablename__ = "buffered_message"
    __table_args__ = (
        Index("ix_message_name_key", "name", "key", "taken"),
        UniqueConstraint("name", "key", "message_id"),
    )

    name: Mapped[str] = mapped_column(String(160))
    key: Mapped[str] = mapped_column(String(160))
    message_id: Mapped[str] = mapped_column(String(160))
    office_id: Mapped[int | None]
    variables: Mapped[Any] = mapped_column(Json, default=dict)
    taken: Mapped[bool] = mapped_column(default=False)
    arrived_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Incident(WithId, Base):
    """A case that cannot go on by itself. ``state``: open, resolved. ``job_id``: the job whose retries are spent."""

    __tablename__ = "incident"
    __table_args__ = (
        Index("ix_incident_office_state", "office_id", "state"),
        Index("ix_incident_case", "case_id"),
        Index("ix_incident_party", "party", "state"),
    )

    case_id: Mapped[int]
    office_id: Mapped[int]
    token: Mapped[str] = mapped_column(String(64))
    process_id: Mapped[str] = mapped_column(String(200), default="")
    job_id: Mapped[int | None]
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
