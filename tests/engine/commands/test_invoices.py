"""Invoices: a paid order is invoiced once, whatever is lost on the way; turned red once, by two people."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from connectors.invoice.house import Notice
from engine.cases.record import JournalEntry
from engine.commands import dispatch
from engine.commands.invoice_answers import HandInInvoice, InvoiceAnswered
from engine.commands.invoices import (
    CompleteInvoice,
    DropInvoice,
    IssueForOrder,
    Lease,
    Payer,
    ResubmitInvoice,
)
from engine.commands.payments import OpenOrder
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.core.errors import AnjuError, Duplicate, Forbidden, NotFound, Refused
from engine.files.store import FileStore
from engine.workers import housekeeping
from engine.workers import invoices as worker
from tests.engine.commands.invoice_desk import CHANNEL, LEASE, PAYER, RENT, Desk, desk_of
from tests.support.installation import Installation


@CHANNEL
def test_a_paid_order_is_invoiced_and_its_files_lie_here(desk_both: Desk, channel: str) -> None:
    desk = desk_both
    made = desk.ask(channel, lease=LEASE)
    assert desk.row(made).state == "new"
    worker.work(desk.anju.parts.files)
    assert desk.row(made).state == "sent"
    desk.finish(made)
    assert desk.later(seconds=30) == 0, "not before its time"
    desk.later(minutes=1)
    row = desk.row(made)
    assert (row.state, row.payer, row.amount) == ("issued", "林秋实", RENT)
    assert (len(row.code), len(row.number), len(row.check_code)) == ((0, 20, 0) if channel == "tax" else (8, 10, 6))
    store = desk.anju.parts.store
    assert store.get(row.pdf).startswith(b"%PDF-")
    assert store.get(row.ofd).startswith(b"PK")
    assert desk.later(hours=2) == 0, "nothing is left to ask"


def test_an_order_is_invoiced_once_and_only_when_it_is_paid(desk_both: Desk) -> None:
    desk = desk_both
    order = desk.paid()
    desk.issued(order=order)
    with pytest.raises(Duplicate, match="已开具"):
        desk.ask(order=order)
    unpaid = dispatch(OpenOrder("ZD-2", "租金", RENT), desk.maker)
    with pytest.raises(Refused, match="只有已支付"):
        desk.ask(order=unpaid)


def test_twelve_requests_at_once_make_one_invoice(anju_postgres: Installation) -> None:
    desk = desk_of(anju_postgres)
    order = desk.paid()
    gate, made, refused = threading.Barrier(12), [], []

    def ask() -> None:
        gate.wait()
        try:
            made.append(desk.ask(order=order))
        except AnjuError as error:
            refused.append(type(error))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), refused) == (1, [Duplicate] * 11)


@CHANNEL
def test_a_notice_settles_it_before_anybody_asks(desk: Desk, channel: str) -> None:
    made = desk.ask(channel)
    worker.work(desk.anju.parts.files)
    desk.finish(made)
    assert desk.deliver() == [200]
    assert desk.row(made).state == "issued"
    desk.later(seconds=1)
    assert desk.row(made).pdf


@CHANNEL
@pytest.mark.parametrize("scenario", ["duplicate_callback", "out_of_order", "lost_callback", "forged_callback"])
def test_however_notices_come_there_is_one_invoice_and_asking_brings_it_home(
    desk: Desk, channel: str, scenario: str
) -> None:
    made = desk.ask(channel)
    desk.switch(scenario)
    worker.work(desk.anju.parts.files)
    desk.finish(made)
    answers = {
        "duplicate_callback": [200, 200],
        "out_of_order": [200, 200],
        "lost_callback": [],
        "forged_callback": [401],
    }
    assert desk.deliver() == answers[scenario]
    heard = scenario in ("duplicate_callback", "out_of_order")
    assert desk.row(made).state == ("issued" if heard else "sent")
    desk.later(minutes=1)
    row = desk.row(made)
    assert (row.state, bool(row.pdf), bool(row.ofd)) == ("issued", True, True)
    assert len(desk.house.bills) == 1
    with reading() as session:
        titles = list(session.scalars(select(JournalEntry.title).where(JournalEntry.kind == "invoice")))
    assert sum(title.startswith("已开具") for title in titles) == 1


@CHANNEL
def test_an_unclear_time_out_is_asked_about_before_it_is_handed_in_again(desk_both: Desk, channel: str) -> None:
    desk = desk_both
    made = desk.ask(channel)
    desk.switch("timeout", made, times=1)
    worker.work(desk.anju.parts.files)
    assert desk.row(made).state == "sent"
    assert "没有应答" in desk.row(made).note
    desk.finish(made)
    desk.later(minutes=1)
    assert desk.row(made).state == "issued"
    [bill] = desk.house.bills.values()
    assert bill.handed_in == 1


def test_a_worker_that_died_after_it_had_handed_in_asks_first(desk: Desk) -> None:
    made = desk.ask("tax")
    attempt, resubmit = dispatch(HandInInvoice(made), SYSTEM)
    assert (attempt, resubmit) == (1, False)
    assert dispatch(HandInInvoice(made), SYSTEM) is None, "another worker waits its turn"
    # The party heard it; nobody here knows.
    row = desk.row(made)
    worker._run("invoice.issue", row, worker._question(row, None, False)[1], desk.anju.parts.files, 1)
    desk.finish(made)
    desk.later(minutes=2)
    assert desk.row(made).state == "issued"
    assert [bill.handed_in for bill in desk.house.bills.values()] == [1]


@CHANNEL
def test_an_outage_ends_and_the_request_goes_through(desk: Desk, channel: str) -> None:
    made = desk.ask(channel)
    desk.switch("outage")
    worker.work(desk.anju.parts.files)
    assert (desk.row(made).state, desk.house.bills) == ("sent", {})
    desk.switch("recovery")
    desk.later(minutes=1)
    desk.finish(made)
    desk.later(minutes=5)
    assert desk.row(made).state == "issued"


@pytest.mark.parametrize("scenario", ["no_stock", "login_lost", "limit"])
def test_what_the_platform_refuses_waits_for_a_person_who_hands_it_in_again(desk: Desk, scenario: str) -> None:
    made = desk.ask("tax")
    desk.switch(scenario, made)
    worker.work(desk.anju.parts.files)
    row = desk.row(made)
    assert row.state == "failed"
    assert "重新提交" in row.note
    assert desk.later(days=1) == 0
    with pytest.raises(Forbidden):
        dispatch(ResubmitInvoice(made), desk.checker)
    desk.switch("recovery", made)
    dispatch(ResubmitInvoice(made), desk.maker)
    desk.settle(made)
    assert desk.row(made).state == "issued"
    assert desk.row(made).request_number == row.request_number
    with pytest.raises(Refused, match="已开具"):
        dispatch(ResubmitInvoice(made), desk.maker)


@CHANNEL
def test_what_failed_in_the_queue_is_told_and_begins_anew(desk: Desk, channel: str) -> None:
    made = desk.ask(channel)
    desk.switch("late_refusal", made)
    worker.work(desk.anju.parts.files)
    desk.finish(made)
    assert desk.deliver() == [200]
    assert desk.row(made).state == "failed"
    desk.switch("ok", made)
    dispatch(ResubmitInvoice(made), desk.maker)
    desk.settle(made)
    assert desk.row(made).state == "issued"


@CHANNEL
def test_issued_but_not_sealed_is_asked_about_until_its_files_are_there(desk: Desk, channel: str) -> None:
    made = desk.ask(channel)
    desk.switch("seal_failed", made)
    worker.work(desk.anju.parts.files)
    desk.switch("ok", made)
    desk.house.bills[channel, desk.row(made).request_number].ready_at = 0.0
    desk.later(minutes=1)
    row = desk.row(made)
    assert (row.state, bool(row.number), row.pdf) == ("seal_failed", True, "")
    desk.finish(made)
    desk.later(minutes=5)
    assert (desk.row(made).state, bool(desk.row(made).pdf)) == ("issued", True)


def test_another_amount_is_never_taken_and_waits_for_a_person(desk: Desk) -> None:
    made = desk.ask("fiscal")
    worker.work(desk.anju.parts.files)
    bill = desk.house.bills["fiscal", desk.row(made).request_number]
    bill.amount = RENT - 1
    desk.finish(made)
    assert desk.deliver() == [200]
    assert (desk.row(made).state, desk.row(made).number) == ("disputed", "")
    bill.amount = RENT
    dispatch(ResubmitInvoice(made), desk.maker)
    desk.later(seconds=1)
    assert desk.row(made).state == "issued"
    bill.number = "0000000099"
    desk.house.post(Notice(bill, 0.0, "issued"))
    assert desk.row(made).state == "disputed", "the same request with another number"


def test_a_notice_of_a_request_nobody_made_is_refused(desk: Desk) -> None:
    made = desk.ask("fiscal")
    worker.work(desk.anju.parts.files)
    desk.finish(made)
    [notice] = desk.house.notices
    notice.bill.request = "FP20260302999999"
    assert desk.deliver() == [400]


@CHANNEL
def test_what_was_handed_in_is_dropped_only_when_the_platform_has_none(desk: Desk, channel: str) -> None:
    order = desk.paid()
    made = desk.ask(channel, order)
    desk.switch("limit", made)
    worker.work(desk.anju.parts.files)
    dispatch(DropInvoice(made, "改开纸质收据"), desk.maker)
    assert desk.row(made).state == "dropping"
    with pytest.raises(Duplicate):
        desk.ask(channel, order)
    desk.later(seconds=1)
    assert desk.row(made).state == "dropped"
    issued = desk.ask(channel, order)
    worker.work(desk.anju.parts.files)
    desk.finish(issued)
    dispatch(InvoiceAnswered(issued, refused="登录已失效"), SYSTEM)
    dispatch(DropInvoice(issued, "不开了"), desk.maker)
    desk.later(minutes=1)
    assert desk.row(issued).state == "issued", "the platform had issued it: it is no longer to be dropped"


def test_a_citizen_asks_for_his_own_order_s_invoice_only(desk_both: Desk) -> None:
    desk = desk_both
    case = desk.anju.apply().case_id
    order = desk.paid(case_id=case)
    with pytest.raises(NotFound):
        dispatch(IssueForOrder(order, "fiscal", PAYER), desk.anju.citizen("19900000005"))
    made = dispatch(IssueForOrder(order, "fiscal", PAYER, LEASE), desk.anju.citizen())
    assert (desk.row(made).state, desk.row(made).lease) == ("new", None), "what the lease says is the office's word"
    other = desk.paid("ZD-2")
    with pytest.raises(NotFound):
        dispatch(IssueForOrder(other, "fiscal", PAYER), desk.anju.citizen())


def test_a_citizen_s_tax_invoice_waits_for_what_the_office_knows(desk: Desk) -> None:
    order = desk.paid(case_id=desk.anju.apply().case_id)
    made = dispatch(IssueForOrder(order, "tax", PAYER), desk.anju.citizen())
    assert (desk.row(made).state, worker.work(desk.anju.parts.files)) == ("asked", 0)
    with pytest.raises(Forbidden):
        dispatch(CompleteInvoice(made, LEASE), desk.checker)
    dispatch(CompleteInvoice(made, LEASE), desk.maker)
    desk.settle(made)
    assert desk.row(made).state == "issued"
    [bill] = desk.house.bills.values()
    assert bill.facts[0] == ("坐落", LEASE.address)


@pytest.mark.parametrize(
    "payer",
    [
        Payer("林"),
        Payer("某某有限公司", organisation=True),
        Payer("林秋实", tax_number="12345"),
        Payer("林秋实", email="nobody"),
        Payer("林秋实", phone="call me"),
    ],
)
def test_a_payer_that_no_platform_would_take_is_refused(desk: Desk, payer: Payer) -> None:
    with pytest.raises(Refused) as raised:
        desk.ask(payer=payer)
    assert raised.value.code == "bad_payer"


@pytest.mark.parametrize(
    "lease",
    [
        Lease("x", LEASE.begins_on, LEASE.ends_on),
        Lease(LEASE.address, LEASE.ends_on, LEASE.begins_on),
        Lease(LEASE.address, LEASE.begins_on, LEASE.ends_on, "坪"),
    ],
)
def test_a_lease_that_no_platform_would_take_is_refused(desk: Desk, lease: Lease) -> None:
    with pytest.raises(Refused) as raised:
        desk.ask("tax", lease=lease)
    assert raised.value.code == "bad_lease"


def test_the_night_s_sweep_leaves_an_invoice_s_files_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    row = desk.row(desk.issued())
    store: FileStore = desk.anju.parts.store
    loose = store.put(b"nobody names me")
    monkeypatch.setattr(housekeeping, "ORPHAN_AGE", timedelta(0))
    removed = housekeeping.sweep_files(store)
    assert loose in removed
    assert not {row.pdf, row.ofd} & set(removed)
    assert store.get(row.pdf)
