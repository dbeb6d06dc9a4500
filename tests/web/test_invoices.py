"""The pages of invoices: the desk issues and turns red, the payer asks for and opens his own, nobody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from connectors import load, manifests
from connectors._kit import settings
from connectors.invoice import simulator
from engine.commands import dispatch
from engine.commands.payments import CodeAsked, OpenOrder, Payment
from engine.core import clock
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.registers.invoices import Invoice
from engine.registers.payments import PaymentCode, PaymentOrder
from engine.workers import invoices as worker
from tests.support.installation import FAMILY, Installation

FORM = {"csrf_token": "token", "kind": "person", "payer": "林秋实"}
LEASE = {
    "lease": "1",
    "address": "广东省江门市蓬江区惠民里 3 幢 2 单元 203",
    "begins_on": "2026-03-01",
    "ends_on": "2026-03-31",
    "area_unit": "平方米",
}


@pytest.fixture
def invoicing(anju: Installation) -> Installation:
    base = settings.of("market").text("ANJU_MARKET_URL").removesuffix("/market") + "/invoice"
    manifest = next(one for one in manifests() if one.party == "invoice")
    load(manifest, {**simulator.settings(anju.simulators.state, base), "ANJU_INVOICE_NOTIFY_URL": anju.url})
    return anju


def paid(anju: Installation, case_id: int = 0, subject: str = "ZD-1") -> PaymentOrder:
    made = dispatch(OpenOrder(subject, "2026年3月租金", 52_500, case_id), anju.staff("qianhui"))
    with reading() as session:
        order = session.get_one(PaymentOrder, made)
        code = session.scalars(select(PaymentCode.id).where(PaymentCode.order_id == made)).first()
    payment = Payment("wechat", order.number, f"T-{order.number}", 52_500, clock.now())
    dispatch(CodeAsked(code or 0, "paid", payment), SYSTEM)
    return order


def settle(anju: Installation) -> None:
    """The worker hands in, the platform finishes, the worker asks again."""
    worker.work(anju.parts.files)
    with reading() as session:
        rows = list(session.scalars(select(Invoice).where(Invoice.state == "sent")))
    for row in rows:
        simulator.house(anju.simulators.state).finish(row.channel, row.request_number)
    clock.move_frozen(clock.now() + timedelta(minutes=1))
    worker.work(anju.parts.files)


def latest() -> Invoice:
    with reading() as session:
        return session.scalars(select(Invoice).order_by(Invoice.id.desc())).first()  # type: ignore[return-value]


def said(client: FlaskClient, path: str, **form: str) -> str:
    return client.post(path, data={"csrf_token": "token", **form}, follow_redirects=True).get_data(as_text=True)


def test_the_desk_issues_finds_opens_and_turns_red_with_four_eyes(invoicing: Installation) -> None:
    anju = invoicing
    desk, review = anju.client(anju.staff("qianhui")), anju.client(anju.staff("wulei"))
    order = paid(anju)
    wrong = said(desk, "/invoices", **FORM | {"order": "AJ20260302999999", "channel": "tax"})
    assert "请核对" in wrong
    assert "已申请开票" in said(desk, "/invoices", **FORM | LEASE | {"order": order.number, "channel": "tax"})
    assert "不能重复开具" in said(desk, "/invoices", **FORM | {"order": order.number, "channel": "tax"})
    settle(anju)
    row = latest()
    shown = desk.get(f"/invoices?state=issued&q={row.number[:8]}").get_data(as_text=True)
    assert row.number in shown
    assert "林*实" in shown
    assert "林秋实" not in shown
    assert row.number not in desk.get("/invoices?state=failed").get_data(as_text=True)
    assert row.number not in desk.get("/invoices?q=999").get_data(as_text=True)
    page = desk.get(f"/invoices/{row.id}").get_data(as_text=True)
    for told in ("惠民里 3 幢 2 单元 203", "2026-03-01 至 2026-03-31", f"/invoices/{row.id}/pdf", "申请红冲"):
        assert told in page
    pdf, ofd = desk.get(f"/invoices/{row.id}/pdf"), desk.get(f"/invoices/{row.id}/ofd")
    assert (pdf.mimetype, pdf.data[:5], pdf.headers["Content-Disposition"][:6]) == (
        "application/pdf",
        b"%PDF-",
        "inline",
    )
    assert (ofd.mimetype, ofd.data[:2], ofd.headers["Content-Disposition"][:10]) == (
        "application/ofd",
        b"PK",
        "attachment",
    )
    assert desk.get(f"/invoices/{row.id}/exe").status_code == 404
    assert "请由另一人复核" in said(desk, f"/invoices/{row.id}/red", reason="抬头有误")
    red = latest()
    assert "复核红冲" not in desk.get(f"/invoices/{red.id}").get_data(as_text=True)
    assert "复核红冲" in review.get(f"/invoices/{red.id}").get_data(as_text=True)
    assert "已复核" in said(review, f"/invoices/{red.id}/approve")
    settle(anju)
    page = desk.get(f"/invoices/{row.id}").get_data(as_text=True)
    assert "已红冲" in page
    assert f"/invoices/{red.id}" in page
    assert "申请红冲" not in page
    assert "不能这样办理" in said(desk, f"/invoices/{row.id}/red", reason="再来一次")


def test_what_failed_is_shown_with_its_reason_and_handed_in_again_or_dropped(invoicing: Installation) -> None:
    anju = invoicing
    desk = anju.client(anju.staff("qianhui"))
    anju.simulators.state.switch("invoice", "*", "login_lost")
    said(desk, "/invoices", **FORM | {"order": paid(anju).number, "channel": "fiscal"})
    worker.work(anju.parts.files)
    row = latest()
    page = desk.get(f"/invoices/{row.id}").get_data(as_text=True)
    assert "登录已失效" in page
    assert "重新提交" in page
    anju.simulators.state.switch("invoice", "*", "recovery")
    assert "已重新提交" in said(desk, f"/invoices/{row.id}/resubmit")
    settle(anju)
    assert latest().state == "issued"
    assert "不能这样办理" in said(desk, f"/invoices/{row.id}/drop", reason="x")
    assert desk.post(f"/invoices/{row.id}/burn", data={"csrf_token": "token"}).status_code == 404


def test_a_payer_asks_for_his_invoice_and_opens_it_and_nobody_else_does(invoicing: Installation) -> None:
    anju = invoicing
    case = anju.apply().case_id
    order = paid(anju, case)
    payer, other = anju.client(anju.citizen()), anju.client(anju.citizen("19900000005"))
    page = f"/portal/pay/{order.id}"
    assert page in payer.get(f"/portal/cases/{case}").get_data(as_text=True)
    assert "申请电子发票" in payer.get(page).get_data(as_text=True)
    assert other.post(f"{page}/invoice", data=FORM).status_code == 404
    assert "识别号" in said(payer, f"{page}/invoice", kind="organisation", payer="某某有限公司")
    assert "已申请电子发票" in said(payer, f"{page}/invoice", **FORM)
    assert "正在开具" in payer.get(page).get_data(as_text=True)
    assert "不能重复开具" in said(payer, f"{page}/invoice", **FORM)
    settle(anju)
    row = latest()
    assert (row.channel, row.state) == ("fiscal", "issued")
    shown = payer.get(page, headers={"HX-Request": "true"}).get_data(as_text=True)
    for told in (row.code, row.number, row.check_code, "查看", "下载 OFD"):
        assert told in shown
    assert "申请电子发票" not in shown
    assert payer.get(f"{page}/invoices/{row.id}/pdf").data.startswith(b"%PDF-")
    assert other.get(f"{page}/invoices/{row.id}/pdf").status_code == 404
    foreign = paid(anju, anju.apply(anju.citizen("19900000005"), applicant=_other(), co_applicants=[]).case_id, "ZD-2")
    assert payer.get(f"{page}/invoices/{foreign.id}/pdf").status_code == 404
    assert other.get(f"/portal/pay/{foreign.id}/invoices/{row.id}/pdf").status_code == 404, "by way of one's own order"


def _other() -> dict[str, str]:
    return {**FAMILY["applicant"], "name": "孙伯年", "id_number": "330106196511091117"}


def test_a_citizen_s_request_for_a_tax_invoice_is_completed_at_the_desk(
    invoicing: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    anju = invoicing
    taxed = replace(anju.parts, config=replace(anju.parts.config, citizen_invoice="tax"))
    monkeypatch.setitem(anju.app.extensions, "anju", taxed)
    order = paid(anju, anju.apply().case_id)
    payer, desk = anju.client(anju.citizen()), anju.client(anju.staff("qianhui"))
    said(payer, f"/portal/pay/{order.id}/invoice", **FORM)
    assert "受理机构正在办理" in payer.get(f"/portal/pay/{order.id}").get_data(as_text=True)
    row = latest()
    assert "办理市民的申请" in desk.get(f"/invoices/{row.id}").get_data(as_text=True)
    assert "租期" in said(desk, f"/invoices/{row.id}/complete", **LEASE | {"ends_on": ""})
    assert "已提交开具" in said(desk, f"/invoices/{row.id}/complete", **LEASE)
    settle(anju)
    assert latest().state == "issued"


def test_who_is_not_of_the_money_desk_sees_no_invoices(invoicing: Installation) -> None:
    anju = invoicing
    clerk, watcher = anju.client(anju.staff("liuyang")), anju.client(anju.staff("wulei"))
    assert clerk.get("/invoices").status_code == 403
    assert clerk.get("/invoices/1").status_code == 403
    shown = watcher.get("/invoices").get_data(as_text=True)
    assert "还没有开过票" in shown
    assert "开票</button>" not in shown, "the reviewer issues nothing"
    assert watcher.get("/invoices/1").status_code == 404
