"""What may be asked of the payment channels, the notices that they send, and their bill of a day."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import Schema, fields, validate

from connectors.payment import client
from connectors.payment.told import Told
from engine.core import clock
from engine.core.errors import Refused
from engine.core.inbound import JSON, NoticeCame, Reply, Taken, inbound, reconciliation
from engine.core.operations import Answer, Call, operation

_PURPOSE = "扫码收款"
_STATES = ["paid", "unpaid", "absent", "closed"]


class _OfOrder(Schema):
    channel = fields.String(required=True, validate=validate.OneOf(list(client.CHANNELS)), metadata={"title": "渠道"})
    number = fields.String(
        required=True, validate=validate.Regexp(r"^[0-9A-Za-z_-]{6,32}$"), metadata={"title": "商户订单号"}
    )


class OrderInputs(_OfOrder):
    title = fields.String(required=True, validate=validate.Length(min=1, max=60), metadata={"title": "商品名称"})
    amount_fen = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1), metadata={"title": "金额（分）"}
    )
    expires_at = fields.AwareDateTime(required=True, metadata={"title": "失效时间"})


class OrderOutputs(Schema):
    code_url = fields.String(required=True, metadata={"title": "二维码内容"})


class QueryOutputs(Schema):
    """The last three are known when it is paid."""

    state = fields.String(required=True, validate=validate.OneOf(_STATES), metadata={"title": "状态"})
    transaction = fields.String(required=True, metadata={"title": "渠道交易号"})
    amount_fen = fields.Integer(required=True, metadata={"title": "金额（分）"})
    paid_at = fields.String(required=True, metadata={"title": "支付时间"})


class CloseOutputs(Schema):
    state = fields.String(required=True, validate=validate.OneOf(["closed", "paid"]), metadata={"title": "状态"})


class RefundInputs(_OfOrder):
    transaction = fields.String(required=True, metadata={"title": "渠道交易号"})
    refund_number = fields.String(
        required=True, validate=validate.Regexp(r"^[0-9A-Za-z_-]{6,32}$"), metadata={"title": "退款单号"}
    )
    amount_fen = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1), metadata={"title": "退款金额（分）"}
    )
    total_fen = fields.Integer(required=True, strict=True, metadata={"title": "原支付金额（分）"})
    reason = fields.String(required=True, metadata={"title": "退款原因"})


class RefundOutputs(Schema):
    state = fields.String(
        required=True, validate=validate.OneOf(["done", "sent", "failed"]), metadata={"title": "退款状态"}
    )
    day = fields.String(required=True, metadata={"title": "退款日期"})


@operation(
    "payment.order", title="开立扫码订单", inputs=OrderInputs, outputs=OrderOutputs, party="payment", purpose=_PURPOSE
)
def order(call: Call) -> Answer:
    """The text of the QR code; the order's number makes a repeat harmless."""
    asked = call.inputs
    channel = client.channel(asked["channel"])
    found = channel.order(
        asked["number"], asked["title"], asked["amount_fen"], asked["expires_at"], call.idempotency_key
    )
    return Answer({"code_url": found})


@operation(
    "payment.query", title="查询扫码订单", inputs=_OfOrder, outputs=QueryOutputs, party="payment", purpose=_PURPOSE
)
def query(call: Call) -> Answer:
    """What became of an order."""
    told = client.channel(call.inputs["channel"]).query(call.inputs["number"], call.idempotency_key)
    return Answer(_plain(told))


@operation(
    "payment.close", title="关闭扫码订单", inputs=_OfOrder, outputs=CloseOutputs, party="payment", purpose=_PURPOSE
)
def close(call: Call) -> Answer:
    """Nobody can pay it any more, or it is paid."""
    return Answer({"state": client.channel(call.inputs["channel"]).close(call.inputs["number"], call.idempotency_key)})


@operation(
    "payment.refund", title="原路退款", inputs=RefundInputs, outputs=RefundOutputs, party="payment", purpose="退款"
)
def refund(call: Call) -> Answer:
    """Give money back; the refund's number makes a repeat harmless."""
    return _refunded(client.channel(call.inputs["channel"]).refund(call.inputs, call.idempotency_key))


@operation(
    "payment.refund_query",
    title="查询退款",
    inputs=RefundInputs,
    outputs=RefundOutputs,
    party="payment",
    purpose="退款",
)
def refund_query(call: Call) -> Answer:
    """What became of a refund."""
    return _refunded(client.channel(call.inputs["channel"]).refund_query(call.inputs, call.idempotency_key))


def _refunded(found: client.Refunded) -> Answer:
    return Answer({"state": found.state, "day": found.day.isoformat() if found.day else ""})


def _plain(told: Told) -> dict[str, Any]:
    return {
        "state": told.state,
        "transaction": told.transaction,
        "amount_fen": told.fen,
        "paid_at": told.paid_at.isoformat() if told.paid_at else "",
    }


# --- notices ------------------------------------------------------------------------------------------------------


def thank_wechat(taken: Taken) -> Reply:
    """WeChat comes again unless it is told SUCCESS."""
    if _taken(taken):
        return Reply(b'{"code":"SUCCESS","message":"OK"}', 200, JSON)
    status = 401 if taken.error is None and taken.result.get("forged") else 400
    return Reply(b'{"code":"FAIL","message":"REFUSED"}', status, JSON)


def thank_alipay(taken: Taken) -> Reply:
    """Alipay comes again unless it is told the plain word."""
    return Reply(b"success" if _taken(taken) else b"fail", 200, "text/plain; charset=utf-8")


@inbound("payment/wechat", thank_wechat)
def from_wechat(body: bytes, headers: Mapping[str, str]) -> NoticeCame:
    """A payment notice of WeChat."""
    return _notice("wechat", body, headers)


@inbound("payment/alipay", thank_alipay)
def from_alipay(body: bytes, headers: Mapping[str, str]) -> NoticeCame:
    """A payment notice of Alipay."""
    return _notice("alipay", body, headers)


def _notice(channel: str, body: bytes, headers: Mapping[str, str]) -> NoticeCame:
    """A forged one becomes an alarm, one an hour: a flood of them must not fill our books."""
    try:
        told = client.channel(channel).notice(body, headers)
    except Refused as error:
        if error.code != "bad_signature":
            raise
        hour = f"{clock.now():%Y%m%d%H}"
        return NoticeCame("payment", f"forged/{channel}/{hour}", "payment_forged", {"channel": channel, "hour": hour})
    content = {"channel": channel, "number": told.number, **_plain(told)}
    # The channel's notices differ in their own number while they say the same: what they say is the number.
    digest = hashlib.sha256(repr(sorted(content.items())).encode()).hexdigest()[:32]
    return NoticeCame("payment", f"{channel}/{digest}", "payment", content)


def _taken(taken: Taken) -> bool:
    return taken.error is None and taken.result.get("state") != "refused"


# --- the day's bill -----------------------------------------------------------------------------------------------


@reconciliation("payment", title="微信支付账单", against="wechat")
def wechat_bill(day: date) -> Mapping[str, Mapping[str, Any]]:
    """WeChat's list of a day."""
    return client.channel("wechat").bill(day)


@reconciliation("payment", title="支付宝账单", against="alipay")
def alipay_bill(day: date) -> Mapping[str, Mapping[str, Any]]:
    """Alipay's list of a day."""
    return client.channel("alipay").bill(day)
