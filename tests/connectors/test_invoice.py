"""Both invoice channels: what a request becomes, never two invoices, files that are real, notices that hold."""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from connectors import load, manifests
from connectors._kit import settings, tape
from connectors.invoice import papers, simulator
from connectors.invoice.fiscal import Fiscal
from engine.core.errors import Declined, ModelFault, OutsideFault, Unreachable
from engine.core.operations import Answer, Call, Pending, find

from .conftest import World
from .invoice_desk import CHANNEL, ITEM, LEASE, OURS, PAYER, RED, WIRE, Desk


@pytest.fixture
def tax(world: World) -> Desk:
    return Desk(world, "tax")


@pytest.fixture
def desk(world: World, channel: str) -> Desk:
    return Desk(world, channel)


@CHANNEL
def test_a_request_is_taken_and_becomes_an_invoice_with_its_numbers(desk: Desk, channel: str) -> None:
    taken = desk.issue()
    assert isinstance(taken, Pending)
    assert taken.correlation == OURS
    assert desk.query().variables["state"] == "working"
    desk.house.finish(channel, OURS)
    found = desk.query().variables
    assert (found["state"], found["amount"]) == ("issued", "525.00")
    lengths = (len(found["code"]), len(found["number"]), len(found["check_code"]))
    assert lengths == ((0, 20, 0) if channel == "tax" else (8, 10, 6))


@CHANNEL
def test_after_an_unclear_time_out_the_request_is_asked_for_and_there_is_one_invoice(desk: Desk, channel: str) -> None:
    desk.switch("timeout", times=1)
    with pytest.raises(Unreachable):
        desk.issue()
    desk.house.finish(channel, OURS)
    again = desk.issue(attempt=2)
    assert isinstance(again, Answer)
    assert again.variables["number"] == desk.query().variables["number"]
    [bill] = desk.house.bills.values()
    assert bill.handed_in == 1, "it was looked up, not handed in again"


@CHANNEL
def test_a_request_that_never_arrived_is_handed_in_by_its_repeat(desk: Desk, channel: str) -> None:
    desk.switch("outage", "*")
    with pytest.raises(Unreachable):
        desk.issue()
    desk.switch("recovery", "*")
    assert isinstance(desk.issue(attempt=2), Pending)
    assert list(desk.house.bills) == [(channel, OURS)]


@CHANNEL
def test_even_handed_in_twice_a_number_is_one_invoice(desk: Desk, channel: str) -> None:
    first = desk.issued()
    second = desk.issue(key="another-key")
    assert isinstance(second, Answer)
    assert second.variables["number"] == first["number"]


@CHANNEL
@pytest.mark.parametrize("scenario", ["no_stock", "login_lost", "limit"])
def test_what_the_channel_lacks_is_told_and_may_be_tried_again(desk: Desk, channel: str, scenario: str) -> None:
    desk.switch(scenario)
    with pytest.raises(Declined) as raised:
        desk.issue()
    assert raised.value.code == f"invoice_{scenario}"
    assert "重新提交" in raised.value.message
    desk.switch("recovery")
    assert isinstance(desk.issue(resubmit=True), Pending)


@CHANNEL
def test_a_failure_in_the_queue_is_told_and_only_a_resubmission_begins_anew(desk: Desk, channel: str) -> None:
    desk.switch("late_refusal")
    desk.issue()
    desk.house.finish(channel, OURS)
    for _ in range(2):
        with pytest.raises(Declined, match="票号已用完"):
            desk.issue(attempt=2)
    desk.switch("ok")
    assert isinstance(desk.issue(attempt=1, key="key-2", resubmit=True), Pending)
    desk.house.finish(channel, OURS)
    assert desk.query().variables["state"] == "issued"


@CHANNEL
def test_issued_but_not_sealed_has_a_number_and_no_file_yet(desk: Desk, channel: str) -> None:
    desk.switch("seal_failed")
    desk.issue()
    time.sleep(desk.world.state.timing.late)
    found = desk.query().variables
    assert found["state"] == "seal_failed"
    wanted = {"request_number": OURS, "code": found["code"], "number": found["number"]}
    with pytest.raises(Declined, match="还没有生成"):
        desk.run("download", **wanted)
    desk.house.finish(channel, OURS)
    assert isinstance(desk.run("download", **wanted), Answer)


@CHANNEL
def test_both_files_come_and_are_real(desk: Desk, channel: str) -> None:
    blue = desk.issued()
    found = desk.run("download", request_number=OURS, code=blue["code"], number=blue["number"])
    assert isinstance(found, Answer)
    (pdf_name, pdf_type, pdf_bytes), (ofd_name, ofd_type, ofd_bytes) = desk.files.kept
    assert (pdf_type, ofd_type) == ("application/pdf", "application/ofd")
    assert pdf_name == f"{blue['code']}{blue['number']}.pdf"
    assert ofd_name.endswith(".ofd")
    text = PdfReader(io.BytesIO(pdf_bytes)).pages[0].extract_text()
    assert "林秋实" in text
    assert "525.00" in text
    assert "OFD.xml" in zipfile.ZipFile(io.BytesIO(ofd_bytes)).namelist()
    assert "惠民里" in (papers.ofd_text(ofd_bytes) or "")


