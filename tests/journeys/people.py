"""The people of the journeys and what they do, in the words of their work."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.journeys.form import Form
from tests.journeys.site import Site
from tests.journeys.window import DESK, PHONE, Window
from tests.support.installation import FAMILY
from web.demo_data import PASSWORD

OFFICE = "西湖区住房保障所"
ITEM = "rental/eligibility_application"


class Citizen(Window):
    """Somebody with a phone."""

    def __init__(self, browser: Browser, site: Site, phone: str, width: int = PHONE) -> None:
        super().__init__(browser, site, width, "citizen")
        self.phone = phone

    def code(self) -> str:
        """The newest code on the phone, read from the page of the simulated SMS party."""
        messages = self.context.new_page()
        messages.goto(f"{self.site.simulators}/sms/")
        newest = (
            messages.get_by_role("listitem").filter(has_text=self.phone).filter(has_text="验证码").first.inner_text()
        )
        messages.close()
        found = re.search(r"验证码\D*(\d{6})", newest)
        assert found, newest
        return found[1]

    def asks_for_a_code(self) -> None:
        """Have a code sent to the phone."""
        self.field("手机号").fill(self.phone)
        self.press("获取验证码")
        self.sees("验证码已发送至")

    def signs_in(self) -> None:
        """Through the door of the portal, or the door that is open already."""
        if not self.path.startswith("/portal/sign-in"):
            self.open("/portal/sign-in")
        self.asks_for_a_code()
        self.field("短信验证码").fill(self.code())
        self.press("登录")

    def registers(self, name: str, id_number: str) -> None:
        """Open an account."""
        self.open("/portal/register")
        self.field("姓名").fill(name)
        self.field("证件号码").fill(id_number)
        self.asks_for_a_code()
        self.field("短信验证码").fill(self.code())
        self.page.get_by_role("checkbox").check()
        self.press("注册并登录")

    def opens_the_application_form(self) -> Form:
        """From the front page through the guide to the form of an office."""
        self.open("/portal")
        self.follow("保障资格申请")
        self.page.get_by_label("户籍或居住地所在的机构").select_option(label=OFFICE)
        button = "继续填写" if self.page.get_by_role("button", name="继续填写").count() else "开始申请"
        self.press(button)
        return Form(self.page)

    def submits(self) -> str:
        """Hand the application in; gives the number of the case."""
        self.press("提交申请")
        self.sees("申请已提交", "受理号")
        found = re.search(r"BZSQ-\d{4}-\d{6}", self.text())
        assert found, self.text()
        return found[0]

    def opens_the_case(self, number: str) -> None:
        """From the list of own cases."""
        self.open("/portal/cases")
        self.page.get_by_role("link").filter(has_text=number).first.click()
        self.page.wait_for_load_state()
        self.arrived()

    def objects(self, notice: str, reason: str) -> None:
        """To a public notice."""
        self.open(notice)
        self.follow("提出异议")
        self.field("异议的事实和理由").fill(reason)
        self.press("提交异议")
        self.sees("正在调查")


class Clerk(Window):
    """A caseworker at a desk."""

    def __init__(self, browser: Browser, site: Site, login: str, width: int = DESK) -> None:
        super().__init__(browser, site, width, "staff")
        self.login = login

    def signs_in(self) -> None:
        """With login and password."""
        if self.path != "/login":
            self.open("/login")
        self.field("账号").fill(self.login)
        self.page.get_by_label("密码").fill(PASSWORD)
        self.press("登录")

    def opens_the_task(self, queue: str, number: str) -> Form:
        """From the queue of a role; waits until the worker has brought the case there."""
        self.open("/inbox")
        self.page.get_by_role("navigation", name="队列").get_by_role("link", name=queue).first.click()
        self.page.wait_for_load_state()
        row = self.page.locator("a.row").filter(has_text=number)
        self.until(lambda: row.count() > 0, f"{queue} {number}")
        row.first.click()
        self.page.wait_for_load_state()
        self.arrived()
        return Form(self.page)

    def hands_in(self) -> None:
        """Submit the open task."""
        self.press("提交并办下一件")
        self.sees("已提交")

    def accepts(self, number: str, opinion: str = "材料齐全，符合受理条件") -> None:
        """受理."""
        form = self.opens_the_task("受理", number)
        form.choose("受理")
        form.fill("受理意见", opinion)
        self.hands_in()

    def asks_for_more(self, number: str, materials: Sequence[str], note: str) -> None:
        """补件."""
        form = self.opens_the_task("受理", number)
        form.choose("补件")
        for one in materials:
            form.tick(one)
        form.fill("补正说明", note)
        self.hands_in()

    def reviews(self, queue: str, number: str, answer: str, opinion: str) -> None:
        """初审, 复审 or 审批."""
        form = self.opens_the_task(queue, number)
        form.choose(answer)
        form.fill(f"{queue}意见", opinion)
        self.hands_in()

    def moves_the_clock(self, days: int) -> None:
        """The demo's clock, forward."""
        self.open("/demo/clock")
        self.press(f"向前 {days} 天")
        self.sees(f"演示时钟已向前拨 {days} 天")

    def opens_the_case(self, number: str) -> None:
        """By its number."""
        self.open(f"/cases?q={number}")
        self.page.get_by_role("main").get_by_role("link", name=number).first.click()
        self.page.wait_for_load_state()
        self.arrived()


def fills_the_family(form: Form, family: Mapping[str, Any], files: Mapping[str, Path]) -> None:
    """The whole application of a household."""
    form.choose(family["support_mode"])
    applicant = form.part("申请人")
    applicant.select("婚姻状况", family["marital_status"])
    applicant.region("居住地", *family["region"])
    form.choose(family["residence"])
    people = form.part("共同申请人")
    for row, (name, relation, id_number, minor) in enumerate(family["co_applicants"]):
        people.add()
        people.fill("姓名", name, row)
        people.select("与申请人的关系", relation, row)
        people.fill("证件号码", id_number, row)
        if minor:
            people.tick("未满 18 周岁", row)
    form.choose(family["situation"])
    form.part("现住房情况").fill("现住地址", family["address"])
    form.fill("上一年度家庭总收入（元）", family["income"])
    for label, file in files.items():
        form.upload(label, file)
    form.tick("我已阅读并同意")


def single(name: str, id_number: str, phone: str) -> dict[str, Any]:
    """What differs in the answers of a person who lives alone."""
    person = {"name": name, "id_number": id_number, "phone": phone, "marital_status": "10"}
    return {"applicant": FAMILY["applicant"] | person, "co_applicants": [], "declared_income_fen": 3_120_000}
