"""The payer's page: the codes to scan, and whether it is paid."""

from __future__ import annotations

from flask import Blueprint, Response, g, render_template, request

from engine.core.db import reading
from engine.files.documents import qr_svg
from engine.queries import payments
from web.security import citizen

pages = Blueprint("portal_pay", __name__)


@pages.get("/portal/pay/<int:order_id>")
@citizen
def pay(order_id: int) -> str:
    """The codes to scan; the part that changes is asked for every two seconds."""
    with reading() as session:
        found = payments.to_pay(session, g.actor, order_id)
    template = "payments/_pay.html" if request.headers.get("HX-Request") else "payments/pay.html"
    return render_template(template, order=found)


@pages.get("/portal/pay/<int:order_id>/<channel>.svg")
@citizen
def code(order_id: int, channel: str) -> Response:
    """The QR code of one channel."""
    with reading() as session:
        text = payments.code_text(session, g.actor, order_id, channel)
    return Response(qr_svg(text), content_type="image/svg+xml", headers={"Cache-Control": "no-store"})
