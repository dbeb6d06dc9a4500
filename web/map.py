"""The map of our own pages: its tiles through our own address, places by address and back. For whoever is signed in."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, current_app, g, jsonify, make_response, request

from engine.core import operations, tiles
from engine.core.actor import Actor
from engine.core.errors import NotFound, OutsideFault, Refused
from engine.core.geo import is_tile
from engine.core.operations import Answer, Call
from web.map_tiles import Shelf
from web.security import SignInNeeded
from web.turns import Turns

pages = Blueprint("map", __name__)

DAY = 86_400
# What one person may have asked of the map: its quota is everybody's.
TILES, PLACES = Turns(1200, 600), Turns(30, 600)


@pages.get("/map/tiles/<int:z>/<int:x>/<int:y>")
def tile(z: int, x: int, y: int) -> Response:
    """A square of the map in WGS-84: PNG, or SVG drawn by ourselves while the map cannot be had."""
    actor = _someone()
    if not is_tile(z, x, y):
        raise NotFound("没有这张底图")
    shown = _shelf().tile(z, x, y, may_ask=lambda: TILES.take(actor.key))
    response = make_response(shown.content)
    response.headers["Content-Type"] = shown.media_type
    if shown.offline:
        return response
    response.headers["Cache-Control"] = f"private, max-age={DAY}"
    response.set_etag(shown.tag)
    return response.make_conditional(request)  # type: ignore[return-value]


@pages.get("/map/about.json")
def about() -> Response:
    """Whose map it is, and whether it cannot be had now."""
    _someone()
    found = tiles.about()
    return jsonify(credit=found.credit if found else "", offline=found is None or _shelf().resting)


@pages.post("/map/place")
def place() -> Response:
    """Where an address is: {longitude, latitude, sure, summary}; null where the map does not know it."""
    found = _ask(
        "map.geocode", {"address": request.form.get("address", "").strip(), "city": request.form.get("city", "")}
    )
    return jsonify(
        longitude=found["longitude"],
        latitude=found["latitude"],
        sure=found["result"] == "pass",
        summary=found["summary"],
    )


@pages.post("/map/address")
def address() -> Response:
    """The address of a place: {address}; null where there is none, with ``why`` where the map cannot be asked.

    The place was chosen already, its name is only a help: a map that is away is no failure of the page.
    """
    try:
        found = _ask("map.reverse", {name: request.form.get(name, "") for name in ("longitude", "latitude")})
    except OutsideFault as error:
        return jsonify(address=None, district=None, why=error.message)
    return jsonify(address=found["address"], district=found["district"], why="")


def _ask(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """One question to the map outside of any case. Raises ``Refused``, ``OutsideFault``."""
    actor = _someone()
    operation = operations.find(name)
    if operation.inputs.validate(inputs):
        raise Refused("请填写 2 到 84 个字的地址，或有效的经纬度", code="bad_place")
    if not PLACES.take(actor.key):
        raise Refused("查找过于频繁，请过几分钟再试，或直接在地图上点选", code="too_often")
    key = uuid4().hex
    answer = operation.run(Call(0, "", "", 0, key, "", key, operation.load_inputs(inputs, {}), actor=actor.key))
    if not isinstance(answer, Answer):
        raise OutsideFault("地图服务的应答不合约定", code="unexpected_answer")
    return operation.check_outputs(answer.variables)


def _someone() -> Actor:
    actor: Actor | None = g.actor
    if actor is None:
        raise SignInNeeded(portal="/portal" in (request.referrer or ""))
    return actor


def _shelf() -> Shelf:
    """The shelf of this application, made at first use."""
    parts = current_app.extensions["anju"]
    shelf: Shelf = current_app.extensions.setdefault("anju_map", Shelf(parts.config.data / "tiles"))
    return shelf
