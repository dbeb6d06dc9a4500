"""Payment by QR code at the money desk: orders, refunds and alarms."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.payments import CHECKER, MAKER, CloseOrder, OpenOrder, SettlePaymentAlarm
from engine.commands.refunds import ApproveRefund, AskRefund, DropRefund
from engine.core.db import reading
from engine.core.errors import NotFound, Refused
from engine.queries import payments
from web.security import staff

pages = Blueprint("payments", __name__)
DONE = {
    "approve": (ApproveRefund, "已复核，稍后自动退款"),
    "drop": (DropRefund, "退款申请已撤回"),
}


@pages.get("/payments")
@staff(MAKER, CHECKER, "supervisor")
def show() -> str:
    """Orders, refunds on their way, and what rings."""
    return _page()


def _page(error: str = "") -> str:
    with reading() as session:
        orders = payments.orders(session, g.actor)
        alarms, refunds = payments.alarms(session, g.actor), payments.refunds(session, g.actor)
    may_make = g.actor.has(MAKER)
    return render_template(
        "payments/show.html",
        orders=orders, alarms=alarms, refunds=refunds, may_make=may_make, error=error, form=request.form,
    )  # fmt: skip


@pages.post("/payments")
@staff(MAKER)
def open_order() -> Response | tuple[str, int]:
    """A new order for the case of a number; where it is refused, what was typed stays."""
    form = request.form
    number = form.get("case", "").strip()
    try:
        with reading() as session:
            case_id = payments.case_of(session, g.actor, number) if number else 0
        amount = _fen(form.get("amount", ""))
        dispatch(OpenOrder(form.get("subject", ""), form.get("title", ""), amount, case_id), g.actor)
    except Refused as error:
        return _page(error.message), 422
    flash("订单已开立，付款人可在办件页面扫码", "success")
    return redirect(url_for("payments.show"), 303)


@pages.post("/payments/<int:order_id>/close")
@staff(MAKER)
def close(order_id: int) -> Response:
    """Nobody is to pay it any more."""
    return _do(CloseOrder(order_id, request.form.get("reason", "")), "正在通知渠道关闭订单")


@pages.post("/payments/receipts/<int:receipt_id>/refund")
@staff(MAKER)
def refund(receipt_id: int) -> Response:
    """Ask for a refund, whole or in part."""
    try:
        asked = AskRefund(receipt_id, _fen(request.form.get("amount", "")), request.form.get("reason", ""))
    except Refused as error:
        flash(error.message, "error")
        return redirect(url_for("payments.show"), 303)
    return _do(asked, "已申请退款，请由另一人复核")


@pages.post("/payments/refunds/<int:refund_id>/<action>")
@staff(MAKER, CHECKER)
def act(refund_id: int, action: str) -> Response:
    """Approve or drop a refund."""
    if action not in DONE:
        raise NotFound("没有这种办理")
    command, done = DONE[action]
    return _do(command(refund_id), done)


@pages.post("/payments/alarms/<int:alarm_id>")
@staff(MAKER, CHECKER, "supervisor")
def settle(alarm_id: int) -> Response:
    """An alarm is dealt with."""
    return _do(SettlePaymentAlarm(alarm_id, request.form.get("note", "")), "已记录处理结果")


def _fen(text: str) -> int:
    try:
        amount = Decimal(text.strip().replace(",", "")) * 100
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise Refused("金额应以元填写，最多两位小数", code="bad_amount")
    return int(amount)


def _do(command: object, done: str) -> Response:
    try:
        dispatch(command, g.actor)
        flash(done, "success")
    except NotFound:
        raise
    except Refused as error:
        flash(error.message, "error")
    return redirect(url_for("payments.show"), 303)
