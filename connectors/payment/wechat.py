"""The wire of WeChat Pay v3: JSON, signed with RSA both ways, notices sealed with AES-256-GCM."""

from __future__ import annotations

import csv
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

import orjson
from marshmallow import Schema, fields, validate

from connectors._kit import gateways, rsa
from connectors._kit.answers import read, unexpected
from connectors._kit.http import Exchange, get, post
from connectors._kit.settings import PartySettings
from connectors.payment.told import Refunded, Row, Told, fen, refused_close
from engine.core.clock import SHANGHAI
from engine.core.errors import Declined, OutsideFault, Refused, Unreachable

STATES = {
    "SUCCESS": "paid",
    "REFUND": "paid",
    "NOTPAY": "unpaid",
    "USERPAYING": "unpaid",
    "PAYERROR": "unpaid",
    "CLOSED": "closed",
    "REVOKED": "closed",
}
REFUNDS = {"SUCCESS": "done", "PROCESSING": "sent", "CLOSED": "failed", "ABNORMAL": "failed"}
DECLINED = {
    "ORDERPAID": ("order_paid", "订单已支付，不能再下单"),
    "ORDER_CLOSED": ("order_closed", "订单已在微信支付关闭"),
    "OUT_TRADE_NO_USED": ("order_differs", "订单号已用于另一笔收款"),
    "NOT_ENOUGH": ("not_enough", "微信支付账户余额不足，暂不能退款，请财务充值"),
    "NO_AUTH": ("no_authority", "商户没有开通这项产品权限，请联系微信支付"),
}
ABSENT = ("ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS")
NO_BILL = "NO_STATEMENT_EXIST"
MOST_BYTES = 65_536


class _Order(Schema):
    code_url = fields.String(required=True, validate=validate.Length(min=8, max=512))


class _Amount(Schema):
    class Meta:
        unknown = "exclude"

    total = fields.Integer(required=True, strict=True, validate=validate.Range(min=1))
    currency = fields.String(load_default="CNY", validate=validate.Equal("CNY"))


class _Trade(Schema):
    number = fields.String(required=True, data_key="out_trade_no")
    state = fields.String(required=True, data_key="trade_state", validate=validate.OneOf(list(STATES)))
    merchant = fields.String(required=True, data_key="mchid")
    transaction = fields.String(load_default="", data_key="transaction_id")
    amount = fields.Nested(_Amount, load_default=None)
    paid_at = fields.AwareDateTime(load_default=None, data_key="success_time")


class _Refund(Schema):
    state = fields.String(required=True, data_key="status", validate=validate.OneOf(list(REFUNDS)))
    at = fields.AwareDateTime(load_default=None, data_key="success_time", allow_none=True)


class _Bill(Schema):
    kind = fields.String(required=True, data_key="hash_type", validate=validate.Equal("SHA1"))
    digest = fields.String(required=True, data_key="hash_value")
    url = fields.String(required=True, data_key="download_url")


