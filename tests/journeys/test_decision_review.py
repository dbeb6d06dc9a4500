"""A caseworker has a granted eligibility revoked: the family is heard, told, and whoever verifies the paper sees it."""

from __future__ import annotations

import re

import pytest

from tests.journeys.conftest import Prepare
from tests.journeys.form import Form
from tests.support.decided import documents, granted
from tests.support.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.slow]

REASON = "经核查，申请前已在外地购买住房一套，申请时没有如实申报。"
STATEMENT = "外地住房由父母出资购买，我们没有居住。"
REPLY = "住房登记在申请人名下，所述情况不影响认定，不予采纳。"


def decided(anju: Installation) -> tuple[str, str]:
    """A granted case: its number, and the check code of its notice."""
    started = granted(anju)
    return started.number, documents(started.case_id)["notice_granted"].check_code


def test_a_granted_eligibility_is_revoked_after_the_family_was_heard(given: Prepare[tuple[str, str]]) -> None:
    made, (number, code) = given(decided)
    proposer = made.clerk("wangmin")
    proposer.opens_the_case(number)
    proposer.follow("更正或撤销")
    proposer.sees("准予住房保障资格通知书")
    proposer.press("发起")
    review = re.search(r"GZCX-\d{4}-\d{6}", proposer.text())
    assert review, proposer.text()
    form = Form(proposer.page)
    form.choose("撤销")
    form.select("撤销事由", "隐瞒情况或者提供虚假材料取得")
    form.fill("事实和理由", REASON)
    form.fill("法律依据", "《公共租赁住房管理办法》第三十五条")
    proposer.hands_in()

    reviewer = made.clerk("chenhao")
    form = reviewer.opens_the_task("复审", review[0])
    reviewer.sees(REASON, "须先告知当事人")
    form.choose("同意")
    form.fill("意见", "事实清楚")
    reviewer.hands_in()

    citizen = made.citizen("19900000001")
    citizen.opens_the_case(review[0])
    citizen.until_it_says("请您陈述申辩")
    citizen.sees("陈述申辩告知书", "视为放弃")
    citizen.follow("现在填写")
    citizen.sees(REASON)
    form = Form(citizen.page)
    form.choose("陈述、申辩")
    form.fill("陈述、申辩的内容", STATEMENT)
    citizen.press("提交")
    citizen.sees("已提交")

    approver = made.clerk("zhaoling")
    form = approver.opens_the_task("审批", review[0])
    approver.sees(STATEMENT)
    form.choose("同意")
    form.fill("对陈述申辩是否采纳及理由", REPLY)
    form.fill("意见", "同意撤销")
    approver.hands_in()

    citizen.opens_the_case(number)
    citizen.until_it_says("准予（已撤销）")
    citizen.sees("不再有效", review[0])
    visitor = made.citizen()
    visitor.open(f"/verify/{code}")
    visitor.sees("文书已撤销")
    proposer.opens_the_case(number)
    proposer.sees("更正与撤销", review[0], "已撤销")
    proposer.sees_not("更正或撤销")
