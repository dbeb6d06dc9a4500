"""Objecting to a public notice, and what became of it."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.cases import FileObjection
from engine.core.db import reading
from engine.core.errors import Duplicate, Refused
from engine.queries import notices, portal
from web.security import citizen

pages = Blueprint("portal_objections", __name__)

LONGEST_REASON = 2000
SHORTEST_REASON = 10


@pages.get("/portal/objections")
@citizen
def mine() -> str:
    """State and reply of every objection."""
    with reading() as session:
        return render_template("portal/objections.html", objections=portal.my_objections(session, g.actor))


@pages.get("/portal/objections/new/<int:notice_id>")
@citizen
def new(notice_id: int) -> str:
    """The form."""
    return _form(notice_id)


@pages.post("/portal/objections/new/<int:notice_id>")
@citizen
def file(notice_id: int) -> Response | tuple[str, int]:
    """File it under the name and phone of the account."""
    reason = request.form.get("reason", "").strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        wrong = f"请写明异议的事实和理由，{SHORTEST_REASON} 至 {LONGEST_REASON} 字，现为 {len(reason)} 字"
        return _form(notice_id, reason, wrong), 422
    with reading() as session:
        own = portal.account(session, g.actor)
    try:
        dispatch(FileObjection(notice_id, own.name, own.phone, reason), g.actor)
    except Duplicate as error:
        flash(error.message, "warning")
    except Refused as error:
        if error.code != "notice_closed":
            raise
        return _form(notice_id, reason, error.message), 422
    else:
        flash("异议已提交，处理结果会发到您的消息", "success")
    return redirect(url_for("portal_objections.mine"), 303)


def _form(notice_id: int, reason: str = "", error: str = "") -> str:
    with reading() as session:
        return render_template(
            "portal/object.html",
            notice=notices.notice(session, notice_id),
            already=notices.has_objected(session, g.actor, notice_id),
            me=portal.masked_account(session, g.actor),
            reason=reason,
            error=error,
            longest=LONGEST_REASON,
        )
