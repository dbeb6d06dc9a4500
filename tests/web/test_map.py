"""The map of our own pages: tiles through our own address, kept, and drawn by ourselves while the map is away."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from lxml import etree

from connectors.map import tiles as client
from engine.core import clock
from engine.core.geo import Point, metres
from engine.core.tiles import About
from tests.support.installation import Installation
from web import map as page
from web import map_offline, map_tiles
from web.turns import Turns

HOME = "安居市西湖区文二路100号"
TILE = "/map/tiles/14/13660/6757"


@pytest.fixture
def staff(anju: Installation, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A caseworker; nobody has asked for anything yet."""
    client._recent.clear()
    monkeypatch.setattr(page, "TILES", Turns(1200, 600))
    monkeypatch.setattr(page, "PLACES", Turns(30, 600))
    return anju.client(anju.staff("liuyang"))


def switch(anju: Installation, scenario: str) -> None:
    anju.simulators.state.switch("map", "*", scenario)
    client._recent.clear()


def kept(anju: Installation) -> list[Path]:
    return sorted((anju.parts.config.data / "tiles").rglob("*.png"))


def rested(anju: Installation) -> None:
    """The pause after a failure is over."""
    anju.app.extensions["anju_map"]._rest_until = 0.0


def test_a_tile_comes_from_our_own_address_and_is_kept(anju: Installation, staff: FlaskClient) -> None:
    first = staff.get(TILE)
    assert (first.status_code, first.content_type) == (200, "image/png")
    assert first.headers["Cache-Control"] == "private, max-age=86400"
    assert len(kept(anju)) == 1
    switch(anju, "outage")
    assert staff.get(TILE).data == first.data


def test_a_browser_that_has_a_tile_gets_no_second_one(staff: FlaskClient) -> None:
    tag = staff.get(TILE).headers["ETag"]
    again = staff.get(TILE, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert staff.get(TILE, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_citizen_sees_the_map_and_a_stranger_does_not(anju: Installation, staff: FlaskClient) -> None:
    assert anju.client(anju.citizen()).get(TILE).content_type == "image/png"
    for path in (TILE, "/map/about.json"):
        assert anju.client().get(path).status_code == 302
        assert anju.client().get(path, headers={"HX-Request": "true"}).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "14/16384/0",
        "14/0/16384",
        "20/1/1",
        "99999999999999999999/1/1",
        "-1/0/0",
        "1/-1/0",
        "1/1.5/0",
        "a/b/c",
        "1/1",
        "1/1/1/1",
        "1/1/..%2f..%2fanju.db",
        "1/1/http:%2f%2f127.0.0.1:1%2f",
        "1/1/1%00",
    ],
)
def test_rubbish_is_not_found_and_nobody_is_asked(anju: Installation, staff: FlaskClient, path: str) -> None:
    assert staff.get(f"/map/tiles/{path}").status_code == 404
    assert kept(anju) == []


def test_what_is_added_to_the_address_changes_nothing(anju: Installation, staff: FlaskClient) -> None:
    plain = staff.get(TILE).data
    assert staff.get(f"{TILE}?url=http://127.0.0.1:1/&z=3&key=mine").data == plain
    assert len(kept(anju)) == 1


def test_while_the_map_is_away_a_tile_of_our_own_says_so(anju: Installation, staff: FlaskClient) -> None:
    switch(anju, "outage")
    drawn = staff.get(TILE)
    assert (drawn.status_code, drawn.content_type) == (200, "image/svg+xml")
    assert "离线底图" in drawn.get_data(as_text=True)
    assert drawn.headers["Cache-Control"] == "no-store"
    assert kept(anju) == []
    assert staff.get("/map/about.json").get_json()["offline"] is True


