"""The wire of the service platform: signed JSON both ways. The only file that knows its names and codes."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import uuid4

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from connectors._kit import settings, webhooks
from connectors._kit.answers import read, signed_by, unexpected
from connectors._kit.http import Exchange, post_json
from connectors._kit.signatures import signed
from engine.core.errors import Declined, Refused

PARTY = "platform"
OK = "0"
# What we call a step → the platform's code.
STEPS = {
    "accepted": "SL",
    "not_accepted": "BYSL",
    "supplement_asked": "BJGZ",
    "supplement_received": "BJSL",
    "progress": "GC",
    "suspended": "GQ",
    "resumed": "HF",
    "closed": "BJ",
    "ended": "ZZ",
    "withdrawn": "CH",
}
RECEIVED = "received"
STATES = {"XF": RECEIVED, **{code: step for step, code in STEPS.items()}}
REFUSALS = {
    "4001": ("platform_unknown_case", "政务服务平台没有这个办件，请核对平台办件编号"),
    "4003": ("platform_no_authority", "政务服务平台未授权我方回报本事项，请联系平台管理员"),
    "4009": ("platform_wrong_order", "政务服务平台拒收：前一步尚未登记，请先补报前一步"),
    "4010": ("platform_over", "政务服务平台拒收：办件在平台上已办结或已撤回，请核对后略过本次报送"),
}
_nonces = webhooks.MemoryNonces()


class _Base(Schema):
    class Meta:
        unknown = EXCLUDE


class _Reply(_Base):
    code = fields.String(required=True)


class _State(_Base):
    state = fields.String(required=True, validate=validate.OneOf(list(STATES)))
    serial = fields.Integer(required=True)


class _Listed(_Base):
    number = fields.String(required=True, data_key="caseNo")
    state = fields.String(required=True, validate=validate.OneOf(list(STATES)))


class _Cases(_Base):
    cases = fields.List(fields.Nested(_Listed), required=True)


class _Ready(_Base):
    number = fields.String(required=True, data_key="caseNo")
    ref = fields.String(required=True, data_key="fileId")
    name = fields.String(required=True, data_key="fileName")
    content = fields.String(required=True)


class _Files(_Base):
    files = fields.List(fields.Nested(_Ready), required=True)


class _Announced(_Base):
    ref = fields.String(required=True, data_key="fileId", validate=validate.Length(min=1, max=120))
    code = fields.String(required=True, data_key="materialCode")
    name = fields.String(required=True, data_key="fileName")
    sha256 = fields.String(required=True, validate=validate.Length(equal=64))


class _Pushed(_Base):
    number = fields.String(required=True, data_key="caseNo", validate=validate.Length(min=1, max=120))
    kind = fields.String(required=True, data_key="type", validate=validate.OneOf(["CASE", "SUPPLEMENT", "WITHDRAW"]))
    item = fields.String(load_default="", data_key="itemCode")
    version = fields.String(load_default="", data_key="itemVersion")
    region = fields.String(load_default="")
    form = fields.Dict(keys=fields.String(), load_default=dict)
    files = fields.List(fields.Nested(_Announced), load_default=list)
    reason = fields.String(load_default="", validate=validate.Length(max=500))


@dataclass(frozen=True)
class File:
    """A file that lies ready: ``number`` of its case, ``ref`` of itself."""

    number: str
    ref: str
    name: str
    content: bytes = field(repr=False)


def report(told: Mapping[str, Any], serial: int, key: str) -> Exchange:
    """Report one step. Raises ``Declined`` (out of order, over), ``Unreachable``, ``OutsideFault``."""
    payload = {
        "caseNo": told["reference"],
        "step": STEPS[told["step"]],
        "serial": serial,
        "content": told["title"],
        "handler": told["handler"],
        "org": told["organisation"],
        "time": told["at"],
        "result": told["result"],
        "docNo": told["document"],
    }
    exchange = _ask("/report", payload, key)
    if read(_State, settings.of(PARTY), exchange.data)["serial"] != serial:
        raise unexpected(settings.of(PARTY))
    return exchange


def state(number: str, key: str) -> tuple[str, int, Exchange]:
    """How far the platform thinks a case is: our word for the step, and the serial of the last report."""
    exchange = _ask("/state", {"caseNo": number}, key)
    found = read(_State, settings.of(PARTY), exchange.data)
    return STATES[found["state"]], found["serial"], exchange


def cases(day: date) -> dict[str, str]:
    """Every case pushed down on ``day``: number → our word for its step."""
    exchange = _ask("/cases", {"day": day.isoformat()}, f"cases-{uuid4().hex}")
    found = read(_Cases, settings.of(PARTY), exchange.data)["cases"]
    return {one["number"]: STATES[one["state"]] for one in found}


def ready() -> list[File]:
    """Files that lie ready for us, until we say that we have them."""
    party = settings.of(PARTY)
    exchange = _ask("/files/ready", {}, f"ready-{uuid4().hex}")
    try:
        return [
            File(one["number"], one["ref"], one["name"], b64decode(one["content"], validate=True))
            for one in read(_Files, party, exchange.data)["files"]
        ]
    except NotBase64 as error:
        raise unexpected(party) from error


def taken(refs: Sequence[str]) -> None:
    """We have these files; they need not be offered again."""
    _ask("/files/taken", {"fileIds": list(refs)}, f"taken-{uuid4().hex}")


def pushed(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """What the platform posted to us. Raises ``Refused``: forged, stale, replayed, not by the agreed form."""
    agreed = webhooks.Agreed(PARTY, webhooks.by_hmac(settings.of(PARTY).secret("ANJU_PLATFORM_SECRET")), 1_000_000)
    event = webhooks.receive(agreed, body, headers, _nonces)
    try:
        return {"message_id": event.message_id, **_Pushed().load(dict(event.data))}
    except ValidationError as error:
        names = "、".join(sorted(error.messages_dict))
        raise Refused(f"下发内容不合接口约定（{names}），已拒收", code="bad_message") from error


def _ask(path: str, payload: Mapping[str, Any], key: str) -> Exchange:
    party = settings.of(PARTY)
    url, secret = party.url("ANJU_PLATFORM_URL", path), party.secret("ANJU_PLATFORM_SECRET")
    exchange = post_json(party, url, payload, key=key, headers=lambda body: signed(secret, "POST", url, body))
    signed_by(party, secret, url, exchange)
    code = read(_Reply, party, exchange.data)["code"]
    if code in REFUSALS:
        refusal, message = REFUSALS[code]
        raise Declined(message, code=refusal)
    if code != OK:
        raise unexpected(party)
    return exchange
