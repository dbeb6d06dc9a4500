"""The wire of vehicle registration: JSON over HTTP, request and answer signed. The only file that knows its names."""

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

PATH = "/jdc/owned"
OK, NO_PERSON = "1", "2"
REFUSALS = {
    "91": ("vehicles_no_authority", "车管接口未授权本事项查询，请联系数据共享管理员"),
    "92": ("vehicles_quota", "车管接口当日查询次数已用完，请明日再查或联系数据共享管理员"),
}
# GA/T 16.7 use of a vehicle; letters the office does not tell apart count as 其他.
USES = {"A": "非营运", "B": "公路客运", "D": "出租客运", "F": "货运", "G": "租赁", "N": "教练", "Z": "其他"}
STATES = {"A": "正常", "B": "转出", "E": "注销", "G": "违法未处理", "M": "逾期未检验", "P": "达到报废标准"}
# Gone from the person's property.
GONE = frozenset({"B", "E"})


class _Vehicle(Schema):
    plate = fields.String(required=True, data_key="hphm")
    kind = fields.String(required=True, data_key="cllx")
    use = fields.String(required=True, data_key="syxz", validate=validate.OneOf(list(USES)))
    first_registered = fields.Date(required=True, data_key="ccdjrq", format="%Y%m%d")
    price_yuan = fields.Decimal(required=True, allow_none=True, data_key="gcjg", places=2)
    state = fields.String(required=True, data_key="zt", validate=validate.OneOf(list(STATES)))


class _Reply(Schema):
    code = fields.String(required=True, data_key="jgdm")
    vehicles = fields.List(fields.Nested(_Vehicle), load_default=None, allow_none=True, data_key="jdc")


@dataclass(frozen=True)
class Owned:
    """``vehicles`` is None where the register does not hold the person."""

    vehicles: list[Mapping[str, Any]] | None
    exchange: Exchange


def owned(*, name: str, id_number: str, case_number: str, key: str) -> Owned:
    """The vehicles registered to one person. Raises ``Unreachable``, ``OutsideFault`` and ``Declined``."""
    party = settings.of("vehicles")
    url, secret = party.url("ANJU_VEHICLES_URL", PATH), party.secret("ANJU_VEHICLES_SECRET")
    payload = {"syr": name, "sfzmhm": id_number, "ywlsh": case_number}
    exchange = post_json(party, url, payload, key=key, headers=lambda body: signed(secret, "POST", url, body))
    signed_by(party, secret, url, exchange)
    reply = read(_Reply, party, exchange.data)
    if reply["code"] in REFUSALS:
        code, message = REFUSALS[reply["code"]]
        raise Declined(message, code=code)
    if reply["code"] == NO_PERSON:
        return Owned(None, exchange)
    if reply["code"] != OK or reply["vehicles"] is None:
        raise unexpected(party)
    return Owned(reply["vehicles"], exchange)
