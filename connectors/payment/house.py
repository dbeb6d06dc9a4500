"""The books of the simulated channels: trades, refunds, notices with their retry schedules, bills; keys and signatures.

Nothing of our client's codec is used here. Times are seconds since 1970, given by whoever moves the clock.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import secrets
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
import yaml
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

API_KEY = b"demo-wechat-api-v3-key-000000000"
SERIAL, MERCHANT, APP = "PUB_KEY_ID_DEMO_1", "1900000001", "2021000000000001"
PAYER = {"wechat": "oDEMO0000000000000000000001", "alipay": "199******01"}
BEIJING = timezone(timedelta(hours=8))
# Trades of the demo that are paid as soon as they are placed.
DEMO = "4200099"
MINUTE, HOUR = 60, 3600
# Seconds after a notice that was not thanked for until the next one.
RETRIES = {
    "wechat": [15, 15, 30, 3 * MINUTE, 10 * MINUTE, 20 * MINUTE, *[30 * MINUTE] * 3, HOUR, *[3 * HOUR] * 3]
    + [6 * HOUR] * 2,
    "alipay": [4 * MINUTE, 10 * MINUTE, 10 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 15 * HOUR],
}


@cache
def keys() -> dict[str, Any]:
    """The simulator's own keys and what it knows of the merchant's."""
    found: dict[str, Any] = {}
    path = Path(__file__).with_name("simulator_keys.yaml")
    for name, text in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        der = base64.b64decode("".join(text.split()))
        private = name.endswith("_private")
        found[name] = (
            serialization.load_der_private_key(der, None) if private else serialization.load_der_public_key(der)
        )
    return found


def sign(channel: str, text: bytes, *, broken: bool = False) -> str:
    """Base64 of the platform's signature."""
    made = keys()[f"{channel}_platform_private"].sign(
        b"broken" if broken else text, padding.PKCS1v15(), hashes.SHA256()
    )
    return base64.b64encode(made).decode()


