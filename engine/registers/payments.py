"""Payment orders: what somebody may pay by QR code, what really came in, what goes back, and what does not agree.

An order has one number and a code for each channel. It is booked by the first genuine payment of the right amount;
whatever else comes in for it is kept apart and goes back. Money in 分. Double entry comes later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import ids
from engine.core.db import Base, WithId, for_update, insert_with_conflict, where

CHANNELS = {"wechat": "微信支付", "alipay": "支付宝"}
OPEN, CLOSING, PAID, CLOSED, REFUNDED = "open", "closing", "paid", "closed", "refunded"
STATES = {OPEN: "待支付", CLOSING: "正在关闭", PAID: "已支付", CLOSED: "已关闭", REFUNDED: "已退款"}
BOOKED, SURPLUS, LATE = "booked", "surplus", "late"
RECEIPT_STATES = {BOOKED: "已入账", SURPLUS: "重复支付，原路退回", LATE: "关闭后支付，原路退回"}
REFUND_STATES = {
    "asked": "待复核",
    "approved": "待退款",
    "sent": "渠道处理中",
    "done": "已退款",
    "failed": "退款失败",
    "dropped": "已撤回",
}
ALARMS = {
    "forged": "通知的签名不正确",
    "unknown_order": "通知所说的订单不存在",
    "amount": "支付金额与订单不同",
    "contradiction": "同一笔支付先后有不同的内容",
    "twice": "同一订单付了两次",
    "late": "订单关闭后付款",
    "refund_failed": "渠道没有退成",
    "lost": "渠道不认得这个订单",
}
# After this pause without a notice the channel is asked; the pauses grow to the longest.
FIRST_QUESTION, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)


class PaymentOrder(WithId, Base):
    """``number`` is out_trade_no at every channel; ``subject`` the bill or fee, payable once at a time."""

    __tablename__ = "payment_order"
    __table_args__ = (
        UniqueConstraint("number"),
        Index("ix_payment_order_office", "office_id", "state"),
        Index("ux_payment_order_subject", "subject", unique=True, **where("state IN ('open', 'closing', 'paid')")),
    )

    office_id: Mapped[int]
    case_id: Mapped[int] = mapped_column(default=0, index=True)
    number: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(60))
    amount: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(String(40))
    paid_at: Mapped[datetime | None]


class PaymentCode(WithId, Base):
    """An order at one channel. ``state``: new, placed, paid, closed; ``next_at``: when the channel is asked next."""

    __tablename__ = "payment_code"
    __table_args__ = (UniqueConstraint("order_id", "channel"), Index("ix_payment_code_next", "state", "next_at"))

    order_id: Mapped[int]
    channel: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(12), default="new")
    url: Mapped[str] = mapped_column(String(512), default="")
    asked: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(String(200), default="")


class PaymentReceipt(WithId, Base):
    """Money that a channel took for us. ``source``: notice, query; ``day``: of the channel's bill file."""

    __tablename__ = "payment_receipt"
    __table_args__ = (UniqueConstraint("channel", "transaction"), Index("ix_payment_receipt_day", "channel", "day"))

    order_id: Mapped[int] = mapped_column(index=True)
    channel: Mapped[str] = mapped_column(String(12))
    transaction: Mapped[str] = mapped_column(String(64))
    amount: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    source: Mapped[str] = mapped_column(String(12))
    paid_at: Mapped[datetime]
    day: Mapped[date] = mapped_column(Date)
    came_at: Mapped[datetime]


class PaymentRefund(WithId, Base):
    """Money that goes back the way it came. ``number`` is out_refund_no, the same at every attempt."""

    __tablename__ = "payment_refund"
    __table_args__ = (UniqueConstraint("number"), Index("ix_payment_refund_next", "state", "next_at"))

    receipt_id: Mapped[int] = mapped_column(index=True)
    order_id: Mapped[int]
    channel: Mapped[str] = mapped_column(String(12))
    number: Mapped[str] = mapped_column(String(32))
    amount: Mapped[int]
    reason: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(12))
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(40))
    made_by_name: Mapped[str] = mapped_column(String(60))
    approved_by_name: Mapped[str] = mapped_column(String(60), default="")
    asked: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(String(200), default="")
    day: Mapped[date | None] = mapped_column(Date)


class PaymentAlarm(WithId, Base):
    """Something a person must look at; the same thing again only counts ``times``. Office 0: nobody knows whose."""

    __tablename__ = "payment_alarm"
    __table_args__ = (UniqueConstraint("channel", "kind", "key"), Index("ix_payment_alarm_state", "state", "office_id"))

    office_id: Mapped[int]
    order_id: Mapped[int] = mapped_column(default=0)
    channel: Mapped[str] = mapped_column(String(12))
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(120))
    expected: Mapped[int | None]
    found: Mapped[int | None]
    times: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(12), default="open")
    note: Mapped[str] = mapped_column(String(300), default="")
    settled_by: Mapped[str] = mapped_column(String(60), default="")
    came_at: Mapped[datetime]


def locked(session: Session, *, order_id: int = 0, number: str = "") -> PaymentOrder | None:
    """The order, held until the commit: whoever books, closes or refunds it waits for the others."""
    query = select(PaymentOrder).where(PaymentOrder.number == number if number else PaymentOrder.id == order_id)
    query = query.execution_options(populate_existing=True)
    return session.scalar(query.with_for_update() if for_update(session) else query)


def codes(session: Session, order_id: int) -> Sequence[PaymentCode]:
    """The order at each channel."""
    query = select(PaymentCode).where(PaymentCode.order_id == order_id).order_by(PaymentCode.channel)
    return session.scalars(query).all()


def returned(session: Session, receipt_id: int) -> int:
    """分 of a receipt that went back or are on their way."""
    of = PaymentRefund
    query = select(func.coalesce(func.sum(of.amount), 0)).where(
        of.receipt_id == receipt_id, of.state.in_(("asked", "approved", "sent", "done"))
    )
    return int(session.scalar(query) or 0)


def pause(asked: int) -> timedelta:
    """How long to wait before the next question."""
    return min(FIRST_QUESTION * 2 ** min(asked, 10), LONGEST_PAUSE)


def alarm(
    session: Session,
    at: datetime,
    kind: str,
    channel: str,
    key: str,
    *,
    order: PaymentOrder | None = None,
    expected: int | None = None,
    found: int | None = None,
) -> None:
    """Ring once for the same thing; a settled one that comes again rings anew."""
    row: dict[str, Any] = {
        "id": ids.new(),
        "office_id": order.office_id if order else 0,
        "order_id": order.id if order else 0,
        "channel": channel,
        "kind": kind,
        "key": key[:120],
        "expected": expected,
        "found": found,
        "times": 1,
        "state": "open",
        "note": "",
        "settled_by": "",
        "came_at": at,
    }
    made = insert_with_conflict(session, PaymentAlarm).values(row)
    again = {"times": PaymentAlarm.times + 1, "state": "open", "came_at": at, "found": found}
    session.execute(made.on_conflict_do_update(index_elements=["channel", "kind", "key"], set_=again))
