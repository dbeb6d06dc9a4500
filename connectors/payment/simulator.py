"""Simulated WeChat Pay v3 and Alipay. The buyer pays on a page, by ``house(state).pay`` or at once (``DEMOPAID…``)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, redirect, render_template, request

import connectors.payment.house as books
from connectors._kit.sandbox import COMMON, Refusal, State, every_second, serve
from connectors.payment.house import House, Trade

SCENARIOS = {**COMMON, "bad_signature": "应答签名错误"}
PAID_AT_ONCE = "DEMOPAID"


def house(state: State) -> House:
    """The books of this ``state``; a reset forgets them."""
    return state.house("payment", House)


def settings(state: State, url: str) -> dict[str, str]:
    """Two gateways under one address."""
    return {"ANJU_PAYMENT_WECHAT_URL": url, "ANJU_PAYMENT_ALIPAY_URL": f"{url}/gateway.do"}


def listen(state: State) -> None:
    """In the demo the notices go out by themselves."""
    every_second(lambda: house(state).deliver(time.time()))


def create(state: State) -> Callable[..., Any]:
    """Both channels' web application."""
    app = Flask(__name__, template_folder="pages")

    @app.get("/")
    def orders() -> str:
        return render_template("orders.html", trades=books.told_of(house(state).trades))

    @app.post("/pay/<channel>/<number>")
    def pay(channel: str, number: str) -> Any:
        house(state).pay(channel, number)
        return redirect("../../", 303)

    _wechat(app, state)
    _alipay(app, state)
    return app


def _place(state: State, channel: str, number: str, title: str, amount: int, notify: str) -> Trade:
    trades = house(state).trades
    trade = trades.get((channel, number))
    if trade is None:
        trade = trades[channel, number] = Trade(channel, number, title, amount, notify)
        if number.startswith(PAID_AT_ONCE):
            house(state).pay(channel, number, notice=False)
            trade.transaction = books.DEMO + number.removeprefix(PAID_AT_ONCE)
            return trade
    if trade.amount != amount:
        raise Refusal(error="differs")
    if trade.state == "closed" or (trade.state == "paid" and not number.startswith(PAID_AT_ONCE)):
        raise Refusal(error=trade.state)
    return trade


def _close(state: State, channel: str, number: str) -> None:
    trade = _known(state, channel, number)
    if trade.transaction:
        raise Refusal(error="paid")
    trade.state = "closed"


def _refund(state: State, channel: str, transaction: str, number: str, amount: int) -> tuple[Trade, bool]:
    if transaction.startswith(books.DEMO):
        _known(state, channel, PAID_AT_ONCE + transaction.removeprefix(books.DEMO))
    trade = next((one for one in house(state).trades.values() if one.transaction == transaction), None)
    if trade is None:
        raise Refusal(error="absent")
    if number in trade.refunds:
        return trade, False
    if trade.refunded + amount > trade.amount:
        raise Refusal(error="not_enough")
    trade.refunds[number] = (amount, time.time())
    return trade, True


def _known(state: State, channel: str, number: str) -> Trade:
    if number.startswith(PAID_AT_ONCE):
        return _place(state, channel, number, "2026年3月租金", 52500, "")
    trade = house(state).trades.get((channel, number))
    if trade is None:
        raise Refusal(error="absent")
    return trade


# --- WeChat -------------------------------------------------------------------------------------------------------

WECHAT_ERRORS = {
    "absent": (404, "ORDER_NOT_EXIST"),
    "paid": (400, "ORDERPAID"),
    "closed": (400, "ORDER_CLOSED"),
    "differs": (403, "OUT_TRADE_NO_USED"),
    "not_enough": (403, "NOT_ENOUGH"),
    "business": (403, "NO_AUTH"),
    "no_bill": (400, "NO_STATEMENT_EXIST"),
}


