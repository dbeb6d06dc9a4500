"""Orders that are paid by QR code: opened, placed at the channels, booked once, asked after, closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engine.cases.case import Case, next_number
from engine.commands import Unit, handles
from engine.commands.inbound import takes
from engine.commands.reconciliation import Rows, books
from engine.commands.refunds import send_back
from engine.core import clock, ids
from engine.core.errors import Duplicate, NotFound, Refused
from engine.core.inbound import NoticeCame
from engine.registers import payments
from engine.registers.payments import (
    BOOKED,
    CHANNELS,
    CLOSED,
    CLOSING,
    LATE,
    OPEN,
    PAID,
    SURPLUS,
    PaymentAlarm,
    PaymentCode,
    PaymentOrder,
    PaymentReceipt,
    PaymentRefund,
)

MAKER, CHECKER = "finance", "finance_review"
LONGEST_MINUTES = 7 * 24 * 60
MOST_FEN = 100_000_000


@dataclass(frozen=True)
class OpenOrder:
    """Let ``subject`` (a bill, a fee) be paid once; the amount is ours alone. ``case_id`` 0: of no case."""

    subject: str
    title: str
    amount_fen: int
    case_id: int = 0
    minutes: int = 120


@dataclass(frozen=True)
class CodePlaced:
    """What a channel gave for the order: the text of the QR code, or why there is none yet."""

    code_id: int
    url: str = ""
    error: str = ""


@dataclass(frozen=True)
class Payment:
    """A genuine payment as a channel tells it."""

    channel: str
    number: str
    transaction: str
    amount_fen: int
    paid_at: datetime


@dataclass(frozen=True)
class CodeAsked:
    """What a channel says of the order. ``state``: paid, unpaid, absent, closed; nothing with an ``error``."""

    code_id: int
    state: str = ""
    payment: Payment | None = None
    error: str = ""


@dataclass(frozen=True)
class CloseOrder:
    """It may not be paid any more; what is paid before the channels know is booked all the same."""

    order_id: int
    reason: str


@dataclass(frozen=True)
class SettlePaymentAlarm:
    """A person has dealt with it."""

    alarm_id: int
    note: str


@handles(OpenOrder)
def open_order(command: OpenOrder, unit: Unit) -> int:
    """The order's id; the same one where it is open already. Raises ``Duplicate`` for what is paid or differs."""
    unit.require(MAKER)
    subject, title = command.subject.strip(), command.title.strip()
    if not 0 < command.amount_fen <= MOST_FEN:
        raise Refused("金额应大于零且不超过一百万元", code="bad_amount")
    if not subject or len(subject) > 60 or not title or not 1 <= command.minutes <= LONGEST_MINUTES:
        raise Refused("请写明收费编号、名称和有效时间", code="bad_order")
    office = _office(unit, command.case_id)
    live = (PaymentOrder.subject == subject, PaymentOrder.state.in_((OPEN, CLOSING, PAID)))
    found = unit.session.scalar(select(PaymentOrder).where(*live))
    if found is not None:
        if found.state == OPEN and (found.amount, found.office_id) == (command.amount_fen, office):
            return found.id
        raise Duplicate(f"“{subject}”已有订单 {found.number}（{payments.STATES[found.state]}），不能重复收款")
    serial = next_number(unit.session, f"payment:{clock.today():%Y%m%d}")
    order = PaymentOrder(
        id=ids.new(),
        office_id=office,
        case_id=command.case_id,
        number=f"AJ{clock.today():%Y%m%d}{serial:06d}",
        subject=subject,
        title=title[:60],
        amount=command.amount_fen,
        state=OPEN,
        expires_at=unit.now + timedelta(minutes=command.minutes),
        opened_at=unit.now,
        opened_by=unit.actor.key,
    )
    unit.session.add(order)
    try:
        unit.session.flush()
    except IntegrityError as error:
        raise Duplicate("同一笔收费刚刚开立了订单，请刷新后查看") from error
    for channel in CHANNELS:
        unit.session.add(PaymentCode(id=ids.new(), order_id=order.id, channel=channel, next_at=unit.now))
    _tell(unit, order, f"开立收款订单 {order.number}，{_yuan(order.amount)}")
    unit.session.flush()
    return order.id


