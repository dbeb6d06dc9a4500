"""The other parties, for supervisors: how they do, what waits for them, and what does not agree."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.outside import SUPERVISOR, ResetBreaker, SettleDifference, SkipReport
from engine.core.db import reading
from engine.core.errors import NotFound, Refused
from engine.queries import connectors
from web import stocks
from web.security import staff

pages = Blueprint("monitor", __name__)


@pages.get("/monitor/connectors")
@staff(SUPERVISOR)
def show() -> str:
    """Every party over the last 24 hours."""
    with reading() as session:
        found = connectors.states(session)
    return render_template("monitor/connectors.html", parties=found, stocks=stocks.lines())


@pages.get("/monitor/connectors/<party>")
@staff(SUPERVISOR)
def party(party: str) -> str:
    """One party: its hours, its reports on their way, its open differences."""
    with reading() as session:
        found = next((one for one in connectors.states(session) if one.key == party), None)
        if found is None:
            raise NotFound("没有这个接入方")
        reports = connectors.reports(session, g.actor, party)
        differences = connectors.differences(session, party)
    left = stocks.lines().get(party)
    return render_template("monitor/party.html", one=found, reports=reports, differences=differences, left=left)


@pages.post("/monitor/connectors/<party>/reset")
@staff(SUPERVISOR)
def reset(party: str) -> Response:
    """Call it again at once."""
    return _do(ResetBreaker(party), "已恢复调用，等待的办件会按限定速度继续", party)


@pages.post("/monitor/connectors/<party>/reports/<int:report_id>/skip")
@staff(SUPERVISOR)
def skip(party: str, report_id: int) -> Response:
    """Leave a stuck report out."""
    return _do(SkipReport(report_id, request.form.get("reason", "")), "已略过，后面的报送继续", party)


@pages.post("/monitor/connectors/<party>/differences/<int:difference_id>")
@staff(SUPERVISOR)
def settle(party: str, difference_id: int) -> Response:
    """A difference is settled."""
    return _do(SettleDifference(difference_id, request.form.get("note", "")), "已记录处理结果", party)


def _do(command: object, done: str, party: str) -> Response:
    try:
        dispatch(command, g.actor)
        flash(done, "success")
    except Refused as error:
        flash(error.message, "warning")
    return redirect(url_for("monitor.party", party=party), 303)
