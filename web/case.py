"""The case file: search, one case with everything about it, one piece of evidence, the live diagram."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, g, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.commands import dispatch
from engine.commands.adhoc import BeginOptional
from engine.core.db import reading
from engine.queries import case_desk, case_file, diagram, evidence, forecast, reveals, reviews, timeline
from engine.queries.common import calendar, find_case
from web.security import staff

pages = Blueprint("case", __name__)


@pages.get("/cases")
@staff()
def search() -> str:
    """By case number, full name or full ID number; without words the newest cases of the office."""
    query = request.args.get("q", "").strip()
    with reading() as session, calendar(session):
        found = case_file.search(session, g.actor, query)
    return render_template("case/search.html", query=query, found=found, limit=case_file.FOUND)


@pages.get("/cases/<int:case_id>")
@staff()
def show(case_id: int) -> str:
    """Everything about one case."""
    with reading() as session, calendar(session):
        file = case_file.case_file(session, g.actor, case_id)
        processes = diagram.choices(session, g.actor, case_id)
        again = reviews.of_case(session, g.actor, case_id)
        own = {
            "ahead": forecast.forecast(session, g.actor, case_id),
            "zip": case_desk.newest_zip(session, g.actor, case_id),
            "clear": reveals.clear(session, g.actor, case_id),
        }
    chosen = request.args.get("process") or processes[0].process_id
    sorts = timeline.sorts_of(file.timeline)
    sort = request.args.get("sort", "")
    events = [one for one in file.timeline if one["sort"] == sort] if sort in {key for key, _, _ in sorts} else None
    shown = {
        "events": file.timeline if events is None else events,
        "sorts": sorts,
        "sort": "" if events is None else sort,
    }
    return render_template(
        "case/show.html", file=file, reviews=again, processes=processes, process_id=chosen, **shown, **own
    )


@pages.post("/cases/<int:case_id>/optional/<int:instance>")
@staff()
def begin(case_id: int, instance: int) -> AnyResponse:
    """Begin optional steps of an ad-hoc sub-process."""
    chosen: tuple[tuple[str, dict[str, Any]], ...] = tuple((element, {}) for element in request.form.getlist("element"))
    dispatch(BeginOptional(instance, chosen, case_id=case_id), g.actor)
    flash("已启动所选环节", "success")
    return redirect(url_for("case.show", case_id=case_id), 303)


@pages.get("/cases/<int:case_id>/evidence/<int:record_id>")
@staff()
def exchange(case_id: int, record_id: int) -> str:
    """What another party was asked and what it said."""
    with reading() as session, calendar(session):
        case = find_case(session, g.actor, case_id)
        found = evidence.detail(session, case.id, record_id)
    return render_template("case/evidence.html", number=case.number, case_id=case_id, found=found)


@pages.get("/cases/<int:case_id>/diagram.xml")
@staff()
def diagram_xml(case_id: int) -> Response:
    """The model this case runs on."""
    with reading() as session:
        content = diagram.xml(session, g.actor, case_id, request.args.get("process"))
    response = make_response(content)
    response.headers["Content-Type"] = "application/xml; charset=utf-8"
    return response


@pages.get("/cases/<int:case_id>/diagram.json")
@staff()
def diagram_json(case_id: int) -> Response:
    """Where the tokens stand in it."""
    with reading() as session:
        return jsonify(diagram.state(session, g.actor, case_id, request.args.get("process")))