def _wechat(app: Flask, state: State) -> None:
    def answer(operation: str, subject: str, work: Callable[[], Mapping[str, Any]], *, once: bool = True) -> Response:
        if not _signed():
            return Response('{"code":"SIGN_ERROR"}', 401, content_type="application/json")

        def work_or_refuse(scenario: str) -> Mapping[str, Any]:
            if scenario == "business_error":
                raise Refusal(error="business")
            return work()

        def encode(content: Mapping[str, Any], scenario: str) -> Response:
            status = 200
            if scenario == "changed_schema":
                content = {"data": {f"x_{name}": value for name, value in content.items()}}
            elif "error" in content:
                status, code = WECHAT_ERRORS[content["error"]]
                content = {"code": code, "message": ""}
            elif not content:
                status = 204
            body = b"" if status == 204 else json.dumps(content, ensure_ascii=False).encode()
            made = Response(body, status, content_type="application/json")
            made.headers.update(books.wechat_headers(body, broken=scenario == "bad_signature"))
            return made

        return serve(state, request, "payment", operation, subject, work_or_refuse, encode, once=once)

    @app.post("/v3/pay/transactions/native")
    def order() -> Response:
        asked = request.get_json()
        number, amount = asked["out_trade_no"], asked["amount"]["total"]

        def work() -> dict[str, Any]:
            _place(state, "wechat", number, asked["description"], amount, asked["notify_url"])
            return {"code_url": f"weixin://wxpay/bizpayurl?pr={number}"}

        return answer("order", number, work)

    @app.get("/v3/pay/transactions/out-trade-no/<number>")
    def query(number: str) -> Response:
        return answer("query", number, lambda: books.wechat_trade(_known(state, "wechat", number)), once=False)

    @app.post("/v3/pay/transactions/out-trade-no/<number>/close")
    def close(number: str) -> Response:
        def work() -> dict[str, Any]:
            _close(state, "wechat", number)
            return {}

        return answer("close", number, work)

    @app.post("/v3/refund/domestic/refunds")
    def refund() -> Response:
        asked = request.get_json()
        number = asked["out_refund_no"]

        def work() -> dict[str, Any]:
            trade, _ = _refund(state, "wechat", asked["transaction_id"], number, asked["amount"]["refund"])
            return books.wechat_refund(trade, number, done=False)

        return answer("refund", number, work)

    @app.get("/v3/refund/domestic/refunds/<number>")
    def refund_query(number: str) -> Response:
        def work() -> dict[str, Any]:
            for trade in house(state).trades.values():
                if number in trade.refunds:
                    return books.wechat_refund(trade, number, done=True)
            raise Refusal(error="absent")

        return answer("refund_query", number, work, once=False)

    @app.get("/v3/bill/tradebill")
    def bill() -> Response:
        day = request.args["bill_date"]

        def work() -> dict[str, Any]:
            rows = house(state).bill("wechat", day)
            if not rows:
                raise Refusal(error="no_bill")
            content = books.wechat_bill(rows)
            url = f"{request.host_url.rstrip('/')}{request.script_root}/v3/billdownload/file?day={day}"
            return {"hash_type": "SHA1", "hash_value": books.sha1(content), "download_url": url}

        return answer("bill", day, work, once=False)

    @app.get("/v3/billdownload/file")
    def bill_file() -> Response:
        if not _signed():
            return Response("", 401)
        rows = house(state).bill("wechat", request.args["day"])
        return Response(books.wechat_bill(rows), content_type="text/plain")


