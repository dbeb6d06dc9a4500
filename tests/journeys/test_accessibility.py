"""What axe-core finds on the pages people sit at all day: nothing serious, at either width."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from engine.commands import dispatch
from engine.commands.deputies import NameDeputies, Share
from engine.core import clock
from engine.core.config import ROOT
from tests.journeys.journey import Journey
from tests.journeys.people import ITEM
from tests.journeys.site import Site
from tests.journeys.window import Window
from tests.support.installation import Installation

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: make setup"),
]
WIDTHS = ((1440, 900), (390, 844))
GRAVE = ("serious", "critical")
PUBLIC = ("/portal", "/portal/sign-in", "/portal/register", "/notices", "/verify", "/login")
ASK = """async () => {
    const found = await axe.run(document, {resultTypes: ["violations"]});
    return found.violations.map(one => ({id: one.id, impact: one.impact, where: one.nodes.slice(0, 3).map(
        node => node.target.join(" ") + " " + (node.any[0] || node.all[0] || node.none[0] || {message: ""}).message)}));
}"""


@dataclass(frozen=True)
class There:
    """A case at its first review, and that task."""

    case_id: int
    task_id: int


def arranged(anju: Installation) -> There:
    """A case in review, a deputy for the reviewer, somebody on leave."""
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted", "accept_opinion": "材料齐全"})
    week = {"from_at": clock.now(), "until_at": clock.now() + timedelta(days=7)}
    boss = anju.staff("sunqiang")
    dispatch(NameDeputies(shares=(Share(boss.id),), **week), anju.staff("wangmin"))
    dispatch(NameDeputies(shares=(), leave=True, reason="年休假", **week), anju.staff("liuyang"))
    return There(case_id, anju.tasks(case_id)["first_review"].id)


def test_a_caseworkers_and_a_supervisors_pages_have_no_grave_fault(made: Journey, place: tuple[Site, There]) -> None:
    case, task = f"/cases/{place[1].case_id}", f"/tasks/{place[1].task_id}"
    pages = ["/inbox", task, case, "/cases", "/calendar", "/deputies", "/deputies/office", "/monitor/connectors"]
    _examine(made.clerk("sunqiang"), *pages, "/migrations", "/versions", "/incidents", "/deadlines", f"{case}/operate")


def test_a_citizens_pages_have_no_grave_fault(made: Journey, place: tuple[Site, There]) -> None:
    case = f"/portal/cases/{place[1].case_id}"
    citizen = made.citizen("19900000001")
    _examine(citizen, "/portal/cases", case, "/portal/messages", "/portal/objections", f"/portal/apply/{ITEM}")


def test_the_public_pages_have_no_grave_fault(made: Journey) -> None:
    _examine(made.citizen(), *PUBLIC)


def _examine(window: Window, *paths: str) -> None:
    """Open each page at each width and let axe look at it."""
    faults = []
    for width, height in WIDTHS:
        window.page.set_viewport_size({"width": width, "height": height})
        for path in paths:
            window.open(path)
            window.page.evaluate(AXE.read_text("utf-8"))
            for one in window.page.evaluate(ASK):
                if one["impact"] in GRAVE:
                    faults.append(f"{path} at {width}: {one['id']} ({one['impact']}) {one['where']}")
    assert not faults, "\n".join(faults)
