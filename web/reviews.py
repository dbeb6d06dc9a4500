"""A decided case is looked at again: choose the paper, begin the case, go to its first task."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.reviews import OpenReview
from engine.core.db import reading
from engine.core.errors import Refused
from engine.queries import head, reviews
from web.security import staff

pages = Blueprint("reviews", __name__)


@pages.get("/cases/<int:case_id>/review/<path:item>")
@staff()
def choose(case_id: int, item: str) -> str:
    """Which paper it is about."""
    return _page(case_id, item)


@pages.post("/cases/<int:case_id>/review/<path:item>")
@staff()
def begin(case_id: int, item: str) -> Response | tuple[str, int]:
    """Begin it; whoever began it has the first task."""
    document_id = request.form.get("document", type=int)
    if document_id is None:
        return _page(case_id, item, "请选择要更正或撤销的文书"), 422
    try:
        started = dispatch(OpenReview(case_id, item, document_id), g.actor)
    except Refused as error:
        return _page(case_id, item, error.message), 422
    flash(f"已发起，业务编号 {started.number}", "success")
    with reading() as session:
        task_id = head.own_task(session, g.actor, started.case_id)
    if task_id is None:
        return redirect(url_for("case.show", case_id=started.case_id), 303)
    return redirect(url_for("task.show", task_id=task_id, view="mine"), 303)


def _page(case_id: int, item: str, error: str = "") -> str:
    with reading() as session:
        page = reviews.begin_page(session, g.actor, case_id, item)
    return render_template("reviews/begin.html", page=page, error=error)
