"""Takes the pictures of the README from a fresh demo: ``python -m tests.journeys.screenshots``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator

from tests.journeys import site as sites
from tests.journeys.chromium import chromium
from tests.journeys.journey import Journey, journey
from tests.journeys.people import Clerk
from tests.journeys.window import DESK, HEIGHTS, PHONE, Window

FOLDER = Path(__file__).resolve().parents[2] / "web" / "screenshots"
COLOURS = 192
# People the demo begins with: 曹景行 waits for the first review, 江映雪 was asked for a material.
REVIEWED, ASKED, NEW = "曹*行", "19900000018", "19900000001"
REVIEWS = (("wangmin", "初审", "拟准予资格"), ("chenhao", "复审", "拟准予资格"), ("zhaoling", "审批", "准予资格"))


def main() -> None:
    """Start a demo on an empty folder, walk it, keep the pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sites.demo(Path(folder) / "data") as site, chromium() as browser:
        take(browser, site)
    for picture in sorted(FOLDER.glob("*.png")):
        print(f"{picture.name}  {picture.stat().st_size // 1024} kB")


def take(browser: Browser, site: sites.Site) -> None:
    """All pictures of one walk."""
    with journey(browser, site) as made:
        _of_the_inbox(made)
        number = _of_the_desk(made)
        _of_the_clock(made)
        _of_the_phone(made)
        _of_the_publicity(made, number)


def _of_the_inbox(made: Journey) -> None:
    """A shared view with rows picked, its dialog, and the same list on a phone."""
    clerk = made.clerk("wangmin")
    clerk.open("/inbox?view=role-first_review")
    clerk.until(lambda: clerk.page.locator("a.row").count() > 0, "the task of the first review")
    clerk.page.get_by_role("link", name="新建视图").first.click()
    dialog = clerk.page.get_by_role("dialog", name="新建视图")
    dialog.get_by_label("名称").fill("西湖在办")
    dialog.get_by_text("经办人", exact=True).first.click()
    dialog.get_by_label("未领取").check()
    dialog.get_by_label("我", exact=True).check()
    dialog.get_by_label("到达时间").check()
    dialog.get_by_label("与本机构同事共享").check()
    _keep(clerk, "inbox-view-1440")
    clerk.press("保存视图", dialog)
    clerk.page.locator(".sel input").first.check()
    _keep(clerk, "inbox-1440")
    phone = Clerk(made.browser, made.site, "wangmin", PHONE)
    made.watch(phone)
    phone.signs_in()
    phone.open("/inbox?view=role-first_review")
    _keep(phone, "inbox-390")


def _of_the_desk(made: Journey) -> str:
    clerk = made.clerk("wangmin")
    row = clerk.page.locator("a.row").filter(has_text=REVIEWED)
    clerk.open("/inbox?view=role-first_review")
    clerk.until(lambda: row.count() > 0, "the task of the first review")
    clerk.leave_by(row.first)
    number = clerk.page.locator(".crumb a").last.inner_text()
    _in_both_widths(clerk, "task")
    clerk.page.locator(".foot summary").click()
    clerk.page.locator(".foot").get_by_role("link", name="加签", exact=True).locator("visible=true").first.click()
    _wait_for(clerk.page.locator("dialog.verb-dialog[open]"))
    _in_both_widths(clerk, "dialog")
    clerk.open(f"/cases?q={number}")
    clerk.leave_by(clerk.page.get_by_role("main").get_by_role("link", name=number).first)
    _wait_for(clerk.page.locator("[data-anju-diagram][data-ready] svg").first)
    _in_both_widths(clerk, "case")
    return number


def _of_the_clock(made: Journey) -> None:
    """The office's calendar, and what is late or soon will be."""
    supervisor = made.clerk("sunqiang")
    supervisor.open("/calendar")
    supervisor.follow("西湖区住房保障所", supervisor.page.get_by_role("navigation", name="选择机构"))
    _in_both_widths(supervisor, "calendar")
    supervisor.open("/deadlines")
    _in_both_widths(supervisor, "deadlines")


def _of_the_phone(made: Journey) -> None:
    applicant = made.citizen(NEW)
    form = applicant.opens_the_application_form()
    form.choose("公租房")
    _keep(applicant, "apply-390")
    asked = made.citizen(ASKED)
    asked.open("/portal/cases")
    asked.leave_by(asked.page.get_by_role("link").filter(has_text="BZSQ-").first)
    _keep(asked, "progress-390")


def _of_the_publicity(made: Journey, number: str) -> None:
    for login, queue, answer in REVIEWS:
        made.clerk(login).reviews(queue, number, answer, "情况属实，同意")
    visitor = made.citizen()
    visitor.open("/notices")
    visitor.until_it_says(number)
    visitor.leave_by(visitor.page.get_by_role("link").filter(has_text=number).first)
    _keep(visitor, "notice-390")


def _wait_for(place: Locator) -> None:
    place.wait_for(state="visible")


def _in_both_widths(window: Window, name: str) -> None:
    for width in (PHONE, DESK):
        window.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        _keep(window, f"{name}-{width}")


def _keep(window: Window, name: str) -> None:
    """A picture of what the window shows, with few colours so that it stays small."""
    path = FOLDER / f"{name}.png"
    window.picture(path)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(COLOURS)
    small.save(path, optimize=True)


if __name__ == "__main__":
    main()
