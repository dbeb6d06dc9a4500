"""Payment orders as the money desk and the payer see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries.common import stamp
from engine.queries.portal_case import own_case
from engine.registers import payments
from engine.registers.payments import ALARMS, CHANNELS, PaymentAlarm, PaymentCode, PaymentOrder, PaymentReceipt

MOST = 100
TONES = {"paid": "ok", "open": "info", "closing": "warn", "refunded": "warn", "closed": ""}


@dataclass(frozen=True)
class OrderRow:
    """One order of the list. ``amount`` in 元; ``receipts``: (id, channel, 元, state, refundable in 分)."""

    id: int
    number: str
    subject: str
    title: str
    amount: Decimal
    state: str
    tone: str
    opened: str
    may_close: bool
    receipts: list[tuple[int, str, Decimal, str, int]]


@dataclass(frozen=True)
class AlarmRow:
    """Something that a person must look at; amounts in words."""

    id: int
    what: str
    channel: str
    key: str
    expected: str
    found: str
    times: int
    at: str


@dataclass(frozen=True)
class RefundRow:
    """A refund that waits for approval or is on its way."""

    id: int
    number: str
    channel: str
    amount: Decimal
    reason: str
    state: str
    made: str
    may_approve: bool
    may_drop: bool
    note: str


@dataclass(frozen=True)
class ToPay:
    """What the payer sees. ``codes``: (channel, title) that can be scanned now."""

    id: int
    case_id: int
    number: str
    title: str
    amount: Decimal
    state: str
    expires_at: datetime
    paid_at: datetime | None
    codes: list[tuple[str, str]]


def orders(session: Session, actor: Actor) -> list[OrderRow]:
    """The newest orders of the actor's offices."""
    query = select(PaymentOrder).where(PaymentOrder.office_id.in_(actor.offices)).order_by(PaymentOrder.id.desc())
    found = list(session.scalars(query.limit(MOST)))
    receipts: dict[int, list[tuple[int, str, Decimal, str, int]]] = {}
    for one in session.scalars(select(PaymentReceipt).where(PaymentReceipt.order_id.in_([row.id for row in found]))):
        left = one.amount - payments.returned(session, one.id)
        told = (one.id, CHANNELS[one.channel], Decimal(one.amount) / 100, payments.RECEIPT_STATES[one.state], left)
        receipts.setdefault(one.order_id, []).append(told)
    return [
        OrderRow(
            one.id,
            one.number,
            one.subject,
            one.title,
            Decimal(one.amount) / 100,
            payments.STATES[one.state],
            TONES[one.state],
            stamp(one.opened_at),
            one.state == payments.OPEN and actor.has("finance"),
            receipts.get(one.id, []),
        )
        for one in found
    ]


def alarms(session: Session, actor: Actor) -> list[AlarmRow]:
    """Open alarms of the actor's offices, and those of nobody's."""
    offices = PaymentAlarm.office_id.in_((0, *actor.offices))
    query = select(PaymentAlarm).where(PaymentAlarm.state == "open", offices).order_by(PaymentAlarm.came_at.desc())
    return [
        AlarmRow(
            one.id,
            ALARMS[one.kind],
            CHANNELS.get(one.channel, one.channel),
            one.key,
            _yuan(one.expected),
            _yuan(one.found),
            one.times,
            stamp(one.came_at),
        )
        for one in session.scalars(query.limit(MOST))
    ]


def refunds(session: Session, actor: Actor) -> list[RefundRow]:
    """What waits for approval, is on its way or failed."""
    of = payments.PaymentRefund
    query = (
        select(of)
        .join(PaymentOrder, PaymentOrder.id == of.order_id)
        .where(PaymentOrder.office_id.in_(actor.offices), of.state.in_(("asked", "approved", "sent", "failed")))
        .order_by(of.id.desc())
        .limit(MOST)
    )
    return [
        RefundRow(
            one.id,
            one.number,
            CHANNELS[one.channel],
            Decimal(one.amount) / 100,
            one.reason,
            payments.REFUND_STATES[one.state],
            f"{one.made_by_name} {stamp(one.made_at)}",
            one.state == "asked" and actor.has("finance_review") and one.made_by != actor.key,
            one.state == "asked",
            one.note,
        )
        for one in session.scalars(query)
    ]


def case_of(session: Session, actor: Actor, number: str) -> int:
    """The id of the case of that number, in the actor's offices. Raises ``NotFound``."""
    found = session.scalar(select(Case.id).where(Case.number == number, Case.office_id.in_(actor.offices)))
    if found is None:
        raise NotFound(f"没有受理号为 {number} 的办件，请核对")
    return found


def open_of(session: Session, actor: Actor, case_id: int) -> list[tuple[int, str, Decimal]]:
    """What is to be paid in a citizen's case: (id, title, 元)."""
    own_case(session, actor, case_id)
    of = (PaymentOrder.case_id == case_id, PaymentOrder.state == payments.OPEN)
    found = session.scalars(select(PaymentOrder).where(*of).order_by(PaymentOrder.id))
    return [(one.id, one.title, Decimal(one.amount) / 100) for one in found]


def paid_of(session: Session, actor: Actor, case_id: int) -> list[tuple[int, str, Decimal]]:
    """What was paid in a citizen's case: (id, title, 元); its page has the invoice."""
    own_case(session, actor, case_id)
    of = (PaymentOrder.case_id == case_id, PaymentOrder.state.in_((payments.PAID, payments.REFUNDED)))
    found = session.scalars(select(PaymentOrder).where(*of).order_by(PaymentOrder.id))
    return [(one.id, one.title, Decimal(one.amount) / 100) for one in found]


def to_pay(session: Session, actor: Actor, order_id: int) -> ToPay:
    """An order of the citizen's own case. Raises ``NotFound``."""
    order = session.get(PaymentOrder, order_id)
    if order is None or not order.case_id:
        raise NotFound("没有这笔缴费，或不是您的办件")
    own_case(session, actor, order.case_id)
    codes = [
        (one.channel, CHANNELS[one.channel])
        for one in payments.codes(session, order.id)
        if one.state == "placed" and order.state == payments.OPEN
    ]
    amount = Decimal(order.amount) / 100
    return ToPay(
        order.id,
        order.case_id,
        order.number,
        order.title,
        amount,
        order.state,
        order.expires_at,
        order.paid_at,
        codes,
    )


def code_text(session: Session, actor: Actor, order_id: int, channel: str) -> str:
    """The text of the QR code. Raises ``NotFound`` where there is none to scan."""
    if channel not in dict(to_pay(session, actor, order_id).codes):
        raise NotFound("这个二维码已经失效，请刷新页面")
    of = (PaymentCode.order_id == order_id, PaymentCode.channel == channel)
    return session.scalars(select(PaymentCode.url).where(*of)).one()


def _yuan(fen: int | None) -> str:
    return "" if fen is None else f"{fen // 100}.{fen % 100:02d} 元"
