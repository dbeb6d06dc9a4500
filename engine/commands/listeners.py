"""Task listeners: what a person asks of a task is written when they were heard, or they are told why not.

While the operations that listen are at work the task's row stands in ``assigning``, ``updating`` or ``completing``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.record import Entry, JournalEntry
from engine.cases.work import ASKED, REFUSAL, Task
from engine.core import clock
from engine.core.actor import Actor
from engine.registers.offices import StaffUser
from engine.workflow import Heard

if TYPE_CHECKING:
    from engine.commands.casework import Casework

STAFF = "staff:"
_DOING = {"assigning": "办理人的变更", "updating": "任务的调整", "completing": "提交的内容"}


def listens(work: Casework, task: Task, phase: str) -> bool:
    """Whether the model names a listener; a process of another release may. What has no token has no element."""
    if not task.token:
        return False
    element = work.element_of(task)
    return element is None or element.listens(phase)


def ask(work: Casework, task: Task, phase: str, values: Mapping[str, Any]) -> bool:
    """Ask before a task is assigned or updated. True: listeners were asked, what they said is or will be written.

    ``values`` by their names in the wait; an assignee by login. False: nobody listens after all, write it now.
    """
    work.resume()
    if not work.process.listen(task.token, phase, values):
        return False
    task.state, task.version = phase, task.version + 1
    work.unit.session.flush()
    work.save()
    return True


def hear(work: Casework) -> None:
    """Write what listeners said since the process was taken up."""
    said = [one for one in work.process.heard if one.phase in ASKED]
    work.process.heard.clear()
    session = work.unit.session
    theirs = Task.token.in_({one.token for one in said})
    query = select(Task).where(Task.case_id == work.case.id, theirs, Task.state.in_(ASKED))
    rows = {task.token: task for task in session.scalars(query)}
    at_once = {task.token: task for task in work.finished}
    for one in said:
        # One that is just arriving has no row yet.
        if (task := rows.get(one.token)) is not None:
            _hear(work, task, one)
        elif (task := at_once.get(one.token)) is not None:
            work.unit.journal.add(work.case, work.unit.actor, work.unit.now, _line(task, work.answers))


def _hear(work: Casework, task: Task, one: Heard) -> None:
    task.properties = {name: value for name, value in (task.properties or {}).items() if name != REFUSAL}
    task.version += 1
    if one.denied:
        _refuse(work, task, one)
        return
    task.state = "open"
    write(work.unit.session, task, one.values)
    if one.phase == "completing":
        _done(work, task)


def _refuse(work: Casework, task: Task, one: Heard) -> None:
    """As if it had not been asked; whoever opens the task reads why."""
    reason = one.reason or "未说明原因"
    task.state, task.done_by, task.done_by_name = "open", "", ""
    task.properties = {**(task.properties or {}), REFUSAL: f"{_DOING[one.phase]}未通过校验：{reason}"}
    title = f"「{task.name}」{_DOING[one.phase]}未通过校验"
    work.unit.record(work.case, "denied", title, {"reason": reason}, task.element_id)


def _done(work: Casework, task: Task) -> None:
    """The answers stand in the record from now on, as those of whoever handed them in."""
    unit = work.unit
    handed_in = unit.session.scalars(
        select(JournalEntry)
        .where(
            JournalEntry.case_id == work.case.id,
            JournalEntry.kind == "submitted",
            JournalEntry.element_id == task.element_id,
            JournalEntry.actor_key == task.done_by,
        )
        .order_by(JournalEntry.seq.desc())
        .limit(1)
    ).first()
    who, payload = unit.actor, None
    if handed_in is not None:
        kind, _, number = handed_in.actor_key.partition(":")
        who = Actor(kind=kind, id=int(number), name=handed_in.actor_name)  # type: ignore[arg-type]
        payload = handed_in.payload
    unit.journal.add(work.case, who, unit.now, _line(task, payload))
    task.state, task.done_at = "done", unit.now
    unit.session.flush()
    work.leave(task)


def _line(task: Task, answers: Mapping[str, Any] | None) -> Entry:
    return Entry("completed", f"完成「{task.name}」", task.element_id, answers, task.form_id or None, task.id)


def write(session: Session, task: Task, values: Mapping[str, Any]) -> None:
    """Attributes of a user task into its row, by their names in the wait."""
    for name, value in values.items():
        if name == "assignee":
            task.assignee = key_of(session, str(value or ""))
        elif name == "candidate_groups":
            task.role = str((value or [""])[0])
        elif name == "candidate_users":
            task.candidate_users = list(value or [])
        elif name == "due_date":
            task.due_at = moment(value)
        elif name == "follow_up_date":
            task.follow_up_at = moment(value)
        elif name == "priority":
            task.priority = 50 if value is None else int(value)


def key_of(session: Session, name: str) -> str:
    """A caseworker's key for their login; any other name as it is: a model may know people that we do not."""
    if not name or ":" in name:
        return name
    found = session.scalar(select(StaffUser.id).where(StaffUser.login == name, StaffUser.active.is_(True)))
    return f"{STAFF}{found}" if found is not None else name


def login_of(session: Session, key: str) -> str:
    """How programs and models call whoever stands in a row."""
    if not key.startswith(STAFF):
        return key
    return session.scalar(select(StaffUser.login).where(StaffUser.id == int(key.removeprefix(STAFF)))) or key


def moment(text: Any) -> datetime | None:
    """A date of ``zeebe:taskSchedule``; one without a zone is meant as it is read here."""
    if not text:
        return None
    found = datetime.fromisoformat(str(text))
    return found if found.tzinfo else found.replace(tzinfo=clock.local(clock.now()).tzinfo)
