"""What the channels say of invoices: before they are asked, when they answered, what they post by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.commands import Unit, handles
from engine.commands.inbound import takes
from engine.commands.invoices import tell
from engine.core.errors import NotFound
from engine.core.inbound import NoticeCame
from engine.registers import invoices, payments
from engine.registers.invoices import (
    CHANNELS,
    DISPUTED,
    DROPPED,
    DROPPING,
    FAILED,
    ISSUED,
    NEW,
    RED,
    SENT,
    UNSEALED,
    UNSETTLED,
    Invoice,
)


@dataclass(frozen=True)
class HandInInvoice:
    """The worker is about to ask the channel: written down before, so that a crash is an unclear time-out."""

    invoice_id: int


@dataclass(frozen=True)
class InvoiceAnswered:
    """What the channel says (``told``: the outputs of its operations), or why there is no answer.

    ``note``: it works on it; ``refused``: it will not; ``disputed``: not what was asked for; ``error``: ask again.
    """

    invoice_id: int
    told: Mapping[str, Any] | None = None
    note: str = ""
    refused: str = ""
    disputed: str = ""
    error: str = ""


@dataclass(frozen=True)
class InvoiceFiled:
    """Its two files lie in the store."""

    invoice_id: int
    pdf: str
    ofd: str


@handles(HandInInvoice)
def hand_in_invoice(command: HandInInvoice, unit: Unit) -> tuple[int, bool] | None:
    """Which attempt it is and whether a failed one begins anew; None where there is nothing to ask any more."""
    row = _locked(unit, command.invoice_id)
    if row.state not in UNSETTLED or row.next_at > unit.now:
        return None
    row.state = SENT if row.state == NEW else row.state
    row.asked += 1
    row.next_at = unit.now + payments.pause(row.asked)
    unit.session.flush()
    return row.asked, row.tries > 0 and row.asked == 1


@handles(InvoiceAnswered)
def invoice_answered(command: InvoiceAnswered, unit: Unit) -> str:
    """The state that follows. An answer to what is settled meanwhile has no effect."""
    row = _locked(unit, command.invoice_id)
    if row.state in UNSETTLED or (row.state == ISSUED and command.error):
        row.note = (command.error or command.note)[:300]
        if command.told is not None:
            _settle(unit, row, command.told)
        elif command.refused:
            _fail(unit, row, command.refused)
        elif command.disputed:
            row.state, row.note = DISPUTED, command.disputed[:300]
        if row.state == ISSUED and command.error:
            row.asked += 1
            row.next_at = unit.now + payments.pause(row.asked)
    unit.session.flush()
    return row.state


@handles(InvoiceFiled)
def invoice_filed(command: InvoiceFiled, unit: Unit) -> None:
    """Whoever may see the invoice can open it now."""
    row = _locked(unit, command.invoice_id)
    row.pdf, row.ofd, row.note = command.pdf, command.ofd, ""
    unit.session.flush()


@takes("invoice")
def take_notice(notice: NoticeCame, unit: Unit) -> Mapping[str, Any]:
    """A genuine notice says what a question would; it may come at any time, twice, or never."""
    told = notice.content
    row = invoices.locked(unit.session, request_number=told["request_number"])
    if row is None or row.channel != told["channel"]:
        raise NotFound("没有这个开票请求")
    if row.state in (*UNSETTLED, ISSUED):
        if told["state"] == "failed":
            _fail(unit, row, told["why"])
        else:
            _settle(unit, row, told)
    unit.session.flush()
    return {"state": row.state}


# --- inside -------------------------------------------------------------------------------------------------------


def _locked(unit: Unit, invoice_id: int) -> Invoice:
    row = invoices.locked(unit.session, invoice_id=invoice_id)
    if row is None:
        raise NotFound("没有这张票据")
    return row


def _settle(unit: Unit, row: Invoice, told: Mapping[str, Any]) -> None:
    """What an answer or a notice makes of the row; one that contradicts what we know is for a person."""
    state = told["state"]
    if state in ("absent", "failed") and row.state == DROPPING:
        row.state = DROPPED
        tell(unit, row, f"已撤销开票 {row.request_number}")
    if state not in (ISSUED, UNSEALED):
        return
    names = (told["code"], told["number"], told["check_code"])
    if Decimal(told["amount"]) * 100 != row.amount or (row.number and names != (row.code, row.number, row.check_code)):
        row.state, row.note = DISPUTED, "对方所开的金额或票号与申请不符，请与对方核实后重新提交"
        return
    if row.state == ISSUED:
        return
    first = not row.number
    row.code, row.number, row.check_code = names
    row.issued_at = datetime.fromisoformat(told["issued_at"])
    row.state, row.note = state, ""
    if state == ISSUED:
        row.asked, row.next_at = 0, unit.now
    if first:
        if row.red_of:
            unit.session.get_one(Invoice, row.red_of, populate_existing=True).state = RED
        tell(unit, row, f"已开具{'红字' if row.red_of else ''}{CHANNELS[row.channel]} {row.code}{row.number}")


def _fail(unit: Unit, row: Invoice, why: str) -> None:
    """One with a number is issued, whatever is said later; one that is being dropped is what was wanted."""
    if row.number:
        return
    row.state, row.note = (DROPPED if row.state == DROPPING else FAILED), why[:300]
    tell(unit, row, f"没有开成 {row.request_number}")
