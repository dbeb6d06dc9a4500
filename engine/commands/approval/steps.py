"""退回 and 撤回: a task goes back to an earlier step of its branch; a finished step is taken back by whoever did it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from engine.batches.approval import chosen, is_repeated, last_worker, shown, targets, what_followed
from engine.cases import colleagues as words
from engine.cases import desk, drafts
from engine.cases.case import Case
from engine.cases.record import JournalEntry
from engine.cases.work import Task
from engine.commands import Unit, handles
from engine.commands.approval.common import check_own_work, check_running, check_verb, in_hand, reason
from engine.commands.casework import Casework
from engine.commands.tasks import lock_for_task
from engine.core.errors import Forbidden, Refused, TaskChanged


@dataclass(frozen=True)
class ReturnTask:
    """Send a task back to an earlier step. ``straight_back``: once done there it returns here at once."""

    task_id: int
    target: str
    reason: str
    straight_back: bool = False
    scope: str | None = None


@dataclass(frozen=True)
class TakeBack:
    """Undo one's own submit, while nobody has begun what followed."""

    task_id: int
    reason: str = ""


@handles(ReturnTask)
def return_task(command: ReturnTask, unit: Unit) -> str:
    """The step is done again by whoever did it; gives its name."""
    case, task = in_hand(unit, command.task_id, "return")
    check_own_work(task)
    why = reason(command.reason, "退回")
    work = Casework(unit, case)
    work.resume()
    target = chosen(targets(unit.session, work.process, task), command.target, command.scope, command.straight_back)
    who = last_worker(unit.session, case, target.element_id)
    columns = {"mark": "returned", "asked_by": unit.actor.key}
    if target.straight:
        columns["back_to"] = task.element_id
    # Of several who signed each gets their own task again, as the model gives it.
    if who and not is_repeated(unit.session, case, target.element_id):
        columns["assignee"] = who
    work.arrivals[target.element_id] = columns
    effect = work.process.send_back(task.token, target)
    title = f"「{task.name}」退回至「{target.name or target.element_id}」"
    told = {"reason": why, "back": "straight" if target.straight else "again", "cancelled": shown(effect)}
    unit.record(case, "returned", title, told, task.element_id)
    words.tell(unit.session, unit.actor, [who], "returned", case.id, None, f"{title}：{why}")
    work.save()
    return target.name or target.element_id


# --- taking back ------------------------------------------------------------------------------------------------


@handles(TakeBack)
def take_back(command: TakeBack, unit: Unit) -> int:
    """The step is open again for whoever did it, with what they had answered as a draft; gives the task."""
    case, task = lock_for_task(unit, command.task_id)
    check_verb(task, "take_back")
    check_running(case)
    check_mine(unit, task)
    if task.hold:
        return _from_signers(unit, case, task)
    followed = what_followed(unit.session, task)
    work = Casework(unit, case)
    work.resume()
    work.arrivals[task.element_id] = {"mark": "taken_back", "assignee": task.done_by}
    work.process.take_back(task.element_id, followed)
    why = command.reason.strip()[:300]
    unit.record(case, "taken_back", f"撤回「{task.name}」", {"reason": why} if why else None, task.element_id)
    task.followed = None
    work.save()
    again = unit.session.scalars(
        select(Task.id).where(Task.case_id == case.id, Task.element_id == task.element_id, Task.state == "open")
    ).all()
    opened = max(again)
    _keep_answers(unit, task, opened)
    return opened


def check_mine(unit: Unit, task: Task) -> None:
    """Raise unless the actor did the task and its submit stands."""
    if task.state != "done" or task.host_id is not None:
        raise TaskChanged("这项任务没有办结，或已经撤回，请刷新后查看", code="not_done")
    if task.done_by != unit.actor.key:
        raise Forbidden("只能撤回自己提交的任务")


def _from_signers(unit: Unit, case: Case, task: Task) -> int:
    """The token still stands here: others are asked for their opinion and nobody has begun."""
    asked = unit.session.scalars(select(Task).where(Task.host_id == task.id)).all()
    if any(one.state == "done" for one in asked) or desk.is_seen(unit.session, [one.id for one in asked]):
        raise Refused("加签人已经开始办理，不能撤回", code="begun")
    for one in asked:
        if one.kind == "added_after" and one.state == "open":
            one.state, one.version = "waiting", one.version + 1
    task.state, task.done_at, task.done_by, task.done_by_name = "open", None, "", ""
    task.mark, task.version = "taken_back", task.version + 1
    unit.record(case, "taken_back", f"撤回「{task.name}」", element_id=task.element_id)
    _keep_answers(unit, task, task.id)
    unit.session.flush()
    return task.id


def _keep_answers(unit: Unit, task: Task, opened: int) -> None:
    """What was handed in is what one goes on with."""
    query = (
        select(JournalEntry.payload)
        .where(JournalEntry.case_id == task.case_id, JournalEntry.task_id == task.id, JournalEntry.kind == "completed")
        .order_by(JournalEntry.seq.desc())
        .limit(1)
    )
    answers = unit.session.scalar(query)
    if answers:
        drafts.save(unit.session, unit.actor.key, f"task:{opened}", dict(answers))
