"""The counter: a clerk applies for somebody who stands there, or for whoever sent somebody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.commands import dispatch
from engine.commands.cases import StartCase
from engine.core.db import reading
from engine.core.errors import InvalidAnswers, Refused
from engine.queries import counter
from engine.queries.common import calendar
from web.portal_forms import island_errors, keep_draft, posted_answers
from web.security import staff

pages = Blueprint("counter", __name__)

ROLE = "acceptance"


@pages.get("/counter")
@staff(ROLE)
def items() -> str:
    """What can be applied for here."""
    with reading() as session:
        found = counter.items(session, g.actor)
    return render_template("counter/items.html", items=found)


@pages.get("/counter/apply/<path:item>")
@staff(ROLE)
def apply(item: str) -> str:
    """The apply form, with the draft where one was left."""
    return _page(item)


@pages.post("/counter/apply/<path:item>")
@staff(ROLE)
def submit(item: str) -> AnyResponse | tuple[str, int]:
    """Hand in; what is refused is shown again with nothing lost."""
    answers = posted_answers()
    channel = request.form.get("channel", "")
    if channel not in counter.CHANNELS:
        raise Refused("请选择申请方式：本人到窗口或代办", code="channel_missing")
    command = StartCase(item, answers, channel, g.actor.office_id)
    try:
        started = dispatch(command, g.actor)
    except InvalidAnswers as error:
        return _page(item, answers, island_errors(error)), 422
    except Refused as error:
        return _page(item, answers, {"": [error.message]}), 422
    flash(f"已登记，受理号 {started.number}", "success")
    return redirect(url_for("counter.receipt", case_id=started.case_id), 303)


@pages.post("/counter/drafts/<path:item>")
@staff(ROLE)
def draft(item: str) -> Response:
    """Keep what was typed so far."""
    return keep_draft(f"apply:{item}")


@pages.get("/counter/receipts/<int:case_id>")
@staff(ROLE)
def receipt(case_id: int) -> str:
    """The slip with the number, to be printed and handed over."""
    with reading() as session, calendar(session):
        found = counter.receipt(session, g.actor, case_id)
    return render_template("counter/receipt.html", receipt=found)


def _page(item: str, typed: Mapping[str, Any] | None = None, errors: Mapping[str, list[str]] | None = None) -> str:
    with reading() as session:
        page = counter.apply_page(session, g.actor, item, typed)
    return render_template(
        "counter/apply.html",
        page=page,
        errors=errors or {},
        channel=request.form.get("channel", "counter"),
    )
