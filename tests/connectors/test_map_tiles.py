"""A tile of ours shows a place where it lies in WGS-84, whatever datum the map is drawn in."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageDraw
from werkzeug.wrappers import Request, Response

from connectors import load_all
from connectors.map import simulator
from connectors.map import tiles as client
from engine.core import tiles
from engine.core.errors import OutsideFault, Unreachable
from engine.core.geo import TILE, Point, convert, pixel

from .conftest import World, served

# A point in WGS-84 and the same place by GCJ-02, as published elsewhere (tests/engine/core/test_geo.py).
KNOWN_WGS, KNOWN_GCJ = Point(116.404, 39.915), (116.41024449916938, 39.91640428150164)
RED = (208, 2, 27)


class Drawn:
    """A service that draws one red dot on white squares of web Mercator; ``answer`` stands for all of them if set."""

    def __init__(self, at: tuple[float, float]) -> None:
        self.at, self.asked = at, []  # type: tuple[float, float], list[str]
        self.answer: Response | None = None

    def __call__(self, environ: Any, start: Any) -> Any:
        request = Request(environ)
        self.asked.append(request.full_path)
        answer = self.answer or Response(self.draw(*request.path.strip("/").split("/")), content_type="image/png")
        return answer(environ, start)

    def draw(self, z: str, x: str, y: str) -> bytes:
        across, down = pixel(Point(*self.at), int(z))
        place = (across - int(x) * TILE, down - int(y) * TILE)
        picture = Image.new("RGB", (TILE, TILE), "white")
        ImageDraw.Draw(picture).rectangle((place[0] - 2, place[1] - 2, place[0] + 2, place[1] + 2), fill=RED)
        return png(picture)


def png(picture: Image.Image) -> bytes:
    made = BytesIO()
    picture.save(made, "PNG")
    return made.getvalue()


@pytest.fixture
def drawn() -> Iterator[tuple[Drawn, str]]:
    service = Drawn(KNOWN_GCJ)
    with served(service) as url:
        yield service, url


def pointed(world: World, address: str, datum: str = "gcj02", **more: str) -> None:
    """Point the map at a service of tiles."""
    load_all({**world.environ, "ANJU_MAP_TILES": address, "ANJU_MAP_TILES_DATUM": datum, **more})


def red(zoom: int, point: Point) -> tuple[float, float]:
    """How far the middle of what is red lies from where ``point`` must be: pixels right and down."""
    across, down = pixel(point, zoom)
    x, y = int(across // TILE), int(down // TILE)
    with Image.open(BytesIO(tiles.fetch(zoom, x, y))) as opened:
        picture = opened.convert("RGB")
    assert picture.size == (TILE, TILE)
    found = [(i, j) for i in range(TILE) for j in range(TILE) if picture.getpixel((i, j)) == RED]
    assert found, "the tile shows no mark"
    # Of a mark that runs over the edge only a part is seen: the middle of what is there still lies near.
    middle = [sum(one[side] for one in found) / len(found) + 0.5 for side in (0, 1)]
    return middle[0] - (across - x * TILE), middle[1] - (down - y * TILE)


@pytest.mark.parametrize("zoom", [12, 15, 17, 18])
def test_a_known_point_of_gcj_02_is_shown_at_its_wgs_84_place(
    world: World, drawn: tuple[Drawn, str], zoom: int
) -> None:
    pointed(world, drawn[1] + "/{z}/{x}/{y}?tk={key}")
    right, down = red(zoom, KNOWN_WGS)
    assert abs(right) <= 1.6
    assert abs(down) <= 1.6


def test_read_in_a_wrong_datum_the_same_point_would_be_hundreds_of_metres_off(
    world: World, drawn: tuple[Drawn, str]
) -> None:
    pointed(world, drawn[1] + "/{z}/{x}/{y}", "wgs84")
    with pytest.raises(AssertionError, match="no mark"):
        red(17, KNOWN_WGS)


@pytest.mark.parametrize("address", list(simulator.KNOWN))
def test_a_place_of_the_simulated_map_is_shown_where_its_address_leads(world: World, address: str) -> None:
    found = convert(Point(*simulator.KNOWN[address][:2]), "bd09", "wgs84")
    right, down = red(16, found)
    assert abs(right) <= 3
    assert abs(down) <= 3


def test_a_street_goes_on_from_one_square_to_the_next(world: World) -> None:
    x, y = (int(side // TILE) for side in pixel(KNOWN_WGS, 16))
    columns = []
    for column, edge in ((x, TILE - 1), (x + 1, 0)):
        with Image.open(BytesIO(tiles.fetch(16, column, y))) as opened:
            columns.append([opened.convert("RGB").getpixel((edge, row)) for row in range(TILE)])
    differing = sum(one != other for one, other in zip(*columns, strict=True))
    assert differing <= 12, "every edge of a street may be a pixel off, no street more"
    assert len(set(columns[0])) > 1


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_the_ends_of_the_world_are_drawn_too(world: World, drawn: tuple[Drawn, str], datum: str) -> None:
    service, url = drawn
    pointed(world, url + "/{z}/{x}/{y}", datum)
    for zoom, x, y in ((0, 0, 0), (1, 0, 0), (1, 1, 1), (2, 3, 0), (2, 0, 3), (3, 7, 7)):
        with Image.open(BytesIO(tiles.fetch(zoom, x, y))) as opened:
            assert opened.size == (TILE, TILE)
    for asked in service.asked:
        z, x, y = (int(part) for part in asked.strip("/?").split("/"))
        assert 0 <= min(x, y) <= max(x, y) < 2**z, "no service has such a square"


def test_neighbours_share_what_they_are_cut_from_and_the_key_travels(world: World, drawn: tuple[Drawn, str]) -> None:
    service, url = drawn
    pointed(world, url + "/{z}/{x}/{y}?tk={key}", ANJU_MAP_TILES_TOKEN="own-key")
    tiles.fetch(15, 26976, 12411)
    tiles.fetch(15, 26977, 12411)
    assert len(service.asked) == len(set(service.asked)) == 6
    assert all(one.endswith("?tk=own-key") for one in service.asked)


def test_a_map_in_our_own_datum_is_passed_on_square_by_square(world: World, drawn: tuple[Drawn, str]) -> None:
    service, url = drawn
    pointed(world, url + "/{z}/{x}/{y}", "wgs84")
    tiles.fetch(10, 843, 387)
    assert service.asked == ["/10/843/387?"]


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (Response(b"<svg onload='x'/>", content_type="image/svg+xml"), OutsideFault, "unexpected_answer"),
        (Response(b"\x89PNG\r\n\x1a\n broken", content_type="image/png"), OutsideFault, "unexpected_answer"),
        (Response(b"{}", content_type="application/json"), OutsideFault, "unexpected_answer"),
        (Response(b"GIF89a", content_type="image/gif"), OutsideFault, "unexpected_answer"),
        (Response(png(Image.new("RGB", (512, 512))), content_type="image/png"), OutsideFault, "unexpected_answer"),
        (Response(b"x" * 300_000, content_type="image/png"), OutsideFault, "unexpected_answer"),
        (Response(b"", 404, content_type="image/png"), OutsideFault, "unexpected_answer"),
        (Response(b"", 403), OutsideFault, "unauthorised"),
        (Response(b"", 500), Unreachable, "unreachable"),
        (Response(b"", 503), Unreachable, "unreachable"),
        (Response(b"", 302, {"Location": "/elsewhere"}), Unreachable, "unexpected_answer"),
    ],
    ids=["svg", "broken", "json", "gif", "too wide", "too long", "missing", "key", "500", "503", "redirect"],
)
def test_what_is_no_picture_of_a_tile_is_never_shown(
    world: World, drawn: tuple[Drawn, str], answer: Response, error: type[OutsideFault], code: str
) -> None:
    service, url = drawn
    pointed(world, url + "/{z}/{x}/{y}")
    service.answer = answer
    with pytest.raises(error) as raised:
        tiles.fetch(3, 1, 1)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("address", "datum"),
    [("none", "gcj02"), ("http://127.0.0.1:9/tiles", "gcj02"), ("/tiles/{z}/{x}/{y}", "cgcs")],
)
def test_a_map_that_is_not_set_up_says_so_and_is_not_asked(world: World, address: str, datum: str) -> None:
    pointed(world, address, datum)
    with pytest.raises(OutsideFault) as raised:
        tiles.fetch(3, 1, 1)
    assert raised.value.code == "not_configured"


def test_one_map_is_told_from_another(world: World) -> None:
    known = set()
    for address, datum in (("/a/{z}/{x}/{y}", "bd09"), ("/b/{z}/{x}/{y}", "bd09"), ("/a/{z}/{x}/{y}", "wgs84")):
        pointed(world, address, datum, ANJU_MAP_CREDIT="某市测绘院 某审（2026）1 号")
        about = tiles.about()
        assert about is not None
        assert about.credit == "某市测绘院 某审（2026）1 号"
        known.add(about.key)
    assert len(known) == 3
    pointed(world, "none")
    assert tiles.about() is None


def test_a_simulated_map_in_trouble_gives_no_tile(world: World) -> None:
    for scenario in ("outage", "http_500", "garbage", "changed_schema"):
        world.state.switch("map", "*", scenario)
        client._recent.clear()
        with pytest.raises(OutsideFault):
            tiles.fetch(5, 26, 13)
    world.state.switch("map", "*", "recovery")
    assert tiles.fetch(5, 26, 13).startswith(b"\x89PNG")