@handles(CodePlaced)
def code_placed(command: CodePlaced, unit: Unit) -> None:
    """Keep the code, or try again later."""
    code, order = _locked_code(unit, command.code_id)
    code.note = command.error[:200]
    if command.error:
        code.asked += 1
        code.next_at = unit.now + payments.pause(code.asked)
    elif code.state == "new":
        code.state, code.url, code.asked = "placed", command.url[:512], 0
        code.next_at = unit.now + payments.pause(0) if order.state == OPEN else unit.now
    unit.session.flush()


@handles(CodeAsked)
def code_asked(command: CodeAsked, unit: Unit) -> str:
    """What follows from an answer: paid is booked, expired is closed, anything else is asked again."""
    code, order = _locked_code(unit, command.code_id)
    code.note, code.asked = command.error[:200], code.asked + 1
    code.next_at = min(unit.now + payments.pause(code.asked), max(order.expires_at, unit.now + payments.FIRST_QUESTION))
    came = command.state
    if command.payment is not None:
        came = _take(unit, command.payment, "query")
    elif command.state == "closed":
        code.state = "closed"
    elif command.state in ("unpaid", "absent") and order.state == OPEN and order.expires_at <= unit.now:
        order.state, code.next_at = CLOSING, unit.now
    _close_when_all_are(unit, order)
    unit.session.flush()
    return came


@handles(CloseOrder)
def close_order(command: CloseOrder, unit: Unit) -> None:
    """Raises ``Refused`` where it is paid already."""
    unit.require(MAKER)
    order = _own(unit, command.order_id)
    if order.state != OPEN:
        raise Refused(f"订单{payments.STATES[order.state]}，不能关闭，请刷新后查看", code="order_state")
    order.state = CLOSING
    for code in payments.codes(unit.session, order.id):
        code.next_at = unit.now
        if code.state == "new" and not code.asked:
            code.state = "closed"
    _tell(unit, order, f"关闭收款订单 {order.number}：{command.reason[:100]}")
    _close_when_all_are(unit, order)
    unit.session.flush()


@handles(SettlePaymentAlarm)
def settle_alarm(command: SettlePaymentAlarm, unit: Unit) -> None:
    """Say what was done about it."""
    unit.require(MAKER, CHECKER, "supervisor")
    found = unit.session.get(PaymentAlarm, command.alarm_id)
    if found is None or (found.office_id and unit.actor.kind == "staff" and found.office_id not in unit.actor.offices):
        raise NotFound("没有这条告警")
    if not command.note.strip():
        raise Refused("请写明如何处理", code="note_missing")
    found.state, found.note, found.settled_by = "settled", command.note.strip()[:300], unit.actor.shown
    unit.record(None, "payment_alarm", f"处理收款告警：{payments.ALARMS[found.kind]}", {"note": found.note})
    unit.session.flush()


# --- what the channels bring --------------------------------------------------------------------------------------


@takes("payment")
def take_notice(notice: NoticeCame, unit: Unit) -> Mapping[str, Any]:
    """A genuine notice: booked, or refused with an alarm. ``state``: see ``_take``; noted: no money moved."""
    told = notice.content
    if told["state"] != "paid":
        return {"state": "noted"}
    paid_at = datetime.fromisoformat(told["paid_at"])
    payment = Payment(told["channel"], told["number"], told["transaction"], told["amount_fen"], paid_at)
    came = _take(unit, payment, "notice")
    unit.session.flush()
    return {"state": came}


@takes("payment_forged")
def take_forged(notice: NoticeCame, unit: Unit) -> Mapping[str, Any]:
    """Somebody who is not the channel, or a key that changed: nothing is booked, supervisors see it."""
    payments.alarm(unit.session, unit.now, "forged", notice.content["channel"], notice.message_id)
    return {"state": "refused", "forged": True}


