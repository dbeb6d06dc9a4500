"""Every page, empty and filled, at both widths: usable by keyboard, and what every page owes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from engine.commands import dispatch
from engine.commands.deputies import NameDeputies
from engine.commands.tasks import SaveDraft
from engine.core import clock
from tests.journeys.journey import Journey
from tests.journeys.papers import text_of
from tests.journeys.people import ITEM, single
from tests.journeys.test_objection import in_publicity
from tests.journeys.window import Window
from tests.support.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FOCUS = Path(__file__).with_name("focus.js").read_text("utf-8")
STEPS = 25
FOR_ANYBODY = ("/portal", "/portal/sign-in", "/portal/register", "/notices", "/verify", "/login", "/portal/nowhere")
FOR_CITIZENS = ("/portal/cases", "/portal/messages", "/portal/objections", f"/portal/apply/{ITEM}")
FOR_STAFF = (
    "/inbox",
    "/inbox?view=done-today",
    "/cases",
    "/counter",
    f"/counter/apply/{ITEM}",
    "/incidents",
    "/demo/clock",
    "/calendar",
    "/deadlines",
    "/deputies",
    "/deputies/office",
)


@dataclass(frozen=True)
class Before:
    """A case shown in public, and its notice. 刘洋 has a complete draft of an application at the counter."""

    number: str
    notice: str


def arranged(anju: Installation) -> Before:
    """One case in 公示, one draft, somebody who is away for three weeks; happens once, in ``place``."""
    begin = clock.now()
    dispatch(NameDeputies(begin, begin + timedelta(days=21), (), leave=True), anju.staff("wangmin"))
    clerk = anju.staff("liuyang")
    dispatch(
        SaveDraft(f"apply:{ITEM}", anju.family(clerk, **single("韩子墨", "330106199210301372", "19900000015"))), clerk
    )
    return Before(*in_publicity(anju))


def test_anybody_can_walk_the_public_pages_by_keyboard(made: Journey, before: Before) -> None:
    _walks(made.citizen(), *FOR_ANYBODY, before.notice)


def test_a_citizen_can_walk_the_own_pages_by_keyboard(made: Journey, before: Before) -> None:
    citizen = made.citizen("19900000001")
    _walks(citizen, *FOR_CITIZENS)
    citizen.opens_the_case(before.number)
    _walks(citizen, citizen.path)


def test_a_caseworker_can_walk_the_desk_by_keyboard(made: Journey, before: Before) -> None:
    clerk = made.clerk("sunqiang")
    _walks(clerk, *FOR_STAFF)
    clerk.opens_the_case(before.number)
    _walks(clerk, clerk.path)


def test_a_clerk_registers_at_the_counter_and_hands_over_the_slip(made: Journey) -> None:
    clerk = made.clerk("liuyang")
    clerk.open("/counter")
    clerk.follow("继续填写")
    clerk.press("提交登记")
    clerk.sees("收件凭条", "打印凭条", "凭受理号可在窗口或网上查询进度")
    number = clerk.page.locator(".number").inner_text()
    clerk.accepts(number)
    clerk.opens_the_case(number)
    clerk.until(lambda: clerk.page.get_by_role("link", name="受理通知书").count() > 0, "the slip of acceptance")
    slip = text_of(clerk.file("受理通知书"))
    for said in ("受理通知书", "韩子墨：", number, "公租房资格", "2026年3月2日", "承诺时限"):
        assert said in slip, slip


def _walks(window: Window, *paths: str) -> None:
    """Tab through the beginning of each page: what has the focus shows it and is in view."""
    for path in paths:
        window.open(path)
        for _ in range(STEPS):
            window.page.keyboard.press("Tab")
            found = window.page.evaluate(FOCUS)
            if found is None:
                break
            assert found["shows"], f"{path}: nothing shows that {found['what']} has the focus"
            assert found["inside"], f"{path}: {found['what']} has the focus out of sight"
