"""An issued decision is looked at again: a case of its own, about the closed one (更正、撤销).

Which cases and papers an item may look at again is declared in its item.yaml under ``about``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from engine.cases import final
from engine.cases.case import ROOT_SCOPE, Case, LiveKey, lock
from engine.cases.reviews import reviewable
from engine.catalog import releases
from engine.catalog.releases import ReleaseView
from engine.commands import Unit, handles
from engine.commands.cases import CaseStarted, next_case_number
from engine.commands.casework import Casework
from engine.commands.listeners import login_of
from engine.core import clock, ids
from engine.core.errors import Duplicate, NotFound, Refused
from engine.registers import eligibilities
from engine.registers.offices import Office

# How the case came to be: not by an application.
CHANNEL = "office"


@dataclass(frozen=True)
class OpenReview:
    """Begin a case of ``item`` about the decision that the paper ``document_id`` of a closed case tells."""

    case_id: int
    item: str
    document_id: int


@handles(OpenReview)
def open_review(command: OpenReview, unit: Unit) -> CaseStarted:
    """One review of a case at a time. Raises ``Refused`` where there is nothing that could be changed."""
    session = unit.session
    original = lock(session, command.case_id)
    if original.office_id not in unit.actor.offices:
        raise NotFound("没有这个办件，或不在您的查看范围内")
    release = releases.view(session, releases.current_id(session, command.item))
    about = release.item.about
    if about is None or original.item not in about["items"]:
        raise NotFound("这个办件没有可以办理的更正或撤销事项")
    unit.require(about["role"])
    if original.state != "closed" or original.outcome not in about["outcomes"]:
        raise Refused("只有已作出准予或者不予决定的办件才能更正或撤销", code="not_decided")
    papers = {one.id: one for one in reviewable(session, original.id, about["documents"])}
    paper = papers.get(command.document_id)
    if paper is None:
        raise Refused("这份文书没有发出，或者已经撤销、更正，请重新选择", code="document_not_standing")
    known = final.variables(session, original)[ROOT_SCOPE]
    if not known.get("applicant"):
        raise Refused("原办件的内容已按保存期限删除，不能在系统中更正或撤销", code="history_erased")
    old = releases.view(session, original.release_id).item
    case = _new_case(unit, original, command.item, release)
    session.add(case)
    _claim(unit, case, original)
    unit.record(case, "opened", f"对 {original.number} 的决定发起{release.item.name}", {"document": paper.number})
    unit.record(original, "review_opened", f"发起{release.item.name} {case.number}", {"document": paper.number})
    office = session.get_one(Office, case.office_id)
    titles = {str(one["template"]): str(one["title"]) for one in old.raw.get("documents") or []}
    own = {str(one["template"]): str(one["title"]) for one in release.item.raw.get("documents") or []}
    work = Casework(unit, case)
    work.begin(
        {
            "applicant": known["applicant"],
            "original": {
                "case_number": original.number,
                "item_name": original.item_name,
                "outcome": original.outcome,
                "outcome_title": old.outcomes.get(original.outcome, original.outcome),
                "document_number": paper.number,
                "document_title": {**titles, **own}.get(paper.template, paper.title),
                "decided_on": paper.issued_on.isoformat(),
                "eligibility": eligibilities.granted_by(session, original.id),
            },
            "opened_by": login_of(session, unit.actor.key),
            "channel": CHANNEL,
            "applied_on": case.applied_on.isoformat(),
            "case_number": case.number,
            "office_name": office.name,
            "office_code": office.code,
        }
    )
    work.save()
    return CaseStarted(case.id, case.number)


def _new_case(unit: Unit, original: Case, item: str, release: ReleaseView) -> Case:
    """Of the same office and the same person as the case it is about."""
    declared: Any = release.item
    return Case(
        id=ids.new(),
        office_id=original.office_id,
        item=item,
        item_name=declared.name,
        release_id=release.id,
        process_id=str(declared.raw["process"]),
        number=next_case_number(unit, declared.raw["numbering"], item),
        channel=CHANNEL,
        applicant_key=original.applicant_key,
        subject_name=original.subject_name,
        subject_digest=original.subject_digest,
        name_digest=original.name_digest,
        opened_at=unit.now,
        applied_on=clock.today(),
        clock_days=declared.limit("promised") or 0,
        stage=declared.stages[0] if declared.stages else "",
        about_case_id=original.id,
    )


def _claim(unit: Unit, case: Case, original: Case) -> None:
    """The original is locked, so two at the same moment come one after the other: the key decides."""
    try:
        with unit.session.begin_nested():
            unit.session.execute(insert(LiveKey), [{"key": f"{case.item}:about:{original.id}", "case_id": case.id}])
    except IntegrityError as error:
        raise Duplicate("这个决定已经在更正或撤销办理中，办结后才能再次发起", code="review_open") from error
