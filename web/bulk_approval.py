"""批量审批: one form for many tasks of one step, what keeps some of them back, and what became of each."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, g, jsonify, render_template, request

from engine.commands import dispatch
from engine.commands.approval.bulk import CompleteInBulk
from engine.core.db import reading
from engine.core.errors import InvalidAnswers, ModelFault, Refused
from engine.queries.bulk_approval import BulkPage, bulk_page
from engine.queries.common import calendar
from web.inbox_bulk import MOST, Outcome
from web.portal_forms import posted_answers
from web.security import staff

pages = Blueprint("bulk_approval", __name__)


@pages.post("/inbox/approve")
@staff()
def ask() -> str:
    """The rows and their common form; nothing is done yet."""
    return render_template("approval/bulk.html", found=_found(), view=request.form.get("view") or "mine")


@pages.post("/inbox/approve/confirmed")
@staff()
def run() -> Response | str:
    """Each row in a transaction of its own: one that is refused stops no other. A script asks for JSON, a few rows at
    a time.
    """
    answers = posted_answers()
    found = _found()
    results = []
    for line in found.lines:
        title = f"{line.number} {line.subject}"
        seen = request.form.get(f"version_{line.id}", 0, type=int)
        command = CompleteInBulk(line.id, found.item, found.element_id, answers, seen, "sign" in request.form)
        try:
            dispatch(command, g.actor)
        except InvalidAnswers as error:
            told = "；".join(message for messages in error.errors.values() for message in messages)
            results.append(Outcome(line.id, title, False, f"表单不完整：{told}"))
        except (Refused, ModelFault) as error:
            results.append(Outcome(line.id, title, False, error.message))
        else:
            results.append(Outcome(line.id, title, True, f"「{found.name}」已提交"))
    if request.accept_mimetypes.best == "application/json":
        return jsonify(results=[asdict(one) for one in results])
    view = request.form.get("view") or "mine"
    return render_template("inbox/bulk.html", results=results, action="审批", view=view)


def _found() -> BulkPage:
    chosen = list(dict.fromkeys(request.form.getlist("task", type=int)))
    if len(chosen) > MOST:
        raise Refused(f"一次最多审批 {MOST} 件，请分批勾选", code="too_many")
    with reading() as session, calendar(session):
        return bulk_page(session, g.actor, chosen)
