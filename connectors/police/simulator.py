"""A simulated police interface over the seeded people."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, request

from connectors._kit.sandbox import COMMON, Refusal, State, serve, sign, signature_holds

SECRET = "demo-police-key"  # noqa: S105 - known to everybody, of the simulator only
SCENARIOS = {
    **COMMON,
    "empty": "查无此号",
    "mismatch": "姓名与号码不一致",
    "bad_signature": "应答签名错误",
}


def create(state: State) -> Callable[..., Any]:
    """The party's web application."""
    app = Flask(__name__)

    @app.post("/v1/household")
    def household() -> Response:
        path = request.script_root + request.path
        if not signature_holds(SECRET, request, path):
            return Response('{"code":"4001"}', 401, content_type="application/json")
        asked = request.get_json()
        person = str(asked["idNumber"])

        def encode(content: Mapping[str, Any], scenario: str) -> Response:
            if scenario == "changed_schema":
                content = {"resultCode": content["code"], "payload": content.get("data")}
            body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
            answer = Response(body, content_type="application/json; charset=utf-8")
            answer.headers.update(sign(SECRET, "ANSWER", path, body, broken=scenario == "bad_signature"))
            return answer

        return serve(state, request, "police", "household", person, lambda now: _work(state, asked, now), encode)

    return app


def _work(state: State, asked: Mapping[str, Any], scenario: str) -> dict[str, Any]:
    if scenario == "business_error":
        raise Refusal(code="2001", message="no authority for this item")
    if not asked.get("consentNumber"):
        raise Refusal(code="2002", message="consent is missing")
    if asked["idKind"] not in ("resident_id", "hkmt_permit"):
        return {"code": "1105", "message": "kind not served"}
    person = state.people.get(asked["idNumber"])
    if person is None or scenario == "empty":
        return {"code": "1103", "message": "no such number"}
    if scenario == "mismatch" or asked["name"] != person.get("registered_name", person["name"]):
        return {"code": "1101", "message": "mismatch"}
    household = person["household"]
    members = [
        {"name": member.get("registered_name", member["name"]), "relation": member["relation"]}
        for member in household["members"]
    ]
    found = {"number": household["number"], "address": household["address"], "members": members}
    data = {"match": "T", "alive": person.get("alive", True), "household": found}
    return {"code": "0", "message": "ok", "data": data}
