"""Turning an invoice red: the whole of it, once, by two people."""

from __future__ import annotations

import pytest

from engine.commands import dispatch
from engine.commands.invoices import (
    DropInvoice,
)
from engine.commands.red_invoices import ApproveRed, AskRed
from engine.core.actor import Actor
from engine.core.errors import Duplicate, Forbidden, Refused
from engine.workers import invoices as worker
from tests.engine.commands.invoice_desk import CHANNEL, RENT, Desk


@CHANNEL
def test_an_invoice_is_turned_red_by_two_people_and_once(desk_both: Desk, channel: str) -> None:
    desk = desk_both
    order = desk.paid()
    blue = desk.issued(channel, order)
    with pytest.raises(Forbidden):
        dispatch(AskRed(blue, "抬头有误"), desk.checker)
    with pytest.raises(Refused, match="原因"):
        dispatch(AskRed(blue, " "), desk.maker)
    red = dispatch(AskRed(blue, "抬头有误"), desk.maker)
    assert worker.work(desk.anju.parts.files) == 0, "it waits for approval"
    with pytest.raises(Duplicate):
        dispatch(AskRed(blue, "抬头有误"), desk.maker)
    with pytest.raises(Forbidden):
        dispatch(ApproveRed(red), desk.maker)
    dispatch(ApproveRed(red), desk.checker)
    desk.settle(red)
    assert (desk.row(red).state, desk.row(red).amount) == ("issued", -RENT)
    assert desk.row(red).pdf
    assert desk.row(blue).state == "red"
    for again in (blue, red):
        with pytest.raises(Refused):
            dispatch(AskRed(again, "再来一次"), desk.maker)
    with pytest.raises(Refused):
        dispatch(ApproveRed(red), desk.checker)
    assert len(desk.house.bills) == 2
    assert desk.issued(channel, order) != blue, "the order may be invoiced anew"


def test_who_has_both_roles_does_not_approve_what_he_asked_for(desk: Desk) -> None:
    blue = desk.issued()
    both = Actor(
        "staff",
        desk.maker.id,
        "钱慧",
        desk.maker.office_id,
        frozenset(("finance", "finance_review")),
        desk.maker.offices,
    )
    red = dispatch(AskRed(blue, "抬头有误"), both)
    with pytest.raises(Forbidden, match="其他人复核"):
        dispatch(ApproveRed(red), both)


def test_a_red_one_waits_until_the_buyer_agreed(desk: Desk) -> None:
    blue = desk.issued("tax")
    red = dispatch(AskRed(blue, "抬头有误"), desk.maker)
    dispatch(ApproveRed(red), desk.checker)
    desk.switch("needs_confirmation", red)
    desk.later(seconds=1)
    assert (desk.row(red).state, "购买方确认" in desk.row(red).note) == ("sent", True)
    desk.switch("ok", red)
    desk.house.agree(desk.row(red).request_number)
    desk.later(minutes=1)
    desk.finish(red)
    desk.later(minutes=5)
    assert (desk.row(red).state, desk.row(blue).state) == ("issued", "red")


def test_a_red_request_that_is_taken_back_leaves_the_invoice_as_it_is(desk: Desk) -> None:
    blue = desk.issued()
    red = dispatch(AskRed(blue, "抬头有误"), desk.maker)
    dispatch(DropInvoice(red, "不必了"), desk.maker)
    assert (desk.row(red).state, desk.row(blue).state) == ("dropped", "issued")
    assert dispatch(AskRed(blue, "还是要"), desk.maker) != red
