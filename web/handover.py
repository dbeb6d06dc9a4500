"""离职交接: choose who takes over, look at the list, confirm; then the result list."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request

from engine.commands import dispatch
from engine.commands.deputies import SUPERVISOR
from engine.commands.handover import HandedOver, HandOver
from engine.core.db import reading
from engine.core.errors import NotFound, Refused, TaskChanged
from engine.queries import deputies
from web.security import staff

pages = Blueprint("handover", __name__)


@pages.get("/handover/<int:person_id>")
@staff(SUPERVISOR)
def show(person_id: int) -> str:
    """Who takes over?"""
    return _page(person_id)


@pages.post("/handover/<int:person_id>")
@staff(SUPERVISOR)
def run(person_id: int) -> tuple[str, int] | str:
    """Without ``seen`` only the list; with it, it is done."""
    form = request.form
    to = tuple(form.getlist("to", type=int))
    reason, seen = form.get("reason", ""), form.get("seen", "")
    try:
        plan: HandedOver = dispatch(HandOver(person_id, to, reason, seen), g.actor)
    except TaskChanged as error:
        return _page(person_id, dispatch(HandOver(person_id, to), g.actor), error.message), 409
    except Refused as error:
        return _page(person_id, None, error.message), 422
    return _page(person_id, plan)


def _page(person_id: int, plan: HandedOver | None = None, error: str = "") -> str:
    with reading() as session:
        people = deputies.people(session, g.actor)
    name = plan.person if plan is not None else next((one[1] for one in people if one[0] == person_id), "")
    if not name:
        raise NotFound("没有这位工作人员，或不在您的管理范围内")
    others = [one for one in people if one[0] != person_id]
    return render_template(
        "deputies/handover.html",
        person_id=person_id,
        name=name,
        people=others,
        plan=plan,
        error=error,
        chosen=request.form.getlist("to", type=int),
        reason=request.form.get("reason", ""),
    )
