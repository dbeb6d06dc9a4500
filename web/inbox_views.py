"""Named views of the inbox: made, changed and taken away by people, in a dialog or on a page of its own."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.cases.view_spec import COLOURS, COLUMNS, FIELDS, SORTS, USUAL
from engine.commands import dispatch
from engine.commands.inbox import LONGEST_TITLE, DeleteView, SaveView, SetYellow
from engine.core.db import reading
from engine.core.errors import NotFound, Refused
from engine.queries import inbox_people
from engine.queries.inbox_around import around
from web.security import staff

pages = Blueprint("inbox_views", __name__)


@pages.get("/inbox/views/new")
@staff()
def new() -> str:
    """An empty one."""
    return _form(None, {"title": "", "shared": False, "spec": USUAL})


@pages.post("/inbox/views/new")
@staff()
def create() -> Response | tuple[str, int]:
    """Make it, then open it."""
    return _save(None)


@pages.get("/inbox/views/<int:view_id>")
@staff()
def edit(view_id: int) -> str:
    """One that the person may change."""
    with reading() as session:
        view = around(session, g.actor).view(f"view-{view_id}")
    if view is None:
        raise NotFound("没有这个视图，可能已被删除")
    return _form(view_id, {"title": view.title, "shared": view.shared, "spec": view.spec, "locked": not view.may_edit})


@pages.post("/inbox/views/<int:view_id>")
@staff()
def save(view_id: int) -> Response | tuple[str, int]:
    """Change it, then open it."""
    return _save(view_id)


@pages.post("/inbox/views/<int:view_id>/delete")
@staff()
def delete(view_id: int) -> Response:
    """Take it away."""
    title = dispatch(DeleteView(view_id), g.actor)
    flash(f"已删除视图「{title}」", "success")
    return redirect(url_for("inbox.show"), 303)


@pages.post("/inbox/yellow")
@staff("supervisor")
def yellow() -> Response:
    """From when the office sees yellow."""
    text = request.form.get("yellow_days", "")
    dispatch(SetYellow(int(text) if text.isascii() and text.isdigit() else -1), g.actor)
    flash("已保存，列表颜色随即更新", "success")
    return redirect(url_for("inbox.show"), 303)


def _save(view_id: int | None) -> Response | tuple[str, int]:
    form = request.form
    asked = SaveView(
        title=form.get("title", ""),
        filters={field: form.getlist(field) for field in FIELDS if form.getlist(field)},
        columns=tuple(form.getlist("columns")),
        sort=form.get("sort", ""),
        colour=form.get("colour", ""),
        shared=form.get("shared") == "1",
        view_id=view_id,
    )
    try:
        number = dispatch(asked, g.actor)
    except Refused as error:
        if error.code not in ("bad_view", "too_many_views"):
            raise
        return _form(view_id, {"title": asked.title, "shared": asked.shared, "asked": asked}, error.message), 422
    flash(f"已保存视图「{asked.title.strip()}」", "success")
    return redirect(url_for("inbox.show", view=f"view-{number}"), 303)


def _form(view_id: int | None, view: dict[str, Any], error: str = "") -> str:
    with reading() as session:
        options = inbox_people.choices(session, g.actor)
        days = around(session, g.actor).yellow_days
    shown = view.get("spec") or view["asked"]
    filters = shown.filters if isinstance(shown.filters, dict) else shown.as_json()
    return render_template(
        "inbox/view.html",
        view_id=view_id,
        view=view,
        shown=shown,
        filters=filters,
        error=error,
        fields=[(field, name, options.get(field, [])) for field, name in FIELDS.items()],
        columns=COLUMNS,
        sorts=SORTS,
        colours=COLOURS,
        longest=LONGEST_TITLE,
        yellow_days=days,
        leads=g.actor.has("supervisor"),
    )
