"""转办 and 委派: somebody else does a task for good, or gives an opinion and it comes back."""

from __future__ import annotations

from dataclasses import dataclass

from engine.cases import colleagues as words
from engine.cases.record import did
from engine.cases.work import Task
from engine.commands import Unit, handles
from engine.commands.approval.common import check_own_work, in_hand, people, reason
from engine.commands.tasks import done_by_others
from engine.core.errors import Refused
from engine.registers.colleagues import Colleague


@dataclass(frozen=True)
class TransferTask:
    """Give the task to a colleague (id) for good."""

    task_id: int
    to: int
    reason: str


@dataclass(frozen=True)
class DelegateTask:
    """Ask a colleague (id) for their opinion; then it returns."""

    task_id: int
    to: int
    reason: str


@handles(TransferTask)
def transfer_task(command: TransferTask, unit: Unit) -> None:
    """The other must hold the role and must not be barred from this step."""
    case, task = in_hand(unit, command.task_id, "transfer")
    check_own_work(task)
    why = reason(command.reason, "转办")
    [to] = people(unit, case, [command.to], {task.assignee})
    check_receiver(unit, task, to)
    task.assignee, task.asked_by, task.mark = to.key, unit.actor.key, "transferred"
    task.version += 1
    unit.record(case, "transferred", f"「{task.name}」转办给{to.name}", {"reason": why}, task.element_id)
    words.tell(unit.session, unit.actor, [to.key], "asked", case.id, task.id, f"转办「{task.name}」：{why}")
    unit.session.flush()


def check_receiver(unit: Unit, task: Task, to: Colleague) -> None:
    """Raise ``Refused`` for somebody who could not do the task either."""
    if task.role and task.role not in to.roles:
        raise Refused(f"{to.name}没有办理「{task.name}」的岗位，请选择同岗位人员", code="receiver_without_role")
    if did(unit.session, task.case_id, [to.key], done_by_others(task)):
        raise Refused(f"{to.name}办理过本件的前一审核环节，不能接办「{task.name}」", code="receiver_barred")


@handles(DelegateTask)
def delegate_task(command: DelegateTask, unit: Unit) -> None:
    """The task stays whose it is; meanwhile only the opinion can be given."""
    case, task = in_hand(unit, command.task_id, "delegate")
    check_own_work(task)
    why = reason(command.reason, "委派")
    owner = task.assignee or unit.actor.key
    [to] = people(unit, case, [command.to], {owner})
    task.owner, task.assignee, task.asked_by, task.mark = owner, to.key, unit.actor.key, "delegated"
    task.version += 1
    unit.record(case, "delegated", f"「{task.name}」委派给{to.name}", {"reason": why}, task.element_id)
    words.tell(unit.session, unit.actor, [to.key], "asked", case.id, task.id, f"委派「{task.name}」：{why}")
    unit.session.flush()
