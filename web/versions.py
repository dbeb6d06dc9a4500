"""The releases of an item: which there are, what they differ in, which one new cases get."""

from __future__ import annotations

from flask import Blueprint, flash, g, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.publish import ANALYST
from engine.commands.versions import RollBack
from engine.core.db import reading
from engine.core.errors import Refused
from engine.queries import versions
from web.security import staff

pages = Blueprint("versions", __name__)


@pages.get("/versions")
@staff(ANALYST)
def show() -> str:
    """Every published item; with ``item`` its releases."""
    item = request.args.get("item", "")
    with reading() as session:
        items = versions.items(session)
        chosen = item or (items[0].item if items else "")
        lines = versions.versions(session, chosen) if chosen else []
    return render_template("versions/show.html", items=items, item=chosen, lines=lines)


@pages.get("/versions/compare")
@staff(ANALYST, "supervisor")
def compare() -> str:
    """Two releases side by side, in words and as drawings of the processes that differ."""
    before, after = (request.args.get(name, 0, type=int) for name in ("before", "after"))
    with reading() as session:
        parts = versions.compare(session, before, after)
        drawings = versions.drawings(session, before, after)
        lines = {line.id: line for line in versions.versions(session, versions.item_of(session, after))}
    lined = {"before": lines.get(before), "after": lines.get(after)}
    return render_template("versions/compare.html", parts=parts, drawings=drawings, **lined)


@pages.get("/versions/<int:release_id>/diagram.xml")
@staff(ANALYST, "supervisor")
def diagram_xml(release_id: int) -> Response:
    """The model of one process of a release."""
    with reading() as session:
        content = versions.diagram_xml(session, release_id, request.args.get("process", ""))
    response = make_response(content)
    response.headers["Content-Type"] = "application/xml; charset=utf-8"
    return response


@pages.get("/versions/diagram.json")
@staff(ANALYST, "supervisor")
def diagram_json() -> Response:
    """What became of its elements between two releases."""
    before, after = (request.args.get(name, 0, type=int) for name in ("before", "after"))
    with reading() as session:
        return jsonify(versions.became(session, before, after, request.args.get("process", "")))


@pages.post("/versions/<int:release_id>/default")
@staff(ANALYST)
def roll_back(release_id: int) -> Response:
    """New cases begin on this release from now on."""
    try:
        dispatch(RollBack(release_id, request.form.get("reason", "")), g.actor)
        flash("新办件从现在起使用这个版本", "success")
    except Refused as error:
        flash(error.message, "warning")
    return redirect(url_for("versions.show", item=request.form.get("item", "")), 303)
