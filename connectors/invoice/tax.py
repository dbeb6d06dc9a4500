"""The wire of the tax side (数电发票): JSON, signed with a shared key both ways (wire/README.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import orjson
from marshmallow import Schema, ValidationError, fields, validate

from connectors._kit import signatures
from connectors._kit.answers import read, signed_by, unexpected
from connectors._kit.http import Exchange, get, post_json
from connectors._kit.settings import PartySettings
from connectors.invoice import papers
from connectors.invoice.told import INTERNAL, Papers, Told, moment, open_again, refusal, refuse
from engine.core.errors import OutsideFault, Refused, Unreachable

OK, ABSENT = "0000", "4004"
CODES = {
    "2001": "refused",
    "4005": "no_invoice",
    "4006": "not_ready",
    "5001": "no_stock",
    "5002": "login_lost",
    "5003": "limit",
    "6002": "already_red",
    "9999": INTERNAL,
}
STATES = {"0": "working", "1": "issued", "2": "failed", "3": "seal_failed"}
# A red-letter confirmation slip: none needed (then it may have issued by itself), with the buyer, agreed, refused.
ALONE, WITH_BUYER, AGREED, GIVEN_UP = "01", "02", "03", "04"
ORDINARY, LEASE = "02", "06"
CENT = Decimal("0.01")
MOST_BYTES = 65_536
_AMOUNT = validate.Regexp(r"^-?\d{1,12}\.\d{2}$")


class _Invoice(Schema):
    request = fields.String(required=True, data_key="requestNo")
    state = fields.String(required=True, data_key="status", validate=validate.OneOf(list(STATES)))
    number = fields.String(load_default="", data_key="invoiceNo", validate=validate.Regexp(r"^(\d{20})?$"))
    amount = fields.String(load_default="", data_key="totalAmount", validate=_AMOUNT)
    issued_at = fields.String(load_default="", data_key="issueTime")
    why = fields.String(load_default="", data_key="failCode")
    files = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)


class _Slip(Schema):
    number = fields.String(required=True, data_key="slipNo", validate=validate.Length(min=1, max=40))
    state = fields.String(
        required=True, data_key="status", validate=validate.OneOf([ALONE, WITH_BUYER, AGREED, GIVEN_UP])
    )


@dataclass(frozen=True)
class Tax:
    """One taxpayer. Everything raises ``Unreachable``, ``Declined`` or another ``OutsideFault``."""

    party: PartySettings

    def issue(self, asked: Mapping[str, Any], key: str) -> Told:
        """Hand in; the same request number again is the same invoice."""
        return self._told(*self._ask("/v1/invoices", self._order(asked), key))

    def query(self, request_number: str, key: str) -> Told:
        """What became of a request, blue or red."""
        data, exchange = self._ask("/v1/invoices/query", {"requestNo": request_number}, key)
        if data.get("code") == ABSENT:
            return Told(request_number, "absent", exchange=exchange)
        told = self._told(data, exchange)
        if told.request_number != request_number:
            raise unexpected(self.party)
        return told

    def red(self, asked: Mapping[str, Any], key: str) -> Told:
        """Red-letter the whole of a blue invoice: the slip first, and never a second red one for the same request."""
        number = asked["request_number"]
        known = self.query(number, key)
        if not open_again(known, asked):
            return known
        slip = {
            "requestNo": number,
            "blueInvoiceNo": asked["number"],
            "totalAmount": f"{-asked['amount']:.2f}",
            "reason": asked["reason"],
            "notifyUrl": self._notify,
        }
        answer, exchange = self._ask("/v1/red/slips", slip, key)
        found = self._data(_Slip, answer)
        if found["state"] == WITH_BUYER:
            return Told(number, "confirming", exchange=exchange)
        if found["state"] == GIVEN_UP:
            raise refusal("red_refused")
        if found["state"] == ALONE:
            # Where nobody has to agree it may have issued the red one by itself.
            known = self.query(number, key)
            if not open_again(known, asked):
                return known
        return self._told(*self._ask("/v1/red/invoices", {"requestNo": number, "slipNo": found["number"]}, key))

    def download(self, asked: Mapping[str, Any], key: str) -> Papers:
        """The two files that the tax side links to."""
        data, _ = self._ask("/v1/invoices/query", {"requestNo": asked["request_number"]}, key)
        if data.get("code") == ABSENT:
            raise refusal("no_invoice")
        found = self._data(_Invoice, data)
        if found["number"] != asked["number"] or not {"pdf", "ofd"} <= set(found["files"]):
            raise refusal("not_ready")
        pdf, ofd = (self._file(found["files"][kind], kind, key) for kind in ("pdf", "ofd"))
        return papers.checked(self.party, pdf, ofd, asked["number"])

    def callback(self, body: bytes, headers: Mapping[str, str]) -> Told:
        """Check and read what the tax side posts. Raises ``Refused``."""
        if len(body) > MOST_BYTES:
            raise Refused("消息过大，已拒收", code="message_too_large")
        signatures.check(self._secret, "POST", self._notify, headers, body)
        try:
            return self._told({"data": orjson.loads(body)}, None)
        except (ValueError, TypeError, OutsideFault, ValidationError) as error:
            raise Refused("消息不是约定的格式，已拒收", code="bad_message") from error

    # --- inside ---

    @property
    def _secret(self) -> bytes:
        return self.party.secret("ANJU_INVOICE_TAX_SECRET")

    @property
    def _notify(self) -> str:
        return self.party.url("ANJU_INVOICE_NOTIFY_URL", "/inbound/invoice/tax")

    def _order(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        payer, lease = asked["payer"], asked["lease"]
        order = {
            "requestNo": asked["request_number"],
            "invoiceType": ORDINARY,
            "businessCode": LEASE if lease else "",
            "seller": {
                "taxNo": self.party.text("ANJU_INVOICE_TAX_NUMBER"),
                "name": self.party.text("ANJU_INVOICE_TAX_SELLER"),
            },
            "buyer": {
                "name": payer["name"],
                "taxNo": payer["tax_number"],
                "natural": "N" if payer["organisation"] else "Y",
                "phone": payer["phone"],
                "email": payer["email"],
            },
            "totalAmount": f"{sum(one['amount'] for one in asked['items']):.2f}",
            "items": [self._line(one) for one in asked["items"]],
            "remark": asked["remark"],
            "notifyUrl": self._notify,
        }
        return {**order, "lease": _lease(lease)} if lease else order

    def _line(self, one: Mapping[str, Any]) -> dict[str, str]:
        """A line of the invoice; its amount holds the tax already."""
        amount, rate = one["amount"], one["tax_rate"]
        if rate is None:
            rate = self._rate
        tax = (amount - amount / (1 + rate)).quantize(CENT, ROUND_HALF_UP)
        return {
            "name": one["name"],
            "taxCode": one["tax_code"] or self.party.text("ANJU_INVOICE_TAX_CODE"),
            "amount": f"{amount:.2f}",
            "taxRate": f"{rate:.2f}",
            "taxAmount": f"{tax:.2f}",
            "preference": "" if rate else "免税",
        }

    @property
    def _rate(self) -> Decimal:
        try:
            rate = Decimal(self.party.text("ANJU_INVOICE_TAX_RATE"))
        except InvalidOperation:
            rate = Decimal(-1)
        if not 0 <= rate < 1:
            raise OutsideFault(
                "税率应写作 0 到 1 之间的小数，请管理员核对 ANJU_INVOICE_TAX_RATE", code="not_configured"
            )
        return rate

    def _ask(self, path: str, content: Mapping[str, Any], key: str) -> tuple[Mapping[str, Any], Exchange]:
        url = self.party.url("ANJU_INVOICE_TAX_URL", path)
        got = post_json(
            self.party,
            url,
            content,
            key=key,
            headers=lambda body: signatures.signed(self._secret, "POST", url, body),
        )
        signed_by(self.party, self._secret, url, got)
        self._allow(got.data)
        return got.data, got

    def _allow(self, data: Mapping[str, Any]) -> None:
        code = data.get("code")
        if not isinstance(code, str):
            raise unexpected(self.party)
        if code not in (OK, ABSENT):
            refuse(self.party, CODES, code)

    def _data(self, schema: type[Schema], answer: Mapping[str, Any]) -> dict[str, Any]:
        data = answer.get("data")
        if not isinstance(data, Mapping):
            raise unexpected(self.party)
        return read(schema, self.party, data)

    def _told(self, answer: Mapping[str, Any], exchange: Exchange | None) -> Told:
        found = self._data(_Invoice, answer)
        state = STATES[found["state"]]
        if state in ("working", "failed"):
            why = CODES.get(found["why"], "refused") if state == "failed" else ""
            return Told(found["request"], state, why=why, exchange=exchange)
        if not (found["number"] and found["amount"]):
            raise unexpected(self.party)
        try:
            issued_at = moment(found["issued_at"])
        except ValueError:
            raise unexpected(self.party) from None
        amount = Decimal(found["amount"])
        return Told(found["request"], state, "", found["number"], "", amount, issued_at, exchange=exchange)

    def _file(self, path: str, kind: str, key: str) -> bytes:
        """Only below the address we call anyway: a link must not lead us elsewhere."""
        if not path.startswith("/v1/files/") or ".." in path:
            raise unexpected(self.party)
        url = self.party.url("ANJU_INVOICE_TAX_URL", path)
        got = get(self.party, url, {"X-Request-Id": key, **signatures.signed(self._secret, "GET", url, b"")})
        media = got.headers.get("Content-Type", "").partition(";")[0]
        if got.status == 200 and media == f"application/{kind}":
            signed_by(self.party, self._secret, url, got)
            return got.response
        if got.status < 500 and media == "application/json":
            signed_by(self.party, self._secret, url, got)
            data = orjson.loads(got.response)
            self._allow(data if isinstance(data, dict) else {})
        raise Unreachable(f"「{self.party.title}」的应答不是约定的格式", code="unexpected_answer")


def _lease(lease: Mapping[str, Any]) -> dict[str, str]:
    """What an invoice for letting a building has to say of it."""
    return {
        "address": lease["address"],
        "certificate": lease["certificate"] or "无",
        "from": lease["begins_on"].isoformat(),
        "to": lease["ends_on"].isoformat(),
        "areaUnit": lease["area_unit"],
        "crossCity": "Y" if lease["cross_city"] else "N",
    }
