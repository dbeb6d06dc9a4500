"""What the invoice channels send: files that are what they say, notices that hold."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from connectors._kit import settings
from connectors.invoice import house as books
from connectors.invoice import papers
from connectors.invoice.house import Notice
from connectors.invoice.house_papers import ofd, packed, pdf, sheet
from engine.core import inbound
from engine.core.errors import OutsideFault, Refused
from engine.core.inbound import NoticeCame
from engine.core.operations import LateAnswer, Pending, find

from .conftest import World
from .invoice_desk import CHANNEL, ITEM, OURS, PAYER, RED, Desk


@pytest.fixture
def tax(world: World) -> Desk:
    return Desk(world, "tax")


@pytest.fixture
def desk(world: World, channel: str) -> Desk:
    return Desk(world, channel)


# --- files --------------------------------------------------------------------------------------------------------


def _files(number: str) -> tuple[bytes, bytes]:
    lines = sheet("电子发票", [("票号", number)], [("租金", "1.00")], "1.00")
    return pdf(lines), ofd(lines)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda a, b: (b"<html>", b), "PDF"),
        (lambda a, b: (a[:200], b), "PDF"),
        (lambda a, b: (b"%PDF-1.7\n" + b"\0" * 500, b), "PDF"),
        (lambda a, b: (a, a), "OFD"),
        (lambda a, b: (a, b[:60]), "OFD"),
        (lambda a, b: (a, packed({"OFD.xml": b"<OFD>"})), "OFD"),
        (lambda a, b: (a, packed({"OFD.xml": b"<x/>"})), "OFD"),
        (lambda a, b: (a, packed({"OFD.xml": b"<OFD><DocRoot/></OFD>", "x": b"0" * 21_000_000})), "OFD"),
        (lambda a, b: (_files("1" * 20)[0], b), "票号"),
        (lambda a, b: (a, _files("1" * 20)[1]), "票号"),
    ],
)
def test_a_file_that_is_not_the_invoice_is_refused(world: World, spoil: Any, told: str) -> None:
    good = _files("26442000000000000001")
    party = settings.of("invoice")
    assert papers.checked(party, *good, "26442000000000000001").pdf == good[0]
    with pytest.raises(OutsideFault, match=told) as raised:
        papers.checked(party, *spoil(*good), "26442000000000000001")
    assert raised.value.code == "bad_invoice_file"


@pytest.mark.parametrize("names", [["a.pdf"], ["a.pdf", "b.pdf", "c.ofd"], ["a.txt"], []])
def test_a_zip_without_one_of_each_is_refused(world: World, names: list[str]) -> None:
    content = packed({name: _files("0000000001")[name.endswith("ofd")] for name in names})
    with pytest.raises(OutsideFault, match="一份 PDF 和一份 OFD"):
        papers.unpacked(settings.of("invoice"), content, "0000000001")
    with pytest.raises(OutsideFault, match="打不开"):
        papers.unpacked(settings.of("invoice"), b"PK" + content[2:20], "0000000001")


# --- notices ------------------------------------------------------------------------------------------------------


@CHANNEL
def test_a_notice_says_what_a_question_would(desk: Desk, channel: str) -> None:
    desk.issue()
    desk.house.finish(channel, OURS)
    desk.deliver()
    assert desk.world.inbox.wait(taken=1)
    [event] = desk.world.inbox.taken
    assert isinstance(event, NoticeCame)
    asked = dict(desk.query().variables)
    assert {name: event.content[name] for name in asked} == asked
    assert (event.content["request_number"], event.content["channel"]) == (OURS, channel)


@CHANNEL
def test_a_notice_for_a_step_of_a_case_answers_that_step(desk: Desk, channel: str) -> None:
    taken = desk.run("issue", key="17-token", payer=PAYER, items=[ITEM])
    assert isinstance(taken, Pending)
    assert taken.correlation == "17-token"
    desk.house.finish(channel, "17-token")
    desk.deliver()
    assert desk.world.inbox.wait(taken=1)
    [event] = desk.world.inbox.taken
    assert isinstance(event, LateAnswer)
    assert event.correlation == "17-token"
    assert event.answer is not None
    assert find("invoice.issue").check_outputs(event.answer.variables)["state"] == "issued"


@CHANNEL
def test_a_notice_of_a_failure_declines_the_step(desk: Desk, channel: str) -> None:
    desk.switch("late_refusal", "17-token")
    desk.run("issue", key="17-token", payer=PAYER, items=[ITEM])
    desk.house.finish(channel, "17-token")
    desk.deliver()
    assert desk.world.inbox.wait(taken=1)
    [event] = desk.world.inbox.taken
    assert isinstance(event, LateAnswer)
    assert event.declined is not None
    assert event.declined.code == "invoice_no_stock"


@CHANNEL
def test_a_notice_that_comes_twice_has_one_number_and_one_out_of_order_says_nothing(desk: Desk, channel: str) -> None:
    desk.switch("duplicate_callback")
    desk.issue()
    desk.house.finish(channel, OURS)
    desk.deliver()
    assert len({event.message_id for event in desk.world.inbox.taken}) == 1
    assert len(desk.world.inbox.taken) == 2
    desk.switch("out_of_order", RED)
    desk.issue(RED)
    desk.house.finish(channel, RED)
    desk.deliver()
    assert [event.content["request_number"] for event in desk.world.inbox.taken] == [OURS, OURS, RED]


@CHANNEL
def test_a_forged_notice_and_one_that_is_old_are_refused(desk: Desk, channel: str) -> None:
    desk.switch("forged_callback")
    desk.issue()
    desk.house.finish(channel, OURS)
    desk.deliver()
    assert desk.world.inbox.refused == ["bad_signature"]
    [bill] = desk.house.bills.values()
    body, headers = books.message(Notice(bill, 0.0, "issued"))
    if channel == "tax":
        stamp = str(int(time.time()) - 301)
        text = f"POST\n/inbound/invoice/tax\n{stamp}\n".encode() + body
        signed = hmac.new(books.TAX_SECRET.encode(), text, hashlib.sha256).hexdigest()
        headers = {**headers, "X-Timestamp": stamp, "X-Signature": signed}
    else:
        body = json.dumps(books.envelope("S0000", books.fiscal_data(bill), at=time.time() - 301)).encode()
    reader = inbound.reader(f"invoice/{channel}")
    assert reader is not None
    with pytest.raises(Refused) as raised:
        reader.read(body, headers)
    assert raised.value.code == "stale_message"


@CHANNEL
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"x" * 70_000, b'{"data": 1}'])
def test_a_notice_that_says_nothing_is_refused(desk: Desk, channel: str, body: bytes) -> None:
    signed = {}
    if channel == "tax":
        stamp = str(int(time.time()))
        text = f"POST\n/inbound/invoice/tax\n{stamp}\n".encode() + body
        signature = hmac.new(books.TAX_SECRET.encode(), text, hashlib.sha256).hexdigest()
        signed = {"X-Timestamp": stamp, "X-Signature": signature}
    reader = inbound.reader(f"invoice/{channel}")
    assert reader is not None
    with pytest.raises(Refused) as raised:
        reader.read(body, signed)
    assert raised.value.code in ("bad_message", "message_too_large")


def test_who_posts_is_thanked_or_told_why_not() -> None:
    for name, good, bad in (("tax", b'"0000"', b'"4001"'), ("fiscal", b'"S0000"', b'"E0001"')):
        reader = inbound.reader(f"invoice/{name}")
        assert reader is not None
        thanked = reader.reply(inbound.Taken())
        refused = reader.reply(inbound.Taken(error=Refused("x", code="bad_signature")))
        assert (thanked.status, good in thanked.body) == (200, True)
        assert (refused.status, bad in refused.body) == (401, True)
