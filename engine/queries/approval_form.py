"""审批表: one page per case with every step's person, opinion, handwriting and time."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import certified
from engine.cases.case import Case
from engine.cases.certified import Certificate
from engine.cases.record import JournalEntry
from engine.cases.work import Task
from engine.catalog import plain_form, releases
from engine.catalog.releases import ReleaseView
from engine.core import clock, masks
from engine.core.actor import Actor
from engine.queries import answers, permitted
from engine.queries.approval import VERDICTS
from engine.queries.common import day, find_case
from engine.registers.offices import Office


@dataclass(frozen=True)
class SignedStep:
    """One opinion. ``who`` says for whom it was given; ``signature`` is the digest of the handwriting, or empty;
    ``certificate`` the signature with a certificate, checked now.
    """

    step: str
    who: str
    opinion: str
    at: str
    signature: str
    certificate: Certificate | None = None


@dataclass(frozen=True)
class ApprovalForm:
    """The whole table; ``facts`` are (name, value)."""

    title: str
    office: str
    number: str
    facts: list[tuple[str, str]]
    steps: list[SignedStep]
    printed: str


def approval_form(session: Session, actor: Actor, case_id: int) -> ApprovalForm:
    """Everything that was said in order. A submit that was taken back or returned stays: it was said. ``NotFound``."""
    case = find_case(session, actor, case_id)
    release = releases.view(session, case.release_id)
    office = session.get_one(Office, case.office_id)
    outcome = release.item.outcomes.get(case.outcome, "已办结") if case.state == "closed" else "办理中"
    facts = [
        ("申请人", masks.mask_name(case.subject_name)),
        ("申请日期", day(case.applied_on)),
        ("受理日期", day(clock.local(case.accepted_at).date()) if case.accepted_at else ""),
        ("办理期限", day(case.due_on)),
        ("办理结果", {"cancelled": "终止", "suspended": "挂起"}.get(case.state, outcome)),
    ]
    return ApprovalForm(
        title=f"{case.item_name or case.process_id}审批表",
        office=office.name,
        number=case.number,
        facts=facts,
        steps=_steps(session, actor, case, release),
        printed=clock.local(clock.now()).strftime("%Y-%m-%d %H:%M"),
    )


def _steps(session: Session, actor: Actor, case: Case, release: ReleaseView) -> list[SignedStep]:
    query = (
        select(JournalEntry, Task.name, Task.signature)
        .join(Task, Task.id == JournalEntry.task_id)
        .where(JournalEntry.case_id == case.id, JournalEntry.kind.in_((*certified.SAID, certified.KIND)))
        .order_by(JournalEntry.seq)
    )
    lines = session.execute(query).all()
    signed = certified.by_opinion(case.number, (one for one, _, _ in lines))
    return [
        SignedStep(
            step=name,
            who=masks.mask_name(one.actor_name) if one.actor_key.startswith("citizen:") else one.actor_name,
            opinion=_said(session, actor, release, one),
            at=clock.local(one.at).strftime("%Y-%m-%d %H:%M"),
            signature=signature if one.kind == "opinion" or _is_last(session, one) else "",
            certificate=signed.get(one.seq),
        )
        for one, name, signature in lines
        if one.kind != certified.KIND
    ]


def _is_last(session: Session, one: JournalEntry) -> bool:
    """Whether the handwriting of the task belongs to this submit: one that was opened again was signed anew."""
    later = select(JournalEntry.seq).where(
        JournalEntry.case_id == one.case_id,
        JournalEntry.task_id == one.task_id,
        JournalEntry.kind == "completed",
        JournalEntry.seq > one.seq,
    )
    return session.scalar(later.limit(1)) is None


def _said(session: Session, actor: Actor, release: ReleaseView, one: JournalEntry) -> str:
    payload = one.payload or {}
    if one.kind == "opinion":
        verdict = VERDICTS.get(str(payload.get("verdict")), ("意见", ""))[0]
        return f"{verdict}：{payload.get('opinion', '')}"
    form = releases.shown_form(session, release, one.form_id or "")
    if form is None:
        return "；".join(f"{name}：{text}" for name, text in plain_form.labelled(payload))
    rows = answers.rows(form, permitted.of_case(release, actor).prune(payload))
    return "；".join(f"{row.label}：{row.text}" for row in rows if row.kind == "text" and row.text)
