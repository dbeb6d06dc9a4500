"""A simulated map: a few known addresses in its own datum, asked by a signed query. Shares no line with the client."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus

from flask import Flask, Response, request

from connectors._kit.sandbox import COMMON, Refusal, State, serve
from connectors.map.simulated_tiles import draw

AK, SK, TOKEN = "demo-map-ak", "demo-map-sk", "demo-map-tk"
SCENARIOS = {**COMMON, "empty": "没有该地址", "vague": "只能定位到区县", "quota": "当日配额用完"}
# Address → longitude and latitude in BD-09, district, code.
KNOWN = {
    "安居市蓬江区惠民里3幢": (113.098041, 22.601932, "蓬江区", "440703"),
    "安居市西湖区文二路100号": (120.142577, 30.287459, "西湖区", "330106"),
    "安居市政务服务中心": (113.088556, 22.584604, "蓬江区", "440703"),
}
QUIET = "*"


def create(state: State) -> Callable[..., Any]:
    """The party's web application."""
    app = Flask(__name__)

    def answer(operation: str, work: Callable[[str], Mapping[str, Any]]) -> Response:
        query = request.query_string.decode()
        asked, _, given = query.rpartition("&sn=")
        path = request.script_root + request.path
        wanted = hashlib.md5(quote_plus(f"{path}?{asked}{SK}").encode(), usedforsecurity=False).hexdigest()
        if given != wanted or parse_qs(asked).get("ak") != [AK]:
            return _written({"status": 211, "message": "APP SN校验失败"})

        def guarded(scenario: str) -> Mapping[str, Any]:
            if scenario == "business_error":
                raise Refusal(status=240, message="APP 服务被禁用")
            if scenario == "quota":
                raise Refusal(status=302, message="天配额超限")
            return work(scenario)

        def encode(content: Mapping[str, Any], scenario: str) -> Response:
            if scenario == "changed_schema" and "result" in content:
                content = {"status": 0, "data": content["result"]}
            return _written(content)

        return serve(state, request, "map", operation, QUIET, guarded, encode, once=False)

    @app.get("/geocoding/v3/")
    def geocoding() -> Response:
        return answer("geocode", lambda scenario: _geocoded(request.args["address"], scenario))

    @app.get("/reverse_geocoding/v3/")
    def reverse_geocoding() -> Response:
        return answer("reverse", lambda scenario: _reversed(request.args["location"], scenario))

    @app.get("/tiles/<int:z>/<int:x>/<int:y>.png")
    def tile(z: int, x: int, y: int) -> Response:
        if request.args.get("tk") != TOKEN:
            return Response("invalid tk", 403, content_type="text/plain")

        def picture(_: Mapping[str, Any], scenario: str) -> Response:
            broken = scenario in ("changed_schema", "business_error", "quota")
            content = b"<html>" if broken else draw(z, x, y, [place[:2] for place in KNOWN.values()])
            return Response(content, content_type="text/html" if broken else "image/png")

        return serve(state, request, "map", "tile", QUIET, lambda _: {}, picture, once=False)

    return app


def sn(query: str, secret: str) -> str:
    """The signature of a path with its plain query, as the service's own page reckons it."""
    encoded = quote(query, safe="/:=&?#+!$,;'@()*[]")
    return hashlib.md5(quote_plus(encoded + secret).encode(), usedforsecurity=False).hexdigest()


def _geocoded(address: str, scenario: str) -> dict[str, Any]:
    found = KNOWN.get(address.replace(" ", ""))
    if found is None or scenario == "empty":
        return {"status": 1, "msg": "Internal Service Error:无相关结果", "results": []}
    vague = scenario == "vague"
    return {
        "status": 0,
        "result": {
            "location": {"lng": found[0], "lat": found[1]},
            "precise": 0 if vague else 1,
            "confidence": 20 if vague else 80,
            "comprehension": 100,
            "level": "区县" if vague else "地产小区",
        },
    }


def _reversed(location: str, scenario: str) -> dict[str, Any]:
    """The known address within about a hundred metres."""
    latitude, _, longitude = location.partition(",")
    near = [
        (address, place)
        for address, place in KNOWN.items()
        if abs(place[0] - float(longitude)) < 0.001 and abs(place[1] - float(latitude)) < 0.001
    ]
    if not near or scenario == "empty":
        return {"status": 0, "result": {"formatted_address": "", "addressComponent": {"district": "", "adcode": "0"}}}
    address, place = near[0]
    component = {"district": place[2], "adcode": place[3]}
    return {"status": 0, "result": {"formatted_address": address, "addressComponent": component}}


def _written(content: Mapping[str, Any]) -> Response:
    return Response(json.dumps(content, ensure_ascii=False).encode(), content_type="application/json; charset=utf-8")
