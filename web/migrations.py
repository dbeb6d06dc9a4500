"""Moving running cases to another release: choose, map, look, run, undo."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.migrations import CancelMigration, PauseMigration, PlanMigration, StartMigration, UndoMigration
from engine.commands.operate import SUPERVISOR
from engine.core.db import reading
from engine.core.errors import Refused
from engine.queries import migrations, versions
from engine.queries.versions import ItemLine
from web.security import staff

pages = Blueprint("migrations", __name__)

ACTIONS = {"start": StartMigration, "pause": PauseMigration, "cancel": CancelMigration}
PREFIX = "map:"


@pages.get("/migrations")
@staff(SUPERVISOR)
def show() -> str:
    """The runs so far, and the choice of an item for a new one."""
    with reading() as session:
        lines = migrations.run_lines(session, g.actor)
        items = versions.items(session)
    return render_template("migrations/show.html", runs=lines, items=items, names=_names(items))


@pages.get("/migrations/new")
@staff(SUPERVISOR)
def new() -> str:
    """Versions of the item, and once both are chosen the proposed mapping."""
    return _new(request.args.get("item", ""), request.args)


@pages.post("/migrations/new")
@staff(SUPERVISOR)
def plan() -> Response | tuple[str, int]:
    """Begin the dry run."""
    form = request.form
    chosen = {name.removeprefix(PREFIX): value for name, value in form.items() if name.startswith(PREFIX) and value}
    source, target = (form.get(name, 0, type=int) for name in ("source", "target"))
    try:
        with reading() as session:
            proposed = {
                f"{one.process_id}:{one.element_id}": one.target_id
                for one in migrations.mapping(session, g.actor, source, target, {})
            }
        by_hand = {name: value for name, value in chosen.items() if proposed.get(name) != value}
        command = PlanMigration(form.get("item", ""), source, target, by_hand, reason=form.get("reason", ""))
        run_id = dispatch(command, g.actor)
    except Refused as error:
        return _new(form.get("item", ""), form, error.message), 422
    return redirect(url_for("migrations.run", run_id=run_id), 303)


def _new(item: str, values: MultiDict[str, str], error: str = "") -> str:
    with reading() as session:
        lines = versions.versions(session, item)
        busy = [line for line in lines if line.open]
        source = values.get("source", 0, type=int) or next((one.id for one in reversed(busy)), 0)
        target = values.get("target", 0, type=int) or next((one.id for one in lines if one.current), lines[0].id)
        known = {line.id for line in lines}
        table = []
        if source in known and target in known and source != target:
            table = migrations.mapping(session, g.actor, source, target, {})
        name = next((one.name for one in versions.items(session) if one.item == item), item)
    return render_template(
        "migrations/new.html",
        item=item, name=name, lines=lines, source=source, target=target, table=table, error=error, values=values,
        prefix=PREFIX,
    )  # fmt: skip


@pages.get("/migrations/<int:run_id>")
@staff(SUPERVISOR)
def run(run_id: int) -> str:
    """What the dry run found, how far the run is, what became of each case."""
    with reading() as session:
        line = migrations.run_line(session, g.actor, run_id)
        cases = migrations.run_cases(session, g.actor, run_id)
        names = _names(versions.items(session))
    part = "migrations/_progress.html" if request.headers.get("HX-Request") else "migrations/run.html"
    return render_template(part, run=line, cases=cases, names=names)


def _names(items: Iterable[ItemLine]) -> dict[str, str]:
    return {one.item: one.name for one in items}


@pages.post("/migrations/<int:run_id>/<any(start, pause, cancel):action>")
@staff(SUPERVISOR)
def act(run_id: int, action: str) -> Response:
    """Start or go on, pause, cancel."""
    try:
        dispatch(ACTIONS[action](run_id), g.actor)
    except Refused as error:
        flash(error.message, "warning")
    return redirect(url_for("migrations.run", run_id=run_id), 303)


@pages.post("/migrations/<int:run_id>/undo/<int:row_id>")
@staff(SUPERVISOR)
def undo(run_id: int, row_id: int) -> Response:
    """Take one case back."""
    try:
        dispatch(UndoMigration(row_id), g.actor)
        flash("已撤销，办件回到迁移前", "success")
    except Refused as error:
        flash(error.message, "warning")
    return redirect(url_for("migrations.run", run_id=run_id), 303)
