"""Other cases of the same people, of the same project, and about this very case; only what the actor may see."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from engine.cases.case import Case
from engine.cases.persons import CasePerson
from engine.cases.projects import CaseProject
from engine.catalog import releases
from engine.core import masks
from engine.core.actor import Actor
from engine.queries.common import may_see, stamp
from engine.registers.offices import Office

MOST = 30
PEOPLE, PROJECT, ABOUT = "同一家庭成员", "同一项目", "本件的复查"


@dataclass(frozen=True)
class Related:
    """One case and what ties it to this one (``why``)."""

    id: int
    number: str
    item_name: str
    subject: str
    state: str
    office: str
    opened: str
    why: str


def related(session: Session, actor: Actor, case: Case) -> list[Related]:
    """Newest first, at most ``MOST``. What lies with another office is not told, not even that it is there."""
    mine, theirs = aliased(CasePerson), aliased(CasePerson)
    people = select(theirs.case_id).join(mine, mine.digest == theirs.digest).where(mine.case_id == case.id)
    ours, others = aliased(CaseProject), aliased(CaseProject)
    project = select(others.case_id).join(ours, ours.code == others.code).where(ours.case_id == case.id)
    by_people = set(session.scalars(people.where(theirs.case_id != case.id).distinct().limit(MOST * 10)))
    by_project = set(session.scalars(project.where(others.case_id != case.id).distinct().limit(MOST * 10)))
    about = [case.about_case_id] if case.about_case_id else []
    query = (
        select(Case, Office.name)
        .join(Office, Office.id == Case.office_id)
        .where(or_(Case.id.in_([*by_people, *by_project, *about]), Case.about_case_id == case.id))
        .order_by(Case.opened_at.desc(), Case.id.desc())
    )
    rows = [(one, office) for one, office in session.execute(query) if one.id != case.id and may_see(actor, one)]
    return [_line(session, one, office, _why(case, one, by_people, by_project)) for one, office in rows[:MOST]]


def _why(case: Case, other: Case, by_people: set[int], by_project: set[int]) -> str:
    told = []
    if other.about_case_id == case.id:
        told.append(ABOUT)
    if other.id == case.about_case_id:
        told.append("本件所复查的原件")
    if other.id in by_people:
        told.append(PEOPLE)
    if other.id in by_project:
        told.append(PROJECT)
    return "、".join(told)


def _line(session: Session, case: Case, office: str, why: str) -> Related:
    outcomes = releases.view(session, case.release_id).item.outcomes
    running = case.state in ("open", "suspended")
    state = case.stage or "办理中" if running else outcomes.get(case.outcome, "已办结")
    subject = masks.mask_name(case.subject_name)
    return Related(case.id, case.number, case.item_name, subject, state, office, stamp(case.opened_at), why)
