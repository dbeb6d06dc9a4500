"""A simulated vehicle register. It shares no line with the client: both are held against wire/."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, request

from connectors._kit.sandbox import COMMON, Refusal, State, serve, sign, signature_holds

SECRET = "demo-vehicles-key"  # noqa: S105 - known to everybody, of the simulator only
SCENARIOS = {**COMMON, "empty": "查无此人", "quota": "当日次数用完", "bad_signature": "应答签名错误"}
# ID number → (plate, kind, use, first registered, price in yuan, state).
CARS: dict[str, list[tuple[str, str, str, str, str | None, str]]] = {
    "330106198604161136": [("浙A6K882", "小型轿车", "A", "20210613", "286000.00", "A")],
    "330106197906301152": [
        ("浙A1D305", "小型轿车", "A", "20140302", "98000.00", "E"),
        ("浙A9T617", "轻型普通货车", "F", "20190820", None, "A"),
    ],
    "33010619950120146X": [("浙AD12087", "小型轿车", "G", "20230109", "152000.00", "A")],
}


def create(state: State) -> Callable[..., Any]:
    """The party's web application."""
    app = Flask(__name__)

    @app.post("/jdc/owned")
    def owned() -> Response:
        path = request.script_root + request.path
        if not signature_holds(SECRET, request, path):
            return Response('{"jgdm":"90"}', 401, content_type="application/json")
        asked = request.get_json()

        def encode(content: Mapping[str, Any], scenario: str) -> Response:
            if scenario == "changed_schema":
                content = {"code": content["jgdm"], "list": content.get("jdc")}
            body = json.dumps(content, ensure_ascii=False).encode()
            answer = Response(body, content_type="application/json; charset=utf-8")
            answer.headers.update(sign(SECRET, "ANSWER", path, body, broken=scenario == "bad_signature"))
            return answer

        subject = str(asked["sfzmhm"])
        return serve(state, request, "vehicles", "owned", subject, lambda now: _work(state, asked, now), encode)

    return app


def _work(state: State, asked: Mapping[str, Any], scenario: str) -> dict[str, Any]:
    if scenario in ("business_error", "quota"):
        raise Refusal(jgdm="91" if scenario == "business_error" else "92")
    person = state.people.get(str(asked["sfzmhm"]))
    if scenario == "empty" or person is None or person.get("registered_name", person["name"]) != asked["syr"]:
        return {"jgdm": "2"}
    names = ("hphm", "cllx", "syxz", "ccdjrq", "gcjg", "zt")
    return {"jgdm": "1", "jdc": [dict(zip(names, car, strict=True)) for car in CARS.get(str(asked["sfzmhm"]), [])]}
