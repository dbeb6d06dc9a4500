"""What people do with tasks: claim, give back, complete, keep a draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import insert, select

from engine.cases import drafts
from engine.cases.case import Case
from engine.cases.record import Submission
from engine.cases.work import Task
from engine.commands import Unit, handles
from engine.commands.answers import attach_files, sealed, show_errors
from engine.commands.casework import Casework
from engine.core import clock, ids, secrets
from engine.core.actor import Actor
from engine.core.db import for_update
from engine.core.errors import Forbidden, NotFound, TaskAlreadyDone, TaskChanged

COUNTER_ROLE = "acceptance"


@dataclass(frozen=True)
class ClaimTask:
    """Take an open task of one's queue."""

    task_id: int


@dataclass(frozen=True)
class ReleaseTask:
    """Give a claimed task back to the queue."""

    task_id: int


@dataclass(frozen=True)
class CompleteTask:
    """Submit a task's form. ``seen_version`` is the version the page was opened with."""

    task_id: int
    answers: Mapping[str, Any]
    seen_version: int


@dataclass(frozen=True)
class SaveDraft:
    """Keep what was typed so far: ``scope`` is ``task:<id>`` or ``apply:<item>``."""

    scope: str
    answers: Mapping[str, Any]


@dataclass(frozen=True)
class TaskDone:
    """What a submit gives back."""

    case_id: int
    case_number: str
    task_name: str


def lock_for_task(unit: Unit, task_id: int) -> tuple[Case, Task]:
    """Lock a task and its case; on PostgreSQL both come back as they are once the locks are held."""
    query = select(Case, Task).join(Task, Task.case_id == Case.id).where(Task.id == task_id)
    query = query.execution_options(populate_existing=True)
    found = unit.session.execute(query.with_for_update() if for_update(unit.session) else query).one_or_none()
    if found is None:
        raise NotFound("没有这项任务")
    case, task = found
    if not visible(case, task, unit.actor):
        raise NotFound("没有这项任务")
    return case, task


def visible(case: Case, task: Task, actor: Actor) -> bool:
    """Whether the actor may know of the task at all."""
    if actor.kind == "citizen":
        return task.role == "applicant" and case.applicant_key == actor.key
    return actor.kind == "system" or case.office_id in actor.offices


def check_open(task: Task) -> None:
    """Raise ``TaskAlreadyDone`` unless the task is still open."""
    if task.state == "done":
        when = clock.local(task.done_at).strftime("%m-%d %H:%M") if task.done_at else ""
        raise TaskAlreadyDone(f"「{task.name}」已由{task.done_by_name or '他人'}于 {when} 办结，您填写的内容未提交")
    if task.state != "open":
        raise TaskAlreadyDone(f"「{task.name}」已取消，不需要再办理")


def check_may_work(unit: Unit, case: Case, task: Task) -> None:
    """Raise ``Forbidden`` unless the actor may do this very task."""
    actor = unit.actor
    if actor.kind == "staff":
        at_counter = task.role == "applicant" and actor.has(COUNTER_ROLE)
        if not actor.has(task.role) and not at_counter:
            raise Forbidden(f"「{task.name}」由其他岗位办理")
    barred = [part.strip() for part in str(task.properties.get("different_from") or "").split(",") if part.strip()]
    if barred and unit.session.scalar(
        select(Submission.id).where(
            Submission.case_id == case.id, Submission.element_id.in_(barred), Submission.actor_key == actor.key
        )
    ):
        raise Forbidden(f"您已办理过本件的前一审核环节，「{task.name}」须由其他人办理")


@handles(ClaimTask)
def claim_task(command: ClaimTask, unit: Unit) -> None:
    """Put the actor's name on an open task."""
    case, task = lock_for_task(unit, command.task_id)
    check_open(task)
    check_may_work(unit, case, task)
    if task.assignee == unit.actor.key:
        return
    if task.assignee and task.role != "applicant":
        raise TaskChanged(f"「{task.name}」已被他人认领，请从列表选择其他任务")
    task.assignee, task.version = unit.actor.key, task.version + 1
    unit.record(case, "claimed", f"认领「{task.name}」", element_id=task.element_id)
    unit.session.flush()


