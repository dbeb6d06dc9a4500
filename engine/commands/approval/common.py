"""What every approval operation asks first: is the task in hand, does the item allow it, may that person be asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.batches.approval import VERBS, allows
from engine.cases.case import Case
from engine.cases.standing import APPLICANT
from engine.cases.work import Task
from engine.commands import Unit
from engine.commands.holds import NORMAL
from engine.commands.tasks import check_may_work, check_open, lock_for_task
from engine.core.errors import Forbidden, Refused, TaskChanged
from engine.registers import colleagues
from engine.registers.colleagues import Colleague

SUPERVISOR = "supervisor"
BEFORE, AFTER, PARALLEL = "added_before", "added_after", "added_parallel"
MOST_REASON = 300


def check_verb(task: Task, verb: str) -> None:
    """Raise ``Refused`` where the item does not allow it at this step."""
    if not allows(task.properties, verb):
        raise Refused(f"「{task.name}」不允许{VERBS[verb]}，请在本环节直接办理", code="verb_not_allowed")


def in_hand(unit: Unit, task_id: int, verb: str, leads: bool = True) -> tuple[Case, Task]:
    """The locked case and open task of whoever holds it, may claim it, or (``leads``) supervises the office.

    What the unit records from here on says for whom it was done. Raises ``Forbidden``, ``TaskChanged``, ``Refused``.
    """
    case, task = lock_for_task(unit, task_id)
    check_open(task)
    check_running(case)
    check_verb(task, verb)
    if task.role == APPLICANT:
        raise Refused("这项任务在等待申请人，不能代为处理", code="applicants_task")
    if (
        leads
        and unit.actor.has(SUPERVISOR)
        and case.office_id in unit.actor.offices
        and task.assignee != unit.actor.key
    ):
        return case, task
    if task.kind != NORMAL:
        if task.assignee != unit.actor.key:
            raise Forbidden(f"「{task.name}」由他人办理")
        return case, task
    check_may_work(unit, case, task)
    if task.assignee not in ("", *unit.actor.hands):
        raise TaskChanged(f"「{task.name}」已由他人领取，请由办理人操作")
    return case, task


def check_running(case: Case) -> None:
    """Raise ``Refused`` for a case that stands or is over, and for a plain deployment."""
    if case.state != "open":
        raise Refused("办件已挂起或办结，不能再操作", code="case_not_open")
    if not case.item:
        raise Refused("这不是事项办件，请由集成程序处理", code="no_item")


def check_own_work(task: Task) -> None:
    """Raise ``Refused`` where the task is somebody's opinion only, or is with a delegate."""
    if task.kind != NORMAL:
        raise Refused("加签任务只需提交意见，不能再转出", code="added_task")
    if task.owner:
        raise Refused("任务正在委派中，受托人提交意见后再操作", code="delegated")


def reason(text: str, what: str) -> str:
    """A reason that was asked for. Raises ``Refused``."""
    found = text.strip()
    if not found:
        raise Refused(f"请写明{what}原因，原因会记入办理记录", code="reason_missing")
    return found[:MOST_REASON]


def people(unit: Unit, case: Case, ids: Sequence[int], but: Iterable[str] = ()) -> list[Colleague]:
    """The colleagues of these ids, in that order. Raises ``Refused`` for nobody, for strangers and for ``but``."""
    if not ids:
        raise Refused("请至少选择一位同事", code="nobody_chosen")
    known = {one.id: one for one in colleagues.around(unit.session, case.office_id)}
    found = []
    for one in dict.fromkeys(ids):
        if one not in known:
            raise Refused("所选人员已停用或不在本办件的机构范围内，请重新选择", code="not_a_colleague")
        if known[one].key in but:
            raise Refused(f"{known[one].name}已在办理这项任务，请选择其他人", code="already_there")
        found.append(known[one])
    return found


def names(found: Iterable[Colleague]) -> str:
    """How they stand in the record."""
    return "、".join(one.name for one in found)
