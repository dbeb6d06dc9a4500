"""A simulated social insurance office. It shares no line with the client: both are held against wire/."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, request

from connectors._kit.sandbox import COMMON, Refusal, State, serve, sign, signature_holds

SECRET = "demo-social-key"  # noqa: S105 - known to everybody, of the simulator only
SCENARIOS = {**COMMON, "empty": "查无此人", "out_of_order": "页码错乱", "bad_signature": "应答签名错误"}
A_PAGE = 2
# The office books with a lag: nothing later is known yet.
DATA_MONTH = "202601"
# ID number → (unit, place, kind, first month, last month, base in yuan, state).
PERIODS: dict[str, list[tuple[str, str, str, str, str, str, str]]] = {
    "330106198803121014": [("安居市第一中学", "330106", "120", "201209", "202601", "5200.00", "1")],
    "330106198604161136": [
        ("安居市海风电子厂", "330106", "110", "201407", "201912", "6800.00", "1"),
        ("湛江市东海物流公司", "440802", "110", "201911", "202105", "7300.00", "1"),
        ("安居市思远商贸有限公司", "330106", "110", "202108", "202312", "20000.00", "1"),
        ("安居市思远商贸有限公司", "330106", "110", "202401", "202402", "20000.00", "4"),
        ("安居市思远商贸有限公司", "330106", "110", "202403", "202601", "24000.00", "1"),
    ],
    "330106197906301152": [
        ("安居市城建公司", "330106", "110", "200301", "202506", "4800.00", "3"),
        ("安居市西湖区灵活就业", "330106", "110", "202507", "202512", "4800.00", "2"),
    ],
}
TITLES: dict[str, list[tuple[str, str, str, str]]] = {
    "330106198803121014": [("中学一级教师", "中级", "ZJ2018003311", "20181120")],
}
PERIOD = ("aab004", "aab301", "aae140", "aae041", "aae042", "aic020", "aac031")
TITLE = ("zsmc", "zsdj", "zsbh", "fzrq")


def create(state: State) -> Callable[..., Any]:
    """The party's web application."""
    app = Flask(__name__)

    def answer(operation: str, rows: Callable[[Mapping[str, Any]], list[dict[str, Any]]]) -> Response:
        path = request.script_root + request.path
        if not signature_holds(SECRET, request, path):
            return Response('{"appcode":"9001"}', 401, content_type="application/json")
        asked = request.get_json()

        def encode(content: Mapping[str, Any], scenario: str) -> Response:
            if scenario == "changed_schema":
                content = {"code": content["appcode"], "data": content.get("result")}
            body = json.dumps(content, ensure_ascii=False).encode()
            made = Response(body, content_type="application/json; charset=utf-8")
            made.headers.update(sign(SECRET, "ANSWER", path, body, broken=scenario == "bad_signature"))
            return made

        subject = str(asked["aac002"])
        return serve(state, request, "social", operation, subject, lambda now: _page(state, asked, now, rows), encode)

    @app.post("/sbcx/periods")
    def periods() -> Response:
        return answer("periods", _periods)

    @app.post("/sbcx/titles")
    def titles() -> Response:
        return answer(
            "titles", lambda asked: [dict(zip(TITLE, one, strict=True)) for one in TITLES.get(asked["aac002"], [])]
        )

    return app


def _periods(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What overlaps the months asked for."""
    return [
        dict(zip(PERIOD, one, strict=True))
        for one in PERIODS.get(asked["aac002"], [])
        if one[3] <= asked["endMonth"] and one[4] >= asked["beginMonth"]
    ]


def _page(
    state: State,
    asked: Mapping[str, Any],
    scenario: str,
    rows: Callable[[Mapping[str, Any]], list[dict[str, Any]]],
) -> dict[str, Any]:
    if scenario == "business_error":
        raise Refusal(appcode="2001")
    if not asked.get("authNo"):
        raise Refusal(appcode="2002")
    person = state.people.get(str(asked["aac002"]))
    if scenario == "empty" or person is None or person.get("registered_name", person["name"]) != asked["aac003"]:
        return {"appcode": "1001"}
    found, number = rows(asked), int(asked["pageNo"])
    page = {
        "pageNo": number + 1 if scenario == "out_of_order" else number,
        "pageCount": -(-len(found) // A_PAGE),
        "dataMonth": DATA_MONTH,
        "rows": found[(number - 1) * A_PAGE : number * A_PAGE],
    }
    return {"appcode": "0000", "result": page}
