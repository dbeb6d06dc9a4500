"""Somebody objects to a public notice: it stops, the objection is looked into, and the case goes on or ends."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine.core.db import reading
from engine.registers.notices import Notice
from tests.journeys.conftest import Prepare
from tests.journeys.papers import text_of
from tests.journeys.people import Clerk
from tests.support.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASS = {"review_result": "pass", "review_opinion": "同意"}


def in_publicity(anju: Installation) -> tuple[str, str]:
    """The family's case is shown in public; gives its number and the address of the notice."""
    case = anju.apply()
    anju.do(case.case_id, "accept", "liuyang", {"accept_result": "accepted"})
    for element, login in (("first_review", "wangmin"), ("second_review", "chenhao"), ("approve", "zhaoling")):
        anju.do(case.case_id, element, login, PASS)
    with reading() as session:
        notice = session.scalars(select(Notice.id).where(Notice.case_id == case.case_id)).one()
    return case.number, f"/notices/{notice}"


def test_an_objection_stops_the_publicity_until_it_is_looked_into(given: Prepare[tuple[str, str]]) -> None:
    made, (number, notice) = given(in_publicity)
    neighbour = made.citizen("19900000005")
    neighbour.objects(notice, "这家去年在外区已经买了一套住房，请核实。")
    neighbour.open(notice)
    neighbour.sees("因异议中止", "公示暂时中止")

    approver = made.clerk("zhaoling")
    _finds(approver, number, "异议不成立", "经查，该住房不在申请家庭名下。")
    neighbour.open("/portal/objections")
    neighbour.sees("异议不成立", "经查，该住房不在申请家庭名下。")
    neighbour.open(notice)
    neighbour.sees("个工作日")

    stranger = made.citizen()
    stranger.phone = "19900000012"
    stranger.registers("罗一鸣", "440802199412121298")
    stranger.objects(notice, "申请人的母亲另有一处住房没有申报，附近居民都知道。")
    _finds(approver, number, "异议成立", "经查属实，申请人的母亲名下另有住房。")

    applicant = made.citizen("19900000001")
    applicant.opens_the_case(number)
    applicant.until_it_says("不予住房保障资格通知书")
    refusal = text_of(applicant.file("不予住房保障资格通知书"))
    for said in ("林秋实：", "异议", "六十日内依法申请行政复议", "行政诉讼"):
        assert said in refusal, refusal


def _finds(approver: Clerk, number: str, finding: str, reply: str) -> None:
    form = approver.opens_the_task("审批", number)
    approver.sees("调查异议")
    form.choose(finding)
    form.fill("答复内容", reply)
    approver.hands_in()
