"""The building table: three views of the transaction system's database, and the interface that takes marks back."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from marshmallow import Schema, fields

from connectors._kit import settings
from connectors._kit.answers import read, signed_by, unexpected
from connectors._kit.http import Exchange, post_json
from connectors._kit.settings import PartySettings
from connectors._kit.signatures import signed
from connectors._kit.tables import Agreed, Shared
from engine.core.errors import Declined

PATH = "/v1/marks"
OK = "0"
REFUSALS = {
    "2001": ("housing_not_free", "该房屋已售或被查封，不能标记为保障房，请核对楼盘表"),
    "2002": ("housing_no_unit", "楼盘表中没有该不动产单元号，请核对"),
    "3001": ("housing_no_authority", "房产交易系统未授权本机构标记，请联系数据共享管理员"),
}
MARKS = {"affordable_rental": "BZXZL", "public_rental": "GZF", "none": "WU"}
OURS = {theirs: ours for ours, theirs in MARKS.items()}
VIEWS = {
    "estates": Agreed("LPB_XM", {"number": "XMBH", "name": "XMMC", "developer": "QYMC", "uscc": "QYTYXYDM"}, "number"),
    "buildings": Agreed(
        "LPB_LD", {"number": "LDBH", "estate": "XMBH", "name": "LDMC", "storeys": "ZCS", "units": "HS"}, "number"
    ),
    "units": Agreed(
        "LPB_HW",
        {
            "unit_number": "BDCDYH",
            "building": "LDBH",
            "entrance": "DYMC",
            "storey": "SZC",
            "room": "FJH",
            "area": "JZMJ",
            "inner_area": "TNMJ",
            "use": "GHYT",
            "state": "FWZT",
            "mark": "BZFBJ",
        },
        "unit_number",
    ),
}
_shared: dict[tuple[str, float], Shared] = {}
_lock = threading.Lock()

Row = Mapping[str, Any]


class _Data(Schema):
    markNo = fields.String(required=True)
    unitNo = fields.String(required=True)
    mark = fields.String(required=True)


class _Reply(Schema):
    code = fields.String(required=True)
    data = fields.Dict(load_default=None, allow_none=True)


def buildings(estate: str) -> tuple[list[Row], Exchange]:
    """The buildings of the estates of that name or number. Raises ``Unreachable`` and ``OutsideFault``."""
    there = _database(settings.of("housing"))
    named = {row["number"]: row for key in ("name", "number") for row in there.every("estates", where={key: estate})}
    found = there.every("buildings", where={"estate": list(named)}) if named else []
    rows: list[Row] = [{**row, "estate_name": named[row["estate"]]["name"]} for row in found]
    return rows, _kept({"estate": estate}, rows)


def units(building: str, after: str, limit: int) -> tuple[list[Row], str, Exchange]:
    """A page of dwellings, and what to ask after for the next one (empty: none). Raises as ``buildings``."""
    page = _database(settings.of("housing")).rows(
        "units", where={"building": building}, after=after or None, limit=limit
    )
    rows: list[Row] = [{**row, "mark": OURS.get(row["mark"] or "WU", "none")} for row in page.rows]
    return rows, str(page.next or ""), _kept({"building": building, "after": after, "limit": limit}, rows)


def mark(unit_number: str, kind: str, reason: str, case_number: str, key: str) -> tuple[str, Exchange]:
    """Put a mark on a dwelling; gives its number. Raises ``Unreachable``, ``OutsideFault``, ``Declined``."""
    party = settings.of("housing")
    url, secret = party.url("ANJU_HOUSING_URL", PATH), party.secret("ANJU_HOUSING_SECRET")
    payload = {"unitNo": unit_number, "mark": MARKS[kind], "reason": reason, "caseNo": case_number}
    exchange = post_json(party, url, payload, key=key, headers=lambda body: signed(secret, "POST", url, body))
    signed_by(party, secret, url, exchange)
    reply = read(_Reply, party, exchange.data)
    if reply["code"] in REFUSALS:
        code, message = REFUSALS[reply["code"]]
        raise Declined(message, code=code)
    if reply["code"] != OK or reply["data"] is None:
        raise unexpected(party)
    data = read(_Data, party, reply["data"])
    if (data["unitNo"], data["mark"]) != (unit_number, MARKS[kind]):
        raise unexpected(party)
    return data["markNo"], exchange


def _database(party: PartySettings) -> Shared:
    """One for each address; the agreed columns are looked for when it is first used."""
    known = (party.text("ANJU_HOUSING_DATABASE"), party.timeout)
    with _lock:
        if known not in _shared:
            _shared[known] = Shared(party, known[0], VIEWS)
    return _shared[known]


def _kept(asked: Mapping[str, Any], rows: Sequence[Row]) -> Exchange:
    """Question and rows as the case keeps them: a database has no messages of its own."""
    return Exchange(200, {}, orjson.dumps(asked), orjson.dumps(rows, default=str))
