"""Electronic invoices for paid orders: asked for, completed, handed in anew, dropped. Answers: ``invoice_answers``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.exc import IntegrityError

from engine.cases.case import Case, next_number
from engine.commands import Unit, handles
from engine.core import clock, ids
from engine.core.errors import Duplicate, NotFound, Refused
from engine.registers import invoices, payments
from engine.registers.invoices import AREA_UNITS, ASKED, CHANNELS, DISPUTED, DROPPED, DROPPING, FAILED, NEW, Invoice

MAKER, CHECKER = "finance", "finance_review"
NUMBER = re.compile(r"[0-9A-Z]{15,20}")
EMAIL = re.compile(r"[^@\s]{1,60}@[^@\s]{1,39}")
PHONE = re.compile(r"[0-9+-]{7,20}")


@dataclass(frozen=True)
class Payer:
    """To whom it is made out; an ``organisation`` is known by its number."""

    name: str
    organisation: bool = False
    tax_number: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True)
class Lease:
    """What a tax invoice for letting a home has to say of it."""

    address: str
    begins_on: date
    ends_on: date
    area_unit: str = AREA_UNITS[0]
    cross_city: bool = False
    certificate: str = ""


@dataclass(frozen=True)
class IssueForOrder:
    """Invoice a paid order, once. A citizen's request for a tax invoice waits for what the money desk knows."""

    order_id: int
    channel: str
    payer: Payer
    lease: Lease | None = None


@dataclass(frozen=True)
class CompleteInvoice:
    """What a citizen asked for may go: with the lease that it is for, or without one where it is for none."""

    invoice_id: int
    lease: Lease | None


@dataclass(frozen=True)
class ResubmitInvoice:
    """Hand in again what failed: the same request under the same number."""

    invoice_id: int


@dataclass(frozen=True)
class DropInvoice:
    """It is not to be made. One that was handed in already is asked about first."""

    invoice_id: int
    reason: str


@handles(IssueForOrder)
def issue_for_order(command: IssueForOrder, unit: Unit) -> int:
    """The invoice's id. Raises ``Duplicate`` where the order has one, ``Refused`` where it is not paid."""
    if unit.actor.kind != "citizen":
        unit.require(MAKER)
    order = _paid(unit, command.order_id)
    if command.channel not in CHANNELS:
        raise Refused("请选择票种", code="bad_invoice")
    known = invoices.issue_for_order(unit.session, order.id)
    if known is not None:
        raise Duplicate(f"订单 {order.number} 已申请开票（{invoices.STATES[known.state]}），不能重复开具")
    # Who pays rent does not know what the tax side wants to hear of the home.
    waits = unit.actor.kind == "citizen" and command.channel == "tax"
    lease = None if unit.actor.kind == "citizen" else _checked_lease(command.lease)
    made = new(unit, order, command.channel, _checked(command.payer), ASKED if waits else NEW, amount=order.amount)
    made.lease = lease
    try:
        unit.session.flush()
    except IntegrityError as error:
        raise Duplicate("同一订单刚刚申请了开票，请刷新后查看") from error
    tell(unit, made, f"申请{CHANNELS[made.channel]} {made.request_number}")
    return made.id


@handles(CompleteInvoice)
def complete_invoice(command: CompleteInvoice, unit: Unit) -> None:
    """From here on it goes by itself."""
    unit.require(MAKER)
    row = own(unit, command.invoice_id, ASKED)
    if row.red_of:
        raise Refused("红字票据应由另一人复核", code="invoice_state")
    row.lease = _checked_lease(command.lease)
    row.state, row.next_at, row.approved_by_name = NEW, unit.now, unit.actor.shown
    tell(unit, row, f"办理{CHANNELS[row.channel]} {row.request_number}")
    unit.session.flush()


@handles(ResubmitInvoice)
def resubmit_invoice(command: ResubmitInvoice, unit: Unit) -> None:
    """Raises ``Refused`` where it did not fail."""
    unit.require(MAKER)
    row = own(unit, command.invoice_id, FAILED, DISPUTED)
    row.state, row.next_at, row.asked, row.note = NEW, unit.now, 0, ""
    row.tries += 1
    tell(unit, row, f"重新提交开票 {row.request_number}")
    unit.session.flush()


