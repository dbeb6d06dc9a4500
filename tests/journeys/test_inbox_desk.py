"""A day at the inbox: views, keys, picks, a list that moves quietly, drafts on two devices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect
from sqlalchemy import select, update

from engine.cases.case import Case
from engine.cases.work import Task
from engine.commands import dispatch
from engine.commands.approval.words import AddComment, Urge
from engine.commands.deputies import NameDeputies, Share
from engine.commands.tasks import ClaimTask
from engine.core import clock
from engine.core.db import reading, transaction
from engine.registers.offices import StaffUser
from tests.journeys.conftest import Prepare
from tests.journeys.people import Clerk, single
from tests.journeys.window import PATIENCE, PHONE
from tests.support.installation import Installation
from web.demo_data import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PEOPLE = ("马晓燕", "何其芳", "赵一鸣", "钱多多")


def a_full_desk(anju: Installation, people: Sequence[str] = PEOPLE) -> list[str]:
    """Four people have come to the counter; gives the numbers of their cases."""
    clerk = anju.staff("liuyang")
    numbers = []
    for at, name in enumerate(people):
        changes: dict[str, Any] = single(name, f"E1234567{at}", f"1990000010{at}")
        changes["applicant"] = {**changes["applicant"], "id_kind": "passport"}
        numbers.append(anju.apply(clerk, "counter", **changes).number)
    anju.drain()
    return numbers


def row(clerk: Clerk, number: str) -> Locator:
    return clerk.page.locator(".rows > li").filter(has_text=number)


def numbers_on(clerk: Clerk) -> list[str]:
    shown = clerk.page.locator(".rows > li .m > span:first-child").all_inner_texts()
    return [text.split(" · ")[0] for text in shown]


def asks_again(clerk: Clerk) -> None:
    """As when the page comes to the front."""
    with clerk.page.expect_response(lambda answer: "/inbox/live" in answer.url):
        clerk.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    clerk.page.wait_for_timeout(100)


def test_a_view_is_made_in_a_dialog_shared_counted_and_searched(given: Prepare[list[str]]) -> None:
    made, numbers = given(a_full_desk)
    clerk = made.clerk("liuyang")
    clerk.open("/inbox?view=role-acceptance")
    queues = clerk.page.get_by_role("navigation", name="队列")
    queues.get_by_role("link", name="新建视图").click()
    dialog = clerk.page.get_by_role("dialog", name="新建视图")
    dialog.get_by_label("名称").fill("窗口未领")
    dialog.get_by_text("渠道", exact=True).first.click()
    dialog.get_by_label("窗口受理").first.check()
    dialog.get_by_text("经办人", exact=True).click()
    dialog.get_by_label("未领取").check()
    dialog.get_by_label("到达时间").check()
    dialog.get_by_label("排序").select_option("newest")
    dialog.get_by_label("与本机构同事共享").check()
    clerk.press("保存视图", dialog)
    clerk.sees("已保存视图「窗口未领」")
    assert numbers_on(clerk) == numbers[::-1], "the newest do not come first"
    expect(queues.get_by_role("link", name="窗口未领")).to_contain_text("4")
    expect(row(clerk, numbers[0])).to_contain_text("到")

    colleague = made.clerk("wangmin")
    colleague.open("/inbox")
    link = colleague.page.get_by_role("navigation", name="队列").get_by_role("link", name="窗口未领")
    expect(link).to_contain_text("4")
    colleague.leave_by(link)
    assert colleague.page.get_by_role("link", name="编辑视图").count() == 0, "somebody else's view can be changed"
    stranger = made.clerk("zhoujie")
    stranger.open("/inbox")
    stranger.sees_not("窗口未领")

    clerk.page.keyboard.press("/")
    search = clerk.page.get_by_label("在待办中查找")
    expect(search).to_be_focused()
    for words, found in ((PEOPLE[1], numbers[1:2]), ("E12345672", numbers[2:3]), (numbers[3], numbers[3:]), ("何", [])):
        search.fill(words)
        with clerk.page.expect_navigation():
            search.press("Enter")
        clerk.arrived()
        assert numbers_on(clerk) == found, words
    clerk.sees("没有找到待办")

    clerk.open("/inbox?view=role-acceptance")
    clerk.leave_by(queues.get_by_role("link", name="窗口未领"))
    clerk.page.get_by_role("link", name="编辑视图").click()
    dialog = clerk.page.get_by_role("dialog", name="编辑视图")
    dialog.get_by_label("我", exact=True).check()
    dialog.get_by_label("未领取").uncheck()
    clerk.press("保存视图", dialog)
    clerk.sees("没有符合条件的办件")
    clerk.page.get_by_role("link", name="编辑视图").click()
    clerk.page.get_by_role("dialog").get_by_role("button", name="删除视图").click()
    clerk.press("删除视图", clerk.page.get_by_role("dialog").last)
    clerk.sees("已删除视图「窗口未领」")


def test_the_desk_is_worked_by_keys_and_many_rows_at_once(given: Prepare[list[str]]) -> None:
    made, numbers = given(a_full_desk)
    clerk, other = made.clerk("liuyang"), made.clerk("sunqiang")
    clerk.open("/inbox?view=role-acceptance")
    keys = clerk.page.keyboard
    keys.press("?")
    help_ = clerk.page.get_by_role("dialog", name="键盘操作")
    expect(help_).to_contain_text("领取打开的任务")
    keys.press("Escape")
    expect(help_).to_be_hidden()
    for key in ("j", "x", "ArrowDown", "x", "j", "x"):
        keys.press(key)
    expect(clerk.page.locator("[data-bulk-count]")).to_have_text("已勾选 3 件")
    focused = row(clerk, numbers[2]).locator("a.row")
    expect(focused).to_be_focused()

    # A colleague takes the second one; the list says so and moves only when asked to.
    other.open("/inbox?view=role-acceptance")
    other.leave_by(row(other, numbers[1]).locator("a.row"))
    other.press("领取")
    asks_again(clerk)
    assert numbers_on(clerk) == numbers, "rows moved under the reader's eyes"
    hint = clerk.page.get_by_role("button", name="1 项更新")
    expect(hint).to_be_visible()
    expect(clerk.page.get_by_role("navigation", name="队列").get_by_role("link", name="受理")).to_contain_text("3")
    expect(focused).to_be_focused()
    expect(clerk.page.locator("[data-bulk-count]")).to_have_text("已勾选 3 件")

    keys.press("c")
    done = clerk.page.get_by_role("dialog", name="批量领取")
    expect(done.get_by_role("status")).to_have_text("成功 2 件，未成功 1 件")
    expect(done.locator(".results li").filter(has_text=numbers[1])).to_contain_text("已被他人认领")
    done.get_by_role("button", name="完成").click()
    expect(row(clerk, numbers[0])).to_have_count(0)
    expect(row(clerk, numbers[3])).to_have_count(1)

    keys.press("g")
    with clerk.page.expect_navigation():
        keys.press("i")
    clerk.arrived()
    assert sorted(numbers_on(clerk)) == [numbers[0], numbers[2]]
    unread = clerk.page.locator("a.row.unread")
    assert unread.count() == 2
    keys.press("j")
    with clerk.page.expect_navigation():
        keys.press("o")
    clerk.arrived()
    assert unread.count() == 1, "what was opened is still unread"

    form = clerk.page
    form.get_by_label("受理", exact=True).first.check()
    form.get_by_label("受理意见").fill("材料齐全")
    form.get_by_role("heading", level=1).click()
    with clerk.page.expect_navigation():
        keys.press("s")
    clerk.arrived()
    clerk.sees("已提交")
    assert numbers[2] in clerk.text(), "the next task is not open"

    # The supervisor hands one on; somebody without the role gets nothing.
    other.open("/inbox?view=role-acceptance")
    row(other, numbers[3]).get_by_role("checkbox").check()
    other.page.get_by_role("link", name="分派").click()
    for who, said in (("王敏 · 初审岗", "未成功 1 件"), ("刘洋 · 受理岗", "成功 1 件")):
        dialog = other.page.get_by_role("dialog", name="分派任务")
        dialog.get_by_label("分派给").select_option(label=f"{who} · 西湖区住房保障所")
        dialog.get_by_role("button", name="分派").click()
        told = other.page.get_by_role("dialog", name="批量分派")
        expect(told.get_by_role("status")).to_contain_text(said)
        told.get_by_role("button", name="完成").click()
        if said.startswith("未"):
            other.page.get_by_role("link", name="分派").click()


def test_a_draft_survives_signing_out_and_two_devices_are_told_of_each_other(given: Prepare[list[str]]) -> None:
    made, numbers = given(a_full_desk)
    desk = made.clerk("liuyang")
    form = desk.opens_the_task("受理", numbers[0])
    form.choose("受理")
    form.fill("受理意见", "写到一半")
    expect(desk.page.locator("[data-draft-status]").first).to_contain_text("已存")
    task = desk.path
    desk.page.locator(".who-box summary").click()
    desk.press("退出登录")

    phone = Clerk(made.browser, made.site, "liuyang", PHONE)
    made.watch(phone)
    phone.signs_in()
    phone.open(task)
    expect(phone.page.get_by_label("受理意见")).to_have_value("写到一半")
    desk.signs_in()
    desk.open(task)
    phone.page.get_by_label("受理意见").fill("写到一半，手机上续写")
    expect(phone.page.locator("[data-draft-status]").first).to_contain_text("已存")

    desk.page.get_by_label("受理意见").fill("电脑上另写")
    desk.sees("您在另一处")
    desk.press("改用那一份")
    expect(desk.page.get_by_label("受理意见")).to_have_value("写到一半，手机上续写")
    desk.page.get_by_label("受理意见").fill("电脑上定稿")
    expect(desk.page.locator("[data-draft-status]").first).to_contain_text("已存")
    phone.page.get_by_label("受理意见").fill("手机上定稿")
    phone.sees("您在另一处")
    phone.page.get_by_role("button", name="保留本页内容").first.click()
    expect(phone.page.locator("[data-draft-status]").first).to_contain_text("已存")
    desk.reload()
    expect(desk.page.get_by_label("受理意见")).to_have_value("手机上定稿")


def somebody_is_away(anju: Installation) -> list[str]:
    """刘洋 has taken one case and lets 王敏 stand in; one of the four is her own, about another she was asked."""
    numbers = a_full_desk(anju)
    clerk, deputy, boss = anju.staff("liuyang"), anju.staff("wangmin"), anju.staff("sunqiang")
    with reading() as session:
        found = session.execute(select(Case.number, Task.id, Case.id).join(Task, Task.case_id == Case.id)).all()
    tasks = {number: (task, case) for number, task, case in found}
    dispatch(ClaimTask(tasks[numbers[0]][0]), clerk)
    until = clock.now() + timedelta(days=5)
    dispatch(NameDeputies(clock.now(), until, (Share(deputy.id),), reason="培训", leave=True), clerk)
    dispatch(AddComment(tasks[numbers[1]][1], "@王敏 请看一下收入"), boss)
    dispatch(Urge(tasks[numbers[0]][0]), boss)
    with transaction() as session:
        theirs = update(StaffUser).where(StaffUser.id == deputy.id)
        number = session.scalars(select(Case.subject_digest).where(Case.number == numbers[3])).one()
        session.execute(theirs.values(id_digest=number))
    return numbers


def test_a_deputy_works_for_a_colleague_and_keeps_away_from_the_own_case(given: Prepare[list[str]]) -> None:
    made, numbers = given(somebody_is_away)
    deputy = made.clerk("wangmin")
    deputy.open("/inbox")
    queues = deputy.page.get_by_role("navigation", name="队列")
    expect(queues.get_by_role("link", name="待我办理")).to_contain_text("1")
    expect(queues.get_by_role("link", name="代理的")).to_contain_text("4")
    deputy.leave_by(queues.get_by_role("link", name="代理的"))
    assert sorted(numbers_on(deputy)) == numbers
    expect(row(deputy, numbers[0])).to_contain_text("代 刘洋")
    expect(row(deputy, numbers[0])).to_contain_text("催办")
    expect(row(deputy, numbers[1])).to_contain_text("@我")
    expect(row(deputy, numbers[3])).to_contain_text("需回避")
    expect(row(deputy, numbers[3]).get_by_role("checkbox")).to_have_count(0)

    for number in numbers[1:3]:
        row(deputy, number).get_by_role("checkbox").check()
    deputy.page.get_by_role("button", name="领取", exact=True).click()
    done = deputy.page.get_by_role("dialog", name="批量领取")
    expect(done.get_by_role("status")).to_have_text("成功 2 件")
    expect(done.locator(".results li").filter(has_text=numbers[1])).to_contain_text("成功")
    done.get_by_role("button", name="完成").click()
    expect(queues.get_by_role("link", name="待我办理")).to_contain_text("3")

    deputy.leave_by(row(deputy, numbers[0]).locator("a.row"))
    deputy.sees("您代刘洋办理")
    deputy.page.get_by_label("受理", exact=True).first.check()
    deputy.page.get_by_label("受理意见").fill("材料齐全")
    deputy.hands_in()
    deputy.opens_the_case(numbers[0])
    deputy.sees("王敏（代 刘洋）")
    deputy.open("/inbox?view=deputy")
    deputy.leave_by(row(deputy, numbers[3]).locator("a.row"))
    deputy.sees("须回避")
    assert deputy.page.get_by_role("button", name="领取", exact=True).locator("visible=true").count() == 0


def more_than_one_request_takes(anju: Installation) -> list[str]:
    """Six people: rows are handed in five at a time."""
    return a_full_desk(anju, (*PEOPLE, "孙小满", "周大成"))


def fills_the_common_form(clerk: Clerk, numbers: Sequence[str]) -> None:
    """Picks the rows and answers for all of them; nothing is handed in yet."""
    clerk.open("/inbox?view=role-acceptance")
    for number in numbers:
        row(clerk, number).get_by_role("checkbox").check()
    clerk.press("审批")
    clerk.sees(f"可批量办理 {len(numbers)} 件")
    clerk.page.get_by_label("受理", exact=True).first.check()
    clerk.page.get_by_label("受理意见").fill("材料齐全")


def test_many_are_approved_with_one_form_and_what_was_done_stays_done(given: Prepare[list[str]]) -> None:
    made, numbers = given(more_than_one_request_takes)
    clerk = made.clerk("liuyang")
    page = clerk.page
    fills_the_common_form(clerk, numbers)
    made.clerk("sunqiang").accepts(numbers[1])
    asked: list[Route] = []

    def the_second_waits(route: Route) -> None:
        asked.append(route)
        if len(asked) == 1:
            route.continue_()

    page.route("**/inbox/approve/confirmed", the_second_waits)
    page.get_by_role("button", name="提交 6 件").click()
    done = page.get_by_role("dialog", name="批量审批")
    bar, said = done.get_by_role("progressbar", name="批量审批"), done.get_by_role("status")
    expect(said).to_have_text("5 / 6", timeout=PATIENCE)
    expect(bar).to_have_js_property("value", 5)
    expect(done.locator(".results li").filter(has_text="未成功")).to_contain_text([numbers[1]])
    expect(done.locator(".results li").filter(has_text=numbers[1])).to_contain_text("已")
    # No key and no click leads away from it, and the browser asks.
    for _ in range(2):
        page.keyboard.press("Escape")
    page.mouse.click(5, 5)
    page.wait_for_timeout(200)
    expect(done.get_by_role("button", name="完成")).to_be_disabled()
    for stays in (True, False):
        with page.expect_event("dialog") as leaving:
            page.evaluate("setTimeout(() => location.assign('/inbox?view=role-acceptance'))")
        assert leaving.value.type == "beforeunload"
        if stays:
            leaving.value.dismiss()
            expect(said).to_have_text("5 / 6")
        else:
            with page.expect_navigation():
                leaving.value.accept()
    clerk.arrived()
    assert numbers_on(clerk) == numbers[5:], "what was done is not, or what was not is"


def test_answers_for_many_outlive_an_expired_session(given: Prepare[list[str]]) -> None:
    made, numbers = given(a_full_desk)
    clerk = made.clerk("liuyang")
    page = clerk.page
    fills_the_common_form(clerk, numbers)
    clerk.context.clear_cookies()
    page.get_by_role("button", name="提交 4 件").click()
    done = page.get_by_role("dialog", name="批量审批")
    expect(done.get_by_role("status")).to_have_text("成功 0 件，未成功 4 件", timeout=PATIENCE)
    expect(done.locator(".results li").filter(has_text="登录")).to_have_count(4)
    expect(done.get_by_role("button", name="返回表单")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("受理意见")).to_have_value("材料齐全")

    door = clerk.context.new_page()
    door.goto(f"{made.site.url}/login")
    door.get_by_role("textbox", name="账号").fill("liuyang")
    door.get_by_label("密码").fill(PASSWORD)
    with door.expect_navigation():
        door.get_by_role("button", name="登录", exact=True).click()
    door.close()
    # One that cannot be found any more, as when its case went to another office, keeps nobody else back.
    page.evaluate("document.querySelectorAll('#answers-form [name=task]')[1].value = '999999'")
    page.get_by_label("受理意见").focus()
    page.keyboard.press("Control+Enter")
    expect(done.get_by_role("status")).to_have_text("成功 3 件，未成功 1 件", timeout=PATIENCE)
    expect(done.locator(".results li").nth(1)).to_contain_text("没有这项任务")
    expect(done.get_by_role("button", name="返回表单")).to_be_hidden()
    expect(done.get_by_role("button", name="完成")).to_be_focused()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    clerk.arrived()
    assert (clerk.path, numbers_on(clerk)) == ("/inbox", numbers[1:2])
