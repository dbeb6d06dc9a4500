"""What goes wrong at a keyboard: it is said at the field, in Chinese, and nothing typed is lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from engine.commands import dispatch
from engine.commands.tasks import SaveDraft
from tests.journeys.form import Form
from tests.journeys.journey import Journey
from tests.journeys.people import ITEM, single
from tests.support.installation import Installation, picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SUN, LUO = "19900000005", "19900000012"
WRONG_CHECK_DIGIT = "330106196511091118"
TYPED = "材料齐全，经核对原件无误"


@dataclass(frozen=True)
class Before:
    """Two cases that wait to be accepted (of the first also its id and its task); 孙伯年 has a complete draft."""

    number: str
    case_id: int
    task_id: int
    second_number: str


def arranged(anju: Installation) -> Before:
    """Two applications, one draft; happens once, in ``place``."""
    case, clerk, citizen = anju.apply(), anju.staff("liuyang"), anju.citizen(SUN)
    second = anju.apply(clerk, "counter", **single("韩子墨", "330106199210301372", "19900000015"))
    draft = anju.family(citizen, **single("孙伯年", "330106196511091117", SUN))
    dispatch(SaveDraft(f"apply:{ITEM}", draft), citizen)
    return Before(case.number, case.case_id, anju.tasks(case.case_id)["accept"].id, second.number)


def test_a_wrong_check_digit_is_said_at_the_field_and_what_was_typed_stays(made: Journey) -> None:
    citizen = made.citizen()
    citizen.phone = LUO
    citizen.open("/portal/register")
    citizen.field("姓名").fill("罗一鸣")
    citizen.field("证件号码").fill(WRONG_CHECK_DIGIT)
    citizen.asks_for_a_code()
    citizen.field("短信验证码").fill(citizen.code())
    citizen.page.get_by_role("checkbox").check()
    citizen.press("注册并登录")
    expect(citizen.field("证件号码")).to_have_attribute("aria-invalid", "true")
    citizen.sees("校验")
    assert citizen.field("姓名").input_value() == "罗一鸣"
    assert citizen.field("证件号码").input_value() == WRONG_CHECK_DIGIT


def test_the_form_says_each_mistake_at_its_field_and_refuses_files_by_their_content(
    made: Journey, tmp_path: Path
) -> None:
    clerk = made.clerk("liuyang")
    clerk.open("/counter")
    clerk.follow("开始登记")
    form = Form(clerk.page)
    applicant = form.part("申请人")
    applicant.fill("姓名", "孙伯年")
    applicant.fill("证件号码", WRONG_CHECK_DIGIT)
    applicant.fill("手机号码", "12345")
    assert "校验" in applicant.message("证件号码")
    assert "手机号" in applicant.message("手机号码")

    for name, content, said in (
        ("程序.png", b"MZ\x90\x00" + b"\x00" * 400, "按文件内容判断"),
        ("太大.png", picture() + b"\x00" * (20 * 1024 * 1024), "超过 20 MB 的上限"),
    ):
        form.hand_in("身份证明", _file(tmp_path, name, content))
        expect(form.material("身份证明").get_by_role("alert").filter(has_text=said)).to_be_visible()
    form.upload("身份证明", _file(tmp_path, "身份证.png", picture()))

    clerk.page.get_by_role("button", name="提交登记").click()
    clerk.sees("处需要修改")
    assert applicant.value("姓名") == "孙伯年"
    assert applicant.value("证件号码") == WRONG_CHECK_DIGIT


def test_a_double_click_on_submit_makes_one_case(made: Journey) -> None:
    citizen = made.citizen(SUN)
    form = citizen.opens_the_application_form()
    assert form.part("申请人").value("姓名") == "孙伯年"
    with citizen.page.expect_navigation(url="**/submitted"):
        citizen.page.get_by_role("button", name="提交申请").dblclick()
    citizen.arrived()
    citizen.sees("申请已提交")
    citizen.open("/portal/cases")
    assert citizen.page.get_by_role("link").filter(has_text="BZSQ-").count() == 1


def test_a_task_that_a_colleague_finished_says_who_and_shows_what_was_typed(made: Journey, before: Before) -> None:
    slow, quick = made.clerk("liuyang"), made.clerk("sunqiang")
    slow_form = slow.opens_the_task("受理", before.number)
    quick_form = quick.opens_the_task("受理", before.number)
    slow_form.choose("受理")
    slow_form.fill("受理意见", TYPED)
    quick_form.choose("受理")
    quick_form.fill("受理意见", "同意受理")
    quick.hands_in()
    slow.press("提交并办下一件")
    slow.sees("已由孙强办结", "您填写的内容（未提交）", TYPED)


def test_a_session_that_expired_in_mid_form_keeps_the_draft(made: Journey, before: Before) -> None:
    clerk = made.clerk("liuyang")
    form = clerk.opens_the_task("受理", before.second_number)
    form.choose("不予受理")
    form.fill("不予受理的理由", "申请人户籍不在本区，请到户籍地申请。")
    clerk.sees("已存")
    clerk.context.clear_cookies()
    clerk.page.get_by_role("button", name="提交并办下一件").click()
    clerk.sees("登录已过期", "还没有提交")
    assert "户籍不在本区" in form.value("不予受理的理由")
    clerk.reload()
    clerk.signs_in()
    assert "户籍不在本区" in Form(clerk.page).value("不予受理的理由")


def test_a_user_of_another_office_sees_nothing(made: Journey, before: Before) -> None:
    stranger = made.clerk("zhoujie")
    for path in (f"/cases/{before.case_id}", f"/tasks/{before.task_id}", f"/cases/{before.case_id}/diagram.json"):
        assert stranger.status(path) == 404, path
    stranger.open(f"/cases/{before.case_id}")
    stranger.sees("找不到")
    stranger.open(f"/cases?q={before.number}")
    stranger.sees_not("林*实")


def _file(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name
