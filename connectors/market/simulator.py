"""A simulated register of firms. It shares no line with the client: both are held against wire/."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, request

from connectors._kit.sandbox import COMMON, Refusal, State, serve, sign, signature_holds

SECRET = "demo-market-key"  # noqa: S105 - known to everybody, of the simulator only
SCENARIOS = {**COMMON, "empty": "查无此人或此企业", "mismatch": "企业登记为另一名称", "bad_signature": "应答签名错误"}


def _firm(code: str, name: str, head: str, kind: str, capital: str | None, founded: str, state: str, does: str) -> Any:
    return {
        "tyshxydm": code,
        "mc": name,
        "fddbr": head,
        "lx": kind,
        "zczb": capital,
        "clrq": founded,
        "zt": state,
        "jyfw": does,
    }


FIRMS = {
    firm["tyshxydm"]: firm
    for firm in (
        _firm(
            "91330106MA2B0001XN",
            "安居市思远商贸有限公司",
            "陈思远",
            "有限责任公司",
            "100",
            "2018-05-11",
            "1",
            "日用百货",
        ),
        _firm("91330106MA2CC20248", "安居市海宁咨询工作室", "郑海宁", "个人独资企业", None, "2015-03-02", "2", "咨询"),
        _firm(
            "91330106742913560B",
            "安居市保障房运营有限公司",
            "吴国平",
            "国有独资公司",
            "20000",
            "2003-06-18",
            "1",
            "租赁",
        ),
        _firm("91440802MA4W9R7K25", "湛江市赤坎海鲜行", "冯广田", "个体工商户", None, "2009-09-09", "3", "水产零售"),
    )
}
# Who holds which post: ID number → (firm, role, share in per cent).
POSTS: dict[str, list[tuple[str, str, str | None]]] = {
    "330106198604161136": [("91330106MA2B0001XN", "A", "60"), ("91330106742913560B", "E", None)],
    "330106197906301152": [("91330106MA2CC20248", "B", "100")],
    "440802194807201257": [("91440802MA4W9R7K25", "G", "100")],
    "330106198803121014": [("91330106742913560B", "F", "0.5")],
}


def create(state: State) -> Callable[..., Any]:
    """The party's web application."""
    app = Flask(__name__)

    def answer(operation: str, subject: str, work: Callable[[str], dict[str, Any]]) -> Response:
        path = request.script_root + request.path
        if not signature_holds(SECRET, request, path):
            return Response('{"status":"401"}', 401, content_type="application/json")

        def encode(content: Mapping[str, Any], scenario: str) -> Response:
            if scenario == "changed_schema":
                content = {"code": content["status"], "data": content.get("body")}
            body = json.dumps(content, ensure_ascii=False).encode()
            made = Response(body, content_type="application/json; charset=utf-8")
            made.headers.update(sign(SECRET, "ANSWER", path, body, broken=scenario == "bad_signature"))
            return made

        return serve(state, request, "market", operation, subject, work, encode)

    @app.post("/v2/posts")
    def posts() -> Response:
        asked = request.get_json()
        return answer("posts", str(asked["zjhm"]), lambda scenario: _posts(state, asked, scenario))

    @app.post("/v2/firm")
    def firm() -> Response:
        asked = request.get_json()
        return answer("firm", str(asked["tyshxydm"]), lambda scenario: _registered(str(asked["tyshxydm"]), scenario))

    return app


def _posts(state: State, asked: Mapping[str, Any], scenario: str) -> dict[str, Any]:
    if scenario == "business_error":
        raise Refusal(status="4031")
    if not asked.get("sqh"):
        raise Refusal(status="4032")
    person = state.people.get(str(asked["zjhm"]))
    if scenario == "empty" or person is None or person.get("registered_name", person["name"]) != asked["xm"]:
        return {"status": "4041"}
    held = [
        {"tyshxydm": code, "mc": FIRMS[code]["mc"], "zw": role, "czbl": share, "zt": FIRMS[code]["zt"]}
        for code, role, share in POSTS.get(str(asked["zjhm"]), [])
    ]
    return {"status": "200", "body": {"rzxx": held}}


def _registered(code: str, scenario: str) -> dict[str, Any]:
    if scenario == "business_error":
        raise Refusal(status="4031")
    if scenario == "empty" or code not in FIRMS:
        return {"status": "4042"}
    found = FIRMS[code]
    return {"status": "200", "body": {**found, "mc": "安居市另名有限公司"} if scenario == "mismatch" else found}
