"""The case file: search, and everything about one case in the order it happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from engine.cases import final
from engine.cases.case import ROOT_SCOPE, Case
from engine.cases.colleagues import Comment
from engine.cases.documents import Document
from engine.cases.lawful_clock import ClockStop
from engine.cases.work import Task
from engine.catalog import releases
from engine.catalog.item import Item
from engine.core import idnum, masks, secrets
from engine.core.actor import Actor
from engine.queries import evidence, explanation, materials, panels, permitted, related, reveals, steps, timeline
from engine.queries.answers import Section
from engine.queries.common import Due, due_of, find_case, paper_title, stamp
from engine.queries.evidence import Exchange
from engine.queries.explanation import Explanation
from engine.queries.head import CaseHead, head_of, in_whose_hands
from engine.queries.materials import Material
from engine.queries.optional import Optional, optional_steps
from engine.queries.panels import ObjectionLine, Opinion, Publicity
from engine.queries.related import Related
from engine.queries.reveals import Look
from engine.queries.steps import Step
from engine.registers.notices import CitizenMessage
from engine.registers.offices import Office

FOUND = 50
DOCUMENT_STATES = {"numbered": ("生成中", "warn"), "rendered": ("待签章", "warn"), "issued": ("已出具", "ok")}


@dataclass(frozen=True)
class CaseLine:
    """One line of a search."""

    id: int
    number: str
    item_name: str
    subject: str
    stage: str
    outcome: str
    office: str
    opened: str
    due: Due


@dataclass(frozen=True)
class Paper:
    """A document of the case; ``ready`` once it can be read."""

    id: int
    title: str
    number: str
    check_code: str
    mark: str
    tone: str
    at: str
    ready: bool


@dataclass(frozen=True)
class CaseFile:
    """One case with everything about it. ``stops`` are (reason, from, to) of the lawful clock."""

    head: CaseHead
    hands: list[str]
    optional: list[Optional]
    stops: list[tuple[str, str, str]]
    timeline: list[dict[str, Any]]
    application: list[Section]
    materials: list[Material]
    opinions: list[Opinion]
    exchanges: list[Exchange]
    decisions: list[Explanation]
    publicity: list[Publicity]
    objections: list[ObjectionLine]
    papers: list[Paper]
    messages: list[dict[str, Any]]
    steps: list[Step]
    comments: list[dict[str, Any]]
    related: list[Related]
    looks: list[Look]
    may_add: bool


def search(session: Session, actor: Actor, query: str) -> list[CaseLine]:
    """Newest first. Words are a case number (also its beginning), a full name or a full ID number; none: the newest.

    Names and numbers lie encrypted: they are found by their keyed hashes, so only when given in full. Inside
    ``calendar``.
    """
    text = query.strip()
    found = select(Case, Office.name).join(Office, Office.id == Case.office_id)
    found = found.where(Case.office_id.in_(actor.offices))
    if text:
        digests = {secrets.digest(text), secrets.digest(idnum.normal(text))}
        number = Case.number.startswith(text.upper(), autoescape=True)
        found = found.where(or_(number, Case.name_digest.in_(digests), Case.subject_digest.in_(digests)))
    rows = session.execute(found.order_by(Case.opened_at.desc(), Case.id.desc()).limit(FOUND))
    return [_line(session, case, office) for case, office in rows]


def case_file(session: Session, actor: Actor, case_id: int) -> CaseFile:
    """Raises ``NotFound`` for a case of another office. Inside ``calendar``."""
    case = find_case(session, actor, case_id)
    release = releases.view(session, case.release_id)
    access = permitted.of_case(release, actor)
    variables = access.prune(final.variables(session, case)[ROOT_SCOPE])
    stops = list(session.scalars(select(ClockStop).where(ClockStop.case_id == case.id).order_by(ClockStop.id)))
    return CaseFile(
        head=head_of(session, case, release.item),
        hands=in_whose_hands(session, case, release.item),
        optional=optional_steps(session, actor, case, release),
        stops=[(one.reason, stamp(one.started_at), stamp(one.ended_at)) for one in stops],
        timeline=timeline.timeline(session, case),
        application=panels.application(release, variables),
        materials=materials.materials(session, case, release, variables, access),
        opinions=panels.opinions(session, case, release, access),
        exchanges=evidence.exchanges(session, case.id),
        decisions=explanation.explanations(session, case.id, release, variables, access),
        publicity=panels.publicity(session, case),
        objections=panels.objections(session, case),
        papers=papers(session, case, release.item),
        messages=_messages(session, case.id),
        steps=steps.steps(session, case, release, access),
        comments=_comments(session, case.id),
        related=related.related(session, actor, case),
        looks=reveals.of_case(session, case.id) if actor.has("supervisor") else [],
        may_add=case.state == "open" and _may_add(session, actor, case),
    )


def papers(session: Session, case: Case, item: Item) -> list[Paper]:
    """The documents of a case, newest first."""
    query = select(Document).where(Document.case_id == case.id).order_by(Document.id.desc())
    found = []
    for one in session.scalars(query):
        mark, tone = DOCUMENT_STATES.get(one.state, (one.state, ""))
        ready = one.state == "issued"
        title, at = paper_title(item, one), stamp(one.issued_at)
        found.append(Paper(one.id, title, one.number, one.check_code, mark, tone, at, ready))
    return found


def _line(session: Session, case: Case, office: str) -> CaseLine:
    outcomes = releases.view(session, case.release_id).item.outcomes
    return CaseLine(
        id=case.id,
        number=case.number,
        item_name=case.item_name,
        subject=masks.mask_name(case.subject_name),
        stage=case.stage,
        outcome="" if case.state == "open" else outcomes.get(case.outcome, "已办结"),
        office=office,
        opened=stamp(case.opened_at),
        due=due_of(case),
    )


def _comments(session: Session, case_id: int) -> list[dict[str, Any]]:
    """What colleagues said to each other, oldest first, as ``ui.timeline`` takes it."""
    query = select(Comment).where(Comment.case_id == case_id).order_by(Comment.id)
    return [
        {
            "title": one.author_name,
            "at": stamp(one.said_at),
            "iso": one.said_at.isoformat(),
            "say": one.text,
            "tone": "",
        }
        for one in session.scalars(query)
    ]


def _may_add(session: Session, actor: Actor, case: Case) -> bool:
    """The rule of the command, told beforehand: the counter, or whoever has or may take an open task of the case."""
    free = (Task.assignee == "") & Task.role.in_(actor.roles)
    query = select(Task.id).where(Task.case_id == case.id, Task.state == "open", or_(Task.assignee == actor.key, free))
    return actor.has("acceptance") or session.scalar(query.limit(1)) is not None


def _messages(session: Session, case_id: int) -> list[dict[str, Any]]:
    query = select(CitizenMessage).where(CitizenMessage.case_id == case_id).order_by(CitizenMessage.id.desc())
    return [
        {
            "title": one.title,
            "at": stamp(one.sent_at),
            "iso": one.sent_at.isoformat(),
            "who": f"已读 {stamp(one.read_at)}" if one.read_at else "未读",
            "say": one.body,
            "tone": "",
        }
        for one in session.scalars(query)
    ]
