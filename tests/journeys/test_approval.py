"""Colleagues ask each other about tasks, as they would at their desks: dialogs that say first what will happen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from connectors.esign.house import PIN
from tests.engine.commands.approval.kit import LINE, begin, publish
from tests.journeys.conftest import Prepare
from tests.journeys.people import Clerk
from tests.journeys.window import DESK, HEIGHTS, PHONE, SHOTS
from tests.support.installation import Installation

pytestmark = pytest.mark.browser


def arrange(anju: Installation) -> str:
    return anju.case(begin(anju, publish("line", *LINE))).number


def opens(clerk: Clerk, number: str) -> None:
    """The task of a case, from the first list it stands in."""
    for view in ("mine", *(f"role-{role}" for role in ("first_review", "second_review", "approval"))):
        clerk.open(f"/inbox?view={view}")
        row = clerk.page.locator("a.row").filter(has_text=number)
        if row.count():
            clerk.leave_by(row.first)
            return
    raise AssertionError(f"{number} stands in no list of {clerk.login}")


def dialog(clerk: Clerk, verb: str) -> Locator:
    """Open an operation's dialog, from the row of verbs or the menu."""
    link = clerk.page.locator(".foot").get_by_role("link", name=verb, exact=True).locator("visible=true")
    if not link.count():
        clerk.page.locator(".foot summary").click()
    link.first.click()
    found = clerk.page.locator("dialog.verb-dialog[open]")
    expect(found).to_be_visible()
    pictures(clerk, f"dialog-{verb}")
    return found


def confirm(clerk: Clerk, box: Locator, button: str, said: str) -> None:
    clerk.leave_by(box.get_by_role("button", name=button, exact=True))
    clerk.sees(said)


def choose(box: Locator, name: str) -> None:
    box.locator("label.person").filter(has_text=name).first.click()


def says(clerk: Clerk, number: str, verdict: str, text: str) -> None:
    opens(clerk, number)
    clerk.page.locator("label.person").filter(has_text=re.compile(f"^{verdict}$")).click()
    clerk.page.get_by_label("意见", exact=True).fill(text)
    clerk.press("提交意见")
    clerk.sees("意见已提交")


def signs_with_certificate(clerk: Clerk, pin: str) -> None:
    """The keyboard alone chooses the certificate and goes on to the PIN."""
    chosen = clerk.page.get_by_role("group", name="签名").locator("input:checked")
    chosen.focus()
    while clerk.page.locator("input[name=sign]:checked").get_attribute("value") != "ca":
        clerk.page.keyboard.press("ArrowRight")
    clerk.page.keyboard.press("Tab")
    clerk.page.keyboard.type(pin)
    pictures(clerk, "sign")
    clerk.press("提交并办下一件")


def pictures(clerk: Clerk, name: str) -> None:
    for width in (PHONE, DESK) if SHOTS else ():
        clerk.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        clerk.picture(Path(SHOTS) / f"{name}-{width}.png")


def hands_in(clerk: Clerk, number: str) -> None:
    opens(clerk, number)
    clerk.page.get_by_label("同意", exact=True).check()
    clerk.press("提交并办下一件")
    clerk.sees("已提交")


