"""Every page, empty and filled, at both widths: usable by keyboard, and what every page owes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.journeys.journey import Journey, journey, prepared
from tests.journeys.people import ITEM
from tests.journeys.site import Site
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
)


@pytest.fixture(scope="module")
def place(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, list[str]]]:
    """An installation with a case in 公示 and one that waits; gives the addresses of staff and public pages."""

    def arrange(anju: Installation) -> list[str]:
        number, notice = in_publicity(anju)
        return [number, notice]

    with prepared(filled, tmp_path_factory.mktemp("every_page") / "data", arrange) as found:
        yield found


@pytest.fixture
def made(browser: Browser, place: tuple[Site, list[str]]) -> Iterator[Journey]:
    """A journey of its own."""
    with journey(browser, place[0]) as found:
        yield found


def test_anybody_can_walk_the_public_pages_by_keyboard(made: Journey, place: tuple[Site, list[str]]) -> None:
    _walks(made.citizen(), *FOR_ANYBODY, place[1][1])


def test_a_citizen_can_walk_the_own_pages_by_keyboard(made: Journey, place: tuple[Site, list[str]]) -> None:
    citizen = made.citizen("19900000001")
    _walks(citizen, *FOR_CITIZENS)
    citizen.opens_the_case(place[1][0])
    _walks(citizen, citizen.path)


def test_a_caseworker_can_walk_the_desk_by_keyboard(made: Journey, place: tuple[Site, list[str]]) -> None:
    clerk = made.clerk("sunqiang")
    _walks(clerk, *FOR_STAFF)
    clerk.opens_the_case(place[1][0])
    _walks(clerk, clerk.path)


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
