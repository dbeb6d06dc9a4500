"""What the applicant is asked to do: the task's form with its draft, the submit."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.commands import dispatch
from engine.commands.tasks import CompleteTask
from engine.core.db import reading
from engine.core.errors import InvalidAnswers, TaskAlreadyDone, TaskChanged
from engine.queries import portal_task
from web.portal_forms import island_errors, keep_draft, posted_answers, with_typed
from web.security import citizen

pages = Blueprint("portal_task", __name__)


@pages.get("/portal/tasks/<int:task_id>")
@citizen
def task(task_id: int) -> str:
    """The form; a finished task says so and leads to its case."""
    with reading() as session:
        view = portal_task.task_view(session, g.actor, task_id)
    template = "portal/task.html" if view.state == "open" else "portal/task_over.html"
    return render_template(template, task=view, data=view.data, errors={}, message="", typed=[])


@pages.post("/portal/tasks/<int:task_id>")
@citizen
def submit(task_id: int) -> AnyResponse | tuple[str, int]:
    """Hand it in; what cannot be taken is shown again, with nothing lost."""
    answers = posted_answers()
    with reading() as session:
        view = portal_task.task_view(session, g.actor, task_id)
    try:
        done = dispatch(CompleteTask(task_id, answers, _seen_version()), g.actor)
    except InvalidAnswers as error:
        return _again(view, answers, island_errors(error)), 422
    except TaskChanged as error:
        return _again(view, answers, {"": [error.message]}), 409
    except TaskAlreadyDone as error:
        return _over(view, answers, error.message), 409
    flash(f"「{done.task_name}」已提交{'，正在校验…' if done.is_checked else ''}", "success")
    return redirect(url_for("portal_case.case", case_id=done.case_id), 303)


@pages.post("/portal/drafts/tasks/<int:task_id>")
@citizen
def draft(task_id: int) -> Response:
    """Keep what was typed so far."""
    return keep_draft(f"task:{task_id}")


def _again(view: portal_task.TaskView, answers: dict[str, Any], errors: dict[str, list[str]]) -> str:
    data = with_typed(view.data, answers)
    return render_template("portal/task.html", task=view, data=data, errors=errors)


def _over(view: portal_task.TaskView, answers: dict[str, Any], message: str) -> str:
    with reading() as session:
        typed = portal_task.typed_rows(session, g.actor, view.id, answers)
    return render_template("portal/task_over.html", task=view, message=message, typed=typed)


def _seen_version() -> int:
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() else 0
