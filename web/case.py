"""The case file: search, one case with everything about it, one piece of evidence, the live diagram."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, make_response, render_template, request

from engine.core.db import reading
from engine.queries import case_file, diagram, evidence
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
    chosen = request.args.get("process") or processes[0].process_id
    return render_template("case/show.html", file=file, processes=processes, process_id=chosen)


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
