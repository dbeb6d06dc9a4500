"""What stands beside a task's form: application, publicity, objections and earlier opinions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import certified
from engine.cases.case import Case
from engine.cases.certified import Certificate
from engine.cases.record import JournalEntry
from engine.cases.work import Task
from engine.catalog import plain_form, releases
from engine.catalog.releases import ReleaseView
from engine.catalog.visibility import NO_LIMITS, Access
from engine.core import masks, secrets
from engine.queries import answers
from engine.queries.answers import Row, Section
from engine.queries.common import stamp
from engine.registers.notices import Notice, Objection

NOTICE_STATES = {"open": "公示中", "paused": "已暂停", "passed": "已通过", "failed": "未通过", "withdrawn": "已终止"}
OBJECTION_STATES = {"received": ("待调查", "warn"), "upheld": ("成立", "bad"), "dismissed": ("不成立", "ok")}


@dataclass(frozen=True)
class Opinion:
    """What somebody decided at an earlier step."""

    title: str
    who: str
    at: str
    rows: list[Row]
    signed: Certificate | None = None


@dataclass(frozen=True)
class Publicity:
    """A public notice of the case."""

    title: str
    state: str
    published: str
    ends: str
    names: list[str]


@dataclass(frozen=True)
class ObjectionLine:
    """An objection; who objected is masked, what they say is not."""

    name: str
    phone: str
    reason: str
    mark: str
    tone: str
    at: str
    reply: str


def application(release: ReleaseView, variables: Mapping[str, Any]) -> list[Section]:
    """What the applicant gave, as it stands now (later supplements included), by the groups of the apply form."""
    start = release.item.start_form
    return answers.sections(release.form(start), variables) if start else []


def opinions(session: Session, case: Case, release: ReleaseView, access: Access = NO_LIMITS) -> list[Opinion]:
    """What people submitted after the application, oldest first."""
    query = (
        select(JournalEntry, Task.name)
        .join(Task, Task.id == JournalEntry.task_id)
        .where(JournalEntry.case_id == case.id, JournalEntry.kind.in_(("completed", certified.KIND)))
        .order_by(JournalEntry.seq)
    )
    lines = session.execute(query).all()
    signed = certified.by_opinion(case.number, (one for one, _ in lines))
    return [
        Opinion(
            title=name,
            who=_who(one),
            at=stamp(one.at),
            rows=_answered(session, release, one),
            signed=signed.get(one.seq),
        )
        for one, name in lines
        if one.kind == "completed" and one.payload is not None
    ]


def _answered(session: Session, release: ReleaseView, one: JournalEntry) -> list[Row]:
    """By the form; of a task without one the variables as they were given."""
    form = releases.shown_form(session, release, one.form_id or "")
    if form is None:
        return [Row(name, text) for name, text in plain_form.labelled(one.payload or {})]
    return answers.rows(form, one.payload or {})


def _who(one: JournalEntry) -> str:
    return masks.mask_name(one.actor_name) if one.actor_key.startswith("citizen:") else one.actor_name


def publicity(session: Session, case: Case) -> list[Publicity]:
    """The notices of a case, newest first."""
    query = select(Notice).where(Notice.case_id == case.id).order_by(Notice.id.desc())
    return [
        Publicity(
            title=one.title,
            state=NOTICE_STATES.get(one.state, one.state),
            published=stamp(one.published_at),
            ends=stamp(one.ends_at),
            names=[str(row.get("name", "")) for row in one.rows or []],
        )
        for one in session.scalars(query)
    ]


def objections(session: Session, case: Case) -> list[ObjectionLine]:
    """The objections against the notices of a case, newest first."""
    query = select(Objection).where(Objection.case_id == case.id).order_by(Objection.id.desc())
    found = []
    for one in session.scalars(query):
        mark, tone = OBJECTION_STATES.get(one.state, (one.state, ""))
        name, phone = masks.mask_name(one.name), masks.mask_phone(secrets.unseal(one.phone))
        found.append(ObjectionLine(name, phone, one.reason, mark, tone, stamp(one.filed_at), one.reply))
    return found
