"""Simulated 数电发票 and 财政电子票据 platforms; most requests are queued for a moment, ``DEMO…`` is issued at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, redirect, render_template, request

import connectors.invoice.house as books
from connectors._kit.sandbox import COMMON, Refusal, State, every_second, serve, sign, signature_holds
from connectors.invoice.house import Bill, House, Notice, Slip

SCENARIOS = {
    **COMMON,
    "empty": "没有这张票",
    "no_stock": "票号用完",
    "login_lost": "开票员登录失效",
    "limit": "超过开票额度",
    "late": "排队开具，稍后通知",
    "late_refusal": "排队后没有开成",
    "lost_callback": "排队开具，通知丢失",
    "duplicate_callback": "排队开具，通知两次",
    "out_of_order": "排队开具，通知先后颠倒",
    "forged_callback": "排队开具，通知签名错误",
    "seal_failed": "已开具，签章失败",
    "needs_confirmation": "红字须购买方确认",
    "already_red": "已经红冲",
    "bad_signature": "应答签名错误",
}
QUEUED = {"late", "late_refusal", "lost_callback", "duplicate_callback", "out_of_order", "forged_callback"}
NOT_ISSUED = {"no_stock", "login_lost", "limit"}
# word: (tax side, finance side)
CODES = {
    "absent": ("4004", "E0404"),
    "business_error": ("2001", "E2001"),
    "no_invoice": ("4005", "E0405"),
    "not_ready": ("4006", "E0406"),
    "no_stock": ("5001", "E5001"),
    "login_lost": ("5002", "E5002"),
    "limit": ("5003", "E5003"),
    "already_red": ("6002", "E6002"),
}
Work = Callable[[str], Mapping[str, Any]]


def house(state: State) -> House:
    """The books of this ``state``; a reset forgets them."""
    return state.house("invoice", House)


def settings(state: State, url: str) -> dict[str, str]:
    """Two platforms under one address."""
    return {"ANJU_INVOICE_TAX_URL": f"{url}/tax", "ANJU_INVOICE_FISCAL_URL": f"{url}/fiscal"}


def listen(state: State) -> None:
    """In the demo the notices go out by themselves."""
    every_second(lambda: house(state).deliver(time.time()))


def create(state: State) -> Callable[..., Any]:
    """Both platforms' web application."""
    app = Flask(__name__, template_folder="pages")

    @app.get("/")
    def requests() -> str:
        found = house(state)
        bills = [found.present(one) for one in found.bills.values()]
        return render_template("requests.html", bills=bills, slips=list(found.slips.values()))

    @app.post("/finish/<channel>/<number>")
    def finish(channel: str, number: str) -> Any:
        house(state).finish(channel, number)
        return redirect("../../", 303)

    @app.post("/agree/<number>")
    def agree(number: str) -> Any:
        house(state).agree(number)
        return redirect("../", 303)

    _tax(app, state)
    _fiscal(app, state)
    return app


# --- what both do -------------------------------------------------------------------------------------------------


def _issue(state: State, bill: Bill, scenario: str) -> Bill:
    """Take a blue request."""
    known = house(state).find(bill.channel, bill.request)
    if known is not None and known.state != "failed":
        return house(state).place(bill)
    if scenario in NOT_ISSUED:
        raise Refusal(word=scenario)
    return _queued(state, bill, scenario)


def _queued(state: State, bill: Bill, scenario: str) -> Bill:
    """Into the queue, or done at once; and the notices that will tell of it. One that failed begins anew."""
    house(state).bills.pop((bill.channel, bill.request), None)
    waits = scenario in QUEUED or not bill.request.startswith(books.DEMO)
    pause = state.timing.answer_within if scenario in QUEUED else state.timing.late
    bill.ready_at = time.time() + pause if waits else 0.0
    if scenario == "late_refusal":
        bill.then, bill.why = "failed", _code(bill.channel, "no_stock")
    elif scenario == "seal_failed":
        bill.then = "seal_failed"
    if waits and scenario != "lost_callback":
        notice = Notice(bill, bill.ready_at, bill.then, forged=scenario == "forged_callback")
        house(state).notices.append(notice)
        if scenario == "duplicate_callback":
            house(state).notices.append(Notice(bill, bill.ready_at, bill.then))
        if scenario == "out_of_order":
            house(state).notices.append(Notice(bill, bill.ready_at, "working"))
    return house(state).place(bill)


