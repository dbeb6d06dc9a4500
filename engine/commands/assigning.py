"""Who gets a task from a supervisor's hand, one by one or many; by which rule one comes up is told in ``turns``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.cases.assignment import Candidate
from engine.cases.case import Case
from engine.cases.standing import APPLICANT
from engine.cases.work import Task
from engine.commands import Unit, dispatch, handles
from engine.commands.tasks import check_open, done_by_others, hand_over, lock_for_task
from engine.commands.turns import weighed
from engine.core.actor import Actor
from engine.core.errors import AnjuError, Forbidden, NotFound, OutsideFault, Refused
from engine.registers.holders import Holder, holders

SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class AssignTask:
    """A supervisor hands a task to somebody of the role, whoever has it now."""

    task_id: int
    to: int
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of one of many: ``message`` says why not, or what was done."""

    task_id: int
    ok: bool
    message: str


def in_turn(commands: Iterable[Any], actor: Actor) -> list[Outcome]:
    """Each command with a ``task_id`` in a transaction of its own: one that is refused does not hold up the others."""
    found = []
    for command in commands:
        try:
            dispatch(command, actor)
        except OutsideFault:
            raise
        except AnjuError as error:
            found.append(Outcome(command.task_id, False, error.message))
        else:
            found.append(Outcome(command.task_id, True, "已完成"))
    return found


@handles(AssignTask)
def assign_task(command: AssignTask, unit: Unit) -> None:
    """The same bars hold as for a claim: role, leave, conflict of interest, a step done before."""
    case, task = _led(unit, command.task_id)
    who = check_receiver(unit, case, task, command.to)
    if task.assignee == who.key:
        raise Refused(f"「{task.name}」已在{who.name}名下", code="has_it_already")
    hand_over(unit, case, task, who.key, ("assigned", _line(f"指派「{task.name}」给{who.name}", command.reason)))


def check_receiver(unit: Unit, case: Case, task: Task, staff_id: int) -> Holder:
    """Whoever is to get a task. Raises ``Refused`` with why they may not have it."""
    found = {one.id: one for one in holders(unit.session, case.office_id, task.role, unit.now)}
    if staff_id not in found:
        raise Refused("所选人员没有这个岗位，或已停用、不在本办件的机构范围内", code="not_a_holder")
    who = found[staff_id]
    [candidate] = weighed(unit, case, task.element_id, done_by_others(task), [who])
    if why := why_not(who.name, candidate):
        raise Refused(why, code="may_not_have_it")
    return who


def _led(unit: Unit, task_id: int) -> tuple[Case, Task]:
    """The locked task of a case of the supervisor's own offices."""
    if not unit.actor.has(SUPERVISOR):
        raise Forbidden("指派和收回任务需要主管岗位")
    case, task = lock_for_task(unit, task_id)
    if case.office_id not in unit.actor.offices:
        raise NotFound("没有这项任务")
    check_open(task)
    if task.role == APPLICANT:
        raise Refused("这项任务在等待申请人，不能指派", code="applicants_task")
    if task.kind != "normal" or task.owner:
        raise Refused("加签或委派中的任务由发起人处理，不能指派", code="asked_of_a_colleague")
    return case, task


def why_not(name: str, candidate: Candidate) -> str:
    """Why somebody may not be given a task; empty where they may."""
    if candidate.barred:
        return f"{name}与本件有利害关系或办理过前一审核环节，须回避"
    return f"{name}正在请假，请选择其他人" if candidate.away else ""


def _line(what: str, reason: str) -> str:
    return f"{what}：{reason.strip()[:200]}" if reason.strip() else what