@handles(ReleaseTask)
def release_task(command: ReleaseTask, unit: Unit) -> None:
    """Take the actor's name off the task."""
    case, task = lock_for_task(unit, command.task_id)
    check_open(task)
    if task.assignee != unit.actor.key:
        raise Forbidden("只能退回自己认领的任务")
    task.assignee, task.version = "", task.version + 1
    unit.record(case, "released", f"放回「{task.name}」", element_id=task.element_id)
    unit.session.flush()


@handles(CompleteTask)
def complete_task(command: CompleteTask, unit: Unit) -> TaskDone:
    """Record the answers, move the process on, and put the next tasks in their inboxes."""
    case, task = lock_for_task(unit, command.task_id)
    check_open(task)
    if unit.actor.kind == "staff" and task.assignee not in ("", unit.actor.key) and task.role != "applicant":
        raise TaskChanged(f"「{task.name}」已被他人认领，您填写的内容未提交")
    if task.version != command.seen_version and task.assignee != unit.actor.key:
        raise TaskChanged(f"「{task.name}」在您打开后有变动，请核对后再提交")
    check_may_work(unit, case, task)
    work = Casework(unit, case)
    work.resume()
    form = work.release.form(task.form_id)
    with show_errors():
        answers = form.clean(command.answers, form_data(form, work.process.context(task.token)))
    attach_files(unit, form, answers, case)
    kept = sealed(form, answers)
    keep_submission(unit, case, task, kept)
    work.complete(task.token, {**kept, f"{task.element_id}_by": by_line(unit)})
    work.save()
    drafts.discard(unit.session, unit.actor.key, f"task:{task.id}")
    return TaskDone(case.id, case.number, task.name)


def form_data(form: Any, context: Mapping[str, Any]) -> dict[str, Any]:
    """The variables a form reads, personal ones in clear."""
    clear: dict[str, Any] = secrets.unseal_tree(dict(context))
    return clear


def by_line(unit: Unit) -> dict[str, str]:
    """Who and when, as documents and later steps read it; a citizen's name is sealed like every other of theirs."""
    name = secrets.seal(unit.actor.name) if unit.actor.kind == "citizen" else unit.actor.name
    return {"name": name, "at": clock.local(unit.now).isoformat(timespec="seconds")}


def keep_submission(unit: Unit, case: Case, task: Task, kept: Mapping[str, Any]) -> None:
    """Mark the task done and keep its answers."""
    actor = unit.actor
    task.state, task.done_at, task.version = "done", unit.now, task.version + 1
    task.done_by, task.done_by_name, task.assignee = actor.key, actor.shown, task.assignee or actor.key
    unit.session.execute(
        insert(Submission),
        {
            "id": ids.new(),
            "case_id": case.id,
            "element_id": task.element_id,
            "form_id": task.form_id,
            "task_id": task.id,
            "actor_key": actor.key,
            "actor_name": actor.shown,
            "at": unit.now,
            "answers": orjson.loads(orjson.dumps(kept)),
            "summary": "",
        },
    )
    unit.record(case, "completed", f"完成「{task.name}」", dict(kept), task.element_id)


@handles(SaveDraft)
def save_draft(command: SaveDraft, unit: Unit) -> datetime:
    """Keep what was typed; gives the moment it was kept."""
    kind, _, rest = command.scope.partition(":")
    if kind == "task":
        case, task = lock_for_task(unit, int(rest))
        check_open(task)
        check_may_work(unit, case, task)
    elif kind != "apply":
        raise NotFound("没有这种草稿")
    return drafts.save(unit.session, unit.actor.key, command.scope, dict(command.answers))