def _blue(state: State, channel: str, number: str, request_number: str, scenario: str) -> Bill:
    """The blue bill that is to be turned red, which may be done by one request."""
    found = house(state).numbered(channel, number)
    if found is None or scenario == "empty":
        raise Refusal(word="no_invoice")
    red = house(state).red_of(channel, number)
    if scenario == "already_red" or (red and red.request != request_number):
        raise Refusal(word="already_red")
    return found


def _red(state: State, blue: Bill, request_number: str, notify: str, scenario: str) -> Bill:
    known = house(state).find(blue.channel, request_number)
    if known is not None and known.state != "failed":
        return known
    lines = [(name, -amount) for name, amount in blue.lines]
    facts = [*blue.facts, ("对应蓝字票号", blue.number)]
    made = Bill(blue.channel, request_number, -blue.amount, blue.payer, lines, notify, facts, red_of=blue.number)
    return _queued(state, made, scenario)


def _asked(state: State, channel: str, number: str, scenario: str) -> Bill:
    found = house(state).find(channel, number)
    if found is None or scenario == "empty":
        raise Refusal(word="absent")
    return found


def _code(channel: str, word: str) -> str:
    return CODES[word][channel == "fiscal"]


def _guarded(work: Work) -> Work:
    def run(scenario: str) -> Mapping[str, Any]:
        if scenario == "business_error":
            raise Refusal(word=scenario)
        return work(scenario)

    return run


# --- tax ----------------------------------------------------------------------------------------------------------


def _tax(app: Flask, state: State) -> None:
    def answer(operation: str, subject: str, work: Work, *, once: bool = True) -> Response:
        path = request.script_root + request.path
        if not signature_holds(books.TAX_SECRET, request, path):
            return Response('{"code":"4001"}', 401, content_type="application/json")

        def encode(content: Mapping[str, Any], scenario: str) -> Response:
            if "file" in content:
                body, media = content["file"], content["media"]
            else:
                told: dict[str, Any] = {"code": "0000", "message": "", "data": content}
                if "word" in content:
                    told = {"code": _code("tax", content["word"]), "message": "", "data": None}
                elif scenario == "changed_schema":
                    told["data"] = {f"x_{name}": value for name, value in content.items()}
                body, media = json.dumps(told, ensure_ascii=False).encode(), "application/json; charset=utf-8"
            made = Response(body, 200, content_type=media)
            made.headers.update(sign(books.TAX_SECRET, "ANSWER", path, body, broken=scenario == "bad_signature"))
            return made

        return serve(state, request, "invoice", operation, subject, _guarded(work), encode, once=once)

    @app.post("/tax/v1/invoices")
    def tax_issue() -> Response:
        asked = request.get_json()

        def work(scenario: str) -> Mapping[str, Any]:
            lines = [(one["name"], books.fen(one["amount"])) for one in asked["items"]]
            lease = asked.get("lease") or {}
            facts = [("坐落", lease["address"]), ("租期", f"{lease['from']} 至 {lease['to']}")] if lease else []
            amount, payer = books.fen(asked["totalAmount"]), asked["buyer"]["name"]
            bill = Bill("tax", asked["requestNo"], amount, payer, lines, asked["notifyUrl"], facts)
            return books.tax_data(_issue(state, bill, scenario))

        return answer("issue", asked["requestNo"], work)

    @app.post("/tax/v1/invoices/query")
    def tax_query() -> Response:
        number = request.get_json()["requestNo"]
        return answer("query", number, lambda now: books.tax_data(_asked(state, "tax", number, now)), once=False)

    @app.post("/tax/v1/red/slips")
    def tax_slip() -> Response:
        asked = request.get_json()
        number = asked["requestNo"]

        def work(scenario: str) -> Mapping[str, Any]:
            found = house(state)
            slip = found.slips.get(number)
            if slip is None:
                blue = _blue(state, "tax", asked["blueInvoiceNo"], number, scenario)
                waits = scenario == "needs_confirmation"
                slip = Slip(number, f"HZ{len(found.slips) + 1:010d}", blue.number, "02" if waits else "01")
                found.slips[number] = slip
                if not waits:
                    _red(state, blue, number, asked["notifyUrl"], scenario)
            return {"slipNo": slip.number, "status": slip.state}

        return answer("slip", number, work, once=False)

    @app.post("/tax/v1/red/invoices")
    def tax_red() -> Response:
        number = request.get_json()["requestNo"]

        def work(scenario: str) -> Mapping[str, Any]:
            slip = house(state).slips.get(number)
            if slip is None or slip.state not in ("01", "03"):
                raise Refusal(word="business_error")
            blue = _blue(state, "tax", slip.blue, number, scenario)
            return books.tax_data(_red(state, blue, number, blue.notify_url, scenario))

        return answer("red", number, work)

    @app.get("/tax/v1/files/<number>.<kind>")
    def tax_file(number: str, kind: str) -> Response:
        found = house(state).numbered("tax", number)

        def work(_: str) -> Mapping[str, Any]:
            if found is None or found.state != "issued":
                raise Refusal(word="not_ready")
            return {"file": books.file(found, kind), "media": f"application/{kind}"}

        return answer("file", found.request if found else number, work, once=False)


