"""Cases that are decided: what a review needs to begin with."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from engine.cases import reviews
from engine.cases.documents import Document
from engine.commands import dispatch
from engine.commands.cases import CaseStarted
from engine.commands.reviews import OpenReview
from engine.core.db import reading
from tests.support.installation import Installation

REVIEW = "rental/decision_review"
PASS = {"review_result": "pass", "review_opinion": "同意"}
REVOKE = {
    "proposed_kind": "revoke",
    "ground_revoke": "fraud",
    "proposed_reason": "申请前已在外地购买住房一套，申请时没有如实申报。",
    "proposed_basis": "《公共租赁住房管理办法》第三十五条",
}


def granted(anju: Installation) -> CaseStarted:
    """The family has its eligibility."""
    started = anju.apply()
    case_id = started.case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    for step, who in (("first_review", "wangmin"), ("second_review", "chenhao"), ("approve", "zhaoling")):
        anju.do(case_id, step, who, PASS)
    anju.move(timedelta(days=30))
    anju.do(case_id, "confirm", "zhaoling", {"publicity_confirmed": True})
    assert anju.case(case_id).outcome == "granted", anju.stuck(case_id)
    return started


def paper(case_id: int) -> Document:
    """The newest paper of the case that may be looked at again."""
    with reading() as session:
        return reviews.reviewable(session, case_id, ["notice_granted", "notice_refused", "correction_decision"])[0]


def opened(anju: Installation, case_id: int, who: str = "wangmin") -> CaseStarted:
    """A review of the case's decision."""
    started: CaseStarted = dispatch(OpenReview(case_id, REVIEW, paper(case_id).id), anju.staff(who))
    anju.drain()
    return started


def revoked(anju: Installation, case_id: int) -> CaseStarted:
    """The decision is revoked; the person concerned was asked and said nothing."""
    started = opened(anju, case_id)
    anju.do(started.case_id, "propose", "wangmin", REVOKE)
    anju.do(started.case_id, "review", "chenhao", PASS)
    anju.do(started.case_id, "state", anju.citizen(), {"statement_choice": "waive"})
    anju.do(started.case_id, "approve", "zhaoling", PASS)
    assert anju.case(started.case_id).outcome == "revoked", anju.stuck(started.case_id)
    return started


def documents(case_id: int) -> dict[str, Document]:
    """The papers of a case by template."""
    with reading() as session:
        return {one.template: one for one in session.scalars(select(Document).where(Document.case_id == case_id))}
