"""Payment orders: each is booked once with the right amount or refused with an alarm, and the day's bill agrees."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from connectors import load, manifests
from connectors._kit import settings
from connectors._kit.signatures import wire_time
from connectors.payment import simulator
from connectors.payment.house import RETRIES, House, Notice, message
from engine.commands import dispatch
from engine.commands.payments import CloseOrder, CodeAsked, OpenOrder, Payment, SettlePaymentAlarm
from engine.commands.refunds import ApproveRefund, AskRefund
from engine.core import clock
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading
from engine.core.errors import AnjuError, Duplicate, Forbidden, Refused
from engine.outside.reconciliation import Difference
from engine.registers.payments import (
    CLOSED,
    CLOSING,
    OPEN,
    PAID,
    REFUNDED,
    PaymentAlarm,
    PaymentCode,
    PaymentOrder,
    PaymentReceipt,
    PaymentRefund,
)
from engine.workers import payments as worker
from engine.workers import rounds
from tests.support.installation import Installation

RENT = 52_500
CHANNEL = pytest.mark.parametrize("channel", ["wechat", "alipay"])


@dataclass
class Desk:
    """The money desk and the channels behind it."""

    anju: Installation
    maker: Actor
    checker: Actor
    house: House

    def open(self, subject: str = "ZD-1", fen: int = RENT, **more: Any) -> int:
        """An order whose codes are placed."""
        made: int = dispatch(OpenOrder(subject, "2026年3月租金", fen, **more), self.maker)
        worker.work()
        return made

    def number(self, order_id: int) -> str:
        return self.order(order_id).number

    def order(self, order_id: int) -> PaymentOrder:
        with reading() as session:
            return session.get_one(PaymentOrder, order_id)

    def receipts(self, order_id: int) -> list[tuple[str, str, int]]:
        return [(one.channel, one.state, one.amount) for one in self._rows(PaymentReceipt, order_id)]

    def refunds(self, order_id: int) -> list[tuple[str, str, int]]:
        return [(one.channel, one.state, one.amount) for one in self._rows(PaymentRefund, order_id)]

    def codes(self, order_id: int) -> dict[str, str]:
        return {one.channel: one.state for one in self._rows(PaymentCode, order_id)}

    def _rows(self, table: Any, order_id: int) -> list[Any]:
        with reading() as session:
            return list(session.scalars(select(table).where(table.order_id == order_id).order_by(table.id)))

    def alarms(self) -> list[str]:
        with reading() as session:
            return sorted(session.scalars(select(PaymentAlarm.kind).where(PaymentAlarm.state == "open")))

    def pay(self, order_id: int, channel: str = "wechat", **how: Any) -> None:
        self.house.pay(channel, self.number(order_id), clock.now().timestamp(), **how)

    def deliver(self) -> int:
        return self.house.deliver(clock.now().timestamp())

    def later(self, by: timedelta) -> None:
        self.anju.move(by)
        worker.work()
        worker.work()


@pytest.fixture
def desk(anju: Installation) -> Desk:
    return _desk(anju)


@pytest.fixture
def desk_both(anju_both: Installation) -> Desk:
    return _desk(anju_both)


def _desk(anju: Installation) -> Desk:
    state = anju.simulators.state
    manifest = next(one for one in manifests() if one.party == "payment")
    load(manifest, {**simulator.settings(state, _simulators()), "ANJU_PAYMENT_NOTIFY_URL": anju.url})
    return Desk(anju, anju.staff("qianhui"), anju.staff("wulei"), simulator.house(state))


def _simulators() -> str:
    """Where the simulated channels listen: beside the other parties."""
    return settings.of("market").text("ANJU_MARKET_URL").removesuffix("/market") + "/payment"


@CHANNEL
def test_a_notice_books_the_order_once_however_often_it_comes(desk_both: Desk, channel: str) -> None:
    desk = desk_both
    order = desk.open()
    desk.pay(order, channel)
    [notice] = desk.house.notices
    assert desk.house.post(notice)
    assert desk.house.post(notice), "a repeat is thanked for"
    notice.number = "another-notice-number"
    assert desk.house.post(notice)
    assert desk.order(order).state == PAID
    assert desk.receipts(order) == [(channel, "booked", RENT)]
    assert desk.alarms() == []
    assert desk.house.answers[0] == ("success" if channel == "alipay" else '{"code":"SUCCESS","message":"OK"}')


@CHANNEL
def test_a_forged_notice_books_nothing_and_rings(desk: Desk, channel: str) -> None:
    order = desk.open()
    desk.pay(order, channel)
    [notice] = desk.house.notices
    notice.forged = True
    assert not desk.house.post(notice)
    assert not desk.house.post(notice)
    assert (desk.order(order).state, desk.receipts(order)) == (OPEN, [])
    assert desk.alarms() == ["forged"]


@CHANNEL
def test_another_amount_is_refused_and_rings_and_stands_in_the_differences(desk: Desk, channel: str) -> None:
    order = desk.open()
    desk.pay(order, channel)
    [notice] = desk.house.notices
    notice.amount = RENT - 1
    assert not desk.house.post(notice)
    assert (desk.order(order).state, desk.receipts(order)) == (OPEN, [])
    assert desk.alarms() == ["amount"]
    with reading() as session:
        [alarm] = session.scalars(select(PaymentAlarm))
    assert (alarm.expected, alarm.found) == (RENT, RENT - 1)
    dispatch(SettlePaymentAlarm(alarm.id, "已与渠道核实"), desk.checker)
    assert desk.alarms() == []


def test_a_notice_for_an_order_nobody_knows_is_refused_and_rings(desk: Desk) -> None:
    order = desk.open()
    desk.pay(order)
    [notice] = desk.house.notices
    notice.trade.number = "AJ20260302999999"
    assert not desk.house.post(notice)
    assert desk.alarms() == ["unknown_order"]


@CHANNEL
def test_a_lost_notice_is_found_by_asking(desk: Desk, channel: str) -> None:
    order = desk.open()
    desk.pay(order, channel, notice=False)
    desk.later(timedelta(seconds=31))
    assert desk.order(order).state == PAID
    assert desk.receipts(order) == [(channel, "booked", RENT)]


@CHANNEL
def test_a_notice_after_the_question_found_it_has_no_effect(desk: Desk, channel: str) -> None:
    order = desk.open()
    desk.pay(order, channel)
    desk.later(timedelta(seconds=31))
    assert desk.order(order).state == PAID
    assert desk.deliver() == 1
    assert desk.receipts(order) == [(channel, "booked", RENT)]
    assert desk.alarms() == []


def test_the_other_code_is_closed_once_an_order_is_paid(desk: Desk) -> None:
    order = desk.open()
    desk.pay(order, "alipay")
    desk.deliver()
    desk.later(timedelta(seconds=1))
    assert desk.codes(order) == {"wechat": "closed", "alipay": "paid"}
    with pytest.raises(ValueError, match="closed"):
        desk.pay(order, "wechat")


def test_paid_twice_by_two_channels_one_goes_back(desk_both: Desk) -> None:
    desk = desk_both
    order = desk.open()
    desk.pay(order, "wechat")
    desk.pay(order, "alipay")
    desk.deliver()
    assert desk.receipts(order) == [("wechat", "booked", RENT), ("alipay", "surplus", RENT)]
    assert desk.alarms() == ["twice"]
    desk.later(timedelta(seconds=1))
    assert desk.refunds(order) == [("alipay", "done", RENT)]
    assert desk.order(order).state == PAID
    assert desk.house.trades["alipay", desk.number(order)].refunded == RENT
    assert desk.house.trades["wechat", desk.number(order)].refunded == 0


@CHANNEL
def test_what_is_paid_after_close_goes_back(desk: Desk, channel: str) -> None:
    order = desk.open()
    dispatch(CloseOrder(order, "开错了"), desk.maker)
    assert desk.order(order).state == CLOSING
    worker.work()
    assert desk.order(order).state == CLOSED
    desk.pay(order, channel, again=True)
    assert desk.deliver() == 1
    assert desk.receipts(order) == [(channel, "late", RENT)]
    assert desk.alarms() == ["late"]
    desk.later(timedelta(minutes=2))
    desk.later(timedelta(minutes=2))
    assert desk.refunds(order) == [(channel, "done", RENT)]
    assert desk.order(order).state == CLOSED


def test_what_is_paid_while_the_channels_are_told_is_booked(desk: Desk) -> None:
    order = desk.open()
    desk.pay(order, "wechat", notice=False)
    dispatch(CloseOrder(order, "开错了"), desk.maker)
    worker.work()
    worker.work()
    assert desk.order(order).state == PAID
    assert desk.receipts(order) == [("wechat", "booked", RENT)]
    assert desk.codes(order) == {"wechat": "paid", "alipay": "closed"}


def test_an_order_nobody_pays_is_closed_at_its_time_and_may_be_opened_again(desk: Desk) -> None:
    order = desk.open(minutes=10)
    desk.later(timedelta(minutes=11))
    desk.later(timedelta(minutes=1))
    assert desk.order(order).state == CLOSED
    assert desk.open() != order


def test_a_bill_has_one_order_at_a_time(desk: Desk) -> None:
    order = desk.open()
    assert desk.open() == order
    with pytest.raises(Duplicate):
        desk.open(fen=RENT + 1)
    desk.pay(order)
    desk.deliver()
    with pytest.raises(Duplicate, match="已支付"):
        desk.open()
    with pytest.raises(Refused, match="已支付"):
        dispatch(CloseOrder(order, ""), desk.maker)


@CHANNEL
def test_the_channel_comes_again_by_its_schedule_until_we_answer(desk: Desk, channel: str) -> None:
    order = desk.open()
    desk.pay(order, channel)
    [notice] = desk.house.notices
    ours, notice.trade.notify_url = notice.trade.notify_url, "http://127.0.0.1:1/"
    began = notice.due
    for pause in RETRIES[channel][:4]:
        assert desk.house.deliver(notice.due) == 0
        began += pause
        assert notice.due == began
    notice.trade.notify_url = ours
    clock.move_frozen(clock.now() + timedelta(seconds=notice.due - clock.now().timestamp()))
    assert desk.deliver() == 1
    assert desk.order(order).state == PAID
    assert desk.house.notices == []


def test_a_refund_needs_two_people_and_never_more_than_came(desk: Desk) -> None:
    order = desk.open()
    desk.pay(order, "wechat")
    desk.deliver()
    with reading() as session:
        [receipt] = session.scalars(select(PaymentReceipt.id).where(PaymentReceipt.order_id == order))
    with pytest.raises(Forbidden):
        dispatch(AskRefund(receipt, 100, "多收"), desk.checker)
    first = dispatch(AskRefund(receipt, 500, "多收"), desk.maker)
    with pytest.raises(Refused, match="可退金额"):
        dispatch(AskRefund(receipt, RENT - 499, "多收"), desk.maker)
    with pytest.raises(Forbidden):
        dispatch(ApproveRefund(first), desk.maker)
    dispatch(ApproveRefund(first), desk.checker)
    second = dispatch(AskRefund(receipt, RENT - 500, "退房"), desk.maker)
    dispatch(ApproveRefund(second), desk.checker)
    desk.later(timedelta(seconds=1))
    assert [state for _, state, _ in desk.refunds(order)] == ["sent", "sent"], "WeChat works on it"
    desk.later(timedelta(minutes=2))
    assert [state for _, state, _ in desk.refunds(order)] == ["done", "done"]
    assert desk.order(order).state == REFUNDED
    assert desk.house.trades["wechat", desk.number(order)].refunded == RENT


def test_the_day_s_bill_files_agree_and_every_difference_is_listed(desk_both: Desk) -> None:
    desk = desk_both
    # The refunds of a channel are dated by its own clock: the day of the demo is today.
    clock.move_frozen(_today())
    booked, twice, tampered = desk.open("ZD-1"), desk.open("ZD-2", 8_810), desk.open("ZD-3", 100)
    desk.pay(booked, "alipay")
    desk.pay(twice, "wechat")
    desk.pay(twice, "alipay")
    desk.deliver()
    desk.later(timedelta(seconds=1))
    desk.pay(tampered, "wechat")
    desk.house.notices[-1].amount = 99
    assert desk.deliver() == 0
    desk.house.trades["wechat", desk.number(tampered)].amount = 99
    clock.move_frozen(clock.now() + timedelta(days=1))
    rounds.reconcile()
    with reading() as session:
        found = [(one.party, one.kind) for one in session.scalars(select(Difference).order_by(Difference.id))]
    assert found == [("payment", "missing_here")], "the one with another amount, and nothing else"
    assert desk.alarms() == ["amount", "twice"]


def _today() -> datetime:
    return datetime.fromtimestamp(wire_time(), UTC).astimezone(clock.SHANGHAI).replace(hour=0, minute=1)


def test_twenty_notices_at_once_book_an_order_once(anju_postgres: Installation) -> None:
    """Both channels, repeats and the question, at the same moment in real threads."""
    load(next(one for one in manifests() if one.party == "payment"), {})
    order = dispatch(OpenOrder("ZD-9", "租金", RENT), anju_postgres.staff("qianhui"))
    with reading() as session:
        number = session.get_one(PaymentOrder, order).number
        code = session.scalars(select(PaymentCode.id).where(PaymentCode.order_id == order)).first()
    gate, came, failed = threading.Barrier(20), [], []

    def tell(index: int) -> None:
        channel = ("wechat", "alipay")[index % 2]
        payment = Payment(channel, number, f"T-{channel}", RENT, clock.now())
        gate.wait()
        try:
            came.append(dispatch(CodeAsked(code or 0, "paid", payment), SYSTEM))
        except AnjuError as error:
            failed.append(error)

    threads = [threading.Thread(target=tell, args=(index,)) for index in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(came) == ["booked"] + ["repeated"] * 18 + ["surplus"]
    with reading() as session:
        assert sorted(session.scalars(select(PaymentReceipt.state))) == ["booked", "surplus"]
        assert [one.amount for one in session.scalars(select(PaymentRefund))] == [RENT]


def test_a_changed_notice_of_the_same_payment_rings(desk: Desk) -> None:
    order = desk.open()
    desk.pay(order)
    [notice] = desk.house.notices
    assert desk.house.post(notice)
    changed = Notice(notice.trade, notice.due, "n2", amount=RENT + 100)
    assert message(changed)[0] != message(notice)[0]
    assert not desk.house.post(changed)
    assert desk.alarms() == ["contradiction"]
    assert desk.receipts(order) == [("wechat", "booked", RENT)]