# --- fiscal -------------------------------------------------------------------------------------------------------


def _fiscal(app: Flask, state: State) -> None:
    def answer(operation: str, subject: str, work: Work, *, once: bool = True) -> Response:
        def encode(content: Mapping[str, Any], scenario: str) -> Response:
            broken = scenario == "bad_signature"
            if "file" in content:
                made = Response(content["file"], 200, content_type="application/zip")
                made.headers["X-Sign"] = books.mac(b"broken" if broken else content["file"])
                return made
            told = books.envelope("S0000", content, broken=broken)
            if "word" in content:
                told = books.envelope(_code("fiscal", content["word"]), None, broken=broken)
            elif scenario == "changed_schema":
                told = {f"x_{name}": value for name, value in told.items()}
            return Response(json.dumps(told), 200, content_type="application/json; charset=utf-8")

        return serve(state, request, "invoice", operation, subject, _guarded(work), encode, once=once)

    def asked() -> dict[str, Any] | None:
        return books.opened(request.get_json())

    forbidden = Response('{"result":"E0401"}', 401, content_type="application/json")

    @app.post("/fiscal/api/issue")
    def fiscal_issue() -> Response:
        given = asked()
        if given is None:
            return forbidden

        def work(scenario: str) -> Mapping[str, Any]:
            lines = [(one["chargeName"], one["amt"]) for one in given["details"]]
            facts = [("备注", given["remark"])] if given["remark"] else []
            number, amount = given["busNo"], given["totalAmt"]
            bill = Bill("fiscal", number, amount, given["payer"], lines, given["notifyUrl"], facts)
            return books.fiscal_data(_issue(state, bill, scenario))

        return answer("fiscal_issue", given["busNo"], work)

    @app.post("/fiscal/api/query")
    def fiscal_query() -> Response:
        given = asked()
        if given is None:
            return forbidden
        number = given["busNo"]
        return answer(
            "fiscal_query", number, lambda now: books.fiscal_data(_asked(state, "fiscal", number, now)), once=False
        )

    @app.post("/fiscal/api/writeoff")
    def fiscal_red() -> Response:
        given = asked()
        if given is None:
            return forbidden

        def work(scenario: str) -> Mapping[str, Any]:
            blue = _blue(state, "fiscal", given["billNo"], given["busNo"], scenario)
            return books.fiscal_data(_red(state, blue, given["busNo"], given["notifyUrl"], scenario))

        return answer("writeoff", given["busNo"], work)

    @app.post("/fiscal/api/download")
    def fiscal_download() -> Response:
        given = asked()
        if given is None:
            return forbidden
        found = house(state).numbered("fiscal", given["billNo"])

        def work(scenario: str) -> Mapping[str, Any]:
            if found is None or scenario == "empty":
                raise Refusal(word="no_invoice")
            if found.state != "issued":
                raise Refusal(word="not_ready")
            return {"file": books.bundle(found)}

        return answer("fiscal_download", found.request if found else given["billNo"], work, once=False)
