"""The wire of the map's tiles: GET of a picture, its address made from a template. Ours are WGS-84, theirs may not be.

A tile of ours is cut out of the few of theirs that it lies on, in cells whose corners are reckoned one by one:
neighbours share corners, so streets go on over the edge. (The shift of BD-09 alone changes by several pixels.)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from math import floor
from threading import Lock
from typing import cast, get_args

from PIL import Image, UnidentifiedImageError

from connectors._kit import settings
from connectors._kit.answers import unexpected
from connectors._kit.http import get
from connectors._kit.settings import PartySettings
from engine.core.errors import OutsideFault, Unreachable
from engine.core.geo import TILE, Datum, at_pixel, convert, pixel
from engine.core.parties import RateLimit
from engine.core.tiles import About

# Pictures come in crowds: they do not use up the calls of the geocoder.
PACE = RateLimit(60, 1.0)
NONE = "none"
MAX_BYTES, KEPT = 200_000, 128
CELL = 64
Box = tuple[int, int, int, int]
# Four corners, one after the other.
Quad = tuple[int, ...]
_FORMATS = {"PNG", "JPEG", "WEBP"}
_lock = Lock()
# Neighbours share what they are cut from.
_recent: OrderedDict[str, bytes] = OrderedDict()


def fetch(zoom: int, x: int, y: int) -> bytes:
    """One tile in WGS-84 as PNG. Raises ``OutsideFault`` (``not_configured``, ``unexpected_answer``)."""
    party = _party()
    template, datum = _template(party), _datum(party)
    corners = {
        (across, down): _corner(zoom, x * TILE + across, y * TILE + down, datum)
        for across in range(0, TILE + 1, CELL)
        for down in range(0, TILE + 1, CELL)
    }
    west, north = (min(one[side] for one in corners.values()) // TILE for side in (0, 1))
    east, south = ((max(one[side] for one in corners.values()) - 1) // TILE for side in (0, 1))
    whole = Image.new("RGB", ((east - west + 1) * TILE, (south - north + 1) * TILE), "white")
    for column in range(west, east + 1):
        for row in range(max(north, 0), min(south, 2**zoom - 1) + 1):
            piece = _picture(party, _theirs(party, template, zoom, column % 2**zoom, row))
            whole.paste(piece, ((column - west) * TILE, (row - north) * TILE))
    cut = whole.transform((TILE, TILE), Image.Transform.MESH, _mesh(corners, west * TILE, north * TILE))
    made = BytesIO()
    cut.save(made, "PNG", optimize=True)
    return made.getvalue()


def about() -> About | None:
    """Whose map it is; None where no tiles are configured."""
    party = _party()
    if party.text("ANJU_MAP_TILES") == NONE:
        return None
    which = f"{party.url('ANJU_MAP_URL')} {party.text('ANJU_MAP_TILES')} {party.text('ANJU_MAP_TILES_DATUM')}"
    return About(party.values.get("ANJU_MAP_CREDIT", ""), sha256(which.encode()).hexdigest()[:12])


def _party() -> PartySettings:
    return replace(settings.of("map"), party="map_tiles", title="地图底图", rate_limit=PACE)


def _template(party: PartySettings) -> str:
    """The address with {z} {x} {y} and {key}; one that begins with / lies under the map's own."""
    text = party.text("ANJU_MAP_TILES")
    if text == NONE:
        raise OutsideFault("没有接入地图底图", code="not_configured")
    if not all(name in text for name in ("{z}", "{x}", "{y}")):
        raise OutsideFault("ANJU_MAP_TILES 应含 {z}、{x}、{y}，请管理员更正", code="not_configured")
    return party.url("ANJU_MAP_URL", text) if text.startswith("/") else text


def _datum(party: PartySettings) -> Datum:
    text = party.text("ANJU_MAP_TILES_DATUM")
    if text not in get_args(Datum):
        raise OutsideFault("ANJU_MAP_TILES_DATUM 应为 wgs84、gcj02 或 bd09，请管理员更正", code="not_configured")
    return cast(Datum, text)


def _corner(zoom: int, across: int, down: int, datum: Datum) -> tuple[int, int]:
    """The pixel of their square where a pixel of ours lies."""
    theirs = pixel(convert(at_pixel(across, down, zoom), "wgs84", datum), zoom)
    return floor(theirs[0] + 0.5), floor(theirs[1] + 0.5)


def _mesh(corners: Mapping[tuple[int, int], tuple[int, int]], left: int, top: int) -> list[tuple[Box, Quad]]:
    """What Pillow wants: each cell of ours with its corners in their picture, from the north-west against the sun."""
    found: list[tuple[Box, Quad]] = []
    for across in range(0, TILE, CELL):
        for down in range(0, TILE, CELL):
            box = (across, down, across + CELL, down + CELL)
            around = [(box[0], box[1]), (box[0], box[3]), (box[2], box[3]), (box[2], box[1])]
            quad = tuple(side for one in around for side in (corners[one][0] - left, corners[one][1] - top))
            found.append((box, quad))
    return found


def _theirs(party: PartySettings, template: str, zoom: int, x: int, y: int) -> bytes:
    address = template
    for name, value in {"z": zoom, "x": x, "y": y, "key": party.text("ANJU_MAP_TILES_TOKEN")}.items():
        address = address.replace(f"{{{name}}}", str(value))
    with _lock:
        if address in _recent:
            _recent.move_to_end(address)
            return _recent[address]
    content = _asked(party, address)
    with _lock:
        _recent[address] = content
        while len(_recent) > KEPT:
            _recent.popitem(last=False)
    return content


def _asked(party: PartySettings, address: str) -> bytes:
    got = get(party, address, {"Accept": "image/png,image/*", "X-Request-Id": "tile"})
    if got.status in (401, 403):
        raise OutsideFault(f"「{party.title}」不认可我方的密钥，请管理员核对 ANJU_MAP_TILES_TOKEN", code="unauthorised")
    if got.status == 500:
        raise Unreachable(f"「{party.title}」内部出错（500）")
    kind = got.headers.get("Content-Type", "").partition(";")[0]
    if got.status != 200 or not kind.startswith("image/") or len(got.response) > MAX_BYTES:
        raise unexpected(party)
    return got.response


def _picture(party: PartySettings, content: bytes) -> Image.Image:
    """The picture by its bytes, not by what it is called; only of a tile's size, so that none can fill the memory."""
    try:
        with Image.open(BytesIO(content)) as opened:
            if opened.format not in _FORMATS or opened.size != (TILE, TILE):
                raise unexpected(party)
            return opened.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise unexpected(party) from None
