"""A supervisor steers: cases go to a new version after a dry run and one comes back; a case changes its course."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Prepare
from tests.journeys.people import ITEM, Clerk
from tests.races.test_operators import publish
from tests.support.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def arranged(anju: Installation) -> str:
    """A case at its first step, and a newer version in which that step is called otherwise."""
    number = anju.apply().number
    publish(anju)
    return number


def stands(chief: Clerk, number: str) -> None:
    """Open the page on which the case is steered."""
    chief.opens_the_case(number)
    chief.open(f"{chief.path}/operate")


def test_a_supervisor_migrates_after_a_dry_run_and_takes_a_case_back(given: Prepare[str]) -> None:
    made, number = given(arranged)
    chief = made.clerk("sunqiang")
    chief.open("/migrations")
    chief.page.get_by_label("事项").select_option(ITEM)
    chief.press("选择版本")
    chief.follow("查看两版差异")
    chief.sees("受理审查", "受理核对")
    expect(chief.page.locator("[data-anju-diagram][data-ready] .dg-was.changed")).to_have_text("修改")
    chief.page.go_back()
    chief.field("迁移原因").fill("受理环节改名")
    chief.press("检查每个办件（不变动）")
    run = chief.path
    chief.until_it_says("可以迁移 1 件")
    stands(chief, number)
    chief.sees("第 1 版")

    chief.open(run)
    chief.press("开始迁移 1 件")
    chief.until_it_says("已迁移 1 件")
    stands(chief, number)
    chief.sees("第 2 版", "受理核对")

    chief.open(run)
    chief.page.get_by_role("button", name=f"撤销 {number}").click()
    asked = chief.page.get_by_role("dialog").filter(has_text="回到第 1 版")
    chief.leave_by(asked.get_by_role("button", name="撤销"))
    chief.sees("已撤销，办件回到迁移前")
    stands(chief, number)
    chief.sees("第 1 版", "受理审查")


def test_a_supervisor_sees_what_a_change_of_course_does_before_it_is_done(given: Prepare[str]) -> None:
    made, number = given(arranged)
    chief = made.clerk("sunqiang")
    stands(chief, number)
    chief.page.get_by_label("取消 受理审查").check()
    expect(chief.page.locator("[data-anju-diagram][data-ready]")).to_be_visible()
    chief.page.get_by_role("button", name="显示全图").click()
    chief.page.locator("[data-element-id=first_review] .djs-hit").first.click()
    expect(chief.page.get_by_label("启动环节")).to_have_value("first_review")
    chief.press("预览影响")
    chief.sees("请核对这次调整", "取消「受理审查」", "启动「初审」")
    chief.field("原因").fill("前一环节的经办人应当回避")
    chief.press("确认调整")
    chief.sees("已按所选调整")
    reviewer = made.clerk("wangmin")
    reviewer.opens_the_task("初审", number)
    reviewer.sees(number)
