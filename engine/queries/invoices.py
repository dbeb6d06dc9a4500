"""Invoices as the money desk and the payer see them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.core.masks import mask_id, mask_name
from engine.queries.common import stamp
from engine.queries.files import StoredFile
from engine.queries.portal_case import own_case
from engine.registers import invoices
from engine.registers.invoices import (
    ASKED,
    CHANNELS,
    DISPUTED,
    FAILED,
    ISSUED,
    STATES,
    UNSEALED,
    Invoice,
)
from engine.registers.payments import PAID, PaymentOrder

ON_A_PAGE = 50
TONES = {
    "issued": "ok",
    "asked": "warn",
    "failed": "bad",
    "disputed": "bad",
    "seal_failed": "warn",
    "red": "",
    "dropped": "",
}
MEDIA = {"pdf": "application/pdf", "ofd": "application/ofd"}


@dataclass(frozen=True)
class InvoiceRow:
    """One request of the list. ``amount`` in 元, below zero on red; the payer's name is masked unless a firm's."""

    id: int
    request_number: str
    order: str
    title: str
    channel: str
    red: bool
    number: str
    payer: str
    amount: Decimal
    state: str
    tone: str
    made: str
    note: str


@dataclass(frozen=True)
class InvoicePage:
    """One request whole. ``may``: what this actor can do now; ``other``: the red of a blue one, the blue of a red."""

    row: InvoiceRow
    case_id: int
    case_number: str
    facts: list[tuple[str, str]]
    lease: dict[str, Any] | None
    files: list[str]
    other: InvoiceRow | None
    refunded: bool
    may: frozenset[str]


@dataclass(frozen=True)
class Listed:
    """A page of the list; ``tally``: (state, title, how many) of the actor's offices."""

    rows: list[InvoiceRow]
    tally: list[tuple[str, str, int]]
    total: int
    pages: int


