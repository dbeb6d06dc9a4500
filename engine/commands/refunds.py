"""Money that goes back the way it came: asked by one person, approved by another; what is not ours goes by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from engine.commands import Unit, handles
from engine.core import clock, ids
from engine.core.db import for_update
from engine.core.errors import Forbidden, NotFound, Refused
from engine.registers import payments
from engine.registers.payments import BOOKED, PAID, REFUNDED, PaymentOrder, PaymentReceipt, PaymentRefund

MAKER, CHECKER = "finance", "finance_review"


@dataclass(frozen=True)
class AskRefund:
    """Give back a receipt, or part of it."""

    receipt_id: int
    amount_fen: int
    reason: str


@dataclass(frozen=True)
class ApproveRefund:
    """Let it go; whoever asked may not."""

    refund_id: int


@dataclass(frozen=True)
class DropRefund:
    """It is not to go back after all."""

    refund_id: int


@dataclass(frozen=True)
class RefundAnswered:
    """What the channel says. ``state``: done, sent (it works on it), failed; nothing with an ``error``."""

    refund_id: int
    state: str = ""
    day: date | None = None
    error: str = ""


@handles(AskRefund)
def ask_refund(command: AskRefund, unit: Unit) -> int:
    """The refund's id. Raises ``Refused`` for more than is left."""
    unit.require(MAKER)
    receipt = unit.session.get(PaymentReceipt, command.receipt_id)
    order = payments.locked(unit.session, order_id=receipt.order_id) if receipt else None
    if receipt is None or order is None or (unit.actor.kind == "staff" and order.office_id not in unit.actor.offices):
        raise NotFound("没有这笔收款")
    left = receipt.amount - payments.returned(unit.session, receipt.id)
    if not 0 < command.amount_fen <= left:
        raise Refused(f"可退金额为 {left // 100}.{left % 100:02d} 元，请核对", code="bad_amount")
    if not command.reason.strip():
        raise Refused("请写明退款原因", code="reason_missing")
    made = _new(unit, order, receipt, command.amount_fen, command.reason.strip(), "asked")
    unit.record(None, "payment_refund", f"申请退款 {made.number}", {"order": order.number, "amount": made.amount})
    return made.id


@handles(ApproveRefund)
def approve_refund(command: ApproveRefund, unit: Unit) -> None:
    """Four eyes."""
    unit.require(CHECKER)
    refund = _locked(unit, command.refund_id, "asked")
    if refund.made_by == unit.actor.key:
        raise Forbidden("申请退款的人不能复核同一笔退款，请由其他人复核")
    refund.state, refund.approved_by_name, refund.next_at = "approved", unit.actor.shown, unit.now
    unit.record(None, "payment_refund", f"复核退款 {refund.number}", {"amount": refund.amount})
    unit.session.flush()


@handles(DropRefund)
def drop_refund(command: DropRefund, unit: Unit) -> None:
    """Only before it is approved."""
    unit.require(MAKER, CHECKER)
    refund = _locked(unit, command.refund_id, "asked")
    refund.state = "dropped"
    unit.record(None, "payment_refund", f"撤回退款 {refund.number}", {"amount": refund.amount})
    unit.session.flush()


@handles(RefundAnswered)
def refund_answered(command: RefundAnswered, unit: Unit) -> None:
    """What became of it; an order whose money all went back is refunded."""
    refund = _locked(unit, command.refund_id)
    order = unit.session.get_one(PaymentOrder, refund.order_id)
    if refund.state not in ("approved", "sent"):
        return
    refund.note, refund.asked = command.error[:200], refund.asked + 1
    refund.next_at = unit.now + payments.pause(refund.asked)
    if command.state:
        refund.state = command.state
    if command.state == "done":
        refund.day = command.day or clock.today()
        receipt = unit.session.get_one(PaymentReceipt, refund.receipt_id)
        unit.session.flush()
        if receipt.state == BOOKED and order.state == PAID and _gone(unit, receipt.id) == receipt.amount:
            order.state = REFUNDED
    elif command.state == "failed":
        key, found = refund.number, refund.amount
        payments.alarm(unit.session, unit.now, "refund_failed", refund.channel, key, order=order, found=found)
    if command.state in ("done", "failed"):
        title = payments.REFUND_STATES[command.state]
        unit.record(None, "payment_refund", f"{title} {refund.number}", {"order": order.number})
    unit.session.flush()


def send_back(unit: Unit, order: PaymentOrder, receipt: PaymentReceipt, reason: str) -> None:
    """What was paid too much goes back without asking anybody: it was never ours."""
    unit.session.flush()
    _new(unit, order, receipt, receipt.amount, reason, "approved")


def _new(
    unit: Unit, order: PaymentOrder, receipt: PaymentReceipt, amount: int, reason: str, state: str
) -> PaymentRefund:
    of_order = select(func.count()).where(PaymentRefund.order_id == order.id)
    made = PaymentRefund(
        id=ids.new(),
        receipt_id=receipt.id,
        order_id=order.id,
        channel=receipt.channel,
        number=f"{order.number}R{(unit.session.scalar(of_order) or 0) + 1}",
        amount=amount,
        reason=reason[:80],
        state=state,
        made_at=unit.now,
        made_by=unit.actor.key,
        made_by_name=unit.actor.shown,
        next_at=unit.now,
    )
    unit.session.add(made)
    unit.session.flush()
    return made


def _locked(unit: Unit, refund_id: int, *states: str) -> PaymentRefund:
    found = unit.session.get(PaymentRefund, refund_id)
    order = payments.locked(unit.session, order_id=found.order_id) if found else None
    if found is None or order is None or (unit.actor.kind == "staff" and order.office_id not in unit.actor.offices):
        raise NotFound("没有这笔退款")
    unit.session.refresh(found, with_for_update=for_update(unit.session) or None)
    if states and found.state not in states:
        raise Refused(f"退款{payments.REFUND_STATES[found.state]}，不能这样办理，请刷新后查看", code="refund_state")
    return found


def _gone(unit: Unit, receipt_id: int) -> int:
    of = (PaymentRefund.receipt_id == receipt_id, PaymentRefund.state == "done")
    return int(unit.session.scalar(select(func.coalesce(func.sum(PaymentRefund.amount), 0)).where(*of)) or 0)
