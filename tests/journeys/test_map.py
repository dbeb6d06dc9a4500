"""A place on the map: chosen with the mouse, by keyboard and by a telephone that knows where it is."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from engine.commands import dispatch
from engine.commands.cases import StartCase
from engine.commands.publish import PublishItem
from engine.core.actor import SYSTEM
from tests.engine.workflow.kit import bpmn, chain, end, start, user
from tests.journeys.journey import Journey, journey, prepared
from tests.journeys.people import Clerk
from tests.journeys.window import PHONE, Window
from tests.support.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ITEM = "project/patrol"
HOME = "安居市西湖区文二路100号"
# The same place in WGS-84, as the map's own answer is converted.
THERE = {"longitude": 120.131487, "latitude": 30.283847}
FENCE = "={longitude: place.longitude, latitude: place.latitude, radius_m: 300}"
DECLARED = {
    "name": "项目巡查",
    "process": "patrol",
    "channels": ["counter"],
    "stages": ["办理"],
    "start_form": "ask",
    "roles": {"初审": "first_review"},
    "outcomes": {"end": "办结"},
    "numbering": "PATROL-{yyyy}-{seq:6}",
    "time_limit": {"statutory": "20 working days", "promised": "10 working days"},
}

SHAPE = (
    '<di:BPMNShape id="{0}_di" bpmnElement="{0}"><dc:Bounds x="{1}" y="{2}" width="{3}" height="{4}"/></di:BPMNShape>'
)
DRAWN = (
    '<di:BPMNDiagram xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" '
    'xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" id="drawn"><di:BPMNPlane id="plane" bpmnElement="patrol">'
    + SHAPE.format("start", 100, 102, 36, 36)
    + SHAPE.format("inspect", 190, 80, 100, 80)
    + SHAPE.format("end", 350, 102, 36, 36)
    + "</di:BPMNPlane></di:BPMNDiagram>"
)


def point(key: str, label: str, **properties: object) -> dict[str, object]:
    """A field «地图选点»."""
    return {
        "type": "aj-point",
        "id": key,
        "key": key,
        "label": label,
        "validate": {"required": True},
        "properties": properties,
    }


def form(name: str, title: str, *fields: dict[str, object]) -> bytes:
    group = {"type": "group", "id": f"{name}_group", "label": title, "components": list(fields)}
    return json.dumps({"type": "default", "id": name, "components": [group]}).encode()


@dataclass(frozen=True)
class Before:
    """A case whose project stands at ``THERE`` and waits for the inspector, for each test that ends it."""

    numbers: list[str]
    task_id: int


def arranged(anju: Installation) -> Before:
    """An item with a place in its application and a place in its inspection, within 300 metres of the first."""
    zeebe = '<zeebe:formDefinition formId="inspect"/><zeebe:assignmentDefinition candidateGroups="first_review"/>'
    body = (start(), user("inspect", zeebe), end(), chain("start", "inspect", "end"))
    model = bpmn(*body, process_id="patrol").replace(b"</bpmn:definitions>", DRAWN.encode() + b"</bpmn:definitions>")
    note: dict[str, object] = {"type": "textfield", "id": "finding", "key": "finding", "label": "巡查情况"}
    files = {
        f"processes/{ITEM}/item.yaml": json.dumps(DECLARED, ensure_ascii=False).encode(),
        f"processes/{ITEM}/patrol.bpmn": model,
        f"forms/{ITEM}/ask.form": form("ask", "项目", point("place", "项目位置")),
        f"forms/{ITEM}/inspect.form": form(
            "inspect", "现场", point("spot", "巡查位置", fence=FENCE, maxAccuracy=100), note
        ),
    }
    dispatch(PublishItem(ITEM, files), SYSTEM)
    clerk = anju.staff("liuyang")
    cases = [dispatch(StartCase(ITEM, {"place": THERE}, "counter", anju.office()), clerk) for _ in range(2)]
    anju.drain()
    return Before([one.number for one in cases], anju.tasks(cases[1].case_id)["inspect"].id)


def the_map(window: Window) -> Locator:
    """The map of the form, with its tiles."""
    found = window.page.locator("[data-anju-form] .leaflet-container")
    expect(found.locator("img.leaflet-tile-loaded").first).to_be_visible()
    return found


def degrees(window: Window) -> tuple[float, float]:
    """What stands in the fields of longitude and latitude."""
    fields = [window.page.get_by_role("textbox", name=re.compile(name)) for name in ("经度", "纬度")]
    expect(fields[0]).not_to_have_value("")
    return float(fields[0].input_value()), float(fields[1].input_value())


def test_a_place_is_found_by_its_address_mended_with_the_mouse_and_read_on_the_case(made: Journey) -> None:
    clerk = made.clerk("liuyang")
    clerk.open(f"/counter/apply/{ITEM}")
    field = clerk.page.get_by_role("textbox", name="项目位置", exact=True)
    field.fill("没有这条路 999 号")
    clerk.page.get_by_role("button", name="按地址查找").click()
    clerk.sees("地图上没有找到该地址，请在地图上点选")
    field.fill(HOME)
    clerk.page.get_by_role("button", name="按地址查找").click()
    clerk.sees("已定位到", "按地址查找）")
    assert degrees(clerk) == pytest.approx((THERE["longitude"], THERE["latitude"]), abs=0.0005)

    box = the_map(clerk).bounding_box()
    assert box
    clerk.page.mouse.click(box["x"] + box["width"] / 2 + 80, box["y"] + box["height"] / 2)
    clerk.sees("地图点选）")
    east, north = degrees(clerk)
    # 80 pixels at level 16 are 80 × 360 / (256 × 2¹⁶) degrees.
    assert east - THERE["longitude"] == pytest.approx(80 * 360 / (256 * 2**16), abs=0.0004)
    assert north == pytest.approx(THERE["latitude"], abs=0.0004)
    assert field.input_value() == HOME
    clerk.press("提交登记")

    clerk.open(f"/cases?q={_number(clerk)}")
    clerk.page.get_by_role("main").get_by_role("link", name=re.compile("PATROL-")).first.click()
    clerk.page.wait_for_load_state()
    clerk.arrived()
    clerk.sees(f"{HOME}，经度 {east:.6f}°，纬度 {north:.6f}°（地图点选）")
    clerk.page.get_by_text("在地图上看").first.click()
    shown = clerk.page.locator("[data-anju-map].leaflet-container").first
    expect(shown.locator("img.leaflet-tile-loaded").first).to_be_visible()
    expect(shown.locator(".aj-pin")).to_be_visible()
    expect(shown.locator(".leaflet-control-attribution")).to_contain_text("模拟地图")
    clerk.check()


def test_a_place_is_chosen_by_keyboard_and_must_lie_in_the_fence(made: Journey, before: Before) -> None:
    inspector = made.clerk("wangmin")
    inspector.opens_the_task("初审", before.numbers[0])
    where = the_map(inspector)
    expect(where.locator("path.aj-fence")).to_be_visible()
    # From the field of the address by Tab alone.
    inspector.page.get_by_role("textbox", name="巡查位置", exact=True).focus()
    for _ in range(3):
        inspector.page.keyboard.press("Tab")
    expect(where).to_be_focused()
    for _ in range(12):
        inspector.page.keyboard.press("ArrowRight")
        inspector.page.wait_for_timeout(300)
    inspector.page.keyboard.press("Enter")
    inspector.sees("地图点选）")
    inspector.page.get_by_role("button", name="提交并办下一件").click()
    inspector.sees("位置不在规定的范围内，请核对后重新选点")

    longitude, latitude = (inspector.page.get_by_role("textbox", name=re.compile(name)) for name in ("经度", "纬度"))
    longitude.fill("999")
    latitude.fill("30.2838")
    latitude.press("Enter")
    inspector.sees("经度应在 -180 到 180 之间")
    longitude.fill("120.1315")
    latitude.focus()
    latitude.press("Enter")
    inspector.sees("手工填写）")
    inspector.hands_in()


def test_a_telephone_on_the_spot_gives_its_place_with_its_error(
    made: Journey, before: Before, browser: Browser
) -> None:
    inspector = Clerk(browser, made.site, "wangmin", PHONE)
    made.watch(inspector)
    inspector.signs_in()
    inspector.context.grant_permissions(["geolocation"])
    inspector.context.set_geolocation({**THERE, "accuracy": 400})
    inspector.open(f"/tasks/{before.task_id}")
    the_map(inspector)
    inspector.page.get_by_role("button", name="定位").click()
    inspector.sees("设备定位，误差约 400 米）")
    inspector.page.get_by_role("button", name="提交并办下一件").click()
    inspector.sees("定位误差约 400 米，超过 100 米，请到开阔处重新定位")
    inspector.context.set_geolocation({**THERE, "accuracy": 12})
    inspector.page.get_by_role("button", name="定位").click()
    inspector.sees("设备定位，误差约 12 米）")
    inspector.hands_in()


def test_without_the_map_a_place_can_still_be_chosen(browser: Browser, filled: Path, tmp_path: Path) -> None:
    # An installation of its own: elsewhere the tiles of this view may have been kept.
    with prepared(filled, tmp_path / "data", arranged) as (site, _), journey(browser, site) as made:
        site.post_to_simulators("/_scenarios", party="map", subject="*", scenario="outage")
        clerk = made.clerk("liuyang")
        clerk.open(f"/counter/apply/{ITEM}")
        where = clerk.page.locator("[data-anju-form] .leaflet-container")
        expect(where.locator(".leaflet-control-attribution")).to_contain_text("离线底图")
        where.focus()
        clerk.page.keyboard.press("Enter")
        clerk.sees("已选定位置；没有取到地址", "地图点选）")
        clerk.check()


def _number(window: Window) -> str:
    found = re.search(r"PATROL-\d{4}-\d{6}", window.text())
    assert found, window.text()
    return found[0]