@handles(DropInvoice)
def drop_invoice(command: DropInvoice, unit: Unit) -> None:
    """What was never handed in is dropped at once, anything else once the channel says that there is none."""
    unit.require(MAKER, CHECKER)
    row = own(unit, command.invoice_id, ASKED, FAILED)
    if not command.reason.strip():
        raise Refused("请写明撤销原因", code="reason_missing")
    handed_in = row.state == FAILED
    row.state, row.next_at, row.asked = DROPPING if handed_in else DROPPED, unit.now, 0
    row.note = f"撤销：{command.reason.strip()}"[:300]
    tell(unit, row, f"撤销开票 {row.request_number}")
    unit.session.flush()


# --- shared with answers and red ones ---------------------------------------------------------------------------------


def new(
    unit: Unit, order: payments.PaymentOrder, channel: str, payer: Payer, state: str, *, amount: int, red_of: int = 0
) -> Invoice:
    """A row with its number, not yet flushed."""
    serial = next_number(unit.session, f"invoice:{clock.today():%Y%m%d}")
    row = Invoice(
        id=ids.new(),
        office_id=order.office_id,
        case_id=order.case_id,
        order_id=order.id,
        red_of=red_of,
        channel=channel,
        request_number=f"FP{clock.today():%Y%m%d}{serial:06d}",
        title=order.title,
        amount=amount,
        payer=payer.name,
        organisation=payer.organisation,
        tax_number=payer.tax_number,
        phone=payer.phone,
        email=payer.email,
        state=state,
        next_at=unit.now,
        made_at=unit.now,
        made_by=unit.actor.key,
        made_by_name=unit.actor.shown,
    )
    unit.session.add(row)
    return row


def own(unit: Unit, invoice_id: int, *states: str) -> Invoice:
    """The row of the actor's offices, locked, in one of ``states``. Raises ``NotFound``, ``Refused``."""
    row = invoices.locked(unit.session, invoice_id=invoice_id)
    if row is None or (unit.actor.kind == "staff" and row.office_id not in unit.actor.offices):
        raise NotFound("没有这张票据，或不在您的办理范围内")
    if row.state not in states:
        raise Refused(f"票据{invoices.STATES[row.state]}，不能这样办理，请刷新后查看", code="invoice_state")
    return row


def tell(unit: Unit, row: Invoice, title: str) -> None:
    """A line in the record, of the case where there is one."""
    case = unit.session.get(Case, row.case_id) if row.case_id else None
    unit.record(case, "invoice", title, {"request": row.request_number, "number": row.number, "amount": row.amount})


# --- inside -------------------------------------------------------------------------------------------------------


def _paid(unit: Unit, order_id: int) -> payments.PaymentOrder:
    """The order, locked: two requests at once wait for each other."""
    order = payments.locked(unit.session, order_id=order_id)
    if order is None or not _may_see(unit, order):
        raise NotFound("没有这个订单，或不在您的办理范围内")
    if order.state != payments.PAID:
        raise Refused(f"订单{payments.STATES[order.state]}，只有已支付的订单可以开票", code="order_state")
    return order


def _may_see(unit: Unit, order: payments.PaymentOrder) -> bool:
    if unit.actor.kind == "citizen":
        case = unit.session.get(Case, order.case_id)
        return case is not None and case.applicant_key == unit.actor.key
    return unit.actor.kind == "system" or order.office_id in unit.actor.offices


def _checked(payer: Payer) -> Payer:
    name, number = payer.name.strip(), payer.tax_number.strip().upper()
    phone, email = payer.phone.strip(), payer.email.strip()
    if not 2 <= len(name) <= 100:
        raise Refused("请填写抬头（购买方或缴款人名称），2 至 100 个字", code="bad_payer")
    if (payer.organisation or number) and not NUMBER.fullmatch(number):
        raise Refused("纳税人识别号或证件号码应为 15 至 20 位数字或大写字母", code="bad_payer")
    if (phone and not PHONE.fullmatch(phone)) or (email and not EMAIL.fullmatch(email)):
        raise Refused("手机号码或电子邮箱的格式不正确，请核对", code="bad_payer")
    return Payer(name, payer.organisation, number, phone, email)


def _checked_lease(lease: Lease | None) -> dict[str, Any] | None:
    if lease is None:
        return None
    address, title = lease.address.strip(), lease.certificate.strip()
    if not 4 <= len(address) <= 120 or len(title) > 60 or lease.area_unit not in AREA_UNITS:
        raise Refused("请填写不动产坐落（省、市和详细地址）和面积单位", code="bad_lease")
    if lease.ends_on < lease.begins_on:
        raise Refused("租期的结束日期早于开始日期，请核对", code="bad_lease")
    return invoices.lease(address, lease.begins_on, lease.ends_on, lease.area_unit, lease.cross_city, title)
