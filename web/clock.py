"""Late and nearly late cases for supervisors, one case's time, and extensions: asking and deciding."""

from __future__ import annotations

import csv
import io

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.catalog import releases
from engine.commands import dispatch
from engine.commands.alarms import SUPERVISOR
from engine.commands.extension import AskExtension, DecideExtension
from engine.core import clock
from engine.core.db import reading
from engine.core.errors import AnjuError, Refused
from engine.queries import late
from engine.queries.clock import asked_extensions, clock_file, extension_page
from engine.queries.common import calendar, find_case
from engine.queries.head import head_of
from engine.queries.late import RED, YELLOW, Filter
from web.inbox import desk_of
from web.security import staff

pages = Blueprint("clock", __name__)

# So many rows go into one file; a spreadsheet takes no more with comfort.
ROWS = 20_000
COLOURS = {RED: "逾期", YELLOW: "预警"}


@pages.get("/deadlines")
@staff(SUPERVISOR)
def show() -> str:
    """The red or the yellow list, counted by item, step and person."""
    chosen = _chosen()
    with reading() as session, calendar(session):
        found = late.lists(session, g.actor, chosen)
        waiting = asked_extensions(session, g.actor)
    return render_template("clock/deadlines.html", found=found, chosen=chosen, colours=COLOURS, waiting=waiting)


@pages.get("/deadlines.csv")
@staff(SUPERVISOR)
def table() -> Response:
    """The same list as a file for a spreadsheet."""
    chosen = _chosen()
    with reading() as session, calendar(session):
        lines = late.late_lines(session, g.actor, chosen, ROWS)
    made = io.StringIO()
    rows = csv.writer(made)
    rows.writerow(("受理号", "事项", "申请人", "时限", "环节", "办理人", "到期", "剩余工作日"))
    for one in lines:
        cells = (one.number, one.item_name, one.subject, one.what, one.step, one.person, one.due, one.days)
        rows.writerow([_cell(cell) for cell in cells])
    name = f"deadlines-{chosen.colour}-{clock.today()}.csv"
    # Spreadsheets take a file for UTF-8 by its first mark.
    return Response(
        "\ufeff" + made.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": f"attachment; filename={name}", "Cache-Control": "no-store"},
    )


@pages.get("/cases/<int:case_id>/clock")
@staff()
def of_case(case_id: int) -> str:
    """One case's limits, stops and extensions."""
    return _page(case_id)


@pages.post("/cases/<int:case_id>/clock/extension")
@staff()
def ask(case_id: int) -> AnyResponse | tuple[str, int]:
    """Ask for longer."""
    amount = request.form.get("amount", "")
    try:
        dispatch(
            AskExtension(case_id, int(amount) if amount.isdecimal() else 0, request.form.get("reason", "")), g.actor
        )
    except AnjuError as error:
        return _page(case_id, error.message), 422
    flash("已提出延长申请，批复后会通知您", "success")
    return redirect(url_for("clock.of_case", case_id=case_id), 303)


@pages.post("/cases/<int:case_id>/clock/extension/<int:extension_id>")
@staff()
def decide(case_id: int, extension_id: int) -> AnyResponse | tuple[str, int]:
    """Agree or not."""
    granted = request.form.get("decision") == "granted"
    try:
        dispatch(DecideExtension(extension_id, granted, request.form.get("opinion", "")), g.actor)
    except AnjuError as error:
        return _page(case_id, error.message), 422
    flash("已同意延长" if granted else "已批复不同意延长", "success")
    return redirect(url_for("clock.of_case", case_id=case_id), 303)


@pages.get("/extensions/<int:extension_id>")
@staff()
def extension(extension_id: int) -> str:
    """What is asked for, what agreeing would change, and the answer; beside the inbox it came from."""
    return _asked(extension_id)


@pages.post("/extensions/<int:extension_id>")
@staff()
def answer(extension_id: int) -> AnyResponse | tuple[str, int]:
    """Agree or not, then on to the next task."""
    granted = request.form.get("decision") == "granted"
    try:
        dispatch(DecideExtension(extension_id, granted, request.form.get("opinion", "")), g.actor)
    except Refused as error:
        return _asked(extension_id, error.message), 422
    flash("已同意延长" if granted else "已批复不同意延长", "success")
    return redirect(url_for("task.next_one", view=request.form.get("view") or "mine"), 303)


def _asked(extension_id: int, error: str = "") -> str:
    with reading() as session, calendar(session):
        found = extension_page(session, g.actor, extension_id)
        desk = desk_of(session, g.actor, request.values.get("view"), found.task_id or None)
    return render_template("clock/extension.html", found=found, error=error, form=request.form, **desk)


def _page(case_id: int, error: str = "") -> str:
    with reading() as session, calendar(session):
        case = find_case(session, g.actor, case_id)
        head = head_of(session, case, releases.view(session, case.release_id).item)
        found = clock_file(session, g.actor, case)
    return render_template("clock/case.html", head=head, found=found, error=error, form=request.form)


def _chosen() -> Filter:
    given = request.args
    colour = given.get("colour", RED)
    return Filter(
        colour if colour in COLOURS else RED, given.get("item", ""), given.get("step", ""), given.get("person", "")
    )


def _cell(value: object) -> str:
    """A text that a spreadsheet would take for a formula is written as text."""
    text = str(value)
    return f"'{text}" if text[:1] in "=+@\t\r" or (text[:1] == "-" and not text[1:].isdecimal()) else text
