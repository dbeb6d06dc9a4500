"""What the journeys share: one browser, files to hand in, prepared installations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser

from tests.journeys.chromium import chromium
from tests.journeys.journey import Journey, Prepared, journey, prepared
from tests.journeys.site import Site
from tests.support.installation import Installation
from web.assets import STATIC

MATERIALS = ("身份证明", "户口簿", "收入证明", "婚姻状况证明")

Prepare = Callable[[Callable[[Installation], Prepared]], tuple[Journey, Prepared]]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; gone when the journeys are over, since Playwright holds the thread's event loop."""
    if not (STATIC / "vendor" / "manifest.json").exists():
        pytest.skip("the browser's parts are not built: make setup")
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A picture of each material, by the label of its field."""
    folder = tmp_path_factory.mktemp("photos")
    found = {}
    for number, label in enumerate(MATERIALS):
        page = Image.new("RGB", (420, 300), "white")
        ImageDraw.Draw(page).rectangle((20, 20 + number, 400, 280), outline="steelblue", width=3)
        found[label] = folder / f"{label}.png"
        page.save(found[label])
    return found


@pytest.fixture
def given(browser: Browser, filled: Path, tmp_path: Path) -> Iterator[Prepare[Prepared]]:
    """Starts an installation in which something has happened already; gives the journey and what was arranged."""
    with ExitStack() as stack:

        def begin(arrange: Callable[[Installation], Prepared]) -> tuple[Journey, Prepared]:
            site, found = stack.enter_context(prepared(filled, tmp_path / "data", arrange))
            return stack.enter_context(journey(browser, site)), found

        yield begin


@pytest.fixture(scope="module")
def place(
    request: pytest.FixtureRequest, filled: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, Any]]:
    """One installation for all tests of a file, in which the file's ``arranged`` has happened: (site, what it gave)."""
    with prepared(filled, tmp_path_factory.mktemp("place") / "data", request.module.arranged) as found:
        yield found


@pytest.fixture
def before(place: tuple[Site, Any]) -> Any:
    """What was there: the ``Before`` of the file."""
    return place[1]


@pytest.fixture
def made(browser: Browser, place: tuple[Site, Any]) -> Iterator[Journey]:
    """A journey of its own."""
    with journey(browser, place[0]) as found:
        yield found
