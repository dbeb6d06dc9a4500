"""What the applicant is asked to do: the task, its form, what was typed so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import drafts
from engine.cases.case import Case
from engine.cases.work import Task
from engine.catalog import releases, visibility
from engine.catalog.releases import ReleaseView
from engine.core import secrets
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries import answers, visible
from engine.queries.answers import Row
from engine.queries.portal import APPLICANT


@dataclass(frozen=True)
class Asked:
    """One open task of the applicant. ``materials``, ``note`` and ``due`` are told by the process, or empty.

    A process tells them in the variables ``supplement_request`` {materials, due} and ``acceptance`` {note}, or in
    ``hearing`` {due, overdue}: what happens when the time is over.
    """

    task_id: int
    name: str
    materials: str
    note: str
    due: str
    overdue: str


@dataclass(frozen=True)
class TaskView:
    """A task of the applicant with its form. ``data`` is what the form opens with, own draft included."""

    id: int
    case_id: int
    case_number: str
    item_name: str
    name: str
    state: str
    version: int
    schema: dict[str, Any]
    data: dict[str, Any]
    draft_saved_at: datetime | None


def asked_of(session: Session, case: Case, release: ReleaseView) -> list[Asked]:
    """What the applicant of an open case is asked to do now."""
    tasks = session.scalars(
        select(Task).where(Task.case_id == case.id, Task.state == "open", Task.role == APPLICANT).order_by(Task.id)
    ).all()
    return [_asked(task, visible.variables(session, case, release, task.token)[0]) for task in tasks]


def _asked(task: Task, context: Mapping[str, Any]) -> Asked:
    request, acceptance = context.get("supplement_request") or {}, context.get("acceptance") or {}
    request = request or context.get("hearing") or {}
    return Asked(
        task.id,
        task.name,
        str(request.get("materials") or ""),
        str(acceptance.get("note") or ""),
        str(request.get("due") or ""),
        str(request.get("overdue") or ""),
    )


def task_view(session: Session, actor: Actor, task_id: int) -> TaskView:
    """The task with its form; a finished one without data. Raises ``NotFound`` for anybody else's."""
    task, case, release = _own_task(session, actor, task_id)
    whole = release.form(task.form_id)
    access = visibility.access_of(release.item, whole, [APPLICANT], task.element_id)
    form = visibility.form_for(whole, access)
    draft = drafts.find(session, actor.key, f"task:{task.id}")
    data: dict[str, Any] = {}
    if task.state == "open":
        context, own = visible.variables(session, case, release, task.token)
        # The applicant's own case: nothing in it is masked from them.
        shown = form.display(secrets.unseal_tree(visible.opening(form, context, own)))
        data = access.prune({**shown, **(draft.answers if draft else {})})
    return TaskView(
        id=task.id,
        case_id=case.id,
        case_number=case.number,
        item_name=case.item_name,
        name=task.name,
        state=task.state,
        version=task.version,
        schema=dict(form.schema),
        data=data,
        draft_saved_at=draft.saved_at if draft else None,
    )


def typed_rows(session: Session, actor: Actor, task_id: int, typed: Mapping[str, Any]) -> list[Row]:
    """What was typed into the form of a task that is over, as words, so that it is not lost."""
    task, _, release = _own_task(session, actor, task_id)
    return answers.rows(release.form(task.form_id), typed)


def _own_task(session: Session, actor: Actor, task_id: int) -> tuple[Task, Case, ReleaseView]:
    task = session.get(Task, task_id)
    case = session.get(Case, task.case_id) if task else None
    if task is None or case is None or task.role != APPLICANT or case.applicant_key != actor.key:
        raise NotFound("没有这项任务，请从「我的办件」进入")
    return task, case, releases.view(session, case.release_id)
