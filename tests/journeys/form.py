"""Fills a form of a page the way a person does: by the labels that can be read."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page, expect


class Form:
    """The form of the page, or one of its parts."""

    def __init__(self, page: Page, within: Locator | None = None) -> None:
        self.page = page
        self.place = within or page.locator("[data-anju-form]")

    def part(self, title: str) -> Form:
        """A titled part of the form."""
        return Form(self.page, self.place.get_by_role("group", name=title, exact=True))

    def fill(self, label: str, text: str, row: int = 0) -> None:
        """Type into a field; ``row`` counts within a list."""
        field = self.place.get_by_role("textbox", name=label, exact=True).nth(row)
        field.fill(text)
        field.blur()

    def value(self, label: str) -> str:
        """What a field holds."""
        return self.place.get_by_role("textbox", name=label, exact=True).first.input_value()

    def choose(self, answer: str) -> None:
        """Pick one of the answers that stand open."""
        self.place.get_by_role("radio", name=answer, exact=True).check()

    def tick(self, answer: str, row: int = 0) -> None:
        """Tick a box."""
        self.place.get_by_role("checkbox", name=answer, exact=True).nth(row).check()

    def select(self, label: str, answer: str, row: int = 0) -> None:
        """Pick from a list that opens."""
        field = self.place.get_by_role("textbox", name=label, exact=True).nth(row)
        # form-js hides the field itself behind the box that shows the choice.
        field.locator("xpath=..").click()
        self.place.locator(".fjs-dropdownlist-item").get_by_text(answer, exact=True).click()

    def region(self, label: str, *names: str) -> None:
        """Pick a division level by level."""
        for level, name in zip(("省级", "市级", "区县"), names, strict=True):
            self.place.get_by_label(f"{label} {level}").select_option(label=name)

    def add(self) -> None:
        """Add a row to a list."""
        self.place.get_by_role("button", name="添加一项").first.click()

    def upload(self, label: str, *files: Path) -> None:
        """Hand in files of a material; waits until they are there."""
        self.hand_in(label, *files)
        for file in files:
            expect(self.material(label).get_by_role("button", name=f"移除 {file.name}", exact=True)).to_be_visible()

    def hand_in(self, label: str, *files: Path) -> None:
        """Choose files without waiting for what becomes of them."""
        self.place.get_by_role("button", name=f"{label} 选择文件").set_input_files(files)

    def material(self, label: str) -> Locator:
        """The field of a material with its files and messages."""
        return self.place.locator(".fjs-form-field-aj-file").filter(has_text=label).first

    def message(self, label: str) -> str:
        """What is said at a field."""
        field = self.place.get_by_role("textbox", name=label, exact=True).first
        ids = (field.get_attribute("aria-describedby") or "").split()
        said = [self.page.locator(f'[id="{one}"]') for one in ids if one.endswith("-error-message")]
        return " ".join(one.inner_text() for one in said if one.count())
