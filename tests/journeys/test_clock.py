"""A supervisor sees what is late, asks whoever decides for more time, and closes the office for a day."""

from __future__ import annotations

from datetime import datetime

import pytest

from engine.core import clock
from tests.journeys.conftest import Prepare
from tests.support.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LATE = datetime(2026, 3, 17, 10, tzinfo=clock.SHANGHAI)


def late(anju: Installation) -> str:
    """A case accepted on 2 March is still in the reviews on the 17th; gives its number."""
    started = anju.apply()
    anju.do(started.case_id, "accept", "liuyang", {"accept_result": "accepted"})
    anju.move_to(LATE)
    return started.number


def test_late_cases_extension_and_calendar_are_worked_with_as_a_person_would(given: Prepare[str]) -> None:
    made, number = given(late)
    supervisor = made.clerk("sunqiang")
    supervisor.open("/deadlines?colour=yellow")
    supervisor.sees("没有预警的办件", "按环节")
    supervisor.follow("逾期", supervisor.page.get_by_role("navigation", name="名单"))
    supervisor.sees(number, "承诺时限", "超时", "待领取")
    supervisor.follow(number)
    supervisor.sees("法定时限", "申请延长期限")
    supervisor.page.get_by_label("延长工作日数").fill("3")
    supervisor.field("理由").fill("等待外地回函")
    supervisor.press("提出申请")
    supervisor.sees("已提出延长申请", "待批")

    # The question lies in the queue of whoever decides; what agreeing would change is said before.
    approver = made.clerk("zhaoling")
    approver.open("/inbox?view=role-approval")
    row = approver.page.locator(".rows > li").filter(has_text="延长期限审批")
    approver.leave_by(row.locator("a.row"))
    approver.sees("等待外地回函", "2026年3月16日", "2026年3月19日", "同意后的变化")
    approver.press("领取")
    approver.sees("已领取", "放回岗位池")
    approver.press("不同意")
    approver.sees("请写明意见")
    approver.field("批复意见").fill("同意")
    approver.press("同意延长")
    approver.sees("已同意延长")
    approver.sees_not("延长期限审批")
    approver.open(supervisor.path)
    approver.sees("2026年3月19日", "意见：同意")

    supervisor.open("/calendar?month=2026-03")
    supervisor.follow("西湖区住房保障所", supervisor.page.get_by_role("navigation", name="选择机构"))
    supervisor.page.get_by_role("link", name="3月18日，上班").click()
    supervisor.arrived()
    supervisor.page.get_by_label("不上班").check()
    supervisor.field("说明").fill("系统检修")
    supervisor.press("保存", supervisor.page.locator("#day"))
    supervisor.sees("系统检修", "到期日正在重算")
    supervisor.until_it_says("1 件到期日变动")

    supervisor.follow("全部机构", supervisor.page.get_by_role("navigation", name="选择机构"))
    supervisor.page.get_by_label("粘贴通知全文").fill("2027年元旦：1月1日（周五）放假。")
    supervisor.press("核对差异")
    supervisor.sees("导入前核对", "2027-01-01 周五")
    supervisor.press("确认导入")
    supervisor.sees("已导入 1 天")
