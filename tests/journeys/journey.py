"""One journey: what was there before, the running site, the people at their windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Browser

from engine.core import clock, demo_clock
from engine.core.db import transaction
from tests.journeys import site as sites
from tests.journeys.people import Citizen, Clerk
from tests.journeys.site import Site
from tests.journeys.window import PHONE, Window
from tests.support.installation import Installation, running

Prepared = TypeVar("Prepared")


class Journey:
    """Opens windows on a site and asks every page they passed to be in order."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self.browser, self.site = browser, site
        self._windows: list[Window] = []
        self._seen: set[str] = set()

    def citizen(self, phone: str = "", width: int = PHONE) -> Citizen:
        """A citizen at a window, signed in where a phone is given."""
        citizen = Citizen(self.browser, self.site, phone, width)
        self.watch(citizen)
        if phone:
            citizen.signs_in()
        return citizen

    def clerk(self, login: str) -> Clerk:
        """A caseworker who is signed in."""
        clerk = Clerk(self.browser, self.site, login)
        self.watch(clerk)
        clerk.signs_in()
        return clerk

    def watch(self, window: Window) -> None:
        """Judge the window's pages at the end of the journey."""
        window.seen = self._seen
        self._windows.append(window)

    def ends_well(self) -> None:
        """No page violated the CSP, failed in a script, lacked a name or was wider than its window."""
        problems = [problem for window in self._windows for problem in window.close()]
        assert not problems, "\n".join(problems)


@contextmanager
def journey(browser: Browser, site: Site) -> Iterator[Journey]:
    """A journey whose pages are judged at its end."""
    made = Journey(browser, site)
    yield made
    made.ends_well()


@contextmanager
def prepared(
    filled: Path, folder: Path, arrange: Callable[[Installation], Prepared]
) -> Iterator[tuple[Site, Prepared]]:
    """An installation on a copy of ``filled`` in which ``arrange`` has happened; its clock goes on from there."""

    def arranged() -> Prepared:
        really = clock.now()
        with running(filled, folder) as installation:
            found = arrange(installation)
            with transaction() as session:
                demo_clock.move(session, clock.now() - really)
        clock.set_offset(timedelta())
        return found

    # In a thread of its own: Playwright holds this one's event loop, and sealing a paper needs one.
    with ThreadPoolExecutor(1) as aside:
        found = aside.submit(arranged).result()
    with sites.started(folder) as site:
        yield site, found
