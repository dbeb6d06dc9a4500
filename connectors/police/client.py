"""The wire of the police interface: JSON over HTTP, request and answer signed with a shared key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from connectors._kit import settings
from connectors._kit.http import Exchange, post_json
from connectors._kit.signatures import check, signed
from engine.core.errors import Declined, OutsideFault, Refused

PATH = "/v1/household"
OK, MISMATCH, NO_NUMBER, OTHER_KIND = "0", "1101", "1103", "1105"
REFUSALS = {
    "2001": ("police_no_authority", "公安接口未授权本事项查询，请联系数据共享管理员"),
    "2002": ("police_no_consent", "公安接口不认可本人同意的凭证，请重新取得申请人的授权"),
}


class _Member(Schema):
    class Meta:
        unknown = EXCLUDE

    name = fields.String(required=True)
    relation = fields.String(required=True)


class _Household(Schema):
    class Meta:
        unknown = EXCLUDE

    number = fields.String(required=True)
    members = fields.List(fields.Nested(_Member), required=True, validate=validate.Length(min=1))


class _Data(Schema):
    class Meta:
        unknown = EXCLUDE

    match = fields.String(required=True, validate=validate.OneOf(["T", "F"]))
    alive = fields.Boolean(required=True, truthy={True}, falsy={False})
    household = fields.Nested(_Household, required=True)


class _Reply(Schema):
    class Meta:
        unknown = EXCLUDE

    code = fields.String(required=True)
    data = fields.Nested(_Data, load_default=None, allow_none=True)


@dataclass(frozen=True)
class Household:
    """What the police know. Only ``OK`` carries more than the code."""

    code: str
    exchange: Exchange
    alive: bool | None = None
    number: str = ""
    members: tuple[Mapping[str, str], ...] = ()


def household(
    *, name: str, id_kind: str, id_number: str, consent: str, case_number: str, item: str, key: str
) -> Household:
    """Ask for one person. Raises ``Unreachable``, ``OutsideFault`` and ``Declined``."""
    party = settings.of("police")
    url, secret = party.url("ANJU_POLICE_URL", PATH), party.secret("ANJU_POLICE_SECRET")
    payload = {
        "name": name,
        "idKind": id_kind,
        "idNumber": id_number,
        "consentNumber": consent,
        "caseNumber": case_number,
        "itemCode": item,
    }
    exchange = post_json(party, url, payload, key=key, headers=lambda body: signed(secret, "POST", url, body))
    try:
        check(secret, "ANSWER", url, exchange.headers, exchange.response)
    except Refused as error:
        raise OutsideFault(f"「{party.title}」的应答签名不正确，已拒收", code="bad_signature") from error
    return _read(exchange, party.title)


def _read(exchange: Exchange, title: str) -> Household:
    try:
        reply: dict[str, Any] = _Reply().load(exchange.data)
    except ValidationError as error:
        raise _unexpected(title) from error
    code, data = reply["code"], reply["data"]
    if code in REFUSALS:
        refusal, message = REFUSALS[code]
        raise Declined(message, code=refusal)
    if code in (MISMATCH, NO_NUMBER, OTHER_KIND):
        return Household(code, exchange)
    if code != OK or data is None:
        raise _unexpected(title)
    if data["match"] == "F":
        return Household(MISMATCH, exchange)
    found = data["household"]
    return Household(OK, exchange, data["alive"], found["number"], tuple(found["members"]))


def _unexpected(title: str) -> OutsideFault:
    return OutsideFault(f"「{title}」的应答不合接口约定，请核对接口版本", code="unexpected_answer")
