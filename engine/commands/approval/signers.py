"""加签 and 减签: more people give their opinion on a task, before its worker, after them or beside them.

An added task has no token. The token of the task it hangs on moves when that and all added ones are done; a «no» of
somebody asked beside or after opens the task again for whoever asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from engine.cases import colleagues as words
from engine.cases import desk
from engine.cases.case import Case
from engine.cases.record import Entry, JournalEntry
from engine.cases.work import Task
from engine.commands import Unit, handles, listeners, signing
from engine.commands.approval.common import (
    AFTER,
    BEFORE,
    MOST_REASON,
    PARALLEL,
    SUPERVISOR,
    check_own_work,
    check_running,
    in_hand,
    names,
    people,
)
from engine.commands.casework import Casework
from engine.commands.holds import NORMAL, added_tasks
from engine.commands.tasks import check_open, lock_for_task
from engine.core import clock, ids
from engine.core.db import insert_rows
from engine.core.errors import Forbidden, Refused, TaskChanged

HOW = {"before": BEFORE, "after": AFTER, "parallel": PARALLEL}
HOW_NAMES = {"before": "前加签", "after": "后加签", "parallel": "并加签"}
VERDICTS = {"agree": "同意", "disagree": "不同意", "noted": "意见"}
MOST_SIGNERS = 20
_COLUMNS = tuple(Task.__table__.columns.keys())


@dataclass(frozen=True)
class AddSigners:
    """Ask these colleagues (ids) too: ``how`` is before, after or parallel."""

    task_id: int
    people: tuple[int, ...]
    how: str
    note: str = ""


@dataclass(frozen=True)
class RemoveSigner:
    """Ask one of them no longer; ``task_id`` is the added task."""

    task_id: int
    reason: str = ""


@dataclass(frozen=True)
class GiveOpinion:
    """What somebody who was asked (added or delegated) says. ``sign``: with kept handwriting, or ``Certified``."""

    task_id: int
    verdict: str
    text: str
    seen_version: int
    sign: bool | signing.Certified = False


@handles(AddSigners)
def add_signers(command: AddSigners, unit: Unit) -> list[int]:
    """Their tasks, ready or waiting for their turn; gives the ids."""
    case, task = in_hand(unit, command.task_id, "add")
    check_own_work(task)
    if command.how not in HOW:
        raise Refused("请选择前加签、后加签或并加签", code="bad_how")
    before = added_tasks(unit.session, task)
    found = people(unit, case, command.people, {task.assignee, unit.actor.key, *(one.assignee for one in before)})
    if len(before) + len(found) > MOST_SIGNERS:
        raise Refused(f"一项任务最多加签 {MOST_SIGNERS} 人", code="too_many_signers")
    work = Casework(unit, case)
    if command.how != "before" and listeners.listens(work, task, "completing"):
        raise Refused("这一环节提交时由系统校验，请改用前加签", code="checked_on_completing")
    rows = [_row(task, one.key, command.how, unit) for one in found]
    insert_rows(unit.session, Task, rows)
    task.hold = "before" if "before" in (command.how, task.hold) else "after"
    task.assignee, task.version = task.assignee or unit.actor.key, task.version + 1
    note = command.note.strip()[:MOST_REASON]
    title = f"「{task.name}」{HOW_NAMES[command.how]}：{names(found)}"
    unit.record(case, "signers_added", title, {"note": note} if note else None, task.element_id)
    if command.how != "after":
        words.tell(unit.session, unit.actor, [one.key for one in found], "asked", case.id, task.id, note or title)
    unit.session.flush()
    return [row["id"] for row in rows]


def _row(host: Task, assignee: str, how: str, unit: Unit) -> dict[str, Any]:
    """A task on the same step for somebody else: no form, no role, the same days."""
    same = {name: getattr(host, name) for name in _COLUMNS}
    return {
        **same,
        "id": ids.new(),
        "name": f"{host.name}（{HOW_NAMES[how]}）",
        "role": "",
        "assignee": assignee,
        "form_id": "",
        "properties": {name: host.properties[name] for name in ("shows", "stage") if name in host.properties},
        "state": "waiting" if how == "after" else "open",
        "version": 1,
        "candidate_users": None,
        "created_at": clock.now(),
        "kind": HOW[how],
        "host_id": host.id,
        "asked_by": unit.actor.key,
        "mark": "added",
        "owner": "",
        "hold": "",
        "back_to": "",
        "urged": 0,
        "followed": None,
    }


@handles(RemoveSigner)
def remove_signer(command: RemoveSigner, unit: Unit) -> None:
    """Whoever asked, or a supervisor, no longer waits for that opinion."""
    case, task = lock_for_task(unit, command.task_id)
    check_running(case)
    if task.state not in ("open", "waiting") or task.kind == NORMAL:
        raise TaskChanged("这位同事已提交意见或已被减签，请刷新后查看", code="not_asked")
    host = unit.session.get_one(Task, task.host_id)
    mine = unit.actor.key in (task.asked_by, host.assignee)
    if not mine and not (unit.actor.has(SUPERVISOR) and case.office_id in unit.actor.offices):
        raise Forbidden("只有加签的人、办理人或主管可以减签")
    task.state, task.version = "cancelled", task.version + 1
    why = command.reason.strip()[:MOST_REASON]
    who = signing.name_of(unit, task.assignee)
    unit.record(
        case, "signer_removed", f"「{host.name}」减签：{who}", {"reason": why} if why else None, task.element_id
    )
    unit.session.flush()
    _settle(unit, case, host, reopen=False)


@handles(GiveOpinion)
def give_opinion(command: GiveOpinion, unit: Unit) -> tuple[int, str, str]:
    """Record it; the task it belongs to goes back to its worker or on. Gives (case id, number, task name)."""
    case, task = lock_for_task(unit, command.task_id)
    check_open(task)
    check_running(case)
    if task.assignee != unit.actor.key or (task.kind == NORMAL and not task.owner):
        raise Forbidden(f"「{task.name}」不是请您提意见的任务")
    if command.seen_version != task.version:
        raise TaskChanged(f"「{task.name}」在您打开后有变动，请核对后再提交")
    if command.verdict not in VERDICTS or not command.text.strip():
        raise Refused("请选择结论并写明意见", code="opinion_missing")
    said = {"verdict": command.verdict, "opinion": command.text.strip()[:2000]}
    _line(unit, case, task, said)
    if command.sign:
        task.signature = signing.sign(unit, case, task, command.sign, said)
    if task.kind == NORMAL:
        _answer_owner(unit, case, task)
    else:
        _answer_host(unit, case, task, said)
    return case.id, case.number, task.name


def _line(unit: Unit, case: Case, task: Task, said: dict[str, str]) -> None:
    entry = Entry("opinion", f"「{task.name}」{VERDICTS[said['verdict']]}", task.element_id, said, None, task.id)
    unit.journal.add(case, unit.actor, unit.now, entry)


def _answer_owner(unit: Unit, case: Case, task: Task) -> None:
    """委派: the task returns to whoever gave it away."""
    owner, task.owner = task.owner, ""
    task.assignee, task.asked_by, task.mark = owner, unit.actor.key, "answered"
    desk.unsee(unit.session, task.id)
    task.version += 1
    words.tell(unit.session, unit.actor, [owner], "answer", case.id, task.id, f"已就「{task.name}」提交意见")
    unit.session.flush()


def _answer_host(unit: Unit, case: Case, task: Task, said: dict[str, str]) -> None:
    task.state, task.done_at, task.version = "done", unit.now, task.version + 1
    task.done_by, task.done_by_name = unit.actor.key, unit.actor.shown
    host = unit.session.get_one(Task, task.host_id)
    told = f"已就「{host.name}」提交意见：{VERDICTS[said['verdict']]}"
    words.tell(unit.session, unit.actor, [host.assignee], "answer", case.id, host.id, told)
    unit.session.flush()
    _settle(unit, case, host, reopen=task.kind != BEFORE and said["verdict"] == "disagree")


def _settle(unit: Unit, case: Case, host: Task, reopen: bool) -> None:
    """What becomes of the task when one opinion more has come or is no longer awaited."""
    left = added_tasks(unit.session, host)
    if host.state == "open":
        was = host.hold
        host.hold = "before" if any(one.kind == BEFORE for one in left) else "after" if left else ""
        if was == "before" != host.hold:
            host.mark = "answered"
            desk.unsee(unit.session, host.id)
    elif reopen:
        host.state, host.done_at, host.done_by, host.done_by_name = "open", None, "", ""
        host.hold, host.mark = "after" if left else "", "reopened"
        desk.unsee(unit.session, host.id)
        unit.record(case, "reopened", f"加签人不同意，「{host.name}」退给办理人重新办理", element_id=host.element_id)
    elif not left:
        _move_on(unit, case, host)
        return
    host.version += 1
    unit.session.flush()


def _move_on(unit: Unit, case: Case, host: Task) -> None:
    """All have spoken: the token moves with the answers of whoever did the task."""
    seq, answers = _submission(unit, host)
    work = Casework(unit, case)
    work.resume()
    work.answered(seq, answers)
    at = clock.local(host.done_at or unit.now).isoformat(timespec="seconds")
    host.hold, host.version = "", host.version + 1
    work.complete(host, {**answers, f"{host.element_id}_by": {"name": host.done_by_name, "at": at}})
    work.save()


def _submission(unit: Unit, host: Task) -> tuple[int, dict[str, Any]]:
    """The answers the task was handed in with last, and the line of the record they stand in."""
    lines: Sequence[JournalEntry] = unit.session.scalars(
        select(JournalEntry)
        .where(JournalEntry.case_id == host.case_id, JournalEntry.task_id == host.id, JournalEntry.kind == "completed")
        .order_by(JournalEntry.seq.desc())
        .limit(1)
    ).all()
    return (lines[0].seq, dict(lines[0].payload or {})) if lines else (0, {})
