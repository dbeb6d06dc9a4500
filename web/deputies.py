"""代理, 请假 and 回避: one's own page, what waits for whom one stands in for, the office as its supervisor sees it."""

from __future__ import annotations

from datetime import date, datetime

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.deputies import (
    RELATIONS,
    SUPERVISOR,
    DeclareRelative,
    DeclareSelf,
    NameDeputies,
    RevokeDeputy,
    Share,
    WithdrawRelative,
)
from engine.core import clock
from engine.core.db import reading
from engine.core.errors import InvalidAnswers, Refused
from engine.queries import deputies
from web.security import staff

pages = Blueprint("deputies", __name__)

DAYS = 31


@pages.get("/deputies")
@staff()
def show() -> str:
    """«我的代理»: given, held, declared, and the forms for each."""
    return _own()


@pages.post("/deputies")
@staff()
def name() -> Response | tuple[str, int]:
    """Name a deputy, or take leave with or without one; a supervisor for anybody of their offices."""
    for_other = request.form.get("principal", type=int) or 0
    page = _office if for_other else _own
    try:
        dispatch(_named(for_other), g.actor)
    except (Refused, InvalidAnswers) as error:
        return page(error), 422
    flash("已登记，即时生效或到时生效，可随时收回", "success")
    return redirect(url_for("deputies.office" if for_other else "deputies.show"), 303)


def _named(principal_id: int) -> NameDeputies:
    form = request.form
    deputy = form.get("deputy", type=int) or 0
    roles = tuple(form.getlist("roles"))
    items = tuple(form.getlist("items"))
    return NameDeputies(
        from_at=_moment("from"),
        until_at=_moment("until"),
        shares=(Share(deputy, items, roles),) if deputy else (),
        reason=form.get("reason", ""),
        leave=form.get("kind") == "leave",
        principal_id=principal_id,
    )


def _moment(field: str) -> datetime:
    """What a ``datetime-local`` field says, as read here. Raises ``InvalidAnswers``."""
    try:
        return datetime.fromisoformat(request.form.get(field, "")).replace(tzinfo=clock.SHANGHAI)
    except ValueError as error:
        raise InvalidAnswers({field: ["请填写日期和时间"]}) from error


@pages.post("/deputies/<int:grant>/revoke")
@staff()
def revoke(grant: int) -> Response:
    """End it now."""
    dispatch(RevokeDeputy(grant), g.actor)
    flash("已收回，对方从现在起不能再代为办理", "success")
    back = "deputies.office" if request.form.get("back") == "office" and g.actor.has(SUPERVISOR) else "deputies.show"
    return redirect(url_for(back), 303)


@pages.get("/deputies/for/<int:principal_id>")
@staff()
def waiting(principal_id: int) -> str:
    """What waits for somebody one stands in for."""
    with reading() as session:
        who, lines = deputies.tasks_for(session, g.actor, principal_id)
    return render_template("deputies/tasks.html", who=who, lines=lines)


@pages.post("/deputies/relatives")
@staff()
def declare() -> Response | tuple[str, int]:
    """Declare a relative, or one's own number."""
    form = request.form
    try:
        if "own_number" in form:
            dispatch(DeclareSelf(form["own_number"]), g.actor)
        else:
            told = DeclareRelative(form.get("name", ""), form.get("id_number", ""), form.get("relation", ""))
            dispatch(told, g.actor)
    except (Refused, InvalidAnswers) as error:
        return _own(error), 422
    flash("已登记，涉及的办件您不会再领取和办理", "success")
    return redirect(url_for("deputies.show"), 303)


@pages.get("/deputies/office")
@staff(SUPERVISOR)
def office() -> str:
    """All deputies of the office and who is away when."""
    return _office()


@pages.post("/deputies/relatives/<int:relative_id>/withdraw")
@staff(SUPERVISOR)
def withdraw(relative_id: int) -> Response | tuple[str, int]:
    """Take a wrong declaration back, with a reason."""
    try:
        dispatch(WithdrawRelative(relative_id, request.form.get("reason", "")), g.actor)
    except Refused as error:
        return _office(error), 422
    flash("已撤销申报", "success")
    return redirect(url_for("deputies.office"), 303)


def _own(error: Refused | None = None) -> str:
    with reading() as session:
        mine = deputies.own(session, g.actor)
    return render_template("deputies/show.html", mine=mine, relations=RELATIONS, **_form(error))


def _office(error: Refused | None = None) -> str:
    first = _first_day()
    with reading() as session:
        context = {
            "grants": deputies.of_office(session, g.actor),
            "absences": deputies.leave_calendar(session, g.actor, first, DAYS),
            "people": deputies.people(session, g.actor),
            "declared": deputies.declared_of_offices(session, g.actor),
        }
    days = [date.fromordinal(first.toordinal() + number) for number in range(DAYS)]
    return render_template(
        "deputies/office.html", first=first, days=days, today=clock.today(), **context, **_form(error)
    )


def _first_day() -> date:
    try:
        return date.fromisoformat(request.args.get("from", ""))
    except ValueError:
        return clock.today()


def _form(error: Refused | None) -> dict[str, object]:
    """What was typed, and what is wrong with it."""
    errors = dict(getattr(error, "errors", {}) or {})
    return {"form": request.form, "errors": errors, "error": error.message if error is not None and not errors else ""}