def test_colleagues_ask_each_other_about_a_task(given: Prepare[str]) -> None:
    journey, number = given(arrange)
    wang, chen, zhao, liu = (journey.clerk(login) for login in ("wangmin", "chenhao", "zhaoling", "liuyang"))

    hands_in(wang, number)
    # 撤回: nobody has begun what followed.
    wang.open("/inbox?view=done-today")
    wang.leave_by(wang.page.locator("a.row").filter(has_text=number).first)
    wang.page.get_by_role("link", name="撤回").click()
    box = wang.page.locator("dialog.verb-dialog[open]")
    expect(box).to_contain_text("回到您的待办")
    confirm(wang, box, "确认撤回", "已撤回")
    wang.press("提交并办下一件")

    # 加签: the preview follows what is chosen.
    opens(chen, number)
    box = dialog(chen, "加签")
    choose(box, "赵玲")
    expect(box.locator("[data-effects]")).to_contain_text("赵玲先提意见")
    confirm(chen, box, "确认加签", "已加签")
    chen.sees("正在等待赵玲的意见")
    says(zhao, number, "同意", "面积无误")

    # 委派 comes back with the opinion; 会商 and 抄送 reach their people.
    opens(chen, number)
    box = dialog(chen, "委派")
    choose(box, "刘洋")
    box.get_by_label("原因").fill("请核对收入")
    confirm(chen, box, "确认委派", "已委派")
    says(liu, number, "仅提意见", "收入已核对")
    opens(chen, number)
    chen.sees("收入已核对")
    box = dialog(chen, "会商")
    box.get_by_label("会商内容").fill("@王敏 请补一页")
    confirm(chen, box, "发表", "已发表")
    box = dialog(chen, "抄送")
    choose(box, "刘洋")
    confirm(chen, box, "发送", "已抄送")
    wang.open("/messages")
    wang.sees("@王敏 请补一页")
    wang.press("全部标为已读")

    # 退回 and straight back.
    hands_in(chen, number)
    opens(zhao, number)
    box = dialog(zhao, "退回")
    choose(box, "办理a")
    choose(box, "直接送回我")
    box.get_by_label("原因").fill("附件缺页")
    expect(box.locator("[data-effects]")).to_contain_text("直接送回您这里")
    confirm(zhao, box, "确认退回", "已退回")
    # 催办 by somebody who waits for it.
    opens(wang, number)
    address = wang.path
    wang.sees("附件缺页")
    liu.open(address)
    box = dialog(liu, "催办")
    confirm(liu, box, "确认催办", "已催办")
    # By keyboard with her certificate: a wrong PIN leaves everything where it is.
    opens(wang, number)
    wang.page.get_by_label("同意", exact=True).check()
    signs_with_certificate(wang, "000000")
    wang.sees("CA 证书口令不正确，还可以输入 2 次。意见没有提交，填写的内容都在")
    expect(wang.page.get_by_label("同意", exact=True)).to_be_checked()
    expect(wang.page.get_by_label("CA 签名")).to_be_checked()
    signs_with_certificate(wang, PIN)
    wang.sees("已提交")

    # 转办: nobody else holds the role here, and the dialog says so.
    opens(zhao, number)
    box = dialog(zhao, "转办")
    expect(box).to_contain_text("没有可以转办的人")
    box.get_by_role("link", name="知道了").click()
    expect(box).to_have_count(0)

    # Handwriting, and the form that is printed.
    zhao.open("/desk/signature")
    pad = zhao.page.locator("canvas").bounding_box()
    assert pad is not None
    zhao.page.mouse.move(pad["x"] + 60, pad["y"] + 40)
    zhao.page.mouse.down()
    zhao.page.mouse.move(pad["x"] + 200, pad["y"] + 110, steps=6)
    zhao.page.mouse.up()
    expect(zhao.page.locator("input[type=file]")).not_to_have_value("")
    zhao.press("保存签名")
    zhao.sees("签名已保存")
    opens(zhao, number)
    signed = zhao.page.locator(".certified").filter(has_text=re.compile("CA 签名 · 王敏 · 证书 [0-9A-F]{20,}.*已核验"))
    expect(signed.first).to_be_visible()
    pictures(zhao, "certified")
    zhao.page.get_by_label("手写签名").check(force=True)
    zhao.page.get_by_label("同意", exact=True).check()
    zhao.press("提交并办下一件")
    zhao.sees("已提交")
    zhao.open("/inbox?view=done-today")
    zhao.leave_by(zhao.page.locator("a.row").filter(has_text=number).first)
    case = zhao.page.get_by_role("link", name=re.compile("查看办件")).first.get_attribute("href")
    assert zhao.fetch(f"{case}/approval.pdf").startswith(b"%PDF")
