"""Cases that got stuck: the list, and trying again."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.incidents import SUPERVISOR, RetryIncident
from engine.core.db import reading
from engine.core.errors import TaskAlreadyDone
from engine.queries.incidents import open_incidents
from web.security import staff

pages = Blueprint("incidents", __name__)


@pages.get("/incidents")
@staff(SUPERVISOR)
def show() -> str:
    """The open incidents, oldest first."""
    with reading() as session:
        found = open_incidents(session, g.actor)
    return render_template("incidents/show.html", incidents=found)


@pages.post("/incidents/<int:incident_id>/retry")
@staff(SUPERVISOR)
def retry(incident_id: int) -> Response:
    """Put the step back to work; should it fail again, it comes back here."""
    try:
        dispatch(RetryIncident(incident_id), g.actor)
        flash("已重新办理；如再次失败，会重新出现在这里", "success")
    except TaskAlreadyDone as error:
        flash(error.message, "warning")
    return redirect(url_for("incidents.show"), 303)