def _take(unit: Unit, payment: Payment, source: str) -> str:
    """Book a payment under the order's lock: booked, repeated, surplus, late, or refused. Refusing rings."""
    order = payments.locked(unit.session, number=payment.number)
    if order is None:
        return _refuse(unit, payment, "unknown_order", None)
    known = unit.session.scalar(
        select(PaymentReceipt).where(
            PaymentReceipt.channel == payment.channel, PaymentReceipt.transaction == payment.transaction
        )
    )
    if known is not None:
        same = (known.order_id, known.amount) == (order.id, payment.amount_fen)
        return "repeated" if same else _refuse(unit, payment, "contradiction", order, known.amount)
    if payment.amount_fen != order.amount:
        return _refuse(unit, payment, "amount", order, order.amount)
    state = {OPEN: BOOKED, CLOSING: BOOKED, CLOSED: LATE}.get(order.state, SURPLUS)
    receipt = PaymentReceipt(
        id=ids.new(),
        order_id=order.id,
        channel=payment.channel,
        transaction=payment.transaction,
        amount=payment.amount_fen,
        state=state,
        source=source,
        paid_at=payment.paid_at,
        day=clock.local(payment.paid_at).date(),
        came_at=unit.now,
    )
    unit.session.add(receipt)
    for code in payments.codes(unit.session, order.id):
        if code.channel == payment.channel:
            code.state = "paid"
        elif code.state != "closed":
            # Nobody should pay the same again elsewhere.
            code.next_at = unit.now
    if state == BOOKED:
        order.state, order.paid_at = PAID, payment.paid_at
        _tell(unit, order, f"收到{CHANNELS[payment.channel]}付款 {_yuan(order.amount)}，订单 {order.number}")
    else:
        kind = "twice" if state == SURPLUS else "late"
        payments.alarm(
            unit.session, unit.now, kind, payment.channel, payment.transaction, order=order, found=receipt.amount
        )
        send_back(unit, order, receipt, payments.RECEIPT_STATES[state])
    return state


def _refuse(unit: Unit, payment: Payment, kind: str, order: PaymentOrder | None, expected: int | None = None) -> str:
    key = f"{payment.number}/{payment.transaction}"
    found = payment.amount_fen
    payments.alarm(unit.session, unit.now, kind, payment.channel, key, order=order, expected=expected, found=found)
    return "refused"


# --- our books for the day's bill file ----------------------------------------------------------------------------


def _day(session: Session, day: date, channel: str) -> Rows:
    """Payments by transaction, refunds by their number; money in 分, what went back below zero."""
    orders, receipts, refunds = PaymentOrder, PaymentReceipt, PaymentRefund
    came = (
        select(receipts.transaction, orders.number, receipts.amount)
        .join(orders, orders.id == receipts.order_id)
        .where(receipts.channel == channel, receipts.day == day)
    )
    went = (
        select(refunds.number, orders.number, -refunds.amount)
        .join(orders, orders.id == refunds.order_id)
        .where(refunds.channel == channel, refunds.day == day, refunds.state == "done")
    )
    rows = [*session.execute(came), *session.execute(went)]
    return {key: {"number": number, "amount": amount} for key, number, amount in rows}


@books("wechat")
def wechat_day(session: Session, day: date) -> Rows:
    """What we hold of a day at WeChat."""
    return _day(session, day, "wechat")


@books("alipay")
def alipay_day(session: Session, day: date) -> Rows:
    """What we hold of a day at Alipay."""
    return _day(session, day, "alipay")


# --- inside -------------------------------------------------------------------------------------------------------


def _office(unit: Unit, case_id: int) -> int:
    if not case_id:
        return unit.actor.office_id
    case = unit.session.get(Case, case_id)
    if case is None or (unit.actor.kind == "staff" and case.office_id not in unit.actor.offices):
        raise NotFound("没有这个办件，或不在您的办理范围内")
    return case.office_id


def _own(unit: Unit, order_id: int) -> PaymentOrder:
    order = payments.locked(unit.session, order_id=order_id)
    if order is None or (unit.actor.kind == "staff" and order.office_id not in unit.actor.offices):
        raise NotFound("没有这个订单")
    return order


def _locked_code(unit: Unit, code_id: int) -> tuple[PaymentCode, PaymentOrder]:
    """The order first: everybody locks in the same order."""
    order_id = unit.session.scalar(select(PaymentCode.order_id).where(PaymentCode.id == code_id))
    order = payments.locked(unit.session, order_id=order_id or 0)
    if order is None:
        raise NotFound("没有这个订单")
    return unit.session.get_one(PaymentCode, code_id, populate_existing=True), order


def _close_when_all_are(unit: Unit, order: PaymentOrder) -> None:
    unit.session.flush()
    if order.state == CLOSING and all(code.state == "closed" for code in payments.codes(unit.session, order.id)):
        order.state = CLOSED


def _tell(unit: Unit, order: PaymentOrder, title: str) -> None:
    case = unit.session.get(Case, order.case_id) if order.case_id else None
    unit.record(case, "payment", title, {"order": order.number, "amount": order.amount})


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d} 元"
