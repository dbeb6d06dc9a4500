"""Public notices: what anybody may read. Rows are masked when the notice is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.core import clock, workdays
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries.common import calendar
from engine.registers.notices import OPEN, Notice, Objection
from engine.registers.offices import Office

RUNNING = (OPEN, "paused")


@dataclass(frozen=True)
class NoticeView:
    """One notice. ``state``: open, over (time is up, result not yet confirmed), paused, passed, failed.

    ``days_left`` counts working days, 0 on the last day.
    """

    id: int
    title: str
    body: str
    rows: list[dict[str, Any]]
    state: str
    office: str
    office_phone: str
    office_address: str
    published_at: datetime
    ends_at: datetime
    closed_at: datetime | None
    days_left: int

    @property
    def takes_objections(self) -> bool:
        """Whether somebody may object now."""
        return self.state == OPEN


def current(session: Session, limit: int = 100) -> list[NoticeView]:
    """Notices that run or are held, newest first."""
    return _views(session, select(Notice).where(Notice.state.in_(RUNNING)), limit)


def past(session: Session, limit: int = 50) -> list[NoticeView]:
    """Notices that ended, newest first."""
    return _views(session, select(Notice).where(Notice.state.not_in(RUNNING)), limit)


def notice(session: Session, notice_id: int) -> NoticeView:
    """One notice. Raises ``NotFound``."""
    found = _views(session, select(Notice).where(Notice.id == notice_id), 1)
    if not found:
        raise NotFound("没有这份公示，可能已撤下，请到公示列表查找")
    return found[0]


def has_objected(session: Session, actor: Actor, notice_id: int) -> bool:
    """Whether the citizen objected to this notice already."""
    query = select(Objection.id).where(Objection.notice_id == notice_id, Objection.account_id == actor.id)
    return session.scalar(query) is not None


def _views(session: Session, query: Any, limit: int) -> list[NoticeView]:
    rows = session.scalars(query.order_by(Notice.published_at.desc()).limit(limit)).all()
    places = {
        row.id: row for row in session.scalars(select(Office).where(Office.id.in_({one.office_id for one in rows})))
    }
    with calendar(session):
        return [_view(row, places[row.office_id]) for row in rows]


def _view(row: Notice, office: Office) -> NoticeView:
    over = row.state == OPEN and row.ends_at <= clock.now()
    # A notice that ends at midnight ended with the day before.
    last_day = clock.local(row.ends_at - timedelta(seconds=1)).date()
    return NoticeView(
        id=row.id,
        title=row.title,
        body=row.body,
        rows=list(row.rows),
        state="over" if over else row.state,
        office=office.name,
        office_phone=office.phone,
        office_address=office.address,
        published_at=row.published_at,
        ends_at=row.ends_at,
        closed_at=row.closed_at,
        days_left=max(0, workdays.current().between(clock.today(), last_day)),
    )
