"""A browser window that is watched: whatever page it comes to must keep what every page owes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Response, expect

from tests.journeys.site import Site

PHONE, DESK = 390, 1440
HEIGHTS = {PHONE: 844, DESK: 900}
PATIENCE = 15_000
CHECKS = Path(__file__).with_name("checks.js").read_text("utf-8")
TELL_VIOLATIONS = """addEventListener('securitypolicyviolation', (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));"""
# A page's own refusals are shown by the browser as errors too; a missing part of a page is found by its response.
REFUSED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
PARTS = ("script", "stylesheet", "image", "font")
EMPTY_FORM = "[data-anju-form]:not([data-ready])"
# A folder for a picture of every page passed, at both widths; nothing is kept where it is not set.
SHOTS = os.environ.get("JOURNEY_SHOTS", "")


class Window:
    """One person's window on a site. ``problems`` gathers what its pages did wrong."""

    def __init__(self, browser: Browser, site: Site, width: int, who: str = "") -> None:
        self.site, self.width, self.who = site, width, who
        # Pages that were looked at in both widths; windows of one journey share it.
        self.seen: set[str] = set()
        self.context = browser.new_context(
            viewport={"width": width, "height": HEIGHTS[width]}, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(TELL_VIOLATIONS)
        self.page: Page = self.context.new_page()
        self.problems: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self._note(f"script failed: {error}"))
        self.page.on("response", self._response)

    # --- going ---

    def open(self, path: str) -> None:
        """Go to an address of the site."""
        self.page.goto(path if "://" in path else self.site.url + path)
        self.arrived()

    def press(self, name: str, within: Locator | None = None) -> None:
        """Press a button that leads to another page."""
        self.leave_by((within or self.page).get_by_role("button", name=name, exact=True).first)

    def follow(self, name: str, within: Locator | None = None) -> None:
        """Follow a link."""
        self.leave_by((within or self.page).get_by_role("link", name=name).first)

    def reload(self) -> None:
        """Ask for the same page again."""
        self.page.reload()
        self.arrived()

    def arrived(self) -> None:
        """Wait for the page's parts, then check it."""
        expect(self.page.locator(EMPTY_FORM)).to_have_count(0, timeout=PATIENCE)
        self.check()

    def leave_by(self, place: Locator) -> None:
        """Click what leads to another page."""
        with self.page.expect_navigation(wait_until="load"):
            place.click()
        self.arrived()

    # --- looking ---

    def field(self, label: str) -> Locator:
        """A field of a plain form."""
        return self.page.get_by_role("textbox", name=label).first

    @property
    def path(self) -> str:
        """The path of the page that is open."""
        return urlsplit(self.page.url).path

    def text(self) -> str:
        """What the page says."""
        return self.page.locator("body").inner_text()

    def sees(self, *texts: str) -> None:
        """Each of the texts stands on the page."""
        for text in texts:
            expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible(timeout=PATIENCE)

    def sees_not(self, *texts: str) -> None:
        """None of the texts stands on the page."""
        said = self.text()
        for text in texts:
            assert text not in said, f"{self.path} says «{text}»"

    def soon(self, holds: Callable[[], bool], tries: int) -> bool:
        """Ask for the page again, a few times, until something holds; whether it came to hold."""
        for _ in range(tries):
            if holds():
                return True
            self.page.wait_for_timeout(200)
            self.page.reload()
        return holds()

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Ask for the page again until something holds that the worker brings about."""
        if not self.soon(holds, 150):
            raise AssertionError(f"{what} did not come about; {self.path} says:\n{self.text()[:1500]}")

    def until_it_says(self, text: str) -> None:
        """Ask for the page again until the worker's part shows."""
        self.until(lambda: text in self.text(), text)
        self.arrived()

    def file(self, link: str) -> bytes:
        """The file behind a link of the page, fetched with the window's session."""
        address = self.page.get_by_role("link", name=link).first.get_attribute("href")
        assert address
        return self.fetch(address)

    def fetch(self, path: str) -> bytes:
        """What an address of the site gives to this window's session."""
        answer = self.context.request.get(self.site.url + path)
        assert answer.ok, f"{path}: {answer.status}"
        return bytes(answer.body())

    def status(self, path: str) -> int:
        """The number an address answers this window with."""
        return self.context.request.get(self.site.url + path, max_redirects=0).status

    # --- watching ---

    def check(self) -> None:
        """The page keeps what every page owes; one that is met first is looked at in both widths."""
        kind = re.sub(r"\d+", "0", self.path)
        page = f"{self.who} {kind} {self.page.title()}"
        widths = [self.width] if page in self.seen else [DESK + PHONE - self.width, self.width]
        self.seen.add(page)
        for width in widths:
            if len(widths) > 1:
                self.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
            found: list[str] = self.page.evaluate(CHECKS)
            for problem in found:
                self._note(f"{width} px: {problem}")
            if SHOTS:
                self.picture(Path(SHOTS) / f"{self.who}{kind.replace('/', '_')}-{width}.png", full=True)

    def picture(self, path: Path, full: bool = False) -> None:
        """Keep a picture of the page."""
        self.page.screenshot(path=path, full_page=full, animations="disabled")

    def close(self) -> list[str]:
        """Close the window; gives what its pages did wrong."""
        self.context.close()
        return self.problems

    def _note(self, problem: str) -> None:
        line = f"{self.path}: {problem}"
        if line not in self.problems:
            self.problems.append(line)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not REFUSED.match(message.text):
            self._note(f"console: {message.text}")

    def _response(self, response: Response) -> None:
        request: Any = response.request
        if urlsplit(response.url).hostname not in ("127.0.0.1", None):
            self._note(f"another host: {response.url}")
        if response.status >= 500 or (response.status >= 400 and request.resource_type in PARTS):
            self._note(f"{response.status}: {urlsplit(response.url).path}")
