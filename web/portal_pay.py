"""The payer's page: the codes to scan, whether it is paid, and its invoice."""

from __future__ import annotations

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.commands import dispatch
from engine.commands.invoices import IssueForOrder
from engine.core.db import reading
from engine.core.errors import NotFound, Refused
from engine.files.documents import qr_svg
from engine.queries import invoices, payments
from web.files import send
from web.invoices import payer
from web.security import citizen
from web.staff_context import parts

pages = Blueprint("portal_pay", __name__)


@pages.get("/portal/pay/<int:order_id>")
@citizen
def pay(order_id: int) -> str:
    """The codes to scan; the part that changes is asked for every two seconds."""
    with reading() as session:
        found = payments.to_pay(session, g.actor, order_id)
        told = invoices.of_payer(session, g.actor, order_id)
    template = "payments/_pay.html" if request.headers.get("HX-Request") else "payments/pay.html"
    return render_template(template, order=found, invoices=told, me=g.actor.name)


@pages.get("/portal/pay/<int:order_id>/<channel>.svg")
@citizen
def code(order_id: int, channel: str) -> Response:
    """The QR code of one channel."""
    with reading() as session:
        text = payments.code_text(session, g.actor, order_id, channel)
    return Response(qr_svg(text), content_type="image/svg+xml", headers={"Cache-Control": "no-store"})


@pages.post("/portal/pay/<int:order_id>/invoice")
@citizen
def ask_invoice(order_id: int) -> AnyResponse:
    """The payer wants an invoice for what he paid."""
    try:
        dispatch(IssueForOrder(order_id, parts().config.citizen_invoice, payer()), g.actor)
    except NotFound:
        raise
    except Refused as error:
        flash(error.message, "error")
    else:
        flash("已申请电子发票，开具后可在本页下载", "success")
    return redirect(url_for("portal_pay.pay", order_id=order_id), 303)


@pages.get("/portal/pay/<int:order_id>/invoices/<int:invoice_id>/<kind>")
@citizen
def invoice(order_id: int, invoice_id: int, kind: str) -> Response:
    """A file of the payer's own invoice."""
    with reading() as session:
        found = invoices.payers_file(session, g.actor, order_id, invoice_id, kind)
    return send(found)
