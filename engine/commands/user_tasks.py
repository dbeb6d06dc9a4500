"""User tasks as programs handle them: completed with variables, handed to somebody, changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from engine.cases.case import Case
from engine.cases.work import Task
from engine.commands import Unit, authority, handles, listeners
from engine.commands.assigning import check_receiver
from engine.commands.casework import Casework
from engine.commands.roles import INTEGRATOR
from engine.commands.tasks import (
    CompleteTask,
    check_open,
    complete_task,
    hand_over,
    keep_submission,
    lock_for_task,
)
from engine.core.actor import Actor
from engine.core.errors import Forbidden, Refused, TaskChanged
from engine.registers.offices import StaffUser

SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class CompleteUserTask:
    """The task is done. Of an item the variables are the answers of its form, cleaned like the browser's."""

    task_id: int
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AssignUserTask:
    """Hand a task to somebody, by login; empty takes it back. Without ``override`` only one that is nobody's."""

    task_id: int
    assignee: str
    override: bool = True


@dataclass(frozen=True)
class UpdateUserTask:
    """Change what is given: due_date, follow_up_date, priority, candidate_users, candidate_groups."""

    task_id: int
    changes: Mapping[str, Any]


@handles(CompleteUserTask)
def complete_user_task(command: CompleteUserTask, unit: Unit) -> None:
    """An item's task takes the way of the browser; a plain one takes any variables."""
    case, task = lock_for_task(unit, command.task_id)
    if case.item:
        complete_task(CompleteTask(task.id, command.variables, task.version), unit)
        return
    _check_open(case, task)
    _check_may_work(unit, case, task)
    if task.assignee not in ("", *unit.actor.hands) and not _may_lead(unit.actor, case):
        raise TaskChanged(f"「{task.name}」已被他人认领")
    work = Casework(unit, case)
    work.resume()
    keep_submission(work, task, command.variables)
    work.complete(task, command.variables)
    work.save()


def _check_open(case: Case, task: Task) -> None:
    check_open(task)
    if case.state != "open":
        raise Refused("流程实例已挂起，恢复后才能办理", code="case_suspended")


def _check_may_work(unit: Unit, case: Case, task: Task) -> None:
    """A plain task without a group is everybody's of the office; a program that integrates may do any."""
    if unit.actor.kind != "system" and not unit.actor.has(INTEGRATOR):
        authority.act(unit, case, task)


def _may_lead(actor: Actor, case: Case) -> bool:
    """Whether the actor may dispose of other people's tasks."""
    leads = actor.has(SUPERVISOR) and case.office_id in actor.offices
    return actor.kind == "system" or leads or (not case.item and actor.has(INTEGRATOR))


@handles(AssignUserTask)
def assign_user_task(command: AssignUserTask, unit: Unit) -> None:
    """One takes a task oneself like in the browser; handing it to others is a supervisor's."""
    case, task = lock_for_task(unit, command.task_id)
    _check_open(case, task)
    key = _key_of(unit, case, command.assignee)
    own = key == unit.actor.key or (not key and task.assignee == unit.actor.key)
    if own:
        _check_may_work(unit, case, task)
    elif not _may_lead(unit.actor, case):
        raise Forbidden("把任务交给他人办理需要主管岗位")
    if task.assignee == key:
        return
    if task.assignee and key and not command.override:
        raise TaskChanged(f"「{task.name}」已有办理人，如需改派请允许覆盖（allowOverride）")
    if case.item and key.startswith("staff:") and not own:
        check_receiver(unit, case, task, int(key.removeprefix("staff:")))
    title = f"指派「{task.name}」给 {command.assignee}" if key else f"收回「{task.name}」的指派"
    hand_over(unit, case, task, key, ("assigned", title))


def _key_of(unit: Unit, case: Case, assignee: str) -> str:
    """A caseworker's key, or in a plain deployment the name as it is: it may know people that we do not."""
    if not assignee or assignee == unit.actor.key:
        return assignee
    user = unit.session.scalar(select(StaffUser).where(StaffUser.login == assignee, StaffUser.active.is_(True)))
    if user is not None:
        return f"staff:{user.id}"
    if case.item:
        raise Refused(f"没有登录名为 {assignee} 的工作人员", code="unknown_assignee")
    if len(assignee) > 40:
        raise Refused("办理人名称不能超过 40 个字符", code="bad_assignee")
    return assignee


@handles(UpdateUserTask)
def update_user_task(command: UpdateUserTask, unit: Unit) -> None:
    """Dates, priority, and who may take it."""
    case, task = lock_for_task(unit, command.task_id)
    _check_open(case, task)
    if not _may_lead(unit.actor, case):
        raise Forbidden("调整任务需要主管岗位")
    if len(command.changes.get("candidate_groups") or []) > 1:
        raise Refused("一项任务只能交给一个岗位，请只给出一个 candidateGroups", code="one_group")
    unit.record(case, "task_changed", f"调整「{task.name}」", {"changed": sorted(command.changes)}, task.element_id)
    changes = {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in command.changes.items()
    }
    work = Casework(unit, case)
    if listeners.listens(work, task, "updating") and listeners.ask(work, task, "updating", changes):
        return
    listeners.write(unit.session, task, changes)
    task.version += 1
    unit.session.flush()
