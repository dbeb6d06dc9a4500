"""The citizen's cases: the list, one case, taking it back."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.cases import WithdrawCase
from engine.core.db import reading
from engine.core.errors import Refused
from engine.queries import payments, portal, portal_case
from web.portal_words import headline
from web.security import citizen

pages = Blueprint("portal_case", __name__)

LONGEST_REASON = 500


@pages.get("/portal/cases")
@citizen
def cases() -> str:
    """All of them, newest first."""
    with reading() as session:
        return render_template("portal/cases.html", cases=portal.my_cases(session, g.actor))


@pages.get("/portal/cases/<int:case_id>")
@citizen
def case(case_id: int) -> str:
    """Where it stands and what comes next."""
    with reading() as session:
        found = portal_case.case_view(session, g.actor, case_id)
        to_pay = payments.open_of(session, g.actor, case_id)
        paid = payments.paid_of(session, g.actor, case_id)
    return render_template("portal/case.html", case=found, head=headline(found), to_pay=to_pay, paid=paid)


@pages.get("/portal/cases/<int:case_id>/submitted")
@citizen
def submitted(case_id: int) -> str:
    """The number, and what happens now."""
    with reading() as session:
        return render_template("portal/submitted.html", case=portal_case.case_view(session, g.actor, case_id))


@pages.post("/portal/cases/<int:case_id>/withdraw")
@citizen
def withdraw(case_id: int) -> Response:
    """Take the application back, while the process still waits for that."""
    reason = request.form.get("reason", "").strip()[:LONGEST_REASON]
    try:
        dispatch(WithdrawCase(case_id, reason), g.actor)
    except Refused as error:
        if error.code != "too_late":
            raise
        flash(f"没有撤回：{error.message}", "warning")
    else:
        flash("申请已撤回", "success")
    return redirect(url_for("portal_case.case", case_id=case_id), 303)
