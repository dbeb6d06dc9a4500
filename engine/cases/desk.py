"""What people make of their inbox: named views, what each has looked at, and from when an office sees yellow."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.cases.work import ASKED, Task
from engine.core.db import Base, WithId, insert_with_conflict
from engine.core.types import Json

# How many working days before its day a task turns yellow, where an office has said nothing.
YELLOW_DAYS = 2


class InboxView(WithId, Base):
    """A named view of open tasks: ``filters``, ``columns``, ``sort`` and ``colour`` as ``view_spec`` reads them.

    ``owner`` is the actor key of whoever made it. A ``shared`` one is seen by everybody of the office.
    """

    __tablename__ = "inbox_view"
    __table_args__ = (Index("ix_inbox_view_office", "office_id", "position"),)

    office_id: Mapped[int]
    owner: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(40))
    filters: Mapped[Any] = mapped_column(Json)
    columns: Mapped[Any] = mapped_column(Json)
    sort: Mapped[str] = mapped_column(String(12))
    colour: Mapped[str] = mapped_column(String(12))
    position: Mapped[int]
    shared: Mapped[bool] = mapped_column(default=False)


class TaskSeen(Base):
    """A task that a person has opened; no row: it stands unread on their list."""

    __tablename__ = "task_seen"

    staff_key: Mapped[str] = mapped_column(String(40), primary_key=True)
    task_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seen_at: Mapped[datetime]


class DeskRule(Base):
    """What an office decided about its inbox: from how many working days before its day a task is yellow."""

    __tablename__ = "desk_rule"

    office_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    yellow_days: Mapped[int]


def saw(session: Session, staff_key: str, task_id: int, at: datetime) -> None:
    """Remember that a person has opened a task; a second time changes nothing."""
    row = insert_with_conflict(session, TaskSeen).values(staff_key=staff_key, task_id=task_id, seen_at=at)
    session.execute(row.on_conflict_do_nothing())


def unsee(session: Session, task_id: int) -> None:
    """Something came of a task: it stands unread again for everybody."""
    session.execute(delete(TaskSeen).where(TaskSeen.task_id == task_id))


def is_seen(session: Session, tasks: Iterable[int]) -> bool:
    """Whether anybody has opened one of these tasks."""
    query = select(TaskSeen.task_id).where(TaskSeen.task_id.in_(list(tasks))).limit(1)
    return session.scalar(query) is not None


def sweep(session: Session) -> int:
    """Forget who has seen tasks that nobody can work on any more; gives how many rows."""
    living = select(Task.id).where(Task.state.in_(("open", "suspended", "waiting", *ASKED)))
    gone = delete(TaskSeen).where(TaskSeen.task_id.not_in(living))
    return int(session.execute(gone).rowcount)  # type: ignore[attr-defined]
