"""Beside a task: what may be done with it, who was asked and what they said, the count of a vote, the talk about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from engine.batches.approval import VERBS, allows
from engine.cases import certified
from engine.cases.case import Case
from engine.cases.certified import Certificate
from engine.cases.colleagues import Comment, KeptSignature, Phrase, StaffMessage
from engine.cases.record import JournalEntry
from engine.cases.standing import APPLICANT
from engine.cases.work import Task
from engine.core.actor import Actor
from engine.queries.common import find_case, stamp
from engine.queries.head import person

SUPERVISOR = "supervisor"
VERDICTS = {"agree": ("同意", "ok"), "disagree": ("不同意", "bad"), "noted": ("意见", "")}
HOW = {"added_before": "前加签", "added_after": "后加签", "added_parallel": "并加签"}
STATES = {
    "open": ("待提意见", "warn"),
    "waiting": ("等待轮到", ""),
    "done": ("已提意见", "ok"),
    "cancelled": ("已减签", ""),
}
CAME = {
    "returned": "退回", "came_back": "已办好退回件，直接送回", "transferred": "转办", "delegated": "委派",
    "answered": "意见已到", "reopened": "加签人不同意，退给您重新办理", "taken_back": "您已撤回", "added": "请您提意见",
}  # fmt: skip
MAIN = ("return", "add", "transfer")
MESSAGES = {
    "copy": "抄送",
    "mention": "提到我",
    "urge": "催办",
    "answer": "意见",
    "returned": "退回",
    "asked": "请办理",
}


@dataclass(frozen=True)
class AskedLine:
    """Somebody who was asked for an opinion; ``removable``: the actor may ask them no longer."""

    task_id: int
    who: str
    how: str
    mark: str
    tone: str
    removable: bool


@dataclass(frozen=True)
class SaidLine:
    """What somebody said when asked."""

    who: str
    verdict: str
    tone: str
    text: str
    at: str
    task_id: int
    signed: Certificate | None = None


@dataclass(frozen=True)
class Tally:
    """The votes so far, by weight."""

    yes: float
    no: float
    total: float
    needed: float


@dataclass(frozen=True)
class CommentLine:
    """A word about the case among colleagues."""

    who: str
    text: str
    at: str


@dataclass(frozen=True)
class Desk:
    """``main`` verbs stand in a row, ``more`` in a menu: (key, title). ``opinion``: that is asked for, no form."""

    case_id: int
    main: list[tuple[str, str]]
    more: list[tuple[str, str]]
    opinion: bool
    note: str
    held: str
    asked: list[AskedLine]
    said: list[SaidLine]
    tally: Tally | None
    talk: list[CommentLine]
    phrases: list[str] = field(default_factory=list)
    signature: bool = False


def desk(session: Session, actor: Actor, task: Task, case: Case, works: bool, context: Mapping[str, Any]) -> Desk:
    """Everything of it; ``works``: the actor may do the task, ``context``: the variables at its token."""
    hosted = task.host_id or task.id
    asked = _asked(session, actor, task, hosted)
    opinion = task.assignee == actor.key and (task.kind != "normal" or bool(task.owner))
    verbs = [one for one in _verbs(actor, task, case, works, opinion) if allows(task.properties, one)]
    shown = [one for one in MAIN if one in verbs]
    waits = [one.who for one in asked if one.mark in ("待提意见", "等待轮到")]
    return Desk(
        case_id=case.id,
        main=[(one, VERBS[one]) for one in shown],
        more=[(one, VERBS[one]) for one in verbs if one not in shown],
        opinion=opinion,
        note=_note(session, task),
        held=_held(session, task, waits),
        asked=asked,
        said=said(session, case),
        tally=tally(task, context),
        talk=talk(session, case.id),
        phrases=phrases(session, actor),
        signature=session.get(KeptSignature, actor.key) is not None,
    )


def _verbs(actor: Actor, task: Task, case: Case, works: bool, opinion: bool) -> list[str]:
    if not case.item or case.state != "open":
        return []
    found: list[str] = []
    leads = actor.has(SUPERVISOR) and case.office_id in actor.offices
    own = task.kind == "normal" and not task.owner and task.role != APPLICANT
    if own and (works or leads):
        found += ["return", "add", "transfer", "delegate"]
    if not works and not opinion and task.assignee != actor.key and task.role != APPLICANT:
        found.append("urge")
    return [*found, "copy", "comment"]


def _note(session: Session, task: Task) -> str:
    """How the task came here, with the reason that was given."""
    came = CAME.get(task.mark, "")
    if not came:
        return ""
    kinds = {"returned": "returned", "transferred": "transferred", "delegated": "delegated", "added": "signers_added"}
    query = select(JournalEntry.payload).where(JournalEntry.case_id == task.case_id)
    why = ""
    if (kind := kinds.get(task.mark)) is not None:
        payload = session.scalar(query.where(JournalEntry.kind == kind).order_by(JournalEntry.seq.desc()).limit(1))
        why = str((payload or {}).get("reason") or (payload or {}).get("note") or "")
    who = person(session, task.asked_by) if task.mark != "taken_back" else ""
    return f"{who}{came}" + (f"：{why}" if why else "")


def _held(session: Session, task: Task, waits: list[str]) -> str:
    if task.owner:
        return f"已委派{person(session, task.assignee)}提意见，意见到后由{person(session, task.owner)}办理。"
    if task.kind == "normal" and task.hold == "before":
        return f"正在等待{'、'.join(waits)}的意见，到齐后才能提交。"
    if task.kind == "normal" and task.hold == "after" and waits:
        return f"提交后还要等待{'、'.join(waits)}的意见，才进入下一环节。"
    return ""


def _asked(session: Session, actor: Actor, task: Task, host: int) -> list[AskedLine]:
    query = select(Task).where(Task.case_id == task.case_id, Task.host_id == host).order_by(Task.id)
    leads = actor.has(SUPERVISOR)
    found = []
    for one in session.scalars(query):
        mark, tone = STATES.get(one.state, (one.state, ""))
        mine = actor.key in (one.asked_by, task.assignee) or leads
        removable = mine and one.state in ("open", "waiting") and task.id == host
        found.append(AskedLine(one.id, person(session, one.assignee), HOW.get(one.kind, ""), mark, tone, removable))
    return found


def said(session: Session, case: Case) -> list[SaidLine]:
    """Every opinion that was asked for, oldest first, with the certificate it was signed with."""
    query = select(JournalEntry).where(
        JournalEntry.case_id == case.id, JournalEntry.kind.in_(("opinion", certified.KIND))
    )
    lines = session.scalars(query.order_by(JournalEntry.seq)).all()
    signed = certified.by_opinion(case.number, lines)
    found = []
    for one in lines:
        if one.kind != "opinion":
            continue
        payload = one.payload or {}
        verdict, tone = VERDICTS.get(str(payload.get("verdict")), ("意见", ""))
        text = str(payload.get("opinion") or "")
        certificate = signed.get(one.seq)
        found.append(SaidLine(one.actor_name, verdict, tone, text, stamp(one.at), one.task_id or 0, certificate))
    return found


def tally(task: Task, context: Mapping[str, Any]) -> Tally | None:
    """The count of a step whose property ``votes`` names its results: each ``{vote, weight}`` or nothing yet."""
    votes = context.get(str((task.properties or {}).get("votes") or ""))
    if not isinstance(votes, list):
        return None
    cast = [one for one in votes if isinstance(one, Mapping)]
    total = sum(_weight(one) for one in context.get("signers") or [] if isinstance(one, Mapping))
    by_vote = {vote: sum(_weight(one) for one in cast if one.get("vote") == vote) for vote in ("yes", "no")}
    needed = context.get(str(task.properties.get("threshold") or ""))
    return Tally(by_vote["yes"], by_vote["no"], total, needed if isinstance(needed, int | float) else total)


def _weight(one: Mapping[str, Any]) -> float:
    found = one.get("weight")
    return found if isinstance(found, int | float) else 0


def talk(session: Session, case_id: int) -> list[CommentLine]:
    """The comments on a case, oldest first."""
    query = select(Comment).where(Comment.case_id == case_id).order_by(Comment.id)
    return [CommentLine(one.author_name, one.text, stamp(one.said_at)) for one in session.scalars(query)]


def phrases(session: Session, actor: Actor) -> list[str]:
    """The ready wordings of the actor, their own first."""
    return [text for _, text, _ in own_phrases(session, actor)]


def own_phrases(session: Session, actor: Actor) -> list[tuple[int, str, bool]]:
    """(id, text, whether it is the office's)."""
    office = f"office:{actor.office_id}"
    query = select(Phrase).where(or_(Phrase.owner == actor.key, Phrase.owner == office))
    rows = sorted(session.scalars(query), key=lambda one: (one.owner == office, one.id))
    return [(one.id, one.text, one.owner == office) for one in rows]


@dataclass(frozen=True)
class MessageLine:
    """A word to the actor."""

    id: int
    kind: str
    who: str
    text: str
    at: str
    unread: bool
    case_id: int
    number: str
    task_id: int | None


PAGE = 50


def messages(session: Session, actor: Actor, before: int | None = None) -> list[MessageLine]:
    """The newest first, ``PAGE`` of them older than ``before``. Of cases that are the actor's to see."""
    query = (
        select(StaffMessage, Case.number, Task.state)
        .join(Case, Case.id == StaffMessage.case_id)
        .outerjoin(Task, Task.id == StaffMessage.task_id)
        .where(StaffMessage.to_key == actor.key, Case.office_id.in_(actor.offices))
    )
    if before is not None:
        query = query.where(StaffMessage.id < before)
    return [
        MessageLine(
            one.id,
            MESSAGES.get(one.kind, "提醒"),
            one.from_name,
            one.text,
            stamp(one.sent_at),
            one.read_at is None,
            one.case_id,
            number,
            one.task_id if state == "open" else None,
        )
        for one, number, state in session.execute(query.order_by(StaffMessage.id.desc()).limit(PAGE))
    ]


def unread(session: Session, actor: Actor) -> int:
    """How many messages the actor has not read."""
    query = select(func.count()).where(StaffMessage.to_key == actor.key, StaffMessage.read_at.is_(None))
    return session.scalar(query) or 0


def signature_of(session: Session, actor: Actor, task_id: int) -> str:
    """The digest of the handwriting under a finished task; empty where there is none. Raises ``NotFound``."""
    task = session.get(Task, task_id)
    if task is None:
        return ""
    find_case(session, actor, task.case_id)
    return task.signature


def kept_signature(session: Session, actor: Actor) -> str:
    """The digest of the actor's own handwriting, or nothing."""
    kept = session.get(KeptSignature, actor.key)
    return kept.sha if kept is not None else ""
