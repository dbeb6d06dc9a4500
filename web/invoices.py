"""Electronic invoices at the money desk: issue, look, turn red."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.commands import dispatch
from engine.commands.invoices import (
    CHECKER,
    MAKER,
    CompleteInvoice,
    DropInvoice,
    IssueForOrder,
    Lease,
    Payer,
    ResubmitInvoice,
)
from engine.commands.red_invoices import ApproveRed, AskRed
from engine.core.db import reading
from engine.core.errors import NotFound, Refused
from engine.queries import invoices
from engine.registers.invoices import AREA_UNITS, CHANNELS
from web.files import send
from web.security import staff

pages = Blueprint("invoices", __name__)


@pages.get("/invoices")
@staff(MAKER, CHECKER, "supervisor")
def show() -> str:
    """The list, by state and number, and the form for a new one."""
    state, number = request.args.get("state", ""), request.args.get("q", "").strip()
    page = request.args.get("page", 1, type=int)
    with reading() as session:
        found = invoices.listed(session, g.actor, state, number, page)

    def here(other: int) -> str:
        return url_for("invoices.show", state=state or None, q=number or None, page=other)

    return render_template(
        "invoices/show.html",
        found=found,
        state=state,
        number=number,
        page=page,
        here=here,
        channels=list(CHANNELS.items()),
        units=[(one, one) for one in AREA_UNITS],
        order=request.args.get("order", ""),
        may_make=g.actor.has(MAKER),
    )


@pages.post("/invoices")
@staff(MAKER)
def issue() -> AnyResponse:
    """Invoice a paid order."""
    form = request.form
    try:
        with reading() as session:
            order = invoices.order_id(session, g.actor, form.get("order", "").strip())
        made = dispatch(IssueForOrder(order, form.get("channel", ""), payer(), _lease()), g.actor)
    except Refused as error:
        flash(error.message, "error")
        return redirect(url_for("invoices.show", order=form.get("order", "").strip()), 303)
    flash("已申请开票，开具后自动取回文件", "success")
    return redirect(url_for("invoices.one", invoice_id=made), 303)


@pages.get("/invoices/<int:invoice_id>")
@staff(MAKER, CHECKER, "supervisor")
def one(invoice_id: int) -> str:
    """One request: where it stands, its file, what can be done."""
    with reading() as session:
        found = invoices.one(session, g.actor, invoice_id)
    return render_template("invoices/one.html", found=found, units=[(one, one) for one in AREA_UNITS])


@pages.get("/invoices/<int:invoice_id>/<kind>")
@staff(MAKER, CHECKER, "supervisor")
def download(invoice_id: int, kind: str) -> Response:
    """The PDF or the OFD."""
    with reading() as session:
        found = invoices.file(session, g.actor, invoice_id, kind)
    return send(found)


@pages.post("/invoices/<int:invoice_id>/<action>")
@staff(MAKER, CHECKER)
def act(invoice_id: int, action: str) -> AnyResponse:
    """Complete, hand in anew, drop, turn red, approve."""
    reason = request.form.get("reason", "")
    try:
        done = _act(invoice_id, action, reason)
    except NotFound:
        raise
    except Refused as error:
        flash(error.message, "error")
    else:
        flash(done, "success")
    return redirect(url_for("invoices.one", invoice_id=invoice_id), 303)


def _act(invoice_id: int, action: str, reason: str) -> str:
    if action == "complete":
        dispatch(CompleteInvoice(invoice_id, _lease()), g.actor)
        return "已提交开具"
    if action == "resubmit":
        dispatch(ResubmitInvoice(invoice_id), g.actor)
        return "已重新提交"
    if action == "drop":
        dispatch(DropInvoice(invoice_id, reason), g.actor)
        return "已撤销；已送出的先向对方核实"
    if action == "red":
        dispatch(AskRed(invoice_id, reason), g.actor)
        return "已申请红冲，请由另一人复核"
    if action == "approve":
        dispatch(ApproveRed(invoice_id), g.actor)
        return "已复核，稍后自动红冲"
    raise NotFound("没有这种办理")


def payer() -> Payer:
    """Whom the form makes it out to."""
    form = request.form
    told = (form.get("tax_number", ""), form.get("phone", ""), form.get("email", ""))
    return Payer(form.get("payer", ""), form.get("kind") == "organisation", *told)


def _lease() -> Lease | None:
    """What the form says of the home; nothing where it is for none."""
    form = request.form
    if form.get("lease") != "1":
        return None
    try:
        begins, ends = (date.fromisoformat(form.get(name, "")) for name in ("begins_on", "ends_on"))
    except ValueError:
        raise Refused("请填写租期的开始和结束日期", code="bad_lease") from None
    about = (form.get("area_unit", AREA_UNITS[0]), form.get("cross_city") == "1", form.get("certificate", ""))
    return Lease(form.get("address", ""), begins, ends, *about)