def _signed() -> bool:
    """Whether the merchant's Authorization header holds for this request."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    given = dict(part.split("=", 1) for part in rest.replace('"', "").split(",")) if "=" in rest else {}
    query = f"?{request.query_string.decode()}" if request.query_string else ""
    path = request.script_root + request.path + query
    text = f"{request.method}\n{path}\n{given.get('timestamp')}\n{given.get('nonce_str')}\n".encode()
    text += request.get_data() + b"\n"
    return scheme == "WECHATPAY2-SHA256-RSA2048" and books.holds("wechat", text, given.get("signature", ""))


# --- Alipay -------------------------------------------------------------------------------------------------------

ALIPAY_ERRORS = {
    "absent": "ACQ.TRADE_NOT_EXIST",
    "paid": "ACQ.TRADE_HAS_SUCCESS",
    "closed": "ACQ.TRADE_HAS_CLOSE",
    "differs": "ACQ.CONTEXT_INCONSISTENT",
    "not_enough": "ACQ.SELLER_BALANCE_NOT_ENOUGH",
    "business": "ACQ.ACCESS_FORBIDDEN",
    "no_bill": "isp.bill_not_exist",
}


def _fen(yuan: str) -> int:
    whole, _, part = yuan.partition(".")
    return int(whole) * 100 + int(part or 0)


def _alipay(app: Flask, state: State) -> None:
    def order(asked: Mapping[str, Any]) -> dict[str, Any]:
        number = asked["out_trade_no"]
        _place(state, "alipay", number, asked["subject"], _fen(asked["total_amount"]), request.form["notify_url"])
        return {"out_trade_no": number, "qr_code": f"https://qr.alipay.example/{number}"}

    def query(asked: Mapping[str, Any]) -> dict[str, Any]:
        trade = _known(state, "alipay", asked["out_trade_no"])
        paid = {"send_pay_date": books.local(trade.paid_at)} if trade.transaction else {}
        return {**books.alipay_trade(trade), **paid}

    def close(asked: Mapping[str, Any]) -> dict[str, Any]:
        _close(state, "alipay", asked["out_trade_no"])
        return {"out_trade_no": asked["out_trade_no"]}

    def refund(asked: Mapping[str, Any]) -> dict[str, Any]:
        fen = _fen(asked["refund_amount"])
        trade, moved = _refund(state, "alipay", asked["trade_no"], asked["out_request_no"], fen)
        return {
            "trade_no": trade.transaction,
            "out_trade_no": trade.number,
            "buyer_logon_id": books.PAYER["alipay"],
            "fund_change": "Y" if moved else "N",
            "refund_fee": books.yuan(trade.refunded),
        }

    def refund_query(asked: Mapping[str, Any]) -> dict[str, Any]:
        trade = next((one for one in house(state).trades.values() if one.transaction == asked["trade_no"]), None)
        if trade is None:
            raise Refusal(error="absent")
        number = asked["out_request_no"]
        if number not in trade.refunds:
            return {}
        return {
            "trade_no": trade.transaction,
            "out_trade_no": trade.number,
            "out_request_no": number,
            "total_amount": books.yuan(trade.amount),
            "refund_amount": books.yuan(trade.refunds[number][0]),
            "refund_status": "REFUND_SUCCESS",
        }

    def bill(asked: Mapping[str, Any]) -> dict[str, Any]:
        if not house(state).bill("alipay", asked["bill_date"]):
            raise Refusal(error="no_bill")
        base = f"{request.host_url.rstrip('/')}{request.script_root}"
        return {"bill_download_url": f"{base}/alipay-bill?day={asked['bill_date']}"}

    methods: dict[str, tuple[Callable[[Mapping[str, Any]], dict[str, Any]], bool]] = {
        "alipay.trade.precreate": (order, True),
        "alipay.trade.query": (query, False),
        "alipay.trade.close": (close, True),
        "alipay.trade.refund": (refund, True),
        "alipay.trade.fastpay.refund.query": (refund_query, False),
        "alipay.data.dataservice.bill.downloadurl.query": (bill, False),
    }

    @app.post("/gateway.do")
    def gateway() -> Response:
        form = request.form.to_dict()
        text = "&".join(f"{name}={form[name]}" for name in sorted(form) if name != "sign" and form[name])
        name = form.get("method", "").replace(".", "_") + "_response"
        if not books.holds("alipay", text.encode(), form.get("sign", "")):
            return _written(name, {"code": "40002", "sub_code": "isv.invalid-signature"}, "")
        asked = json.loads(form["biz_content"])
        work, once = methods[form["method"]]
        subject = str(asked.get("out_request_no") or asked.get("out_trade_no") or asked.get("bill_date"))

        def work_or_refuse(scenario: str) -> Mapping[str, Any]:
            if scenario == "business_error":
                raise Refusal(error="business")
            return work(asked)

        def encode(content: Mapping[str, Any], scenario: str) -> Response:
            if scenario == "changed_schema":
                told = {"status": "OK", "data": json.dumps(dict(content))}
            elif "error" in content:
                told = {"code": "40004", "msg": "Business Failed", "sub_code": ALIPAY_ERRORS[content["error"]]}
            else:
                told = {"code": "10000", "msg": "Success", **content}
            return _written(name, told, scenario)

        return serve(state, request, "payment", form["method"], subject, work_or_refuse, encode, once=once)

    @app.get("/alipay-bill")
    def alipay_bill_file() -> Response:
        day = request.args["day"]
        return Response(books.alipay_bill(day, house(state).bill("alipay", day)), content_type="application/zip")


def _written(name: str, told: Mapping[str, Any], scenario: str) -> Response:
    text = json.dumps(told, ensure_ascii=False)
    signature = books.sign("alipay", text.encode(), broken=scenario == "bad_signature")
    return Response(f'{{"{name}":{text},"sign":"{signature}"}}', content_type="application/json")
