"""What stands beside a task's form: application, materials, publicity, objections and earlier opinions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine import feel
from engine.cases.case import Case
from engine.cases.documents import Attachment
from engine.cases.record import Submission
from engine.cases.work import Task
from engine.catalog.releases import ReleaseView
from engine.core import masks, secrets
from engine.core.errors import AnjuError
from engine.queries import answers
from engine.queries.answers import Row, Section
from engine.queries.common import stamp
from engine.registers.notices import Notice, Objection

IMAGES = ("image/png", "image/jpeg")
NOTICE_STATES = {"open": "公示中", "paused": "已暂停", "passed": "已通过", "failed": "未通过", "withdrawn": "已终止"}
OBJECTION_STATES = {"received": ("待调查", "warn"), "upheld": ("成立", "bad"), "dismissed": ("不成立", "ok")}


@dataclass(frozen=True)
class MaterialFile:
    """One file; ``picture`` where a thumbnail can be made."""

    id: int
    name: str
    at: str
    picture: bool


@dataclass(frozen=True)
class Material:
    """One entry of the item's list of materials and what came for it. ``mark`` and ``tone`` tell the state."""

    name: str
    mark: str
    tone: str
    files: list[MaterialFile]


@dataclass(frozen=True)
class Opinion:
    """What somebody decided at an earlier step."""

    title: str
    who: str
    at: str
    rows: list[Row]


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


def materials(session: Session, case: Case, release: ReleaseView, variables: Mapping[str, Any]) -> list[Material]:
    """The item's list of materials against what was handed in; other files stand at the end."""
    query = select(Attachment).where(Attachment.case_id == case.id).order_by(Attachment.id)
    by_code: dict[str, list[MaterialFile]] = {}
    for row in session.scalars(query):
        one = MaterialFile(row.id, row.name, stamp(row.uploaded_at), row.media_type in IMAGES)
        by_code.setdefault(row.code, []).append(one)
    found = []
    for declared in release.item.materials:
        files = by_code.pop(declared["code"], [])
        needed = bool(declared.get("required")) or _applies(declared.get("condition"), variables)
        if files or needed or not declared.get("condition"):
            mark, tone = (f"{len(files)} 份", "ok") if files else ("缺少", "bad") if needed else ("未提供", "")
            found.append(Material(declared["name"], mark, tone, files))
    rest = [one for files in by_code.values() for one in files]
    return [*found, *([Material("其他材料", f"{len(rest)} 份", "", rest)] if rest else [])]


def _applies(condition: str | None, variables: Mapping[str, Any]) -> bool:
    if not condition:
        return False
    try:
        return feel.evaluate(condition.removeprefix("="), dict(variables)) is True
    except AnjuError:
        return False  # a condition that cannot be told asks for nothing; publishing checks its wording


def opinions(session: Session, case: Case, release: ReleaseView) -> list[Opinion]:
    """What people submitted after the application, oldest first."""
    query = (
        select(Submission, Task.name)
        .join(Task, Task.id == Submission.task_id)
        .where(Submission.case_id == case.id)
        .order_by(Submission.at, Submission.id)
    )
    return [
        Opinion(
            title=name,
            who=_who(one),
            at=stamp(one.at),
            rows=answers.rows(release.form(one.form_id), one.answers),
        )
        for one, name in session.execute(query)
    ]


def _who(one: Submission) -> str:
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
