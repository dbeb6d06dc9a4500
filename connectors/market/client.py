"""The wire of market supervision: JSON over HTTP, request and answer signed. The only file that knows its names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields, validate

from connectors._kit import settings
from connectors._kit.answers import read, signed_by, unexpected
from connectors._kit.http import Exchange, post_json
from connectors._kit.signatures import signed
from engine.core.errors import Declined

OK, UNKNOWN_PERSON, UNKNOWN_FIRM = "200", "4041", "4042"
REFUSALS = {
    "4031": ("market_no_authority", "市场监管未授权本事项查询，请联系数据共享管理员"),
    "4032": ("market_no_consent", "市场监管不认可本人同意的凭证，请重新取得申请人的授权"),
}
# Their codes of a firm's state → what we call it.
STATES = {"1": "存续", "2": "吊销，未注销", "3": "注销", "4": "迁出", "5": "停业"}
ROLES = {"A": "法定代表人", "B": "负责人", "C": "执行事务合伙人", "D": "董事", "E": "监事", "F": "股东", "G": "经营者"}
# Whoever answers for the firm by law, whatever the kind of the firm calls it.
HEADS = frozenset({"A", "B", "C", "G"})


class _Post(Schema):
    uscc = fields.String(required=True, data_key="tyshxydm")
    firm = fields.String(required=True, data_key="mc")
    role = fields.String(required=True, data_key="zw", validate=validate.OneOf(list(ROLES)))
    share = fields.String(required=True, allow_none=True, data_key="czbl")
    state = fields.String(required=True, data_key="zt", validate=validate.OneOf(list(STATES)))


class _Firm(Schema):
    uscc = fields.String(required=True, data_key="tyshxydm")
    name = fields.String(required=True, data_key="mc")
    legal_person = fields.String(required=True, data_key="fddbr")
    kind = fields.String(required=True, data_key="lx")
    capital_wan = fields.String(required=True, allow_none=True, data_key="zczb")
    founded = fields.Date(required=True, data_key="clrq")
    state = fields.String(required=True, data_key="zt", validate=validate.OneOf(list(STATES)))
    scope = fields.String(required=True, data_key="jyfw")


class _Reply(Schema):
    status = fields.String(required=True)
    body = fields.Dict(load_default=None, allow_none=True)


class _Posts(Schema):
    posts = fields.List(fields.Nested(_Post), required=True, data_key="rzxx")


@dataclass(frozen=True)
class Reply:
    """``body`` is None where the register holds no such person or firm."""

    body: Mapping[str, Any] | None
    exchange: Exchange


def posts(*, name: str, id_number: str, consent: str, key: str) -> Reply:
    """The posts of one person. Raises ``Unreachable``, ``OutsideFault`` and ``Declined``."""
    return _ask("/v2/posts", {"xm": name, "zjhm": id_number, "sqh": consent}, key, _Posts)


def firm(*, uscc: str, key: str) -> Reply:
    """One firm by its unified social credit code. Raises as ``posts``."""
    return _ask("/v2/firm", {"tyshxydm": uscc}, key, _Firm)


def _ask(path: str, payload: Mapping[str, Any], key: str, schema: type[Schema]) -> Reply:
    party = settings.of("market")
    url, secret = party.url("ANJU_MARKET_URL", path), party.secret("ANJU_MARKET_SECRET")
    exchange = post_json(party, url, dict(payload), key=key, headers=lambda body: signed(secret, "POST", url, body))
    signed_by(party, secret, url, exchange)
    reply = read(_Reply, party, exchange.data)
    if reply["status"] in REFUSALS:
        code, message = REFUSALS[reply["status"]]
        raise Declined(message, code=code)
    if reply["status"] in (UNKNOWN_PERSON, UNKNOWN_FIRM):
        return Reply(None, exchange)
    if reply["status"] != OK or reply["body"] is None:
        raise unexpected(party)
    return Reply(read(schema, party, reply["body"]), exchange)