def holds(channel: str, text: bytes, signature: str) -> bool:
    """Whether the merchant signed ``text``."""
    try:
        given = base64.b64decode(signature)
        keys()[f"{channel}_merchant_public"].verify(given, text, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass
class Trade:
    """One order at one channel. ``state``: open, paid, closed. Amounts in 分."""

    channel: str
    number: str
    title: str
    amount: int
    notify_url: str
    state: str = "open"
    transaction: str = ""
    paid_at: float = 0.0
    refunds: dict[str, tuple[int, float]] = field(default_factory=dict)

    @property
    def refunded(self) -> int:
        """分 that went back."""
        return sum(amount for amount, _ in self.refunds.values())


@dataclass
class Notice:
    """A notice on its way. ``tries`` counts those made."""

    trade: Trade
    due: float
    number: str
    tries: int = 0
    amount: int = 0
    forged: bool = False


class House:
    """All trades of one simulator."""

    def __init__(self) -> None:
        self.trades: dict[tuple[str, str], Trade] = {}
        self.notices: list[Notice] = []
        self.answers: list[str] = []

    def pay(
        self, channel: str, number: str, at: float | None = None, *, notice: bool = True, again: bool = False
    ) -> Trade:
        """The buyer pays. ``again``: although it is closed, which no channel should let happen."""
        trade = self.trades[channel, number]
        if trade.state != "open" and not again:
            raise ValueError(f"the trade is {trade.state}")
        trade.state, trade.paid_at = "paid", time.time() if at is None else at
        trade.transaction = f"{'42000' if channel == 'wechat' else '20260'}{secrets.randbelow(10**20):020d}"
        if notice:
            self.notices.append(Notice(trade, trade.paid_at, secrets.token_hex(8), amount=trade.amount))
        return trade

    def deliver(self, now: float) -> int:
        """Make every try that is due by ``now``; gives how many notices were thanked for."""
        thanked = 0
        for notice in [one for one in self.notices if one.due <= now]:
            if self.post(notice):
                thanked += 1
                self.notices.remove(notice)
                continue
            pauses = RETRIES[notice.trade.channel]
            if notice.tries >= len(pauses):
                self.notices.remove(notice)
            else:
                notice.due += pauses[notice.tries]
                notice.tries += 1
        return thanked

    def post(self, notice: Notice) -> bool:
        """One try; whether it was thanked for."""
        body, headers = message(notice)
        try:
            answer = requests.post(notice.trade.notify_url, data=body, headers=headers, timeout=5)
        except requests.RequestException:
            return False
        self.answers.append(answer.text)
        if notice.trade.channel == "alipay":
            return answer.text == "success"
        return answer.status_code in (200, 204)

    def bill(self, channel: str, day: str) -> list[tuple[Trade, str, int]]:
        """What moved on a day: (trade, refund number or nothing, 分)."""
        rows = []
        for trade in self.trades.values():
            if trade.channel != channel:
                continue
            if trade.transaction and local(trade.paid_at)[:10] == day:
                rows.append((trade, "", trade.amount))
            rows += [(trade, number, fen) for number, (fen, at) in trade.refunds.items() if local(at)[:10] == day]
        return rows


def local(at: float) -> str:
    """``2026-03-02 10:00:00`` in Beijing."""
    return datetime.fromtimestamp(at, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def iso(at: float) -> str:
    """``2026-03-02T10:00:00+08:00``."""
    return datetime.fromtimestamp(at, BEIJING).isoformat(timespec="seconds")


def yuan(fen: int) -> str:
    """8810 → 88.10."""
    return f"{fen // 100}.{fen % 100:02d}"


def wechat_headers(body: bytes, *, broken: bool = False) -> dict[str, str]:
    """The signature over an answer or a notice."""
    stamp, once = str(int(time.time())), secrets.token_hex(16)
    text = f"{stamp}\n{once}\n".encode() + body + b"\n"
    return {
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": once,
        "Wechatpay-Serial": SERIAL,
        "Wechatpay-Signature": sign("wechat", text, broken=broken),
    }


def wechat_trade(trade: Trade, amount: int | None = None) -> dict[str, Any]:
    """A trade as WeChat tells it."""
    told: dict[str, Any] = {"appid": "wx0000000000000001", "mchid": MERCHANT, "out_trade_no": trade.number}
    paid = amount or trade.amount
    if not trade.transaction:
        return {**told, "trade_state": "CLOSED" if trade.state == "closed" else "NOTPAY", "trade_state_desc": ""}
    return {
        **told,
        "transaction_id": trade.transaction,
        "trade_type": "NATIVE",
        "trade_state": "REFUND" if trade.refunds else "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": "",
        "success_time": iso(trade.paid_at),
        "payer": {"openid": PAYER["wechat"]},
        "amount": {"total": paid, "payer_total": paid, "currency": "CNY", "payer_currency": "CNY"},
    }


def wechat_refund(trade: Trade, number: str, *, done: bool) -> dict[str, Any]:
    """A refund as WeChat tells it."""
    fen, at = trade.refunds[number]
    amount = {"total": trade.amount, "refund": fen, "payer_total": trade.amount, "payer_refund": fen, "currency": "CNY"}
    return {
        "refund_id": wechat_refund_id(number),
        "out_refund_no": number,
        "transaction_id": trade.transaction,
        "out_trade_no": trade.number,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": iso(at),
        **({"success_time": iso(at)} if done else {}),
        "status": "SUCCESS" if done else "PROCESSING",
        "amount": amount,
    }


def wechat_refund_id(number: str) -> str:
    """WeChat's own number of a refund."""
    return f"500000{number[4:10]}{number[10:].zfill(10)}"


def alipay_trade(trade: Trade, amount: int | None = None) -> dict[str, str]:
    """A trade as Alipay tells it."""
    state = {"open": "WAIT_BUYER_PAY", "paid": "TRADE_SUCCESS", "closed": "TRADE_CLOSED"}[trade.state]
    return {
        "out_trade_no": trade.number,
        "trade_no": trade.transaction or "2026000000000000000000000000",
        "buyer_logon_id": PAYER["alipay"],
        "trade_status": state,
        "total_amount": yuan(amount or trade.amount),
    }


def message(notice: Notice) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a notice."""
    trade = notice.trade
    if trade.channel == "wechat":
        plain = json.dumps(wechat_trade(trade, notice.amount), ensure_ascii=False).encode()
        once = secrets.token_hex(6)
        sealed = AESGCM(API_KEY).encrypt(once.encode(), plain, b"transaction")
        told = {
            "id": notice.number,
            "create_time": iso(trade.paid_at),
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
            "summary": "支付成功",
            "resource": {
                "original_type": "transaction",
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(sealed).decode(),
                "associated_data": "transaction",
                "nonce": once,
            },
        }
        body = json.dumps(told, ensure_ascii=False).encode()
        return body, {"Content-Type": "application/json", **wechat_headers(body, broken=notice.forged)}
    form = {
        **alipay_trade(trade, notice.amount),
        "notify_id": notice.number,
        "notify_type": "trade_status_sync",
        "notify_time": local(time.time()),
        "gmt_payment": local(trade.paid_at),
        "subject": trade.title,
        "app_id": APP,
        "charset": "utf-8",
        "version": "1.0",
    }
    text = "&".join(f"{name}={form[name]}" for name in sorted(form))
    signed = {**form, "sign_type": "RSA2", "sign": sign("alipay", text.encode(), broken=notice.forged)}
    return urlencode(signed).encode(), {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


# --- bill files ---------------------------------------------------------------------------------------------------

WECHAT_BILL = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,"
    "代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,"
    "申请退款金额,费率备注"
)


def wechat_bill(rows: list[tuple[Trade, str, int]]) -> bytes:
    """The text that WeChat offers for download."""
    lines = [WECHAT_BILL]
    for trade, refund, fen in rows:
        back, came = (yuan(fen), "0.00") if refund else ("0.00", yuan(fen))
        at = trade.refunds[refund][1] if refund else trade.paid_at
        values = [local(at), "wx0000000000000001", MERCHANT, "0", "", trade.transaction, trade.number, PAYER["wechat"]]
        values += ["NATIVE", "REFUND" if refund else "SUCCESS", "OTHERS", "CNY", came, "0.00"]
        values += [wechat_refund_id(refund) if refund else "0", refund or "0", back, "0.00"]
        values += ["ORIGINAL" if refund else "", "SUCCESS" if refund else "", trade.title, "", "0.00", "0.60%"]
        values += [came, back, ""]
        lines.append(",".join(f"`{value}" for value in values))
    came_in = sum(fen for _, refund, fen in rows if not refund)
    went = sum(fen for _, refund, fen in rows if refund)
    lines.append("总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额")
    totals = (str(len(rows)), yuan(came_in), yuan(went), "0.00", "0.00", yuan(came_in), yuan(went))
    lines.append(",".join(f"`{value}" for value in totals))
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def sha1(content: bytes) -> str:
    """WeChat tells it beside the address."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def alipay_bill(day: str, rows: list[tuple[Trade, str, int]]) -> bytes:
    """The zip that Alipay offers for download."""
    head = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,对方账户,订单金额（元）,商家实收（元）"
    head += ",退款批次号/请求号,备注"
    lines = ["#支付宝业务明细查询", f"#起始日期：[{day} 00:00:00]", head]
    for trade, refund, fen in rows:
        amount = f"-{yuan(fen)}" if refund else yuan(fen)
        values = [trade.transaction, trade.number, "退款" if refund else "交易", trade.title, local(trade.paid_at)]
        done = trade.refunds[refund][1] if refund else trade.paid_at
        values += [local(done), PAYER["alipay"], amount, amount, refund, ""]
        lines.append(",".join(f"{value}\t" for value in values))
    lines.append(f"#交易合计：{len(rows)} 笔")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"{APP}_{day}_业务明细.csv", "\r\n".join(lines).encode("gb18030"))
        packed.writestr(f"{APP}_{day}_业务明细汇总.csv", "#汇总".encode("gb18030"))
    return buffer.getvalue()


def told_of(trades: Mapping[tuple[str, str], Trade]) -> list[dict[str, Any]]:
    """For whoever looks."""
    return [
        {"channel": one.channel, "number": one.number, "title": one.title, "amount": one.amount, "state": one.state}
        for one in trades.values()
    ]


def seconds(moment: datetime) -> float:
    """Seconds since 1970."""
    return moment.astimezone(UTC).timestamp()
