"""R28 public notices, R22 objections and the messages shown to applicants, with the operations that write them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import clock, ids, masks, workdays
from engine.core.db import Base, WithId
from engine.core.errors import NotFound
from engine.core.operations import Call, NoNews, operation
from engine.core.types import Json, Sealed

OPEN = "open"


class Notice(WithId, Base):
    """A 公示. ``state``: open, paused, passed, failed, withdrawn. ``rows`` holds what the public sees: masked."""

    __tablename__ = "notice"

    office_id: Mapped[int] = mapped_column(index=True)
    case_id: Mapped[int] = mapped_column(index=True)
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text, default="")
    rows: Mapped[Any] = mapped_column(Json, default=list)
    state: Mapped[str] = mapped_column(String(20), index=True, default=OPEN)
    published_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    left_seconds: Mapped[int] = mapped_column(default=0)
    closed_at: Mapped[datetime | None]


class Objection(WithId, Base):
    """What somebody objects to in a notice; one person objects once to one notice."""

    __tablename__ = "objection"
    __table_args__ = (UniqueConstraint("notice_id", "account_id"),)

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    account_id: Mapped[int]
    case_id: Mapped[int]
    name: Mapped[str] = mapped_column(Sealed)
    phone: Mapped[str] = mapped_column(Sealed)
    reason: Mapped[str] = mapped_column(Sealed)
    state: Mapped[str] = mapped_column(String(20), default="received")
    reply: Mapped[str] = mapped_column(Text, default="")
    filed_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class CitizenMessage(WithId, Base):
    """A message in an applicant's portal inbox."""

    __tablename__ = "citizen_message"

    account_id: Mapped[int] = mapped_column(index=True)
    case_id: Mapped[int] = mapped_column(index=True)
    title: Mapped[str] = mapped_column(String(120))
    body: Mapped[str] = mapped_column(Sealed)
    sent_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class PublishNotice(Schema):
    """``days`` are working days after today; ``subject_names`` are masked before anybody sees them."""

    title = fields.String(required=True)
    days = fields.Integer(required=True, validate=validate.Range(min=0, max=365))
    subject_names = fields.List(fields.String(), required=True)
    body = fields.String(load_default="", allow_none=True)


class NoticePublished(Schema):
    """The notice and the moment it ends (ISO, with offset)."""

    notice_id = fields.Integer(required=True)
    publicity_ends_at = fields.String(required=True)


@operation("notice.publish", title="发布公示", where="inside", inputs=PublishNotice, outputs=NoticePublished)
def publish_notice(call: Call) -> dict[str, Any]:
    """Put a masked list on the public site; it ends with the last second of the last working day."""
    session: Session = call.session
    now = clock.now()
    last_day = workdays.current().add(clock.today(), call.inputs["days"])
    ends = datetime(last_day.year, last_day.month, last_day.day, tzinfo=clock.SHANGHAI) + timedelta(days=1)
    notice = Notice(
        id=ids.new(),
        office_id=call.office_id,
        case_id=call.case_id,
        title=call.inputs["title"],
        body=call.inputs["body"] or "",
        rows=[{"name": masks.mask_name(name)} for name in call.inputs["subject_names"]],
        published_at=now,
        ends_at=ends,
    )
    session.add(notice)
    session.flush()
    return {"notice_id": notice.id, "publicity_ends_at": ends.isoformat()}


class OfNotice(Schema):
    """One notice."""

    notice_id = fields.Integer(required=True)


def _notice(call: Call) -> Notice:
    notice: Notice | None = call.session.get(Notice, call.inputs["notice_id"])
    if notice is None or notice.case_id != call.case_id:
        raise NotFound("没有这份公示")
    return notice


@operation("notice.pause", title="暂停公示", where="inside", inputs=OfNotice, outputs=NoNews)
def pause_notice(call: Call) -> dict[str, Any]:
    """Hold the notice; what was left of its time is kept."""
    notice = _notice(call)
    notice.left_seconds = max(0, int((notice.ends_at - clock.now()).total_seconds()))
    notice.state = "paused"
    call.session.flush()
    return {}


class NoticeResumed(Schema):
    """The new end (ISO, with offset)."""

    publicity_ends_at = fields.String(required=True)


@operation("notice.resume", title="恢复公示", where="inside", inputs=OfNotice, outputs=NoticeResumed)
def resume_notice(call: Call) -> dict[str, Any]:
    """Go on for as long as was left."""
    notice = _notice(call)
    notice.state = OPEN
    notice.ends_at = clock.now() + timedelta(seconds=notice.left_seconds)
    call.session.flush()
    return {"publicity_ends_at": clock.local(notice.ends_at).isoformat()}


class CloseNotice(OfNotice):
    """How it ended."""

    result = fields.String(required=True, validate=validate.OneOf(["passed", "failed"]))


@operation("notice.close", title="结束公示", where="inside", inputs=CloseNotice, outputs=NoNews)
def close_notice(call: Call) -> dict[str, Any]:
    """End the notice with its result."""
    notice = _notice(call)
    notice.state, notice.closed_at = call.inputs["result"], clock.now()
    call.session.flush()
    return {}


class CloseObjection(Schema):
    """The finding and the reply to whoever objected."""

    objection_id = fields.Integer(required=True)
    finding = fields.String(required=True, validate=validate.OneOf(["upheld", "dismissed"]))
    reply = fields.String(required=True)


@operation("objection.close", title="答复异议", where="inside", inputs=CloseObjection, outputs=NoNews)
def close_objection(call: Call) -> dict[str, Any]:
    """Write finding and reply, and tell the person who objected."""
    objection: Objection | None = call.session.get(Objection, call.inputs["objection_id"])
    if objection is None or objection.case_id != call.case_id:
        raise NotFound("没有这条异议")
    objection.state, objection.reply = call.inputs["finding"], call.inputs["reply"]
    objection.closed_at = clock.now()
    send_message(call.session, objection.account_id, call.case_id, "异议处理答复", objection.reply)
    call.session.flush()
    return {}


def withdraw_open(session: Session, case_id: int) -> None:
    """A case that ends takes its running notices with it: there is nothing left to object to."""
    session.execute(
        update(Notice)
        .where(Notice.case_id == case_id, Notice.state.in_((OPEN, "paused")))
        .values(state="withdrawn", closed_at=clock.now())
    )


def send_message(session: Session, account_id: int, case_id: int, title: str, body: str) -> None:
    """Put a message in a person's portal inbox."""
    session.add(
        CitizenMessage(
            id=ids.new(), account_id=account_id, case_id=case_id, title=title, body=body, sent_at=clock.now()
        )
    )
