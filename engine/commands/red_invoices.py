"""Turning an invoice red: asked by one person with a reason, approved by another, the whole of it and once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from engine.commands import Unit, handles
from engine.commands.invoices import CHECKER, MAKER, Payer, new, own, tell
from engine.core.errors import Duplicate, Forbidden, Refused
from engine.registers import invoices, payments
from engine.registers.invoices import ASKED, CHANNELS, ISSUED, NEW, UNSEALED, Invoice


@dataclass(frozen=True)
class AskRed:
    """Take back the whole of an invoice."""

    invoice_id: int
    reason: str


@dataclass(frozen=True)
class ApproveRed:
    """Let it go; whoever asked may not."""

    invoice_id: int


@handles(AskRed)
def ask_red(command: AskRed, unit: Unit) -> int:
    """The red invoice's id. Raises ``Duplicate`` where there is one already, ``Refused`` for what is not issued."""
    unit.require(MAKER)
    reason = command.reason.strip()
    blue = own(unit, command.invoice_id, ISSUED, UNSEALED)
    if blue.red_of:
        raise Refused("红字票据不能再红冲", code="invoice_state")
    if not reason or len(reason) > 100:
        raise Refused("请写明红冲原因，不超过 100 个字", code="reason_missing")
    if invoices.red_of(unit.session, blue.id) is not None:
        raise Duplicate("这张票据已申请红冲，不能再次申请")
    order = unit.session.get_one(payments.PaymentOrder, blue.order_id)
    payer = Payer(blue.payer, blue.organisation, blue.tax_number, blue.phone, blue.email)
    red = new(unit, order, blue.channel, payer, ASKED, amount=-blue.amount, red_of=blue.id)
    red.reason, red.lease, red.title = reason, blue.lease, blue.title
    try:
        unit.session.flush()
    except IntegrityError as error:
        raise Duplicate("同一张票据刚刚申请了红冲，请刷新后查看") from error
    tell(unit, red, f"申请红冲 {blue.code}{blue.number}：{reason}")
    return red.id


@handles(ApproveRed)
def approve_red(command: ApproveRed, unit: Unit) -> None:
    """Four eyes."""
    unit.require(CHECKER)
    red = own(unit, command.invoice_id, ASKED)
    if not red.red_of:
        raise Refused("这不是红冲申请", code="invoice_state")
    if red.made_by == unit.actor.key:
        raise Forbidden("申请红冲的人不能复核同一张票据，请由其他人复核")
    blue = unit.session.get_one(Invoice, red.red_of)
    red.state, red.approved_by_name, red.next_at = NEW, unit.actor.shown, unit.now
    tell(unit, red, f"复核红冲 {CHANNELS[red.channel]} {blue.code}{blue.number}")
    unit.session.flush()
