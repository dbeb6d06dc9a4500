"""One task: its page, its draft, claiming and giving back, and the submit that leads to the next one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.commands import dispatch
from engine.commands.inbox import LookAtTask
from engine.commands.tasks import ClaimTask, CompleteTask, ReleaseTask
from engine.core.db import reading
from engine.core.errors import InvalidAnswers, Refused, TaskAlreadyDone, TaskChanged
from engine.queries import inbox, task_page
from engine.queries.common import calendar
from web.inbox import desk_of
from web.portal_forms import island_errors, keep_draft, posted_answers
from web.security import staff
from web.signing import NotSigned, handed_in

pages = Blueprint("task", __name__)


@pages.get("/tasks/<int:task_id>")
@staff()
def show(task_id: int) -> str | AnyResponse:
    """The inbox with this task open; a finished task says so."""
    with reading() as session:
        over = task_page.finished(session, g.actor, task_id)
        unread = inbox.is_unread(session, g.actor, task_id)
        longer = task_page.asks_longer(session, g.actor, task_id)
    if over is not None:
        return render_template("task/over.html", over=over, message="", typed=[])
    if unread:
        dispatch(LookAtTask(task_id), g.actor)
    if longer is not None:
        here = {name: request.args.get(name) for name in ("view", "q", "after")}
        return redirect(url_for("clock.extension", extension_id=longer, **here))  # type: ignore[arg-type]
    return page(task_id)


@pages.post("/tasks/<int:task_id>")
@staff()
def submit(task_id: int) -> AnyResponse | tuple[str, int]:
    """Hand the answers in, then open the next task of the same view; nothing typed is ever lost."""
    answers = posted_answers()
    try:
        seen = _seen_version()
        done = handed_in(task_id, lambda sign: CompleteTask(task_id, answers, seen, sign))
    except InvalidAnswers as error:
        return page(task_id, answers, island_errors(error)), 422
    except NotSigned as error:
        return page(task_id, answers, problem=error.message), 422
    except (TaskAlreadyDone, TaskChanged) as error:
        return _stale(task_id, answers, error), 409
    flash(f"{done.case_number}「{done.task_name}」已提交{'，正在校验…' if done.is_checked else ''}", "success")
    return redirect(url_for("task.next_one", view=request.form.get("view") or "mine"), 303)


@pages.get("/tasks/next")
@staff()
def next_one() -> AnyResponse:
    """To the most urgent task left in the view one came from, else to the view itself."""
    view = request.args.get("view") or "mine"
    with reading() as session:
        found = inbox.next_task(session, g.actor, view)
    return redirect(url_for("task.show", task_id=found, view=view) if found else url_for("inbox.show", view=view))


@pages.post("/tasks/<int:task_id>/claim")
@staff()
def claim(task_id: int) -> AnyResponse:
    """Take it from the queue."""
    dispatch(ClaimTask(task_id), g.actor)
    flash("已领取，在「待我办理」中", "success")
    return redirect(url_for("task.show", task_id=task_id, view="mine"), 303)


@pages.post("/tasks/<int:task_id>/release")
@staff()
def release(task_id: int) -> AnyResponse:
    """Give it back to the queue; what was typed stays in the draft."""
    dispatch(ReleaseTask(task_id), g.actor)
    flash("已放回岗位池", "success")
    return redirect(url_for("task.show", task_id=task_id), 303)


@pages.post("/tasks/<int:task_id>/draft")
@staff()
def draft(task_id: int) -> Response:
    """Keep what was typed so far."""
    return keep_draft(f"task:{task_id}")


def page(
    task_id: int,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, list[str]] | None = None,
    problem: str = "",
) -> str:
    """The task's page with what was typed; ``problem``: why it was not handed in."""
    with reading() as session, calendar(session):
        task = task_page.open_task(session, g.actor, task_id, typed)
        desk = desk_of(session, g.actor, request.values.get("view") or task.view, task_id)
    return render_template("task/show.html", task=task, errors=errors or {}, problem=problem, **desk)


def _stale(task_id: int, answers: Mapping[str, Any], error: Refused) -> str:
    with reading() as session:
        over = task_page.finished(session, g.actor, task_id)
        typed = task_page.typed_rows(session, g.actor, task_id, answers)
    return render_template("task/over.html", over=over, task_id=task_id, message=error.message, typed=typed)


def _seen_version() -> int:
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() else 0
