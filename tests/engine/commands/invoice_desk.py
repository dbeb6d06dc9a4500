"""The money desk and the invoice platforms behind it, for tests of invoices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from connectors import load, manifests
from connectors._kit import settings
from connectors.invoice import simulator
from connectors.invoice.house import House
from engine.commands import dispatch
from engine.commands.invoices import (
    IssueForOrder,
    Lease,
    Payer,
)
from engine.commands.payments import CodeAsked, OpenOrder, Payment
from engine.core import clock
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading
from engine.registers.invoices import Invoice
from engine.registers.payments import PaymentCode, PaymentOrder
from engine.workers import invoices as worker
from tests.support.installation import Installation

RENT = 52_500
PAYER = Payer("林秋实", phone="19900000001")
LEASE = Lease("广东省江门市蓬江区惠民里 3 幢 2 单元 203", date(2026, 3, 1), date(2026, 3, 31))
CHANNEL = pytest.mark.parametrize("channel", ["tax", "fiscal"])


@dataclass
class Desk:
    """The money desk and the platforms behind it."""

    anju: Installation
    maker: Actor
    checker: Actor

    @property
    def house(self) -> House:
        return simulator.house(self.anju.simulators.state)

    def paid(self, subject: str = "ZD-1", case_id: int = 0) -> int:
        """An order that was paid."""
        order: int = dispatch(OpenOrder(subject, "2026年3月租金", RENT, case_id), self.maker)
        with reading() as session:
            number = session.get_one(PaymentOrder, order).number
            code = session.scalars(select(PaymentCode.id).where(PaymentCode.order_id == order)).first()
        payment = Payment("wechat", number, f"T-{number}", RENT, clock.now())
        assert dispatch(CodeAsked(code or 0, "paid", payment), SYSTEM) == "booked"
        return order

    def ask(self, channel: str = "fiscal", order: int = 0, payer: Payer = PAYER, **more: Any) -> int:
        made: int = dispatch(IssueForOrder(order or self.paid(), channel, payer, **more), self.maker)
        return made

    def issued(self, channel: str = "fiscal", order: int = 0) -> int:
        """An invoice whose files lie here."""
        made = self.ask(channel, order)
        self.settle(made)
        assert self.row(made).state == "issued"
        return made

    def settle(self, invoice_id: int) -> None:
        """Hand in, let the platform finish, ask again."""
        worker.work(self.anju.parts.files)
        self.finish(invoice_id)
        self.later(minutes=1)

    def finish(self, invoice_id: int) -> None:
        row = self.row(invoice_id)
        self.house.finish(row.channel, row.request_number)

    def later(self, **by: float) -> int:
        clock.move_frozen(clock.now() + timedelta(**by))
        return worker.work(self.anju.parts.files)

    def row(self, invoice_id: int) -> Invoice:
        with reading() as session:
            return session.get_one(Invoice, invoice_id)

    def switch(self, scenario: str, invoice_id: int = 0, times: int | None = None) -> None:
        subject = self.row(invoice_id).request_number if invoice_id else "*"
        self.anju.simulators.state.switch("invoice", subject, scenario, times)

    def deliver(self) -> list[int]:
        """Every notice that is on its way; gives what each was answered."""
        self.house.thanked.clear()
        self.house.deliver(float("inf"))
        return self.house.thanked


def desk_of(anju: Installation) -> Desk:
    """The desk of an installation whose invoice platforms are its simulators."""
    base = settings.of("market").text("ANJU_MARKET_URL").removesuffix("/market") + "/invoice"
    manifest = next(one for one in manifests() if one.party == "invoice")
    own = {"ANJU_INVOICE_NOTIFY_URL": anju.url, "ANJU_INVOICE_TIMEOUT": "2"}
    load(manifest, {**simulator.settings(anju.simulators.state, base), **own})
    return Desk(anju, anju.staff("qianhui"), anju.staff("wulei"))
