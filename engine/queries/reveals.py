"""Identity data in clear while a look lasts, and who looked at whose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import final
from engine.cases.case import ROOT_SCOPE, Case
from engine.cases.reveals import Reveal
from engine.catalog import releases
from engine.catalog.form_tree import Field, at
from engine.catalog.releases import ReleaseView
from engine.catalog.visibility import Access
from engine.core import clock, secrets
from engine.core.actor import Actor
from engine.queries import permitted
from engine.queries.common import find_case, stamp

PAGE = 50


@dataclass(frozen=True)
class Look:
    """One look: who, when, why; ``case_id`` and ``number`` of the case."""

    id: int
    case_id: int
    number: str
    who: str
    at: str
    reason: str


@dataclass(frozen=True)
class Clear:
    """Identity data in clear until ``until``: groups of (label, value)."""

    until: datetime
    seconds: int
    groups: list[tuple[str, list[tuple[str, str]]]]


def clear(session: Session, actor: Actor, case_id: int) -> Clear | None:
    """What the actor's own look shows, as long as it lasts. Raises ``NotFound`` for a case out of their sight."""
    case = find_case(session, actor, case_id)
    query = select(Reveal.until).where(Reveal.case_id == case.id, Reveal.actor_key == actor.key)
    until = session.scalar(query.order_by(Reveal.until.desc()).limit(1))
    now = clock.now()
    if until is None or until <= now:
        return None
    release = releases.view(session, case.release_id)
    access = permitted.of_case(release, actor)
    values = access.prune(final.variables(session, case)[ROOT_SCOPE])
    return Clear(until, max(1, int((until - now).total_seconds())), list(_groups(release, access, values)))


def _groups(
    release: ReleaseView, access: Access, values: Mapping[str, Any]
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Names and personal fields of the application, person by person."""
    start = release.item.start_form
    if not start:
        return
    form = release.form(start)
    single = [one for one in form.fields if "[]" not in one.path and _of_a_person(one) and not access.hides(one.path)]
    rows = [(one.label, _text(at(values, one.steps))) for one in single]
    if any(value for _, value in rows):
        yield "申请人", [row for row in rows if row[1]]
    for many in (one for one in form.fields if one.is_list and not access.hides(one.path)):
        entries = at(values, many.steps)
        columns = [one for one in many.rows if _of_a_person(one) and not access.hides(one.path)]
        for number, entry in enumerate(entries if isinstance(entries, list) else [], start=1):
            found = [(one.label, _text(at(entry, one.steps))) for one in columns]
            if any(value for _, value in found):
                yield f"{many.label} {number}", [row for row in found if row[1]]


def _of_a_person(one: Field) -> bool:
    return one.personal or one.key == "name"


def _text(value: Any) -> str:
    return secrets.unseal(str(value)) if value not in (None, "") else ""


def of_case(session: Session, case_id: int) -> list[Look]:
    """Who looked, newest first; for supervisors."""
    query = select(Reveal, Case.number).join(Case, Case.id == Reveal.case_id).where(Reveal.case_id == case_id)
    return [_look(one, number) for one, number in session.execute(query.order_by(Reveal.id.desc()).limit(PAGE))]


def of_offices(session: Session, actor: Actor, before: int | None = None) -> list[Look]:
    """The looks in a supervisor's offices, newest first, ``PAGE`` below the id ``before``."""
    query = select(Reveal, Case.number).join(Case, Case.id == Reveal.case_id)
    query = query.where(Reveal.office_id.in_(actor.offices))
    if before is not None:
        query = query.where(Reveal.id < before)
    return [_look(one, number) for one, number in session.execute(query.order_by(Reveal.id.desc()).limit(PAGE))]


def _look(one: Reveal, number: str) -> Look:
    return Look(one.id, one.case_id, number, one.actor_name, stamp(one.at), one.reason)
