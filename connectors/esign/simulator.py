"""A simulated signing platform. Who is to sign does so on a page (``/``), or by the scenario of the flow."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, redirect, render_template, request

import connectors.esign.house as books
from connectors._kit.sandbox import COMMON, Refusal, State, serve, sign, signature_holds
from connectors.esign.house import Flow, House, house

SCENARIOS = {
    **COMMON,
    "empty": "查无此流程、文件或证书",
    "mismatch": "由他人签署",
    "bad_signature": "应答和回调签名错误",
    "clock_skew": "平台认为我方时间相差过大",
    "late": "自动签完，回调迟到",
    "lost_callback": "自动签完，回调丢失",
    "duplicate_callback": "自动签完，重复回调",
    "out_of_order": "自动签完，回调次序颠倒",
    "refused": "签署人拒签",
    "expired": "签署期满；不再受理",
    "face_failed": "人脸识别不通过",
    "not_archived": "签完尚未归档",
    "expired_certificate": "个人证书已过期",
}
PDF = "application/pdf"
Work = Callable[[Mapping[str, Any], str], Mapping[str, Any]]


def create(state: State) -> Callable[..., Any]:
    """The platform's web application."""
    app = Flask(__name__, template_folder="pages")
    # The demo's signed contract takes a moment to make: not at the first question about it.
    books.demo(books.DEMO_DONE)
    for path, (work, subject, once) in _operations(state).items():
        app.add_url_rule(path, path, _view(state, path, work, subject, once), methods=["POST"])
    _pages(app, state)
    return app


def _view(
    state: State, path: str, work: Work, subject: Callable[[Mapping[str, Any]], str], once: bool
) -> Callable[[], Response]:
    def view() -> Response:
        own = request.script_root + request.path
        stamp = request.headers.get("X-Timestamp", "")
        if stamp.isdecimal() and abs(time.time() - int(stamp)) > 900:
            return _json({"code": 1003, "message": "timestamp"}, own, "")
        if not signature_holds(books.SECRET, request, own, window=900):
            return Response('{"code":1001}', 401, content_type="application/json")
        asked = request.get_json()

        def work_or_refuse(scenario: str) -> Mapping[str, Any]:
            if scenario == "clock_skew":
                raise Refusal(code="1003")
            if scenario == "business_error":
                raise Refusal(code="2001")
            return work(asked, scenario)

        def encode(content: Mapping[str, Any], scenario: str) -> Response:
            if "binary" in content:
                return _signed(content["binary"], PDF, own, scenario)
            if "code" in content:
                return _json({**content, "code": int(content["code"]), "message": "refused"}, own, scenario)
            return _json({"code": 0, "message": "ok", "data": dict(content)}, own, scenario)

        return serve(state, request, "esign", path.strip("/"), subject(asked), work_or_refuse, encode, once=once)

    return view


def _json(told: Mapping[str, Any], path: str, scenario: str) -> Response:
    if scenario == "changed_schema" and "data" in told:
        told = {"status": "SUCCESS", "result": told["data"]}
    return _signed(json.dumps(told, ensure_ascii=False).encode(), "application/json; charset=utf-8", path, scenario)


def _signed(body: bytes, media_type: str, path: str, scenario: str) -> Response:
    answer = Response(body if scenario != "changed_schema" or media_type != PDF else b"<html>", content_type=media_type)
    answer.headers.update(sign(books.SECRET, "ANSWER", path, body, broken=scenario == "bad_signature"))
    return answer


# --- operations ---------------------------------------------------------------------------------------------------


