"""What the worker does about payments: place codes, ask after them, close them, send money back.

Each call stands outside any transaction, under a key that stays the same, so that doing it twice is doing it once.
"""

from __future__ import annotations

import logging
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from engine.commands import dispatch
from engine.commands.payments import CodeAsked, CodePlaced, Payment
from engine.commands.refunds import RefundAnswered
from engine.core import clock, operations
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.core.errors import Declined, OutsideFault
from engine.core.operations import Answer
from engine.registers.payments import OPEN, PaymentCode, PaymentOrder, PaymentReceipt, PaymentRefund

log = logging.getLogger("anju.payments")

AT_ONCE = 200


def work() -> int:
    """Everything whose time has come; gives how many calls were made. Safe to run in several processes."""
    now = clock.now()
    with reading() as session:
        due = (PaymentCode.state.in_(("new", "placed")), PaymentCode.next_at <= now)
        codes = session.execute(
            select(PaymentCode, PaymentOrder)
            .join(PaymentOrder, PaymentOrder.id == PaymentCode.order_id)
            .where(*due)
            .order_by(PaymentCode.next_at)
            .limit(AT_ONCE)
        ).all()
        waiting = (PaymentRefund.state.in_(("approved", "sent")), PaymentRefund.next_at <= now)
        refunds = session.execute(
            select(PaymentRefund, PaymentReceipt, PaymentOrder.number)
            .join(PaymentReceipt, PaymentReceipt.id == PaymentRefund.receipt_id)
            .join(PaymentOrder, PaymentOrder.id == PaymentRefund.order_id)
            .where(*waiting)
            .limit(AT_ONCE)
        ).all()
    for code, order in codes:
        if code.state == "new" and order.state == OPEN and order.expires_at > now:
            place(code, order)
        else:
            ask(code, order)
    for refund, receipt, number in refunds:
        give_back(refund, receipt, number)
    return len(codes) + len(refunds)


def place(code: PaymentCode, order: PaymentOrder) -> None:
    """Get the QR code's text from the channel."""
    inputs = {
        "channel": code.channel,
        "number": order.number,
        "title": order.title,
        "amount_fen": order.amount,
        "expires_at": order.expires_at.isoformat(),
    }
    try:
        got = _run("payment.order", f"{order.number}-{code.channel}", order.office_id, inputs)
    except OutsideFault as error:
        dispatch(CodePlaced(code.id, error=error.message), SYSTEM)
    else:
        dispatch(CodePlaced(code.id, got["code_url"]), SYSTEM)


def ask(code: PaymentCode, order: PaymentOrder) -> None:
    """Ask what became of it, and close it there where nobody is to pay it any more."""
    inputs = {"channel": code.channel, "number": order.number}
    key = f"{order.number}-{code.channel}-{code.asked}"
    try:
        got = _run("payment.query", f"{key}-ask", order.office_id, inputs)
        dispatch(_asked(code.id, order.number, code.channel, got), SYSTEM)
        over = order.state != OPEN or order.expires_at <= clock.now()
        if over and got["state"] in ("unpaid", "absent"):
            closed = _run("payment.close", f"{key}-close", order.office_id, inputs)
            if closed["state"] == "closed":
                dispatch(CodeAsked(code.id, "closed"), SYSTEM)
    except OutsideFault as error:
        dispatch(CodeAsked(code.id, error=error.message), SYSTEM)


def _asked(code_id: int, number: str, channel: str, got: dict[str, Any]) -> CodeAsked:
    if got["state"] != "paid":
        return CodeAsked(code_id, got["state"])
    paid_at = datetime.fromisoformat(got["paid_at"])
    return CodeAsked(code_id, "paid", Payment(channel, number, got["transaction"], got["amount_fen"], paid_at))


def give_back(refund: PaymentRefund, receipt: PaymentReceipt, number: str) -> None:
    """Send a refund, or ask after one that the channel works on."""
    inputs = {
        "channel": refund.channel,
        "number": number,
        "transaction": receipt.transaction,
        "refund_number": refund.number,
        "amount_fen": refund.amount,
        "total_fen": receipt.amount,
        "reason": refund.reason,
    }
    name = "payment.refund" if refund.state == "approved" else "payment.refund_query"
    try:
        got = _run(name, f"{refund.number}-{refund.asked if refund.state == 'sent' else 0}", 0, inputs)
    except Declined as error:
        dispatch(RefundAnswered(refund.id, "failed", error=error.message), SYSTEM)
    except OutsideFault as error:
        dispatch(RefundAnswered(refund.id, error=error.message), SYSTEM)
    else:
        day = date.fromisoformat(got["day"]) if got["day"] else None
        dispatch(RefundAnswered(refund.id, got["state"], day), SYSTEM)


def _run(name: str, key: str, office_id: int, inputs: dict[str, Any]) -> dict[str, Any]:
    found = operations.find(name)
    call = operations.Call(0, "", "", office_id, key, "", key, found.load_inputs(inputs, {}))
    answer = found.run(call)
    if not isinstance(answer, Answer):
        raise OutsideFault("支付渠道的应答不合约定", code="unexpected_answer")
    return found.check_outputs(answer.variables)
