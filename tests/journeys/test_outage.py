"""A party is down: it is left in peace, the case waits without an incident, and goes on when the party is back."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import Prepare
from tests.journeys.people import Clerk
from tests.support.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ADULTS = 3
MONITOR = "/monitor/connectors/tax"


def applied(anju: Installation) -> str:
    """A single person has applied; gives the number of the case."""
    return anju.apply().number


def test_a_case_waits_out_an_outage_and_goes_on_when_the_supervisor_calls_again(given: Prepare[str]) -> None:
    made, number = given(applied)
    _switch(supervisor := made.clerk("sunqiang"), "停机（503）")
    made.clerk("liuyang").accepts(number)
    _wait_for_the_breaker(supervisor)

    citizen = made.citizen("19900000001")
    citizen.opens_the_case(number)
    citizen.sees_not("503", "故障")
    reviewer = made.clerk("wangmin")
    reviewer.open("/inbox?view=role-first_review")
    reviewer.sees_not(number)

    _switch(supervisor, "恢复正常")
    supervisor.open(MONITOR)
    supervisor.press("恢复调用")
    supervisor.sees("已恢复调用")
    supervisor.open("/incidents")
    supervisor.sees("没有故障")
    reviewer.reviews("初审", number, "拟准予资格", "核查恢复后结果齐全，拟同意")


def _switch(window: Clerk, scenario: str) -> None:
    """On the simulators' page, for everybody who is asked about at the tax office."""
    page = window.context.new_page()
    page.goto(f"{window.site.simulators}/_scenarios")
    page.get_by_label("所有人：税务个人收入", exact=True).select_option(label=scenario)
    page.get_by_role("button", name="切换 所有人：税务个人收入", exact=True).click()
    page.close()


def _wait_for_the_breaker(supervisor: Clerk) -> None:
    """The tries of one case are enough to open it; the supervisor sees who is down and how many wait."""
    for _ in range(9):
        supervisor.open(MONITOR)
        if "已暂停调用" in supervisor.text() and f"{ADULTS} 件" in supervisor.text():
            break
        supervisor.page.wait_for_timeout(2000)
    supervisor.sees("已暂停调用", "自动试探", f"{ADULTS} 件")
    supervisor.open("/incidents")
    supervisor.sees("没有故障")
