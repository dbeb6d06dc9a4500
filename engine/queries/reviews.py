"""Decisions that were looked at again: who may begin it, what runs, what came of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import reviews
from engine.cases.case import Case
from engine.catalog import releases
from engine.catalog.releases import Release
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries.common import find_case, paper_title, stamp

# What an outcome of a review makes of the decision it is about; any other leaves it as it is.
CHANGED = {"revoked": "已撤销", "corrected": "已更正"}


@dataclass(frozen=True)
class ReviewLine:
    """One review of a case. ``outcome`` is empty while it runs; ``stage`` is where it stands."""

    id: int
    number: str
    item_name: str
    stage: str
    outcome: str
    opened: str
    closed: str


@dataclass(frozen=True)
class Reviews:
    """On the page of a case: its reviews, the case it is itself about, and what may be begun: (item, action)."""

    lines: list[ReviewLine]
    original: tuple[int, str] | None
    offers: list[tuple[str, str]]


@dataclass(frozen=True)
class ReviewPaper:
    """A paper that may be chosen."""

    id: int
    title: str
    number: str
    issued_on: date


@dataclass(frozen=True)
class BeginPage:
    """What is chosen before a review begins."""

    case_id: int
    number: str
    item: str
    action: str
    papers: list[ReviewPaper]


@dataclass(frozen=True)
class Settled:
    """What the last review changed: ``outcome`` revoked or corrected, ``title`` in words, in which case."""

    outcome: str
    title: str
    case_id: int
    number: str
    closed: str


def of_case(session: Session, actor: Actor, case_id: int) -> Reviews:
    """Raises ``NotFound`` for a case of another office."""
    case = find_case(session, actor, case_id)
    known = reviews.about(session, [case.id])
    original = session.get(Case, case.about_case_id) if case.about_case_id else None
    running = any(one.state in ("open", "suspended") for one in known)
    return Reviews(
        lines=[_line(session, one) for one in reversed(known)],
        original=(original.id, original.number) if original is not None else None,
        offers=[] if running else [(item, about["action"]) for item, about in _offers(session, actor, case)],
    )


def begin_page(session: Session, actor: Actor, case_id: int, item: str) -> BeginPage:
    """Raises ``NotFound`` where there is nothing to begin."""
    case = find_case(session, actor, case_id)
    about = dict(_offers(session, actor, case)).get(item)
    if about is None:
        raise NotFound("这个办件不能由您办理更正或撤销")
    return BeginPage(case.id, case.number, item, about["action"], _papers(session, case, item, about))


def settled(session: Session, case_ids: Collection[int]) -> dict[int, Settled]:
    """By case: how its decision was changed since; cases whose decision stands are not in it."""
    found: dict[int, Settled] = {}
    for one in reviews.about(session, case_ids):
        if one.state == "closed" and one.outcome in CHANGED and one.about_case_id is not None:
            told = Settled(one.outcome, CHANGED[one.outcome], one.id, one.number, stamp(one.closed_at))
            # Nothing corrects a decision that was revoked.
            found[one.about_case_id] = told
    return found


def _offers(session: Session, actor: Actor, case: Case) -> list[tuple[str, Mapping[str, Any]]]:
    """The items that look at such a case again, where the actor may begin them and there is a paper to change."""
    if case.state != "closed":
        return []
    found: list[tuple[str, Mapping[str, Any]]] = []
    for release_id in session.scalars(select(Release.id).where(Release.current.is_(True))):
        view = releases.view(session, release_id)
        about = view.item.about
        if about is None or case.item not in about["items"] or case.outcome not in about["outcomes"]:
            continue
        if actor.has(about["role"]) and reviews.reviewable(session, case.id, about["documents"]):
            found.append((view.item_id, about))
    return found


def _papers(session: Session, case: Case, item: str, about: Mapping[str, Any]) -> list[ReviewPaper]:
    own = releases.view(session, case.release_id).item
    later = releases.view(session, releases.current_id(session, item)).item
    return [
        ReviewPaper(one.id, paper_title(own if one.case_id == case.id else later, one), one.number, one.issued_on)
        for one in reviews.reviewable(session, case.id, about["documents"])
    ]


def _line(session: Session, case: Case) -> ReviewLine:
    outcomes = releases.view(session, case.release_id).item.outcomes
    over = case.state not in ("open", "suspended")
    outcome = outcomes.get(case.outcome, "已终止") if over else ""
    return ReviewLine(
        id=case.id,
        number=case.number,
        item_name=case.item_name,
        stage=case.stage,
        outcome=outcome,
        opened=stamp(case.opened_at),
        closed=stamp(case.closed_at),
    )