@CHANNEL
def test_an_invoice_is_turned_red_once(desk: Desk, channel: str) -> None:
    blue = desk.issued()
    assert isinstance(desk.red(blue), Pending)
    desk.house.finish(channel, RED)
    red = desk.red(blue)
    assert isinstance(red, Answer)
    assert (red.variables["state"], red.variables["amount"]) == ("issued", "-525.00")
    again = desk.red(blue)
    assert isinstance(again, Answer)
    assert again.variables == red.variables
    with pytest.raises(Declined) as raised:
        desk.run("red", request_number="FP20260302000003", **{**_blue(blue), "reason": "再来一次"})
    assert raised.value.code == "invoice_already_red"
    assert len(desk.house.bills) == 2


def _blue(blue: dict[str, Any]) -> dict[str, Any]:
    return {name: blue[name] for name in ("code", "number", "amount")}


def test_a_red_invoice_waits_for_the_buyer_where_he_must_agree(tax: Desk) -> None:
    blue = tax.issued()
    tax.switch("needs_confirmation", RED)
    assert isinstance(tax.red(blue), Pending)
    assert isinstance(tax.red(blue), Pending)
    assert tax.house.find("tax", RED) is None, "nothing is issued before he agreed"
    tax.house.agree(RED)
    tax.red(blue)
    tax.house.finish("tax", RED)
    red = tax.red(blue)
    assert isinstance(red, Answer)
    assert red.variables["state"] == "issued"


def test_a_slip_that_the_buyer_refused_ends_the_request(tax: Desk) -> None:
    blue = tax.issued()
    tax.switch("needs_confirmation", RED)
    tax.red(blue)
    tax.house.slips[RED].state = "04"
    with pytest.raises(Declined) as raised:
        tax.red(blue)
    assert raised.value.code == "invoice_red_refused"


def test_a_red_one_that_issued_by_itself_is_found_and_not_asked_for_again(tax: Desk) -> None:
    blue = tax.issued()
    with tape.running(tape.Tape()) as heard:
        tax.red(blue)
    assert [one.path.rpartition("/v1/")[2] for one in heard.entries] == [
        "invoices/query",
        "red/slips",
        "invoices/query",
    ]


def test_a_lease_s_invoice_says_where_and_when_and_by_which_unit(tax: Desk) -> None:
    with tape.running(tape.Tape()) as heard:
        tax.run("issue", request_number=OURS, payer=PAYER, items=[ITEM], lease={**LEASE, "cross_city": True})
        tax.run("issue", request_number=RED, payer=PAYER, items=[ITEM])
    lease, plain = (json.loads(one.request) for one in heard.entries)
    assert lease["businessCode"] == "06"
    told = {name: lease["lease"][name] for name in ("from", "to", "areaUnit", "crossCity", "certificate")}
    assert told == {
        "from": "2026-03-01",
        "to": "2026-03-31",
        "areaUnit": "平方米",
        "crossCity": "Y",
        "certificate": "无",
    }
    assert plain["businessCode"] == ""
    assert "lease" not in plain


@given(fen=st.integers(1, 10**9), rate=st.sampled_from(["0", "0.015", "0.05", "0.09"]))
def test_the_tax_on_the_wire_is_what_the_amount_holds(fen: int, rate: str) -> None:
    from connectors.invoice.tax import Tax

    amount = Decimal(fen) / 100
    item = {"name": "租金", "amount": amount, "tax_rate": Decimal(rate), "tax_code": "3" * 19}
    manifest = next(one for one in manifests() if one.party == "invoice")
    settings.fill(manifest, {})
    line = Tax(settings.of("invoice"))._line(item)
    tax = Decimal(line["taxAmount"])
    assert abs((amount - tax) * Decimal(rate) - tax) <= Decimal("0.006")
    assert Decimal(line["amount"]) == amount
    assert bool(line["preference"]) == (Decimal(rate) == 0)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("items", [{**ITEM, "amount": "525.001"}]),
        ("items", [{**ITEM, "amount": "0"}]),
        ("items", []),
        ("payer", {"name": "某公司", "organisation": True}),
        ("lease", {**LEASE, "ends_on": "2026-02-28"}),
        ("lease", {**LEASE, "area_unit": "坪"}),
        ("channel", "paper"),
    ],
)
def test_a_request_that_no_channel_could_take_is_refused_before_it_goes(name: str, wrong: Any) -> None:
    asked = {"channel": "tax", "payer": PAYER, "items": [ITEM], "lease": LEASE, name: wrong}
    with pytest.raises(ModelFault):
        find("invoice.issue").load_inputs(asked, {})


