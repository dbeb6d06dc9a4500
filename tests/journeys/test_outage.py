"""A party is down: the case waits, an incident shows after the retries, and a retry takes the case on."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import Prepare
from tests.journeys.people import Clerk
from tests.support.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ADULTS = 3


def applied(anju: Installation) -> str:
    """A single person has applied; gives the number of the case."""
    return anju.apply().number


def test_a_case_waits_out_an_outage_and_goes_on_when_the_supervisor_tries_again(given: Prepare[str]) -> None:
    made, number = given(applied)
    _switch(supervisor := made.clerk("sunqiang"), "停机（503）")
    made.clerk("liuyang").accepts(number)
    _wait_through_the_retries(supervisor, number)

    citizen = made.citizen("19900000001")
    citizen.opens_the_case(number)
    citizen.sees_not("503", "故障")
    reviewer = made.clerk("wangmin")
    reviewer.open("/inbox?view=role-first_review")
    reviewer.sees_not(number)

    _switch(supervisor, "恢复正常")
    supervisor.open("/incidents")
    for _ in range(ADULTS):
        supervisor.press(f"重试 {number} 向各部门核查")
        supervisor.sees("已重新办理")
    supervisor.sees("没有故障")
    reviewer.reviews("初审", number, "拟准予资格", "核查恢复后结果齐全，拟同意")


def _switch(window: Clerk, scenario: str) -> None:
    """On the simulators' page, for everybody who is asked about at the tax office."""
    page = window.context.new_page()
    page.goto(f"{window.site.simulators}/_scenarios")
    page.get_by_label("所有人：税务个人收入", exact=True).select_option(label=scenario)
    page.get_by_role("button", name="切换 所有人：税务个人收入", exact=True).click()
    page.close()


def _wait_through_the_retries(supervisor: Clerk, number: str) -> None:
    """The pauses between the tries grow; the demo's clock leaps over each until the tries are spent."""
    for _ in range(9):
        supervisor.open("/incidents")
        if supervisor.soon(lambda: supervisor.text().count(number) == ADULTS, 4):
            break
        supervisor.moves_the_clock(1)
    supervisor.arrived()
    supervisor.sees("税务个人收入", "已尝试 3 次")