def test_after_a_failure_the_map_is_left_alone_for_a_while(
    anju: Installation, staff: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def failing(zoom: int, x: int, y: int) -> bytes:
        asked.append((zoom, x, y))
        raise client.OutsideFault("no", code="unexpected_answer")

    monkeypatch.setattr("engine.core.tiles._sources", [map_tiles.tiles.Source(failing, lambda: About("", "k"))])
    for x in range(4):
        staff.get(f"/map/tiles/5/{x}/3")
    assert len(asked) == 1
    rested(anju)
    staff.get("/map/tiles/5/9/3")
    assert len(asked) == 2


def test_when_the_map_is_back_so_are_its_tiles(anju: Installation, staff: FlaskClient) -> None:
    switch(anju, "outage")
    assert staff.get(TILE).content_type.startswith("image/svg")
    switch(anju, "recovery")
    rested(anju)
    assert staff.get(TILE).content_type == "image/png"
    about = staff.get("/map/about.json").get_json()
    assert about == {"credit": "模拟地图（无审图号，不得用于办件）", "offline": False}


def test_an_old_tile_is_asked_for_anew_and_better_than_none(anju: Installation, staff: FlaskClient) -> None:
    staff.get(TILE)
    [path] = kept(anju)
    path.write_bytes(path.read_bytes() + b"old")
    os.utime(path, (clock.now().timestamp(),) * 2)
    clock.move_frozen(clock.now() + timedelta(days=200))
    switch(anju, "outage")
    assert staff.get(TILE).data.endswith(b"old")
    switch(anju, "recovery")
    rested(anju)
    assert not staff.get(TILE).data.endswith(b"old")


def test_without_any_map_configured_pages_still_have_one(
    anju: Installation, staff: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.core.tiles._sources", [])
    assert "离线底图" in staff.get(TILE).get_data(as_text=True)
    assert staff.get("/map/about.json").get_json() == {"credit": "", "offline": True}


def test_one_person_cannot_use_up_the_maps_quota(
    anju: Installation, staff: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "TILES", Turns(2, 600))
    kinds = [staff.get(f"/map/tiles/14/{13660 + x}/6757").content_type for x in range(3)]
    assert kinds == ["image/png", "image/png", "image/svg+xml"]
    assert anju.client(anju.staff("wangmin")).get("/map/tiles/14/13665/6757").content_type == "image/png"
    assert staff.get("/map/tiles/14/13660/6757").content_type == "image/png"


def test_the_shelf_does_not_grow_without_end(anju: Installation, staff: FlaskClient) -> None:
    for x in range(3):
        staff.get(f"/map/tiles/14/{13660 + x}/6757")
        clock.move_frozen(clock.now() + timedelta(minutes=1))
    assert map_tiles.tidy(anju.parts.config.data / "tiles", 2) == 1
    assert [path.parent.name for path in kept(anju)] == ["13661", "13662"]
    assert map_tiles.tidy(anju.parts.config.data / "tiles", 2) == 0


def test_an_address_and_a_place_lead_to_each_other(anju: Installation, staff: FlaskClient) -> None:
    found = staff.post("/map/place", data={"address": HOME, "csrf_token": "token"}).get_json()
    assert found["sure"] is True
    here = Point(found["longitude"], found["latitude"])
    assert 500 < metres(here, Point(120.142577, 30.287459)) < 1500
    back = staff.post("/map/address", data={**found, "csrf_token": "token"}).get_json()
    assert back == {"address": HOME, "district": "西湖区", "why": ""}
    nowhere = staff.post("/map/place", data={"address": "不存在的路", "csrf_token": "token"}).get_json()
    assert (nowhere["longitude"], nowhere["summary"]) == (None, "地图上没有找到该地址，请在地图上点选")


def test_a_question_to_the_map_needs_the_forms_token_and_sense(anju: Installation, staff: FlaskClient) -> None:
    assert staff.post("/map/place", data={"address": HOME}).status_code == 400
    assert anju.client().post("/map/place", data={"address": HOME, "csrf_token": "token"}).status_code in (302, 401)
    for path, values in (
        ("place", {"address": "长"}),
        ("place", {"address": "长" * 85}),
        ("address", {"longitude": "north", "latitude": "1"}),
        ("address", {"longitude": "181", "latitude": "1"}),
        ("address", {}),
    ):
        answer = staff.post(
            f"/map/{path}", data={**values, "csrf_token": "token"}, headers={"Accept": "application/json"}
        )
        assert answer.status_code == 422
    assert anju.simulators.state.log("map") == []


def test_a_map_in_trouble_says_what_to_do(
    anju: Installation, staff: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"address": HOME, "csrf_token": "token"}
    headers = {"X-CSRF-Token": "token", "Accept": "application/json"}
    switch(anju, "quota")
    answer = staff.post("/map/place", data=asked, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "map_quota")
    named = staff.post("/map/address", data={"longitude": "120.1", "latitude": "30.2", "csrf_token": "token"})
    assert (named.status_code, named.get_json()["address"]) == (200, None)
    assert "配额" in named.get_json()["why"]
    switch(anju, "recovery")
    monkeypatch.setattr(page, "PLACES", Turns(0, 600))
    answer = staff.post("/map/place", data=asked, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "too_often")
    assert "在地图上点选" in answer.get_json()["message"]


@pytest.fixture(params=[(0, 0, 0), (4, 13, 6), (10, 843, 387), (19, 437400, 216160)], ids=str)
def square(request: pytest.FixtureRequest) -> etree._Element:
    return etree.fromstring(map_offline.draw(*request.param))


def test_our_own_tile_names_degrees_and_needs_no_style(square: etree._Element) -> None:
    told = [str(one) for one in square.itertext()]
    assert "离线底图" in told
    assert any("°E" in one or "°W" in one for one in told)
    names = {name for one in square.iter() for name in one.attrib}
    assert names.isdisjoint({"style", "href", "class"})
    assert {etree.QName(one).localname for one in square.iter()} <= {"svg", "rect", "line", "text", "circle"}


def test_a_town_stands_on_our_own_tile_where_it_lies() -> None:
    told = map_offline.draw(8, 213, 105).decode()
    assert "杭州" in told
    assert "北京" not in told


def test_turns_come_back_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 1.0, 2.0, 11.0, 11.5])
    monkeypatch.setattr("web.turns.time.monotonic", lambda: next(times))
    turns = Turns(2, 10)
    assert [turns.take("a") for _ in range(3)] == [True, True, False]
    assert turns.take("a")
    assert turns.take("b")
