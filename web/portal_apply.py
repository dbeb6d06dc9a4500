"""Apply: the guide of an item, the form with its draft, the submit."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.commands import dispatch
from engine.commands.cases import StartCase
from engine.core.db import reading
from engine.core.errors import Duplicate, InvalidAnswers, NotFound, Refused
from engine.queries import portal
from web.portal_context import citizen
from web.portal_forms import island_errors, keep_draft, posted_answers, with_typed
from web.security import citizen as citizens_only

pages = Blueprint("portal_apply", __name__)


@pages.get("/portal/apply/<path:item>")
def apply(item: str) -> AnyResponse | str:
    """The guide; with an office chosen, the form."""
    if "office" in request.args:
        return redirect(url_for("portal_apply.form", item=item, office=_office_id(request.args.get("office"))))
    with reading() as session:
        guide, found = portal.guide(session, citizen(), item), portal.offices(session)
    offices = [("", "请选择"), *((str(one.id), one.name) for one in found)] if found else []
    return render_template("portal/guide.html", guide=guide, offices=offices)


@pages.get("/portal/apply-form/<int:office>/<path:item>")
@citizens_only
def form(office: int, item: str) -> str:
    """The application form, as far as it was typed."""
    return _form_page(office, item)


@pages.post("/portal/apply-form/<int:office>/<path:item>")
@citizens_only
def submit(office: int, item: str) -> AnyResponse | tuple[str, int]:
    """Start the case; a second submit of the same household leads to the first case."""
    answers = posted_answers()
    try:
        started = dispatch(StartCase(item, answers, portal.CHANNEL, office), g.actor)
    except InvalidAnswers as error:
        return _form_page(office, item, answers, island_errors(error)), 422
    except Duplicate as error:
        return _to_live_case(item, error) or (_form_page(office, item, answers, {"": [error.message]}), 409)
    except NotFound:
        raise
    except Refused as error:
        return _form_page(office, item, answers, {"": [error.message]}), 422
    return redirect(url_for("portal_case.submitted", case_id=started.case_id), 303)


@pages.post("/portal/drafts/apply/<path:item>")
@citizens_only
def draft(item: str) -> Response:
    """Keep what was typed so far."""
    with reading() as session:
        portal.current_release(session, item)
    return keep_draft(f"apply:{item}")


def _to_live_case(item: str, error: Duplicate) -> AnyResponse | None:
    with reading() as session:
        case_id = portal.live_case_of(session, g.actor, item)
    if case_id is None:
        return None
    flash(f"没有重复提交：{error.message}", "warning")
    return redirect(url_for("portal_case.case", case_id=case_id), 303)


def _form_page(
    office: int, item: str, typed: dict[str, Any] | None = None, errors: dict[str, list[str]] | None = None
) -> str:
    with reading() as session:
        schema, data = portal.application_form(session, g.actor, item)
        guide = portal.guide(session, g.actor, item)
        chosen = portal.office(session, office)
    return render_template(
        "portal/apply.html",
        guide=guide,
        office=chosen,
        schema=schema,
        data=with_typed(data, typed or {}),
        errors=errors or {},
    )


def _office_id(text: str | None) -> int:
    if not text or not text.isascii() or not text.isdigit():
        raise NotFound("没有这个受理机构，请重新选择")
    return int(text)
