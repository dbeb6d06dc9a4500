"""Tasks on which others' opinions are awaited: what may be done meanwhile, and whether the token may move."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import colleagues as words
from engine.cases.work import EXTENSION, Task
from engine.commands import Unit
from engine.core.errors import Refused

NORMAL = "normal"


def check_free(task: Task) -> None:
    """Raise ``Refused`` for a task whose form is not to be handed in now."""
    if task.element_id == EXTENSION:
        raise Refused("延长申请请打开任务后选择同意或不同意", code="decide_extension")
    if task.kind != NORMAL:
        raise Refused("这是请您提意见的任务，请在意见框中提交", code="opinion_only")
    if task.owner:
        raise Refused("任务正在委派中，受托人提交意见后由您办理", code="delegated")
    if task.hold == "before":
        raise Refused("加签人还没有提交意见，意见到齐后才能提交；也可以先减签", code="awaits_signers")


def added_tasks(session: Session, host: Task) -> list[Task]:
    """What hangs on a task and is not over, in the order it was asked."""
    theirs = (Task.case_id == host.case_id, Task.host_id == host.id, Task.state.in_(("open", "waiting")))
    return list(session.scalars(select(Task).where(*theirs).order_by(Task.id)))


def hold_back(unit: Unit, task: Task) -> bool:
    """The task is done; True where others are still asked, who now have their turn, and the token stands."""
    left = added_tasks(unit.session, task)
    if not left:
        task.hold = ""
        return False
    due = [one for one in left if one.state == "waiting"]
    for one in due:
        one.state, one.version = "open", one.version + 1
    told = f"请就「{task.name}」提出意见"
    words.tell(unit.session, unit.actor, [one.assignee for one in due], "asked", task.case_id, task.id, told)
    unit.session.flush()
    return True
