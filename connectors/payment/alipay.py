"""The wire of Alipay: forms signed with RSA2, answers signed as they stand, the day's bill a zip in GBK."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from zlib import error as ZlibError

import orjson
from marshmallow import Schema, fields, validate

from connectors._kit import gateways, rsa
from connectors._kit.answers import read, unexpected
from connectors._kit.http import get, post
from connectors._kit.settings import PartySettings
from connectors._kit.signatures import wire_time
from connectors.payment.told import Refunded, Row, Told, fen, refused_close, yuan
from engine.core.clock import SHANGHAI
from engine.core.errors import Declined, OutsideFault, Refused, Unreachable

STATES = {"TRADE_SUCCESS": "paid", "TRADE_FINISHED": "paid", "WAIT_BUYER_PAY": "unpaid", "TRADE_CLOSED": "closed"}
DECLINED = {
    "ACQ.TRADE_HAS_SUCCESS": ("order_paid", "订单已支付，不能再下单"),
    "ACQ.TRADE_HAS_CLOSE": ("order_closed", "订单已在支付宝关闭"),
    "ACQ.TRADE_STATUS_ERROR": ("order_paid", "订单的状态不允许这样办理"),
    "ACQ.CONTEXT_INCONSISTENT": ("order_differs", "订单号已用于另一笔收款"),
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": ("not_enough", "支付宝账户余额不足，暂不能退款，请财务充值"),
}
ABSENT, NO_BILL = "ACQ.TRADE_NOT_EXIST", "isp.bill_not_exist"
MOST_BYTES, MOST_BILL = 65_536, 50_000_000
TIME = "%Y-%m-%d %H:%M:%S"


class _Code(Schema):
    url = fields.String(required=True, data_key="qr_code", validate=validate.Length(min=8, max=512))


class _Trade(Schema):
    number = fields.String(required=True, data_key="out_trade_no")
    state = fields.String(required=True, data_key="trade_status", validate=validate.OneOf(list(STATES)))
    transaction = fields.String(required=True, data_key="trade_no")
    amount = fields.String(required=True, data_key="total_amount")
    paid_at = fields.String(load_default="", data_key="send_pay_date")


class _Notice(_Trade):
    application = fields.String(required=True, data_key="app_id")
    paid_at = fields.String(load_default="", data_key="gmt_payment")


class _Refund(Schema):
    moved = fields.String(required=True, data_key="fund_change", validate=validate.OneOf(["Y", "N"]))


class _Asked(Schema):
    state = fields.String(load_default="", data_key="refund_status")


class _Bill(Schema):
    url = fields.String(required=True, data_key="bill_download_url")


@dataclass(frozen=True)
class Alipay:
    """One application. Everything raises ``Unreachable``, ``Declined`` or another ``OutsideFault``."""

    party: PartySettings

    def order(self, number: str, title: str, fen: int, expires: datetime, key: str) -> str:
        """The text of the QR code; the same order again gives one again."""
        asked = {
            "out_trade_no": number,
            "total_amount": yuan(fen),
            "subject": title,
            "time_expire": expires.astimezone(SHANGHAI).strftime(TIME),
        }
        notify = self.party.url("ANJU_PAYMENT_NOTIFY_URL", "/inbound/payment/alipay")
        answer = self._ask("alipay.trade.precreate", asked, key, notify_url=notify)
        return str(read(_Code, self.party, answer)["url"])

    def query(self, number: str, key: str) -> Told:
        """What became of the order; nothing is known there before somebody has scanned it."""
        answer = self._ask("alipay.trade.query", {"out_trade_no": number}, key)
        if answer.get("sub_code") == ABSENT:
            return Told(number, "absent")
        told = self._told(read(_Trade, self.party, answer))
        if told.number != number:
            raise unexpected(self.party)
        return told

    def close(self, number: str, key: str) -> str:
        """``closed``, also where nobody has scanned it, or ``paid``."""
        try:
            self._ask("alipay.trade.close", {"out_trade_no": number}, key)
        except Declined as error:
            return refused_close(error)
        return "closed"

    def refund(self, asked: Mapping[str, Any], key: str) -> Refunded:
        """Give back; the same number again moves nothing."""
        told = {
            "trade_no": asked["transaction"],
            "out_request_no": asked["refund_number"],
            "refund_amount": yuan(asked["amount_fen"]),
            "refund_reason": asked["reason"],
        }
        answer = self._there(self._ask("alipay.trade.refund", told, key))
        # N: it moved nothing now; whether it did before is asked.
        moved = read(_Refund, self.party, answer)["moved"] == "Y"
        return Refunded("done" if moved else "sent", self._today() if moved else None)

    def refund_query(self, asked: Mapping[str, Any], key: str) -> Refunded:
        """What became of a refund; without a word of it, it has not been made yet."""
        told = {"trade_no": asked["transaction"], "out_request_no": asked["refund_number"]}
        answer = self._there(self._ask("alipay.trade.fastpay.refund.query", told, key))
        done = read(_Asked, self.party, answer)["state"] == "REFUND_SUCCESS"
        return Refunded("done" if done else "sent", self._today() if done else None)

    def notice(self, body: bytes, headers: Mapping[str, str]) -> Told:
        """Check and read a notice. Raises ``Refused``."""
        if len(body) > MOST_BYTES:
            raise Refused("消息过大，已拒收", code="message_too_large")
        try:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
        except (ValueError, UnicodeDecodeError) as error:
            raise Refused("消息不是约定的格式，已拒收", code="bad_message") from error
        if not gateways.alipay_holds(self._key, form):
            raise Refused("签名不正确，已拒收", code="bad_signature")
        try:
            found = read(_Notice, self.party, form)
            if found["application"] != self.application:
                raise unexpected(self.party)
            return self._told(found)
        except OutsideFault as error:
            raise Refused("消息不是约定的格式，已拒收", code="bad_message") from error

    def bill(self, day: date) -> Mapping[str, Row]:
        """The day's payments and refunds."""
        asked = {"bill_type": "trade", "bill_date": day.isoformat()}
        answer = self._ask("alipay.data.dataservice.bill.downloadurl.query", asked, f"bill-{day:%Y%m%d}")
        if answer.get("sub_code") == NO_BILL:
            return {}
        url = read(_Bill, self.party, answer)["url"]
        if urlsplit(url).netloc != urlsplit(self.party.text("ANJU_PAYMENT_ALIPAY_URL")).netloc:
            raise unexpected(self.party)
        return rows(get(self.party, url, {}).response)

    # --- inside ---

    @property
    def application(self) -> str:
        """The application's number."""
        return self.party.text("ANJU_PAYMENT_ALIPAY_APP")

    @property
    def _key(self) -> rsa.rsa.RSAPublicKey:
        return rsa.public_key(self.party.text("ANJU_PAYMENT_ALIPAY_PLATFORM_KEY"))

    def _today(self) -> date:
        return datetime.fromtimestamp(wire_time(), SHANGHAI).date()

    def _ask(self, method: str, content: Mapping[str, Any], key: str, **further: str) -> Mapping[str, Any]:
        parameters = {
            "app_id": self.application,
            "method": method,
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": datetime.fromtimestamp(wire_time(), SHANGHAI).strftime(TIME),
            "version": "1.0",
            "biz_content": orjson.dumps(content).decode(),
            **further,
        }
        private = rsa.private_key(self.party.text("ANJU_PAYMENT_ALIPAY_PRIVATE_KEY"))
        body = urlencode(gateways.alipay_signed(private, parameters)).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8", "X-Request-Id": key}
        got = post(self.party, self.party.text("ANJU_PAYMENT_ALIPAY_URL"), body, headers)
        if got.status == 500:
            raise Unreachable(f"「{self.party.title}」内部出错（500）")
        try:
            data = orjson.loads(got.response)
        except orjson.JSONDecodeError:
            data = None
        if not isinstance(data, dict):
            raise Unreachable(f"「{self.party.title}」的应答不是约定的格式", code="unexpected_answer")
        name = method.replace(".", "_") + "_response"
        if not gateways.alipay_answer_holds(self._key, got.response, name, str(data.get("sign", ""))):
            raise OutsideFault("支付宝的应答签名不正确，已拒收", code="bad_signature")
        return self._judged(data[name])

    def _judged(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        if answer.get("code") == "10000" or answer.get("sub_code") in (ABSENT, NO_BILL):
            return answer
        if answer.get("code") == "20000" or answer.get("sub_code") == "ACQ.SYSTEM_ERROR":
            raise Unreachable(f"「{self.party.title}」暂时不能服务")
        if answer.get("code") != "40004":
            raise unexpected(self.party)
        sub = str(answer.get("sub_code", ""))
        known, text = DECLINED.get(sub, ("refused", "支付宝拒绝了这项请求，请管理员查看接口说明"))
        raise Declined(text, code=known)

    def _there(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        if answer.get("sub_code") == ABSENT:
            raise Declined("支付宝没有这笔交易，不能退款", code="order_absent")
        return answer

    def _told(self, trade: Mapping[str, Any]) -> Told:
        state = STATES[trade["state"]]
        if state != "paid":
            return Told(trade["number"], state)
        try:
            paid_at = datetime.strptime(trade["paid_at"], TIME).replace(tzinfo=SHANGHAI)
            return Told(trade["number"], state, trade["transaction"], fen(trade["amount"]), paid_at)
        except ValueError as error:
            raise unexpected(self.party) from error


def rows(content: bytes) -> dict[str, Row]:
    """A bill file: payments by Alipay's number, refunds by ours. Raises ``OutsideFault``."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            inside = next(one for one in packed.infolist() if not one.filename.endswith("汇总.csv"))
            if inside.file_size > MOST_BILL:
                raise ValueError("too large")
            text = packed.read(inside).decode("gb18030")
        lines = [
            [value.strip() for value in row]
            for row in csv.reader(line for line in text.splitlines() if line[:1] != "#")
        ]
        found: dict[str, Row] = {}
        for line in lines[1:]:
            one = dict(zip(lines[0], line, strict=True))
            amount, back = fen(one["订单金额（元）"]), one["业务类型"] == "退款"
            key = one["退款批次号/请求号"] if back else one["支付宝交易号"]
            found[key] = {"number": one["商户订单号"], "amount": -abs(amount) if back else amount}
    except (ValueError, LookupError, StopIteration, zipfile.BadZipFile, ZlibError) as error:
        raise OutsideFault("支付宝的账单文件读不懂，请核对格式", code="bad_bill") from error
    return found