def listed(session: Session, actor: Actor, state: str = "", number: str = "", page: int = 1) -> Listed:
    """The actor's offices' requests, newest first; ``number``: the beginning of any number that stands on them."""
    ours = Invoice.office_id.in_(actor.offices)
    counted = session.execute(select(Invoice.state, func.count()).where(ours).group_by(Invoice.state))
    counts = {row.state: row[1] for row in counted}
    query = select(Invoice, PaymentOrder.number).join(PaymentOrder, PaymentOrder.id == Invoice.order_id).where(ours)
    if state in STATES:
        query = query.where(Invoice.state == state)
    if number:
        columns = (Invoice.number, Invoice.request_number, PaymentOrder.number)
        query = query.where(or_(*(column.startswith(number, autoescape=True) for column in columns)))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    found = session.execute(query.order_by(Invoice.id.desc()).limit(ON_A_PAGE).offset((max(page, 1) - 1) * ON_A_PAGE))
    tally = [(key, title, counts[key]) for key, title in STATES.items() if counts.get(key)]
    return Listed([_row(one, order) for one, order in found], tally, total, max(1, -(-total // ON_A_PAGE)))


def one(session: Session, actor: Actor, invoice_id: int) -> InvoicePage:
    """One request of the actor's offices. Raises ``NotFound``."""
    row = _own(session, actor, invoice_id)
    order = session.get_one(PaymentOrder, row.order_id)
    case = session.get(Case, row.case_id) if row.case_id else None
    other = session.get(Invoice, row.red_of) if row.red_of else invoices.red_of(session, row.id)
    return InvoicePage(
        row=_row(row, order.number),
        case_id=row.case_id,
        case_number=case.number if case else "",
        facts=_facts(row),
        lease=row.lease,
        files=_files(row),
        other=_row(other, order.number) if other else None,
        refunded=not row.red_of and row.state in (ISSUED, UNSEALED) and order.state != PAID,
        may=_may(actor, row, other),
    )


def file(session: Session, actor: Actor, invoice_id: int, kind: str) -> StoredFile:
    """The PDF or the OFD, for a caseworker of the office. Raises ``NotFound``."""
    return _file(_own(session, actor, invoice_id), kind)


def order_id(session: Session, actor: Actor, number: str) -> int:
    """The id of the order of that number, in the actor's offices. Raises ``NotFound``."""
    of = (PaymentOrder.number == number, PaymentOrder.office_id.in_(actor.offices))
    found = session.scalar(select(PaymentOrder.id).where(*of))
    if found is None:
        raise NotFound(f"没有订单号为 {number} 的订单，请核对")
    return found


# --- for the payer ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PayersInvoice:
    """An order's invoice as its payer sees it. ``stage``: working, ready, waiting (for a person), red."""

    id: int
    channel: str
    stage: str
    red: bool
    code: str
    number: str
    check_code: str
    issued: str
    files: list[str]


def of_payer(session: Session, actor: Actor, order: int) -> list[PayersInvoice]:
    """What became of the requests for the citizen's own order, the newest first. Raises ``NotFound``."""
    _own_order(session, actor, order)
    found = [row for row in invoices.of_order(session, order) if row.state != invoices.DROPPED]
    return [
        PayersInvoice(
            row.id,
            CHANNELS[row.channel],
            _stage(row),
            bool(row.red_of),
            row.code,
            row.number,
            row.check_code,
            stamp(row.issued_at),
            _files(row),
        )
        for row in found
        # A red one that is not issued yet is the office's business.
        if not row.red_of or row.state == ISSUED
    ]


def payers_file(session: Session, actor: Actor, order: int, invoice_id: int, kind: str) -> StoredFile:
    """A file of the citizen's own invoice. Raises ``NotFound``."""
    _own_order(session, actor, order)
    row = session.get(Invoice, invoice_id)
    if row is None or row.order_id != order:
        raise NotFound("没有这张票据，或不是您的缴费")
    return _file(row, kind)


# --- inside -------------------------------------------------------------------------------------------------------


def _stage(row: Invoice) -> str:
    if row.state == invoices.RED:
        return "red"
    if row.state == ISSUED and row.pdf:
        return "ready"
    return "waiting" if row.state in (ASKED, FAILED, DISPUTED) else "working"


def _own(session: Session, actor: Actor, invoice_id: int) -> Invoice:
    row = session.get(Invoice, invoice_id)
    if row is None or row.office_id not in actor.offices:
        raise NotFound("没有这张票据，或不在您的查看范围内")
    return row


def _own_order(session: Session, actor: Actor, order: int) -> None:
    found = session.get(PaymentOrder, order)
    if found is None or not found.case_id:
        raise NotFound("没有这笔缴费，或不是您的办件")
    own_case(session, actor, found.case_id)


def _file(row: Invoice, kind: str) -> StoredFile:
    sha = {"pdf": row.pdf, "ofd": row.ofd}.get(kind, "")
    if not sha:
        raise NotFound("文件还没有取到，请稍后再打开")
    return StoredFile(sha, f"{CHANNELS[row.channel]}{row.code}{row.number}.{kind}", MEDIA[kind], 0)


def _files(row: Invoice) -> list[str]:
    return [kind for kind in MEDIA if getattr(row, kind)]


def _payer(row: Invoice) -> str:
    return row.payer if row.organisation else mask_name(row.payer)


def _row(row: Invoice, order: str) -> InvoiceRow:
    return InvoiceRow(
        row.id,
        row.request_number,
        order,
        row.title,
        CHANNELS[row.channel],
        bool(row.red_of),
        f"{row.code} {row.number}".strip(),
        _payer(row),
        Decimal(row.amount) / 100,
        "待复核" if row.red_of and row.state == ASKED else STATES[row.state],
        TONES.get(row.state, "info"),
        f"{row.made_by_name} {stamp(row.made_at)}",
        row.note,
    )


def _facts(row: Invoice) -> list[tuple[str, str]]:
    number = row.tax_number if row.organisation or not row.tax_number else mask_id(row.tax_number)
    told = [
        ("购买方（缴款人）", _payer(row)),
        ("识别号", number),
        ("票据代码", row.code),
        ("票号", row.number),
        ("校验码", row.check_code),
        ("开票时间", stamp(row.issued_at)),
        ("申请", f"{row.made_by_name} {stamp(row.made_at)}"),
        ("办理（复核）", row.approved_by_name),
        ("红冲原因", row.reason),
    ]
    return [(name, value) for name, value in told if value]


def _may(actor: Actor, row: Invoice, other: Invoice | None) -> frozenset[str]:
    may = set()
    if actor.has("finance"):
        may |= {"complete"} if row.state == ASKED and not row.red_of else set()
        may |= {"resubmit"} if row.state in (FAILED, DISPUTED) else set()
        may |= {"red"} if row.state in (ISSUED, UNSEALED) and not row.red_of and other is None else set()
    if row.state == ASKED and row.red_of and actor.has("finance_review") and row.made_by != actor.key:
        may.add("approve")
    if row.state in (ASKED, FAILED) and (actor.has("finance") or actor.has("finance_review")):
        may.add("drop")
    return frozenset(may)
