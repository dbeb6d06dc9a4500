"""Words between colleagues: 抄送, 催办, 会商 with @, read marks, ready phrases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update

from engine.cases import colleagues as words
from engine.cases.case import Case, lock
from engine.cases.colleagues import Comment, Phrase, StaffMessage
from engine.cases.standing import APPLICANT
from engine.cases.work import Task
from engine.catalog import releases
from engine.commands import Unit, handles
from engine.commands.approval.common import MOST_REASON, SUPERVISOR, check_running, check_verb, names, people
from engine.commands.tasks import check_open, lock_for_task
from engine.core import clock, ids
from engine.core.errors import Forbidden, NotFound, Refused
from engine.registers import colleagues
from engine.registers.colleagues import Colleague

# Where an item says nothing of ``urging: {hours, most}``.
URGE_HOURS, URGE_MOST = 4, 3
MOST_COMMENT, MOST_PHRASES = 2000, 50
_MENTION = re.compile(r"@([\w·]{1,30})")


@dataclass(frozen=True)
class CopyTo:
    """Let colleagues (ids) know of a case; ``task_id`` where it is about a step."""

    case_id: int
    people: tuple[int, ...]
    note: str = ""
    task_id: int | None = None


@dataclass(frozen=True)
class MarkRead:
    """Messages to oneself are read; without ids all of them."""

    ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Urge:
    """Ask whoever has the task to do it soon."""

    task_id: int
    note: str = ""


@dataclass(frozen=True)
class AddComment:
    """Say something about a case to colleagues; «@姓名» reaches them in their messages."""

    case_id: int
    text: str
    task_id: int | None = None


@dataclass(frozen=True)
class SavePhrase:
    """A ready wording, one's own or (supervisors) the office's; with an ``id`` a changed one."""

    text: str
    office: bool = False
    id: int | None = None


@dataclass(frozen=True)
class DropPhrase:
    """Forget a wording."""

    id: int


def _seen_case(unit: Unit, case_id: int) -> Case:
    case = lock(unit.session, case_id)
    if unit.actor.kind != "staff" or case.office_id not in unit.actor.offices:
        raise NotFound("没有这个办件，或不在您的查看范围内")
    return case


@handles(CopyTo)
def copy_to(command: CopyTo, unit: Unit) -> int:
    """Each gets a message; gives how many."""
    case = _seen_case(unit, command.case_id)
    if command.task_id is not None:
        task = unit.session.get(Task, command.task_id)
        if task is None or task.case_id != case.id:
            raise NotFound("没有这项任务")
        check_verb(task, "copy")
    found = people(unit, case, command.people, {unit.actor.key})
    note = command.note.strip()[:MOST_REASON]
    text = note or f"请知悉：{case.number} {case.item_name}"
    told = words.tell(unit.session, unit.actor, [one.key for one in found], "copy", case.id, command.task_id, text)
    unit.record(case, "copied", f"抄送：{names(found)}", {"note": note} if note else None)
    unit.session.flush()
    return told


@handles(MarkRead)
def mark_read(command: MarkRead, unit: Unit) -> int:
    """Gives how many were unread."""
    mine = (StaffMessage.to_key == unit.actor.key, StaffMessage.read_at.is_(None))
    some = (StaffMessage.id.in_(command.ids),) if command.ids else ()
    done = unit.session.execute(update(StaffMessage).where(*mine, *some).values(read_at=unit.now))
    return int(done.rowcount)  # type: ignore[attr-defined]


@handles(Urge)
def urge(command: Urge, unit: Unit) -> int:
    """A message to the assignee, or to all of the role; counted on the task. Gives how often it was urged by now."""
    case, task = lock_for_task(unit, command.task_id)
    check_open(task)
    check_running(case)
    check_verb(task, "urge")
    if task.role == APPLICANT:
        raise Refused("这项任务在等待申请人，请电话联系或发送补正提醒", code="applicants_task")
    if task.assignee == unit.actor.key:
        raise Refused("这项任务正由您办理，不需要催办", code="own_task")
    limit = urging(releases.view(unit.session, case.release_id).item.raw)
    check_limit(unit, task, limit)
    to = [task.assignee] if task.assignee else [
        one.key for one in colleagues.around(unit.session, case.office_id) if task.role in one.roles
    ]  # fmt: skip
    note = command.note.strip()[:MOST_REASON]
    text = f"{unit.actor.name}催办「{task.name}」" + (f"：{note}" if note else "")
    if not words.tell(unit.session, unit.actor, to, "urge", case.id, task.id, text):
        raise Refused("没有可以催办的人：该岗位还没有分配人员，请告知主管", code="nobody_to_urge")
    task.urged += 1
    unit.record(case, "urged", f"催办「{task.name}」", {"note": note} if note else None, task.element_id)
    unit.session.flush()
    return task.urged


def urging(raw: dict[str, Any]) -> tuple[int, int]:
    """(hours between two, how many at most) of one person about one task, as the item says."""
    said = raw.get("urging") or {}
    return int(said.get("hours", URGE_HOURS)), int(said.get("most", URGE_MOST))


def check_limit(unit: Unit, task: Task, limit: tuple[int, int]) -> None:
    """Raise ``Refused`` for whoever has urged enough."""
    hours, most = limit
    mine = (StaffMessage.task_id == task.id, StaffMessage.kind == "urge", StaffMessage.from_key == unit.actor.key)
    query = select(func.count(StaffMessage.sent_at.distinct()), func.max(StaffMessage.sent_at)).where(*mine)
    times, last = unit.session.execute(query).one()
    if times >= most:
        raise Refused(f"您已催办 {times} 次，达到上限；如仍未办理请联系主管", code="urged_enough")
    if last is not None and unit.now < last + timedelta(hours=hours):
        again = clock.local(last + timedelta(hours=hours)).strftime("%m-%d %H:%M")
        raise Refused(f"您刚催办过，{again} 之后可以再次催办", code="urged_lately")


@handles(AddComment)
def add_comment(command: AddComment, unit: Unit) -> int:
    """Kept with the case; whoever is named gets a message. Gives the comment."""
    case = _seen_case(unit, command.case_id)
    text = command.text.strip()
    if not text or len(text) > MOST_COMMENT:
        raise Refused(f"请填写会商内容，不超过 {MOST_COMMENT} 字", code="comment_length")
    asked = mentioned(text, colleagues.around(unit.session, case.office_id))
    comment = Comment(
        id=ids.new(),
        case_id=case.id,
        task_id=command.task_id,
        author_key=unit.actor.key,
        author_name=unit.actor.shown,
        text=text,
        said_at=unit.now,
    )
    unit.session.add(comment)
    keys = [one.key for one in asked]
    words.tell(unit.session, unit.actor, keys, "mention", case.id, command.task_id, text)
    title = f"会商（请 {names(asked)} 参与）" if asked else "会商"
    unit.record(case, "comment", title, {"text": text})
    unit.session.flush()
    return comment.id


def mentioned(text: str, known: list[Colleague]) -> list[Colleague]:
    """Who is named with «@»: by login, or by the longest name that the words begin with (Chinese has no spaces)."""
    found: dict[int, Colleague] = {}
    by_length = sorted(known, key=lambda one: -len(one.name))
    for word in _MENTION.findall(text):
        one = next((one for one in known if one.login == word), None)
        one = one or next((one for one in by_length if word.startswith(one.name)), None)
        if one is not None:
            found[one.id] = one
    return list(found.values())


@handles(SavePhrase)
def save_phrase(command: SavePhrase, unit: Unit) -> int:
    """Gives the phrase."""
    text = " ".join(command.text.split())
    if not text or len(text) > MOST_REASON:
        raise Refused(f"请填写常用意见，不超过 {MOST_REASON} 字", code="phrase_length")
    owner = _owner(unit, command.office)
    if command.id is not None:
        phrase = _own_phrase(unit, command.id)
        phrase.text = text
    else:
        query = select(func.count()).select_from(Phrase).where(Phrase.owner == owner)
        if (unit.session.scalar(query) or 0) >= MOST_PHRASES:
            raise Refused(f"常用意见最多 {MOST_PHRASES} 条，请先删除不用的", code="too_many_phrases")
        phrase = Phrase(id=ids.new(), owner=owner, text=text)
        unit.session.add(phrase)
    unit.session.flush()
    return phrase.id


@handles(DropPhrase)
def drop_phrase(command: DropPhrase, unit: Unit) -> None:
    """Opinions that used it keep their words."""
    unit.session.delete(_own_phrase(unit, command.id))
    unit.session.flush()


def _owner(unit: Unit, office: bool) -> str:
    if not office:
        return unit.actor.key
    if not unit.actor.has(SUPERVISOR):
        raise Forbidden("机构的常用意见由主管维护")
    return f"office:{unit.actor.office_id}"


def _own_phrase(unit: Unit, phrase_id: int) -> Phrase:
    phrase = unit.session.get(Phrase, phrase_id)
    if phrase is None:
        raise NotFound("没有这条常用意见，可能已被删除")
    if phrase.owner != unit.actor.key and phrase.owner != _owner(unit, office=True):
        raise NotFound("没有这条常用意见，可能已被删除")
    return phrase
