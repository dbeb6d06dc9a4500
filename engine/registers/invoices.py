"""Electronic invoices (数电发票, 财政电子票据): a row for each request, blue or red, until its files lie here.

The request's number is made with the row, before anything is sent: handed in twice it is one invoice. A paid order has
one live blue invoice, a blue one at most one red one; the database itself keeps both. Money in 分, below zero on red.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core.db import Base, WithId, for_update, where
from engine.core.types import Sealed, SealedJson

CHANNELS = {"tax": "数电发票", "fiscal": "财政电子票据"}
AREA_UNITS = ("平方米", "亩", "公顷", "平方千米", "孔公里")
ASKED, NEW, SENT, ISSUED, UNSEALED = "asked", "new", "sent", "issued", "seal_failed"
FAILED, DISPUTED, DROPPING, DROPPED, RED = "failed", "disputed", "dropping", "dropped", "red"
STATES = {
    ASKED: "待办理",
    NEW: "待开具",
    SENT: "开具中",
    ISSUED: "已开具",
    UNSEALED: "已开具，签章失败",
    FAILED: "没有开成",
    DISPUTED: "与申请不符",
    DROPPING: "正在撤销",
    DROPPED: "已撤销",
    RED: "已红冲",
}
# What the channel is asked about until it is settled; of an issued one only the files are still to come.
UNSETTLED = (NEW, SENT, UNSEALED, DROPPING)


class Invoice(WithId, Base):
    """One request. ``request_number`` is ours, ``code``, ``number`` and ``check_code`` the channel's.

    ``red_of``: id of the blue invoice that this one takes back, 0 for a blue one; ``order_id``: the paid order it is
    for; ``asked`` counts questions since it was handed in, ``tries`` how often somebody handed it in anew; ``pdf`` and
    ``ofd`` are files of the store.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("request_number"),
        Index("ix_invoice_office", "office_id", "state"),
        Index("ix_invoice_next", "state", "next_at"),
        Index("ux_invoice_order", "order_id", unique=True, **where("red_of = 0 AND state NOT IN ('dropped', 'red')")),
        Index("ux_invoice_red", "red_of", unique=True, **where("red_of <> 0 AND state <> 'dropped'")),
    )

    office_id: Mapped[int]
    case_id: Mapped[int] = mapped_column(default=0, index=True)
    order_id: Mapped[int]
    red_of: Mapped[int] = mapped_column(default=0)
    channel: Mapped[str] = mapped_column(String(12))
    request_number: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(String(60))
    amount: Mapped[int]
    payer: Mapped[str] = mapped_column(Sealed)
    organisation: Mapped[bool]
    tax_number: Mapped[str] = mapped_column(Sealed)
    phone: Mapped[str] = mapped_column(Sealed)
    email: Mapped[str] = mapped_column(Sealed)
    lease: Mapped[Any | None] = mapped_column(SealedJson)
    reason: Mapped[str] = mapped_column(String(100), default="")
    state: Mapped[str] = mapped_column(String(12))
    note: Mapped[str] = mapped_column(String(300), default="")
    code: Mapped[str] = mapped_column(String(12), default="")
    number: Mapped[str] = mapped_column(String(20), default="", index=True)
    check_code: Mapped[str] = mapped_column(String(20), default="")
    issued_at: Mapped[datetime | None]
    pdf: Mapped[str] = mapped_column(String(80), default="")
    ofd: Mapped[str] = mapped_column(String(80), default="")
    asked: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(40))
    made_by_name: Mapped[str] = mapped_column(String(60))
    approved_by_name: Mapped[str] = mapped_column(String(60), default="")


def locked(session: Session, *, invoice_id: int = 0, request_number: str = "") -> Invoice | None:
    """The row, held until the commit: whoever settles, approves or drops it waits for the others."""
    of = Invoice.request_number == request_number if request_number else Invoice.id == invoice_id
    query = select(Invoice).where(of).execution_options(populate_existing=True)
    return session.scalar(query.with_for_update() if for_update(session) else query)


def issue_for_order(session: Session, order_id: int) -> Invoice | None:
    """The order's live blue invoice: what keeps it from being invoiced again."""
    of = (Invoice.order_id == order_id, Invoice.red_of == 0, Invoice.state.not_in((DROPPED, RED)))
    return session.scalar(select(Invoice).where(*of))


def red_of(session: Session, invoice_id: int) -> Invoice | None:
    """The red invoice of a blue one, also one that is still asked for."""
    return session.scalar(select(Invoice).where(Invoice.red_of == invoice_id, Invoice.state != DROPPED))


def of_order(session: Session, order_id: int) -> Sequence[Invoice]:
    """Every request for an order, the newest first."""
    return session.scalars(select(Invoice).where(Invoice.order_id == order_id).order_by(Invoice.id.desc())).all()


def lease(address: str, begins_on: date, ends_on: date, area_unit: str, cross_city: bool, title: str) -> dict[str, Any]:
    """What an invoice for letting a home says of it; ``title`` is the number of the certificate, where there is one."""
    days = {"begins_on": begins_on.isoformat(), "ends_on": ends_on.isoformat()}
    return {"address": address, **days, "area_unit": area_unit, "cross_city": cross_city, "certificate": title}
