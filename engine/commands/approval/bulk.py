"""批量审批: the same answers for many tasks of one step, each a command of its own, where nothing is doubtful."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.batches.approval import warnings
from engine.commands import Unit, handles
from engine.commands.approval.common import check_running, check_verb
from engine.commands.tasks import CompleteTask, TaskDone, complete_task, lock_for_task
from engine.core.errors import Refused


@dataclass(frozen=True)
class CompleteInBulk:
    """Hand in one of several tasks; ``item`` and ``element_id`` are what all of them must be."""

    task_id: int
    item: str
    element_id: str
    answers: Mapping[str, Any]
    seen_version: int
    sign: bool = False


@handles(CompleteInBulk)
def complete_in_bulk(command: CompleteInBulk, unit: Unit) -> TaskDone:
    """Raises ``Refused`` for another step, a step that does not allow it, or anything that wants a closer look."""
    case, task = lock_for_task(unit, command.task_id)
    check_running(case)
    if (case.item, task.element_id) != (command.item, command.element_id):
        raise Refused("批量审批只能选同一事项的同一环节", code="another_step")
    check_verb(task, "bulk")
    if found := warnings(unit.session, case, task):
        raise Refused(f"需要逐件办理：{'；'.join(found)}", code="open_warning")
    done = complete_task(CompleteTask(task.id, command.answers, command.seen_version, command.sign), unit)
    unit.record(case, "bulk", f"批量审批「{task.name}」", element_id=task.element_id)
    return done
