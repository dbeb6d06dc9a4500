"""What people do with tasks: claim, give back, complete, keep a draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from engine.batches.approval import has_no_queue
from engine.cases import drafts, persons
from engine.cases.case import Case
from engine.cases.record import Entry, did, done_steps
from engine.cases.standing import must_keep_away
from engine.cases.work import ASKED, Task
from engine.catalog import plain_form, releases, visibility
from engine.catalog.forms import Form
from engine.catalog.releases import ReleaseView
from engine.commands import Unit, authority, handles, holds, listeners, signing
from engine.commands.answers import attach_files, sealed, show_errors
from engine.commands.casework import Casework
from engine.core import clock, secrets
from engine.core.actor import Actor
from engine.core.db import for_update
from engine.core.errors import Forbidden, NotFound, TaskAlreadyDone, TaskChanged


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
    """Submit a task's form; ``seen_version`` is of the page when it was opened; ``sign``: by hand, or ``Certified``."""

    task_id: int
    answers: Mapping[str, Any]
    seen_version: int
    sign: bool | signing.Certified = False


@dataclass(frozen=True)
class SaveDraft:
    """Keep what was typed so far: ``scope`` is ``task:<id>`` or ``apply:<item>``.

    ``device`` names the page that writes, ``seen`` the revision of the draft it builds on (None: overwrite).
    """

    scope: str
    answers: Mapping[str, Any]
    device: str = ""
    seen: int | None = None


@dataclass(frozen=True)
class TaskDone:
    """What a submit gives back; ``is_checked``: operations that listen are still to say yes."""

    case_id: int
    case_number: str
    task_name: str
    is_checked: bool = False


_LOOKED_AT = select(Case, Task).join(Task, Task.case_id == Case.id).where(Task.id == bindparam("task_id"))
_LOCKED = _LOOKED_AT.with_for_update()


def lock_for_task(unit: Unit, task_id: int) -> tuple[Case, Task]:
    """Lock a task and its case; on PostgreSQL both come back as they are once the locks are held."""
    query = _LOCKED if for_update(unit.session) else _LOOKED_AT
    found = unit.session.execute(
        query, {"task_id": task_id}, execution_options={"populate_existing": True}
    ).one_or_none()
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
    return actor.kind == "system" or actor.sees(case.office_id, case.item)


def check_open(task: Task) -> None:
    """Raise ``TaskAlreadyDone`` unless the task is still open."""
    if task.state == "done":
        when = clock.local(task.done_at).strftime("%m-%d %H:%M") if task.done_at else ""
        raise TaskAlreadyDone(f"「{task.name}」已由{task.done_by_name or '他人'}于 {when} 办结，您填写的内容未提交")
    if task.state in ASKED:
        raise TaskAlreadyDone(f"「{task.name}」正在校验，请稍候刷新后再办，您填写的内容未提交", code="task_checked")
    if task.state == "suspended":
        raise TaskAlreadyDone(f"「{task.name}」所在的办件已挂起，恢复后才能办理，您填写的内容未提交")
    if task.state != "open":
        raise TaskAlreadyDone(f"「{task.name}」已取消，不需要再办理")


def check_may_work(unit: Unit, case: Case, task: Task) -> None:
    """Raise ``Forbidden`` unless the actor may do this very task, themselves or for somebody they stand in for."""
    actor = authority.act(unit, case, task)
    if did(unit.session, case.id, actor.hands, done_by_others(task)):
        raise _done_before(task)


def done_by_others(task: Task) -> list[str]:
    """The steps that somebody else must have done (``different_from``)."""
    return [part.strip() for part in str(task.properties.get("different_from") or "").split(",") if part.strip()]


def _done_before(task: Task) -> Forbidden:
    return Forbidden(f"您已办理过本件的前一审核环节，「{task.name}」须由其他人办理")


@handles(ClaimTask)
def claim_task(command: ClaimTask, unit: Unit) -> None:
    """Put the actor's name on an open task."""
    case, task = lock_for_task(unit, command.task_id)
    check_open(task)
    check_may_work(unit, case, task)
    if task.assignee == unit.actor.key:
        return
    if task.assignee not in ("", *unit.actor.hands) and task.role != "applicant":
        raise TaskChanged(f"「{task.name}」已被他人认领，请从列表选择其他任务")
    hand_over(unit, case, task, unit.actor.key, ("claimed", f"认领「{task.name}」"))


@handles(ReleaseTask)
def release_task(command: ReleaseTask, unit: Unit) -> None:
    """Take the actor's name off the task."""
    case, task = lock_for_task(unit, command.task_id)
    check_open(task)
    line = ("released", f"放回「{task.name}」")
    if task.assignee != unit.actor.key:
        # Whoever supervises the office puts back what others hold.
        leads = unit.actor.has("supervisor") and case.office_id in unit.actor.offices
        if not leads or not task.assignee or task.role == "applicant":
            raise Forbidden("只能退回自己认领的任务")
        line = ("assigned", f"收回「{task.name}」，放回岗位池")
    if task.kind != "normal" or task.owner:
        raise Forbidden("这项任务指名请您办理，不能放回岗位池；请提交意见，或请对方取消")
    if has_no_queue(unit.session, case, task):
        raise Forbidden(f"「{task.name}」由流程指名办理，没有岗位池可以放回；不能办理时请主管改派")
    hand_over(unit, case, task, "", line)