def _operations(state: State) -> dict[str, tuple[Work, Callable[[Mapping[str, Any]], str], bool]]:
    def nobody(_: Mapping[str, Any]) -> str:
        return "-"

    def first(asked: Mapping[str, Any]) -> str:
        return str(asked["signers"][0]["idNumber"])

    def flow_number(asked: Mapping[str, Any]) -> str:
        return str(asked["flowId"])

    def account(asked: Mapping[str, Any]) -> str:
        return str(asked["account"])

    def digest(asked: Mapping[str, Any]) -> str:
        return str(asked["sha256"])

    def books_of() -> House:
        return house(state)

    def get(asked: Mapping[str, Any], scenario: str) -> Mapping[str, Any]:
        found = books_of().by_biz(asked["bizNo"]) if asked.get("bizNo") else _flow(state, asked, scenario)
        if found is None:
            raise Refusal(code="2301")
        return _shown(found)

    def create(asked: Mapping[str, Any], scenario: str) -> Mapping[str, Any]:
        return _shown(books_of().open(dict(asked), scenario))

    def rescind(asked: Mapping[str, Any], scenario: str) -> Mapping[str, Any]:
        _flow(state, asked, scenario)
        return _shown(books_of().rescind(dict(asked), scenario))

    def upload(asked: Mapping[str, Any], _: str) -> Mapping[str, Any]:
        return {"fileId": books_of().keep(asked["fileName"], base64.b64decode(asked["content"]))}

    def file(asked: Mapping[str, Any], scenario: str) -> Mapping[str, Any]:
        if scenario == "empty":
            raise Refusal(code="2202")
        return {"binary": books_of()._file(asked["fileId"])[1]}

    def flow_file(asked: Mapping[str, Any], scenario: str) -> Mapping[str, Any]:
        flow = _flow(state, asked, scenario)
        if flow.state not in (books.DONE, books.RESCINDED):
            raise Refusal(code="2303")
        if not flow.archived or scenario == "not_archived":
            raise Refusal(code="2302")
        return {"binary": flow.files[asked["index"]][2]}

    def sign_url(asked: Mapping[str, Any], scenario: str) -> Mapping[str, Any]:
        flow = _flow(state, asked, scenario)
        who = books_of().turn(flow, asked["order"])
        base = f"{request.host_url.rstrip('/')}{request.script_root}"
        return {"url": f"{base}/sign/{flow.number}/{who.order}", "expireAt": int(flow.expires_at)}

    def revoke(asked: Mapping[str, Any], scenario: str) -> Mapping[str, Any]:
        flow = _flow(state, asked, scenario)
        if flow.state == books.SIGNING:
            books_of().end(flow, books.WITHDRAWN, asked["reason"])
        if flow.state != books.WITHDRAWN:
            raise Refusal(code="2303")
        return _shown(flow)

    def seal(asked: Mapping[str, Any], scenario: str) -> Mapping[str, Any]:
        if scenario == "empty":
            raise Refusal(code="2501")
        return {"fileId": books_of().seal(asked["bizNo"], asked["sealId"], asked["fileId"], asked["reason"])}

    def verify(asked: Mapping[str, Any], scenario: str) -> Mapping[str, Any]:
        return books_of().standing("" if scenario == "empty" else asked["sha256"])

    def opinion(asked: Mapping[str, Any], scenario: str) -> Mapping[str, Any]:
        return {"signature": books_of().opinion(dict(asked), scenario)}

    return {
        "/v1/files": (upload, nobody, True),
        "/v1/files/get": (file, nobody, False),
        "/v1/files/verify": (verify, digest, False),
        "/v1/flows": (create, first, False),
        "/v1/flows/get": (get, flow_number, False),
        "/v1/flows/file": (flow_file, flow_number, False),
        "/v1/flows/sign-url": (sign_url, flow_number, False),
        "/v1/flows/revoke": (revoke, flow_number, False),
        "/v1/flows/rescind": (rescind, flow_number, False),
        "/v1/seals/sign": (seal, nobody, False),
        "/v1/opinions/sign": (opinion, account, True),
    }


def _flow(state: State, asked: Mapping[str, Any], scenario: str) -> Flow:
    if scenario == "empty":
        raise Refusal(code="2301")
    flow = house(state).of(asked["flowId"])
    if scenario == "expired" and flow.state == books.SIGNING:
        house(state).end(flow, books.EXPIRED, "EXPIRED")
    if scenario == "mismatch":
        flow.attach = "0" * 16
    return flow


def _shown(flow: Flow) -> dict[str, Any]:
    names = ("title", "attach", "state", "reason")
    return {
        "flowId": flow.number,
        "bizNo": flow.biz,
        **{name: getattr(flow, name) for name in names},
        "archived": flow.archived,
        "finishedAt": flow.finished_at,
        "signers": books.signers_of(flow),
        "files": [{"fileId": number, "fileName": name} for number, name, _ in flow.files],
    }


# --- pages --------------------------------------------------------------------------------------------------------


def _pages(app: Flask, state: State) -> None:
    @app.get("/")
    def flows() -> str:
        return render_template("flows.html", flows=list(house(state).flows.values())[::-1], words=books.WORDS)

    @app.get("/sign/<number>/<int:order>")
    def ask(number: str, order: int) -> tuple[str, int] | str:
        return _sign_page(state, number, order)

    @app.get("/sign/<number>/<int:order>/<int:index>.pdf")
    def document(number: str, order: int, index: int) -> Response:
        del order
        try:
            return Response(house(state).of(number).files[index][2], content_type=PDF)
        except (Refusal, IndexError):
            return Response("", 404)

    @app.post("/sign/<number>/<int:order>")
    def act(number: str, order: int) -> Any:
        wanted, own = request.form.get("act", ""), house(state)
        try:
            flow = own.of(number)
            if wanted == "sign":
                own.sign(flow, order)
            elif wanted == "face":
                own.turn(flow, order)
                own.end(flow, books.ENDED, "FACE")
            else:
                own.refuse(flow, order, request.form.get("reason", "")[:100])
        except Refusal as refusal:
            return _sign_page(state, number, order, str(refusal.content["code"]))
        return redirect(f"../../sign/{number}/{order}", 303)


def _sign_page(state: State, number: str, order: int, code: str = "") -> tuple[str, int] | str:
    said = {"2303": "流程已结束，或您已签署", "2305": "请等前一位签署后再签", "2304": "您不在签署人之中"}
    try:
        flow = house(state).of(number)
    except Refusal:
        return "没有这个流程", 404
    who = next((one for one in flow.signers if one.order == order), None)
    if who is None:
        return "没有这位签署人", 404
    return render_template("sign.html", flow=flow, who=who, error=said.get(code, code), words=books.WORDS)