@dataclass(frozen=True)
class Wechat:
    """One merchant. Everything raises ``Unreachable``, ``Declined`` or another ``OutsideFault``."""

    party: PartySettings

    def order(self, number: str, title: str, fen: int, expires: datetime, key: str) -> str:
        """The text of the QR code; the same order again gives one again."""
        asked = {
            "appid": self.party.text("ANJU_PAYMENT_WECHAT_APP"),
            "mchid": self.merchant,
            "description": title,
            "out_trade_no": number,
            "time_expire": expires.astimezone(SHANGHAI).isoformat(timespec="seconds"),
            "notify_url": self.party.url("ANJU_PAYMENT_NOTIFY_URL", "/inbound/payment/wechat"),
            "amount": {"total": fen, "currency": "CNY"},
        }
        answer = self._ask("POST", "/v3/pay/transactions/native", key, asked)
        return str(self._read(_Order, answer)["code_url"])

    def query(self, number: str, key: str) -> Told:
        """What became of the order."""
        path = f"/v3/pay/transactions/out-trade-no/{quote(number)}?mchid={self.merchant}"
        answer = self._ask("GET", path, key)
        if answer.get("code") in ABSENT:
            return Told(number, "absent")
        told = self._told(self._read(_Trade, answer))
        if told.number != number:
            raise unexpected(self.party)
        return told

    def close(self, number: str, key: str) -> str:
        """``closed``, also where WeChat never heard of it, or ``paid``."""
        path = f"/v3/pay/transactions/out-trade-no/{quote(number)}/close"
        try:
            answer = self._ask("POST", path, key, {"mchid": self.merchant})
        except Declined as error:
            return refused_close(error)
        if answer and answer.get("code") not in ABSENT:
            raise unexpected(self.party)
        return "closed"

    def refund(self, asked: Mapping[str, Any], key: str) -> Refunded:
        """Give back; the same number again is the same refund."""
        amount = {"refund": asked["amount_fen"], "total": asked["total_fen"], "currency": "CNY"}
        told = {
            "transaction_id": asked["transaction"],
            "out_refund_no": asked["refund_number"],
            "reason": asked["reason"],
            "amount": amount,
        }
        return self._refunded(self._ask("POST", "/v3/refund/domestic/refunds", key, told))

    def refund_query(self, asked: Mapping[str, Any], key: str) -> Refunded:
        """What became of a refund."""
        return self._refunded(self._ask("GET", f"/v3/refund/domestic/refunds/{quote(asked['refund_number'])}", key))

    def notice(self, body: bytes, headers: Mapping[str, str]) -> Told:
        """Check, open and read a notice. Raises ``Refused``."""
        if len(body) > MOST_BYTES:
            raise Refused("消息过大，已拒收", code="message_too_large")
        if not gateways.wechat_holds(self._keys, headers, body):
            raise Refused("签名不正确，已拒收", code="bad_signature")
        try:
            plain = gateways.wechat_resource(
                self.party.secret("ANJU_PAYMENT_WECHAT_SECRET"), orjson.loads(body)["resource"]
            )
            return self._told(read(_Trade, self.party, orjson.loads(plain)))
        except (ValueError, LookupError, TypeError, OutsideFault) as error:
            raise Refused("消息不是约定的格式，已拒收", code="bad_message") from error

    def bill(self, day: date) -> Mapping[str, Row]:
        """The day's payments and refunds, with the totals checked."""
        path = f"/v3/bill/tradebill?bill_date={day.isoformat()}&bill_type=ALL"
        answer = self._ask("GET", path, f"bill-{day:%Y%m%d}")
        if answer.get("code") == NO_BILL:
            return {}
        known = self._read(_Bill, answer)
        parts = urlsplit(known["url"])
        if parts.netloc != urlsplit(self.party.text("ANJU_PAYMENT_WECHAT_URL")).netloc:
            raise unexpected(self.party)
        got = get(self.party, known["url"], self._headers("GET", known["url"], b"", f"file-{day:%Y%m%d}"))
        digest = hashlib.sha1(got.response, usedforsecurity=False).hexdigest()
        if got.status != 200 or not hmac.compare_digest(digest, known["digest"].lower()):
            raise OutsideFault("微信支付的账单文件不完整，请重新下载", code="bad_bill")
        return rows(got.response)

    # --- inside ---

    @property
    def merchant(self) -> str:
        """The merchant's number."""
        return self.party.text("ANJU_PAYMENT_WECHAT_MERCHANT")

    @property
    def _keys(self) -> dict[str, rsa.rsa.RSAPublicKey]:
        serial = self.party.text("ANJU_PAYMENT_WECHAT_PLATFORM_SERIAL")
        return {serial: rsa.public_key(self.party.text("ANJU_PAYMENT_WECHAT_PLATFORM_KEY"))}

    def _headers(self, verb: str, url: str, body: bytes, key: str) -> dict[str, str]:
        private = rsa.private_key(self.party.text("ANJU_PAYMENT_WECHAT_PRIVATE_KEY"))
        serial = self.party.text("ANJU_PAYMENT_WECHAT_SERIAL")
        return {
            "Authorization": gateways.wechat_authorization(private, self.merchant, serial, verb, url, body),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "X-Request-Id": key,
        }

    def _ask(self, verb: str, path: str, key: str, content: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        url = self.party.url("ANJU_PAYMENT_WECHAT_URL", path)
        body = b"" if content is None else orjson.dumps(content)
        headers = self._headers(verb, url, body, key)
        got = get(self.party, url, headers) if verb == "GET" else post(self.party, url, body, headers)
        if got.status == 500:
            raise Unreachable(f"「{self.party.title}」内部出错（500）")
        if got.status == 401:
            raise OutsideFault("微信支付不认可我方的签名，请管理员核对密钥", code="unauthorised")
        data = self._data(got)
        if not gateways.wechat_holds(self._keys, got.headers, got.response):
            raise OutsideFault("微信支付的应答签名不正确，已拒收", code="bad_signature")
        if got.status >= 400 and data.get("code") not in (*ABSENT, NO_BILL):
            self._decline(str(data.get("code", "")))
        return data

    def _data(self, got: Exchange) -> Mapping[str, Any]:
        if got.status == 204:
            return {}
        try:
            data = orjson.loads(got.response)
        except orjson.JSONDecodeError:
            data = None
        if not isinstance(data, dict):
            raise Unreachable(f"「{self.party.title}」的应答不是约定的格式", code="unexpected_answer")
        return data

    def _decline(self, code: str) -> NoReturn:
        if code == "SYSTEM_ERROR":
            raise Unreachable(f"「{self.party.title}」暂时不能服务")
        known, text = DECLINED.get(code, ("refused", "微信支付拒绝了这项请求，请管理员查看接口说明"))
        raise Declined(text, code=known)

    def _read(self, schema: type[Schema], data: Mapping[str, Any]) -> dict[str, Any]:
        return read(schema, self.party, data)

    def _told(self, trade: Mapping[str, Any]) -> Told:
        state = STATES[trade["state"]]
        if trade["merchant"] != self.merchant:
            raise unexpected(self.party)
        if state != "paid":
            return Told(trade["number"], state)
        if not trade["transaction"] or trade["amount"] is None or trade["paid_at"] is None:
            raise unexpected(self.party)
        return Told(trade["number"], state, trade["transaction"], trade["amount"]["total"], trade["paid_at"])

    def _refunded(self, answer: Mapping[str, Any]) -> Refunded:
        if answer.get("code") in ABSENT:
            raise Declined("微信支付没有这笔交易，不能退款", code="order_absent")
        found = self._read(_Refund, answer)
        return Refunded(REFUNDS[found["state"]], found["at"].astimezone(SHANGHAI).date() if found["at"] else None)


def rows(content: bytes) -> dict[str, Row]:
    """A bill file: payments by WeChat's number, refunds by ours. Raises ``OutsideFault`` where the totals differ."""
    try:
        lines = [
            [value.strip().lstrip("`") for value in row] for row in csv.reader(content.decode("utf-8-sig").splitlines())
        ]
        end = next(index for index, line in enumerate(lines) if line and line[0] == "总交易单数")
        found: dict[str, Row] = {}
        for line in lines[1:end]:
            one = dict(zip(lines[0], line, strict=True))
            number = one["商户订单号"]
            if one["交易状态"] == "REFUND":
                found[one["商户退款单号"]] = {"number": number, "amount": -fen(one["申请退款金额"])}
            else:
                found[one["微信订单号"]] = {"number": number, "amount": fen(one["订单金额"])}
        totals = dict(zip(lines[end], lines[end + 1], strict=True))
        came = sum(one["amount"] for one in found.values() if one["amount"] > 0)
        whole = int(totals["总交易单数"]) == end - 1 == len(found) and fen(totals["订单总金额"]) == came
    except (ValueError, LookupError, StopIteration, UnicodeDecodeError) as error:
        raise OutsideFault("微信支付的账单文件读不懂，请核对格式", code="bad_bill") from error
    if not whole:
        raise OutsideFault("微信支付账单的合计与明细不符，请重新下载", code="bad_bill")
    return found
