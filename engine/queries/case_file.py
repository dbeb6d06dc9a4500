"""The case file: search, and everything about one case in the order it happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from engine.cases.case import ROOT_SCOPE, Case, load_variables
from engine.cases.documents import Document
from engine.cases.lawful_clock import ClockStop
from engine.cases.record import JournalEntry
from engine.catalog import releases
from engine.catalog.item import Item
from engine.core import idnum, masks, secrets
from engine.core.actor import Actor
from engine.queries import evidence, explanation, panels
from engine.queries.answers import Section
from engine.queries.common import Due, due_of, find_case, paper_title, stamp
from engine.queries.evidence import Exchange
from engine.queries.explanation import Explanation
from engine.queries.head import CaseHead, head_of, in_whose_hands
from engine.queries.panels import Material, ObjectionLine, Opinion, Publicity
from engine.registers.notices import CitizenMessage
from engine.registers.offices import Office

FOUND = 50
DOCUMENT_STATES = {"numbered": ("生成中", "warn"), "rendered": ("待签章", "warn"), "issued": ("已出具", "ok")}
PAUSES = "停止计时"
TONES = {
    "completed": "ok",
    "closed": "ok",
    "incident": "bad",
    "objection": "warn",
    "withdrawn": "warn",
    "declined": "warn",
}


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
    variables = load_variables(session, case.id)[ROOT_SCOPE]
    stops = list(session.scalars(select(ClockStop).where(ClockStop.case_id == case.id).order_by(ClockStop.id)))
    return CaseFile(
        head=head_of(session, case, release.item),
        hands=in_whose_hands(session, case, release.item),
        stops=[(one.reason, stamp(one.started_at), stamp(one.ended_at)) for one in stops],
        timeline=_timeline(session, case),
        application=panels.application(release, variables),
        materials=panels.materials(session, case, release, variables),
        opinions=panels.opinions(session, case, release),
        exchanges=evidence.exchanges(session, case.id),
        decisions=explanation.explanations(session, case.id, release, variables),
        publicity=panels.publicity(session, case),
        objections=panels.objections(session, case),
        papers=papers(session, case, release.item),
        messages=_messages(session, case.id),
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


def _timeline(session: Session, case: Case) -> list[dict[str, Any]]:
    """The journal, newest first, as ``ui.timeline`` takes it; stops of the clock are entries of it."""
    query = select(JournalEntry).where(JournalEntry.case_id == case.id).order_by(JournalEntry.seq.desc())
    return [_event(case, one) for one in session.scalars(query)]


def _event(case: Case, one: JournalEntry) -> dict[str, Any]:
    tone = "warn" if one.title.startswith(PAUSES) else TONES.get(one.kind, "")
    return {"title": one.title, "at": stamp(one.at), "iso": one.at.isoformat(), "who": _who(case, one), "tone": tone}


def _who(case: Case, entry: JournalEntry) -> str:
    """Caseworkers by name, citizens by their part in the case; what the process does by itself is the system's."""
    if entry.kind == "operation":
        return "系统自动"
    if entry.actor_key.startswith("citizen:"):
        return "申请人" if entry.actor_key == case.applicant_key else "异议人"
    return entry.actor_name


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
