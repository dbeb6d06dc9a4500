"""A simulated tax interface: tokens that expire, and the yearly income of the seeded people."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from flask import Flask, Response, request

from connectors._kit.sandbox import COMMON, Refusal, State, serve

CLIENTS = {"anju-demo": "demo-tax-key"}
TOKEN_SECONDS = 600
SCENARIOS = {
    **COMMON,
    "empty": "没有申报记录",
    "mismatch": "姓名与号码不一致",
    "not_open": "年度尚未开放",
    "bad_signature": "令牌被拒绝",
}


def create(state: State) -> Callable[..., Any]:
    """The party's web application."""
    app = Flask(__name__)
    tokens: dict[str, float] = {}

    @app.post("/oauth/token")
    def token() -> Response:
        if state.shown("tax", "*") == "outage":
            return Response("maintenance", 503)
        asked = request.get_json()
        if CLIENTS.get(asked.get("clientId")) != asked.get("clientSecret"):
            return _json({"status": "INVALID_CLIENT"}, 401)
        made = secrets.token_urlsafe(24)
        with state.lock:
            tokens[made] = time.monotonic() + TOKEN_SECONDS
        return _json({"accessToken": made, "tokenType": "Bearer", "expiresIn": TOKEN_SECONDS})

    @app.post("/v1/income/annual")
    def income() -> Response:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if tokens.get(bearer, 0.0) < time.monotonic():
            return _json({"status": "INVALID_TOKEN"}, 401)
        asked = request.get_json()

        def encode(content: Mapping[str, Any], scenario: str) -> Response:
            if scenario == "changed_schema":
                return _json({"state": content["status"], "data": content.get("result")})
            return _json(content, 401 if content["status"] == "INVALID_TOKEN" else 200)

        person = str(asked["idNumber"])
        return serve(state, request, "tax", "income", person, lambda now: _work(state, asked, now), encode)

    return app


def _work(state: State, asked: Mapping[str, Any], scenario: str) -> dict[str, Any]:
    if scenario == "business_error":
        raise Refusal(status="REFUSED")
    if scenario == "bad_signature":
        raise Refusal(status="INVALID_TOKEN")
    person = state.people.get(asked["idNumber"], {})
    income = person.get("income")
    if scenario == "not_open":
        return {"status": "YEAR_NOT_OPEN"}
    if income is None or scenario == "empty":
        return {"status": "NOT_FOUND"}
    if scenario == "mismatch" or asked["name"] != person.get("registered_name", person["name"]):
        return {"status": "NAME_MISMATCH"}
    total = Decimal(income["monthly"]) * income["months"]
    items = [{"kind": "工资薪金所得", "amount": f"{total:.2f}"}]
    result = {"year": asked["year"], "totalIncome": f"{total:.2f}", "months": income["months"], "items": items}
    return {"status": "SUCCESS", "result": result}


def _json(content: Mapping[str, Any], status: int = 200) -> Response:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(body, status, content_type="application/json; charset=utf-8")
