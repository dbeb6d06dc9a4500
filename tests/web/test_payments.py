"""Paying by QR code: the desk opens an order, the payer scans and sees it done, nobody else sees it."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from connectors import load, manifests
from connectors._kit import settings
from connectors.payment import simulator
from engine.core import clock
from engine.core.db import reading
from engine.registers.payments import PaymentOrder, PaymentReceipt, PaymentRefund
from engine.workers import payments as worker
from tests.support.installation import Installation


@pytest.fixture
def paying(anju: Installation) -> Installation:
    base = settings.of("market").text("ANJU_MARKET_URL").removesuffix("/market") + "/payment"
    manifest = next(one for one in manifests() if one.party == "payment")
    load(manifest, {**simulator.settings(anju.simulators.state, base), "ANJU_PAYMENT_NOTIFY_URL": anju.url})
    return anju


def opened(anju: Installation, desk: FlaskClient) -> tuple[int, str]:
    case = anju.case(anju.apply().case_id)
    form = {"csrf_token": "token", "case": case.number, "subject": "ZD-1", "title": "2026年3月租金", "amount": "525.00"}
    shown = desk.post("/payments", data=form, follow_redirects=True).get_data(as_text=True)
    assert "订单已开立" in shown
    with reading() as session:
        order = session.scalars(select(PaymentOrder)).one()
    assert order.amount == 52_500
    return order.id, order.number


def test_a_payer_scans_and_sees_that_it_is_paid_and_gets_it_back(paying: Installation) -> None:
    anju = paying
    desk, review, payer = (anju.client(one) for one in (anju.staff("qianhui"), anju.staff("wulei"), anju.citizen()))
    order, number = opened(anju, desk)
    page = f"/portal/pay/{order}"
    assert "正在取得二维码" in payer.get(page).get_data(as_text=True)
    worker.work()
    fragment = payer.get(page, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "微信支付付款二维码" in fragment
    assert "<html" not in fragment
    picture = payer.get(f"{page}/wechat.svg")
    assert (picture.status_code, picture.mimetype) == (200, "image/svg+xml")
    house = simulator.house(anju.simulators.state)
    house.pay("wechat", number, clock.now().timestamp())
    assert house.deliver(clock.now().timestamp()) == 1
    assert "已支付" in payer.get(page).get_data(as_text=True)
    assert payer.get(f"{page}/wechat.svg").status_code == 404
    with reading() as session:
        receipt = session.scalars(select(PaymentReceipt.id)).one()
    asked = {"csrf_token": "token", "amount": "525.00", "reason": "退房"}
    shown = desk.post(f"/payments/receipts/{receipt}/refund", data=asked, follow_redirects=True)
    assert "请由另一人复核" in shown.get_data(as_text=True)
    with reading() as session:
        refund = session.scalars(select(PaymentRefund.id)).one()
    shown = review.post(f"/payments/refunds/{refund}/approve", data={"csrf_token": "token"}, follow_redirects=True)
    assert "已复核" in shown.get_data(as_text=True)


def test_the_case_leads_its_citizen_to_what_is_to_be_paid_and_nobody_else(paying: Installation) -> None:
    anju = paying
    order, _ = opened(anju, anju.client(anju.staff("qianhui")))
    with reading() as session:
        case = session.get_one(PaymentOrder, order).case_id
    payer = anju.client(anju.citizen())
    assert f"/portal/pay/{order}" in payer.get(f"/portal/cases/{case}").get_data(as_text=True)
    other = anju.client(anju.citizen("19900000005"))
    assert other.get(f"/portal/pay/{order}").status_code == 404
    assert other.get(f"/portal/pay/{order}/wechat.svg").status_code == 404


def test_what_was_typed_for_an_order_that_is_refused_stays(anju: Installation) -> None:
    desk = anju.client(anju.staff("qianhui"))
    form = {"csrf_token": "token", "case": "BZSQ-2026-000009", "subject": "ZD-1", "title": "2026年3月租金"}
    for amount, why in (("525.005", "最多两位小数"), ("525.00", "没有受理号为 BZSQ-2026-000009 的办件")):
        answer = desk.post("/payments", data={**form, "amount": amount})
        shown = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert why in shown
        assert all(f'value="{typed}"' in shown for typed in ("BZSQ-2026-000009", "ZD-1", "2026年3月租金", amount))