def test_the_slip_and_the_fiscal_bill_stand_on_the_wire_as_written_by_hand(world: World) -> None:
    manifest = next(one for one in manifests() if one.party == "invoice")
    load(manifest, simulator.settings(world.state, f"{world.url}/invoice"))
    tax = find("invoice.issue")
    golden = json.loads((WIRE / "issue.request.json").read_text(encoding="utf-8"))
    item = {"name": golden["items"][0]["name"], "amount": "525.00", "tax_rate": "0.05"}
    asked = {"channel": "tax", "request_number": "DEMO20260302000001", "payer": PAYER, "items": [item], "lease": LEASE}
    blue = tax.run(Call(1, "", "", 1, "", "", "k", tax.load_inputs(asked, {})))
    assert isinstance(blue, Answer)
    red = find("invoice.red")
    told = {
        "channel": "tax",
        "request_number": "DEMO20260302000002",
        "reason": "购买方名称有误",
        **_blue(dict(blue.variables)),
    }
    with tape.running(tape.Tape()) as heard:
        red.run(Call(1, "", "", 1, "", "", "k", red.load_inputs(told, {})))
    slip = heard.entries[1]
    assert json.loads(slip.request) == json.loads((WIRE / "slip.request.json").read_text(encoding="utf-8"))
    assert json.loads(slip.response) == json.loads((WIRE / "slip.answer.json").read_text(encoding="utf-8"))


def test_the_finance_side_reads_what_was_written_by_hand_and_answers_so(world: World) -> None:
    desk = Desk(world, "fiscal")
    manifest = next(one for one in manifests() if one.party == "invoice")
    load(manifest, simulator.settings(world.state, f"{world.url}/invoice"))
    with tape.running(tape.Tape()) as heard:
        desk.run(
            "issue", request_number="DEMO20260302000003", payer=PAYER, items=[ITEM], lease=LEASE, remark="2026年3月租金"
        )
    [entry] = heard.entries
    sent, got = (json.loads(base64.b64decode(json.loads(body)["data"])) for body in (entry.request, entry.response))
    assert sent == json.loads((WIRE / "fiscal.issue.request.json").read_text(encoding="utf-8"))
    assert got == json.loads((WIRE / "fiscal.issue.answer.json").read_text(encoding="utf-8"))


WEATHER = {
    "business_error": Declined,
    "http_500": Unreachable,
    "timeout": Unreachable,
    "garbage": Unreachable,
    "outage": Unreachable,
    "changed_schema": OutsideFault,
    "bad_signature": OutsideFault,
}


@pytest.mark.parametrize("scenario", list(WEATHER))
@pytest.mark.parametrize("name", ["issue", "query", "red", "download"])
def test_the_finance_side_s_weather_is_told_apart(world: World, name: str, scenario: str) -> None:
    """The tax side's is in scenarios.yaml."""
    desk = Desk(world, "fiscal")
    blue = desk.issued()
    asks = {
        "issue": {"request_number": RED, "payer": PAYER, "items": [ITEM]},
        "query": {"request_number": OURS},
        "red": {"request_number": RED, **_blue(blue), "reason": "开错了"},
        "download": {"request_number": OURS, "code": blue["code"], "number": blue["number"]},
    }
    desk.switch(scenario, "*" if scenario == "outage" else str(RED if name in ("issue", "red") else OURS))
    if (name, scenario) == ("download", "changed_schema"):
        assert isinstance(desk.run(name, **asks[name]), Answer), "a zip has no fields to rename"
        return
    with pytest.raises(WEATHER[scenario]) as raised:
        desk.run(name, **asks[name])
    wanted = {"bad_signature": "bad_signature", "changed_schema": "unexpected_answer"}.get(scenario)
    assert wanted is None or raised.value.code == wanted


def test_a_download_that_failed_is_json_and_no_zip(world: World) -> None:
    desk = Desk(world, "fiscal")
    blue = desk.issued()
    with pytest.raises(Declined) as raised:
        desk.run("download", request_number=OURS, code=blue["code"], number="9999999999")
    assert raised.value.code == "invoice_no_invoice"
    assert desk.files.kept == []


def test_an_invoice_of_another_amount_is_never_taken_for_ours(world: World) -> None:
    desk = Desk(world, "fiscal")
    desk.issue()
    desk.house.bills["fiscal", OURS].amount = 52_499
    desk.house.finish("fiscal", OURS)
    with pytest.raises(OutsideFault) as raised:
        desk.issue(attempt=2)
    assert raised.value.code == "invoice_differs"
    assert isinstance(Fiscal(settings.of("invoice")).query(OURS, "k").amount, Decimal)
