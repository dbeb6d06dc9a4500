"""What the worker does about invoices: hand them in, ask until they are settled, fetch their files.

Each call stands outside any transaction. That it is made is written down before: after a crash it is a repeat, and a
repeat asks what became of the request before it hands it in again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, or_, select

from engine.commands import dispatch
from engine.commands.invoice_answers import HandInInvoice, InvoiceAnswered, InvoiceFiled
from engine.core import clock, operations
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.core.errors import Declined, ModelFault, OutsideFault
from engine.core.operations import Answer, FileAccess, Pending
from engine.registers.invoices import DROPPING, ISSUED, UNSEALED, UNSETTLED, Invoice

AT_ONCE = 100
DIFFERS = "invoice_differs"


def work(files: FileAccess) -> int:
    """Everything whose time has come; gives how many requests were looked after. Safe in several processes."""
    now = clock.now()
    with reading() as session:
        unfiled = and_(Invoice.state == ISSUED, Invoice.pdf == "")
        due = (Invoice.next_at <= now, or_(Invoice.state.in_(UNSETTLED), unfiled))
        found = list(session.scalars(select(Invoice).where(*due).order_by(Invoice.next_at).limit(AT_ONCE)))
        blue = {one.id: one for one in found}
        wanted = [one.red_of for one in found if one.red_of and one.red_of not in blue]
        blue |= {one.id: one for one in session.scalars(select(Invoice).where(Invoice.id.in_(wanted)))}
    for one in found:
        state = one.state
        if state != ISSUED:
            state = ask(one, blue.get(one.red_of), files)
        if state == ISSUED:
            fetch(one.id, files)
    return len(found)


def ask(row: Invoice, blue: Invoice | None, files: FileAccess) -> str:
    """Hand a request in, or ask after it; gives the state that followed."""
    turn = dispatch(HandInInvoice(row.id), SYSTEM)
    if turn is None:
        return ""
    attempt, resubmit = turn
    name, inputs = _question(row, blue, resubmit)
    try:
        got = _run(name, row, inputs, files, attempt)
    except (Declined, ModelFault) as error:
        answer = InvoiceAnswered(row.id, refused=error.message)
    except OutsideFault as error:
        answer = InvoiceAnswered(row.id, error=error.message)
        if error.code == DIFFERS:
            answer = InvoiceAnswered(row.id, disputed=error.message)
    else:
        if isinstance(got, Pending):
            answer = InvoiceAnswered(row.id, note=got.evidence.summary if got.evidence else "")
        else:
            answer = InvoiceAnswered(row.id, got.variables)
    state: str = dispatch(answer, SYSTEM)
    return state


def fetch(invoice_id: int, files: FileAccess) -> None:
    """Both files of an issued invoice."""
    with reading() as session:
        row = session.get_one(Invoice, invoice_id)
    if row.pdf:
        return
    try:
        got = _run("invoice.download", row, {"code": row.code, "number": row.number}, files, 1)
    except OutsideFault as error:
        dispatch(InvoiceAnswered(row.id, error=error.message), SYSTEM)
        return
    if isinstance(got, Answer):
        dispatch(InvoiceFiled(row.id, got.variables["pdf_file_id"], got.variables["ofd_file_id"]), SYSTEM)


def _question(row: Invoice, blue: Invoice | None, resubmit: bool) -> tuple[str, dict[str, Any]]:
    if row.state in (DROPPING, UNSEALED):
        return "invoice.query", {}
    if blue is not None:
        told = {"code": blue.code, "number": blue.number, "amount": _yuan(blue.amount)}
        return "invoice.red", {**told, "reason": row.reason, "resubmit": resubmit}
    payer = {
        "name": row.payer,
        "organisation": row.organisation,
        "tax_number": row.tax_number,
        "phone": row.phone,
        "email": row.email,
    }
    items = [{"name": row.title, "amount": _yuan(row.amount)}]
    return "invoice.issue", {"payer": payer, "items": items, "lease": row.lease, "resubmit": resubmit}


def _run(name: str, row: Invoice, inputs: dict[str, Any], files: FileAccess, attempt: int) -> Answer | Pending:
    found = operations.find(name)
    # A request that somebody hands in anew is another piece of work; its own number stays the same.
    key = f"{row.request_number}-{row.tries}"
    loaded = found.load_inputs({"channel": row.channel, "request_number": row.request_number, **inputs}, {})
    answer = found.run(operations.Call(0, "", "", row.office_id, key, "", key, loaded, attempt=attempt, files=files))
    if isinstance(answer, Answer):
        found.check_outputs(answer.variables)
    if not isinstance(answer, Answer | Pending):
        raise OutsideFault("票据平台的应答不合约定", code="unexpected_answer")
    return answer


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
