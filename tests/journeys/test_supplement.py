"""A clerk asks for a material: the citizen sees exactly what, hands it in, and the clock stands meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.conftest import Prepare
from tests.journeys.form import Form
from tests.support.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTE = "收入证明没有加盖单位公章，请盖章后重新上传。"


def applied(anju: Installation) -> str:
    """The family has applied; gives the number of its case."""
    return anju.apply().number


def test_the_citizen_sees_exactly_what_is_asked_and_the_clock_stands_until_it_is_there(
    given: Prepare[str], photos: dict[str, Path]
) -> None:
    made, number = given(applied)
    clerk = made.clerk("liuyang")
    clerk.asks_for_more(number, ["收入证明"], NOTE)
    clerk.opens_the_case(number)
    clerk.sees("计时暂停：补件")

    citizen = made.citizen("19900000001")
    messages = made.citizen()
    messages.page.goto(f"{made.site.simulators}/sms/")
    messages.until(lambda: "补正" in messages.text(), "the message about the supplement")
    citizen.open("/portal")
    citizen.sees("待您处理")
    citizen.opens_the_case(number)
    citizen.sees("需要补正", "收入证明", NOTE, "暂停计算")
    citizen.follow("现在补正")
    asked = citizen.page.get_by_role("button", name="选择文件")
    assert asked.count() == 1, "something is asked that nobody asked for"
    form = Form(citizen.page)
    assert form.material("收入证明").get_by_role("listitem").count() == 0, "an old file stands for the new one"
    form.upload("收入证明", photos["收入证明"])
    form.fill("补充说明", "已补盖公章。")
    citizen.press("提交")
    citizen.sees("已提交")
    citizen.sees_not("状态暂停计算", "现在补正")

    form = clerk.opens_the_task("受理", number)
    clerk.sees("收入证明.png")
    form.choose("受理")
    form.fill("受理意见", "补正后材料齐全")
    clerk.hands_in()
    clerk.opens_the_case(number)
    clerk.sees("暂停计时（补件）")
    clerk.sees_not("至 现在")
