"""The wire of the SMS platform: JSON over HTTP, signed; one message per ``outId`` however often it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from connectors._kit import settings
from connectors._kit.http import Exchange, post_json
from connectors._kit.settings import PartySettings
from connectors._kit.signatures import signed
from engine.core.errors import Declined, OutsideFault

REFUSALS = {
    "isv.BUSINESS_LIMIT_CONTROL": ("sms_limit", "该号码短信发送过于频繁，请稍后再试或改用电话通知"),
    "isv.BLACK_LIST": ("sms_blacklist", "该号码已拒收短信，请改用电话或站内消息通知"),
    "isv.MOBILE_NUMBER_ILLEGAL": ("sms_number", "手机号码不能接收短信，请核对号码"),
    "isv.AMOUNT_NOT_ENOUGH": ("sms_balance", "短信余额不足，请管理员续费后再发"),
    "isv.TEMPLATE_ILLEGAL": ("sms_template", "短信模板或内容未通过平台审核，请管理员核对模板"),
}
TWICE = ("sms_repeated", "同一号码在本批中已发送一条")
# One call takes so many; the platform asks for no more.
MOST = 200
STATES = {"DELIVERED": "delivered", "WAITING": "waiting", "FAILED": "failed"}


class _Sent(Schema):
    class Meta:
        unknown = EXCLUDE

    code = fields.String(required=True)
    bizId = fields.String(load_default="", validate=validate.Length(max=64))


class _One(Schema):
    class Meta:
        unknown = EXCLUDE

    outId = fields.String(required=True)
    code = fields.String(required=True)
    bizId = fields.String(load_default="", validate=validate.Length(max=64))


class _Batch(Schema):
    class Meta:
        unknown = EXCLUDE

    code = fields.String(required=True)
    results = fields.List(fields.Nested(_One), load_default=list)


class _Balance(Schema):
    class Meta:
        unknown = EXCLUDE

    code = fields.String(required=True)
    remaining = fields.Integer(load_default=None, strict=True, validate=validate.Range(min=0))


@dataclass(frozen=True)
class Sent:
    """What became of one message of a batch: the platform's number, or the code and words of its refusal."""

    message_id: str = ""
    code: str = ""
    reason: str = ""


class _Receipt(Schema):
    class Meta:
        unknown = EXCLUDE

    code = fields.String(required=True)
    state = fields.String(load_default="", validate=validate.OneOf(["", *STATES]))


def send(*, phone: str, template: str, values: Mapping[str, Any], key: str) -> str:
    """Hand one message to the platform; its number comes back. Raises ``Unreachable``, ``Declined``."""
    party = settings.of("sms")
    payload = {
        "outId": key,
        "phone": phone,
        "template": template,
        "values": {name: _plain(value) for name, value in values.items()},
        "signName": party.text("ANJU_SMS_SIGN_NAME"),
    }
    reply = _load(_Sent(), party, _post(party, "/v1/messages", payload, key))
    _accept(party, reply["code"])
    if not reply["bizId"]:
        raise _unexpected(party)
    return str(reply["bizId"])


def send_batch(*, template: str, messages: Sequence[Mapping[str, Any]], key: str) -> list[Sent]:
    """Hand many messages over in one call; ``messages`` hold ``phone`` and ``values``. Gives one result each, in order.

    A number gets one message a batch; a refused number holds up no other. Raises as ``send`` where all are refused.
    """
    party = settings.of("sms")
    first: dict[str, int] = {}
    for number, one in enumerate(messages):
        first.setdefault(str(one["phone"]), number)
    going = {f"{key}-{number}": messages[number] for number in first.values()}
    payload = {
        "outId": key,
        "template": template,
        "signName": party.text("ANJU_SMS_SIGN_NAME"),
        "messages": [
            {
                "outId": out_id,
                "phone": one["phone"],
                "values": {name: _plain(value) for name, value in one["values"].items()},
            }
            for out_id, one in going.items()
        ],
    }
    reply = _load(_Batch(), party, _post(party, "/v1/batches", payload, key))
    _accept(party, reply["code"])
    answered = {one["outId"]: one for one in reply["results"]}
    # Each asked for once and nobody else: else a result could be taken for another number's.
    if set(answered) != set(going) or len(reply["results"]) != len(going):
        raise _unexpected(party)
    return [
        _result(party, answered[f"{key}-{number}"]) if first[str(one["phone"])] == number else Sent("", *TWICE)
        for number, one in enumerate(messages)
    ]


def _result(party: PartySettings, one: Mapping[str, Any]) -> Sent:
    if one["code"] in REFUSALS:
        return Sent("", *REFUSALS[one["code"]])
    if one["code"] != "OK" or not one["bizId"]:
        raise _unexpected(party)
    return Sent(str(one["bizId"]))


def balance(*, key: str) -> int:
    """How many messages are left of what was paid for."""
    party = settings.of("sms")
    reply = _load(_Balance(), party, _post(party, "/v1/balance", {}, key))
    _accept(party, reply["code"])
    if reply["remaining"] is None:
        raise _unexpected(party)
    return int(reply["remaining"])


def least() -> int:
    """Below so many messages somebody has to buy more. Raises ``OutsideFault`` where the setting is no number."""
    party = settings.of("sms")
    text = party.text("ANJU_SMS_LOW")
    if not (text.isascii() and text.isdigit()):
        raise OutsideFault("ANJU_SMS_LOW 应为不小于 0 的整数，请管理员更正", code="not_configured")
    return int(text)


def receipt(*, message_id: str, key: str) -> str:
    """What became of a message: ``delivered``, ``waiting`` or ``failed``."""
    party = settings.of("sms")
    reply = _load(_Receipt(), party, _post(party, "/v1/receipts", {"bizId": message_id}, key))
    if reply["code"] == "isv.NOT_FOUND":
        raise Declined("短信平台没有这条短信的记录", code="sms_unknown_message")
    _accept(party, reply["code"])
    if not reply["state"]:
        raise _unexpected(party)
    return STATES[reply["state"]]


def _plain(value: object) -> str:
    """A value as a person reads it; a template has no lists."""
    if isinstance(value, list | tuple):
        return "、".join(_plain(one) for one in value)
    return "" if value is None else str(value)


def _post(party: PartySettings, path: str, payload: Mapping[str, Any], key: str) -> Exchange:
    url, secret = party.url("ANJU_SMS_URL", path), party.secret("ANJU_SMS_SECRET")
    return post_json(party, url, payload, key=key, headers=lambda body: signed(secret, "POST", url, body))


def _accept(party: PartySettings, code: str) -> None:
    if code in REFUSALS:
        refusal, message = REFUSALS[code]
        raise Declined(message, code=refusal)
    if code != "OK":
        raise _unexpected(party)


def _load(schema: Schema, party: PartySettings, exchange: Exchange) -> dict[str, Any]:
    try:
        return dict(schema.load(exchange.data))
    except ValidationError as error:
        raise _unexpected(party) from error


def _unexpected(party: PartySettings) -> OutsideFault:
    return OutsideFault(f"「{party.title}」的应答不合接口约定，请核对接口版本", code="unexpected_answer")
