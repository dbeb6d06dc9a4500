"""One application from the portal to the waiting list, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from engine.cases import record
from engine.cases.documents import Document
from engine.core.db import reading
from engine.registers.households import Eligibility, WaitingEntry
from tests.support.installation import Installation

PASS = {"review_result": "pass", "review_opinion": "同意上报"}


def through_review(anju: Installation, case_id: int) -> None:
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    anju.do(case_id, "first_review", "wangmin", PASS)
    anju.do(case_id, "second_review", "chenhao", PASS)
    anju.do(case_id, "approve", "zhaoling", PASS)


def test_a_family_within_the_lines_gets_an_eligibility_a_place_and_a_sealed_notice(anju_both: Installation) -> None:
    anju = anju_both
    case_id = anju.apply().case_id
    through_review(anju, case_id)
    anju.move(timedelta(days=30))
    anju.do(case_id, "confirm", "zhaoling", {"publicity_confirmed": True})
    case = anju.case(case_id)
    assert (case.state, case.outcome) == ("closed", "granted"), anju.stuck(case_id)
    with reading() as session:
        eligibility = session.scalars(select(Eligibility).where(Eligibility.case_id == case_id)).one()
        place = session.scalars(select(WaitingEntry)).one()
        papers = {paper.template: paper for paper in session.scalars(select(Document))}
        assert record.verify(session, case_id) is None
    assert eligibility.support_mode == "public_rental"
    assert place.number == 1
    assert papers["notice_granted"].state == "issued"
    assert anju.parts.store.get(papers["notice_granted"].file_sha).startswith(b"%PDF")