def hand_over(unit: Unit, case: Case, task: Task, key: str, line: tuple[str, str]) -> None:
    """Write who has the task, unless its listeners must be asked first; ``line`` (kind, title) goes into the record."""
    unit.record(case, *line, element_id=task.element_id)
    work = Casework(unit, case)
    if listeners.listens(work, task, "assigning"):
        asked = {"assignee": listeners.login_of(unit.session, key)}
        if listeners.ask(work, task, "assigning", asked):
            return
    task.assignee, task.version = key, task.version + 1
    unit.session.flush()


@handles(CompleteTask)
def complete_task(command: CompleteTask, unit: Unit) -> TaskDone:
    """Record the answers, move the process on, and put the next tasks in their inboxes."""
    case, task = lock_for_task(unit, command.task_id)
    check_open(task)
    holds.check_free(task)
    actor = unit.actor = authority.claimed_standing(unit, case, task).actor
    if actor.kind == "staff" and task.assignee not in ("", *actor.hands) and task.role != "applicant":
        raise TaskChanged(f"「{task.name}」已被他人认领，您填写的内容未提交")
    if task.version != command.seen_version and task.assignee != unit.actor.key:
        raise TaskChanged(f"「{task.name}」在您打开后有变动，请核对后再提交")
    work = Casework(unit, case)
    steps = done_by_others(task)
    asked = [done_steps(case.id, actor.hands, steps)] if steps else []
    if actor.kin:
        asked.append(persons.related(case.id, actor.kin))
    if found := work.resume(*asked):
        raise must_keep_away(task) if persons.KIN in found else _done_before(task)
    kept = _checked(work, task, command.answers)
    keep_submission(work, task, kept)
    if command.sign:
        task.signature = signing.sign(unit, case, task, command.sign, kept)
    if task.hold and holds.hold_back(unit, task):
        return TaskDone(case.id, case.number, task.name)
    # A plain deployment knows only the variables it was given.
    work.complete(task, {**kept, f"{task.element_id}_by": by_line(unit)} if case.item else kept)
    work.save()
    if task.state == "completing":
        # Should they refuse it, whoever handed it in finds it as it was.
        drafts.save(unit.session, unit.actor.key, f"task:{task.id}", dict(command.answers))
    return TaskDone(case.id, case.number, task.name, task.state == "completing")


def _checked(work: Casework, task: Task, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answers as the task's form takes them, personal ones sealed; without a form any variables will do."""
    context = work.process.context(task.token)
    form = releases.shown_form(work.unit.session, work.release, task.form_id)
    if form is None:
        return plain_form.taken(given, context)
    access = _access(work.release, form, task, work.unit.actor)
    asked, before = visibility.form_for(form, access), form_data(form, context)
    with show_errors():
        answers = visibility.with_hidden(form, access, asked.clean(given, before), before)
    attach_files(work.unit, form, answers, work.case)
    return sealed(form, answers)


def _access(release: ReleaseView, form: Form, task: Task, actor: Actor) -> visibility.Access:
    """What may be seen and changed in the form of a task by whoever works on it."""
    roles = visibility.acting_roles(task.role, actor.roles, works=True)
    return visibility.access_of(release.item, form, roles, task.element_id)


def form_data(form: Any, context: Mapping[str, Any]) -> dict[str, Any]:
    """The variables a form reads, personal ones in clear."""
    clear: dict[str, Any] = secrets.unseal_tree(dict(context))
    return clear


def by_line(unit: Unit) -> dict[str, str]:
    """Who and when, as documents and later steps read it; a citizen's name is sealed like every other of theirs."""
    name = secrets.seal(unit.actor.name) if unit.actor.kind == "citizen" else unit.actor.shown
    return {"name": name, "at": clock.local(unit.now).isoformat(timespec="seconds")}


def keep_submission(work: Casework, task: Task, kept: Mapping[str, Any]) -> None:
    """Mark the task done and keep its answers in the record; where somebody listens, as handed in for now."""
    unit, actor = work.unit, work.unit.actor
    task.state, task.done_at, task.version = "done", unit.now, task.version + 1
    task.done_by, task.done_by_name, task.assignee = actor.key, actor.shown, task.assignee or actor.key
    entry = Entry("completed", f"完成「{task.name}」", task.element_id, kept, task.form_id or None, task.id)
    if listeners.listens(work, task, "completing"):
        entry = Entry("submitted", f"提交「{task.name}」，等待校验", task.element_id, kept)
    work.answered(unit.journal.add(work.case, actor, unit.now, entry), kept)


@handles(SaveDraft)
def save_draft(command: SaveDraft, unit: Unit) -> drafts.Draft:
    """Keep what was typed; gives the draft. Raises ``DraftElsewhere``."""
    kind, _, rest = command.scope.partition(":")
    answers = dict(command.answers)
    if kind == "task":
        case, task = lock_for_task(unit, int(rest))
        check_open(task)
        check_may_work(unit, case, task)
        release = releases.view(unit.session, case.release_id)
        form = releases.shown_form(unit.session, release, task.form_id)
        if form is not None:
            answers = _access(release, form, task, unit.actor).prune(answers)
    elif kind != "apply":
        raise NotFound("没有这种草稿")
    return drafts.save(unit.session, unit.actor.key, command.scope, answers, command.device, command.seen)
