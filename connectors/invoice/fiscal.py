"""The wire of the finance side (财政电子票据): signed envelopes; files in a zip, refusals as JSON (wire/README.md)."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from marshmallow import Schema, fields, validate

from connectors._kit import gateways, sm
from connectors._kit.answers import read, unexpected
from connectors._kit.http import Exchange, post
from connectors._kit.settings import PartySettings
from connectors._kit.signatures import wire_time
from connectors.invoice import papers
from connectors.invoice.told import INTERNAL, Papers, Told, moment, open_again, refusal, refuse
from engine.core.errors import OutsideFault, Refused, Unreachable

OK, ABSENT = "S0000", "E0404"
CODES = {
    "E2001": "refused",
    "E0405": "no_invoice",
    "E0406": "not_ready",
    "E5001": "no_stock",
    "E5002": "login_lost",
    "E5003": "limit",
    "E6002": "already_red",
    "E9999": INTERNAL,
}
# 0 void, 6 to 8 voiding: nothing that we ever ask for.
STATES = {"1": "working", "2": "failed", "3": "working", "4": "seal_failed", "5": "issued"}
VERSION = "1.0"
MOST_BYTES = 65_536
_FEN = validate.Range(min=-(10**12), max=10**12)


class _Bill(Schema):
    request = fields.String(required=True, data_key="busNo")
    state = fields.String(required=True, validate=validate.OneOf(list(STATES)))
    code = fields.String(load_default="", data_key="billBatchCode", validate=validate.Regexp(r"^(\d{8})?$"))
    number = fields.String(load_default="", data_key="billNo", validate=validate.Regexp(r"^(\d{10})?$"))
    check_code = fields.String(load_default="", data_key="random", validate=validate.Regexp(r"^([0-9A-Za-z]{6})?$"))
    amount = fields.Integer(load_default=0, strict=True, data_key="totalAmt", validate=_FEN)
    issued_at = fields.String(load_default="", data_key="ivcDateTime")
    why = fields.String(load_default="", data_key="failCode")


class _Envelope(Schema):
    result = fields.String(required=True)
    data = fields.String(required=True)
    noise = fields.String(required=True, validate=validate.Length(min=8, max=64))
    timestamp = fields.String(required=True, validate=validate.Regexp(r"^\d{10}$"))
    sign = fields.String(required=True)


@dataclass(frozen=True)
class Fiscal:
    """One unit that issues. Everything raises ``Unreachable``, ``Declined`` or another ``OutsideFault``."""

    party: PartySettings

    def issue(self, asked: Mapping[str, Any], key: str) -> Told:
        """Hand in; the same request number again is the same bill."""
        payer = asked["payer"]
        charge = self.party.text("ANJU_INVOICE_FISCAL_CHARGE")
        content = {
            "busNo": asked["request_number"],
            "agencyCode": self.party.text("ANJU_INVOICE_FISCAL_AGENCY"),
            "billCode": self.party.text("ANJU_INVOICE_FISCAL_BILL"),
            "payerType": "2" if payer["organisation"] else "1",
            "payer": payer["name"],
            "payerId": payer["tax_number"],
            "tel": payer["phone"],
            "email": payer["email"],
            "totalAmt": sum(_fen(one["amount"]) for one in asked["items"]),
            "details": [
                {"chargeCode": charge, "chargeName": one["name"], "number": 1, "amt": _fen(one["amount"])}
                for one in asked["items"]
            ],
            "remark": _remark(asked),
            "notifyUrl": self._notify,
        }
        return self._told(*self._ask("/api/issue", content, key))

    def query(self, request_number: str, key: str) -> Told:
        """What became of a request, blue or red."""
        result, data, exchange = self._ask("/api/query", {"busNo": request_number}, key)
        if result == ABSENT:
            return Told(request_number, "absent", exchange=exchange)
        told = self._told(result, data, exchange)
        if told.request_number != request_number:
            raise unexpected(self.party)
        return told

    def red(self, asked: Mapping[str, Any], key: str) -> Told:
        """Write off the whole of a bill; asked first, so that there is one red bill for a request."""
        known = self.query(asked["request_number"], key)
        if not open_again(known, asked):
            return known
        content = {
            "busNo": asked["request_number"],
            "billBatchCode": asked["code"],
            "billNo": asked["number"],
            "reason": asked["reason"],
            "notifyUrl": self._notify,
        }
        return self._told(*self._ask("/api/writeoff", content, key))

    def download(self, asked: Mapping[str, Any], key: str) -> Papers:
        """A zip where there are files, JSON where there are none: the type of the answer says which."""
        content = {"billBatchCode": asked["code"], "billNo": asked["number"]}
        got = self._post("/api/download", content, key)
        media = got.headers.get("Content-Type", "").partition(";")[0]
        if media == "application/zip":
            given = got.headers.get("X-Sign", "")
            if not hmac.compare_digest(sm.hmac_sm3(self._secret, got.response).hex(), given.lower()):
                raise self._forged()
            return papers.unpacked(self.party, got.response, asked["number"])
        result, _ = self._opened(got)
        if result == ABSENT:
            raise refusal("no_invoice")
        raise unexpected(self.party)

    def callback(self, body: bytes, headers: Mapping[str, str]) -> Told:
        """Check and read what the finance side posts. Raises ``Refused``."""
        if len(body) > MOST_BYTES:
            raise Refused("消息过大，已拒收", code="message_too_large")
        try:
            sealed = read(_Envelope, self.party, orjson.loads(body))
        except (ValueError, TypeError, OutsideFault) as error:
            raise Refused("消息不是约定的格式，已拒收", code="bad_message") from error
        if not hmac.compare_digest(self._sign(sealed).encode(), sealed["sign"].encode()):
            raise Refused("签名不正确，已拒收", code="bad_signature")
        if abs(wire_time() - int(sealed["timestamp"])) > gateways.WINDOW_SECONDS:
            raise Refused("消息已超过有效时间，已拒收", code="stale_message")
        try:
            return self._told(OK, orjson.loads(b64decode(sealed["data"], validate=True)), None)
        except (ValueError, TypeError, OutsideFault) as error:
            raise Refused("消息不是约定的格式，已拒收", code="bad_message") from error

    # --- inside ---

    @property
    def _secret(self) -> bytes:
        return self.party.secret("ANJU_INVOICE_FISCAL_SECRET")

    @property
    def _notify(self) -> str:
        return self.party.url("ANJU_INVOICE_NOTIFY_URL", "/inbound/invoice/fiscal")

    def _sign(self, envelope: Mapping[str, str]) -> str:
        """Over the sorted fields; the ``result`` of an answer or a notice is one of them."""
        return sm.hmac_sm3(self._secret, gateways.canonical(envelope).encode()).hex()

    def _post(self, path: str, content: Mapping[str, Any], key: str) -> Exchange:
        envelope = {
            "app_id": self.party.text("ANJU_INVOICE_FISCAL_APP"),
            "data": b64encode(orjson.dumps(content)).decode(),
            "noise": gateways.nonce(),
            "timestamp": str(wire_time()),
            "version": VERSION,
        }
        body = orjson.dumps({**envelope, "sign": self._sign(envelope)})
        headers = {"Content-Type": "application/json; charset=utf-8", "X-Request-Id": key}
        got = post(self.party, self.party.url("ANJU_INVOICE_FISCAL_URL", path), body, headers)
        if got.status == 500:
            raise Unreachable(f"「{self.party.title}」内部出错（500）")
        if got.status in (401, 403):
            raise OutsideFault(f"「{self.party.title}」不认可我方的凭据，请管理员核对密钥", code="unauthorised")
        return got

    def _ask(self, path: str, content: Mapping[str, Any], key: str) -> tuple[str, Any, Exchange]:
        got = self._post(path, content, key)
        result, data = self._opened(got)
        # As evidence the content is kept, not the envelope around it.
        return result, data, Exchange(got.status, got.headers, orjson.dumps(content), orjson.dumps(data))

    def _opened(self, got: Exchange) -> tuple[str, Any]:
        """Result and content of an answer's envelope, its signature checked."""
        try:
            plain = orjson.loads(got.response)
        except orjson.JSONDecodeError:
            plain = None
        if not isinstance(plain, dict) or "json" not in got.headers.get("Content-Type", ""):
            raise Unreachable(f"「{self.party.title}」的应答不是约定的格式", code="unexpected_answer")
        sealed = read(_Envelope, self.party, plain)
        if not hmac.compare_digest(self._sign(sealed).encode(), sealed["sign"].encode()):
            raise self._forged()
        if sealed["result"] not in (OK, ABSENT):
            refuse(self.party, CODES, sealed["result"])
        try:
            return sealed["result"], orjson.loads(b64decode(sealed["data"], validate=True))
        except ValueError:
            raise unexpected(self.party) from None

    def _told(self, result: str, data: Any, exchange: Exchange | None) -> Told:
        if result != OK or not isinstance(data, dict):
            raise unexpected(self.party)
        found = read(_Bill, self.party, data)
        state = STATES[found["state"]]
        if state in ("working", "failed"):
            why = CODES.get(found["why"], "refused") if state == "failed" else ""
            return Told(found["request"], state, why=why, exchange=exchange)
        names = (found["code"], found["number"], found["check_code"])
        if not all(names) or not found["amount"]:
            raise unexpected(self.party)
        try:
            issued_at = moment(found["issued_at"])
        except ValueError:
            raise unexpected(self.party) from None
        return Told(found["request"], state, *names, Decimal(found["amount"]) / 100, issued_at, exchange=exchange)

    def _forged(self) -> OutsideFault:
        return OutsideFault(f"「{self.party.title}」的应答签名不正确，已拒收", code="bad_signature")


def _fen(amount: Decimal) -> int:
    return int(amount * 100)


def _remark(asked: Mapping[str, Any]) -> str:
    """A fiscal bill has no fields for a lease: what there is to say stands in the remark."""
    lease = asked["lease"]
    told = [asked["remark"]]
    if lease:
        told += [lease["address"], f"{lease['begins_on']} 至 {lease['ends_on']}"]
    return "；".join(part for part in told if part)
