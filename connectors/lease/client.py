"""The wire of the lease-filing front end: XML in TCP frames with an HMAC-SM3 behind it (wire/README.md)."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree
from marshmallow import Schema, fields, validate

from connectors._kit import settings, sm
from connectors._kit.answers import read, unexpected
from connectors._kit.frames import FrameClient, Framing
from connectors._kit.http import Exchange
from connectors._kit.settings import PartySettings
from connectors._kit.soap import parse_xml
from engine.core.errors import Declined, OutsideFault, Unreachable

FILE, RESULT, FILINGS = "ZL2001", "ZL2002", "ZL2003"
OK, WORKING, NEVER_HEARD, INTERNAL = "0000", "1001", "2004", "9999"
REFUSALS = {
    "2001": ("lease_already_let", "该住房已有生效的租赁备案，请核对房屋编号或先办理注销"),
    "2002": ("lease_no_dwelling", "租赁备案系统没有该房屋编号，请核对后重新发起"),
    "3001": ("lease_no_authority", "租赁备案接口未授权本机构办理，请联系租赁管理科"),
}
_clients: dict[tuple[str, str], FrameClient] = {}
_lock = threading.Lock()


class _Filed(Schema):
    FilingNo = fields.String(required=True, validate=validate.Length(min=1))
    FilingDate = fields.Date(required=True, format="%Y%m%d")


class _Filing(Schema):
    FilingNo = fields.String(required=True, validate=validate.Length(min=1))
    Address = fields.String(required=True)
    Area = fields.Decimal(required=True, places=2)
    RentFen = fields.Integer(required=True)
    BeginDate = fields.Date(required=True, format="%Y%m%d")
    EndDate = fields.Date(required=True, format="%Y%m%d")
    State = fields.String(required=True, validate=validate.OneOf(["1", "2", "3"]))


@dataclass(frozen=True)
class Filed:
    """What came of a filing. ``number`` empty: they are still working on it."""

    exchange: Exchange
    number: str = ""
    day: date | None = None


@dataclass(frozen=True)
class Filing:
    """One filed lease. ``area`` in ㎡, ``rent_fen`` a month; ``state``: 1 in force, 2 ended, 3 cancelled."""

    number: str
    address: str
    area: Decimal
    rent_fen: int
    begins_on: date
    ends_on: date
    state: str


def file(lease: Mapping[str, Any], key: str) -> Filed:
    """Report a lease. Raises ``Unreachable``, ``OutsideFault`` and ``Declined``."""
    lessor, lessee = lease["lessor"], lease["lessee"]
    body = {
        "ContractNo": lease["contract_number"],
        "HouseNo": lease["unit_number"],
        "Address": lease["address"],
        "Area": f"{Decimal(str(lease['area'])):.2f}",
        "RentFen": str(lease["rent_fen"]),
        "BeginDate": f"{lease['begins_on']:%Y%m%d}",
        "EndDate": f"{lease['ends_on']:%Y%m%d}",
        "LessorName": lessor["name"],
        "LessorId": lessor["id_number"],
        "LesseeName": lessee["name"],
        "LesseeId": lessee["id_number"],
    }
    return _filed(*_call(FILE, key, body))


def result(key: str) -> Filed | None:
    """What came of the lease reported under ``key``; None where they never heard of it. Raises as ``file``."""
    code, body, exchange = _call(RESULT, key, {})
    return None if code == NEVER_HEARD else _filed(code, body, exchange)


def filings(name: str, id_number: str, key: str) -> tuple[list[Filing], Exchange]:
    """The leases filed with this tenant. Raises as ``file``."""
    party = settings.of("lease")
    code, body, exchange = _call(FILINGS, key, {"LesseeName": name, "LesseeId": id_number})
    if code != OK or any(child.tag != "Filing" for child in body):
        raise unexpected(party)
    return [_filing(party, child) for child in body], exchange


def _filing(party: PartySettings, element: etree._Element) -> Filing:
    found = read(_Filing, party, _texts(element))
    names = ("FilingNo", "Address", "Area", "RentFen", "BeginDate", "EndDate", "State")
    return Filing(*(found[name] for name in names))


def _filed(code: str, body: etree._Element, exchange: Exchange) -> Filed:
    if code == WORKING:
        return Filed(exchange)
    if code != OK:
        raise unexpected(settings.of("lease"))
    found = read(_Filed, settings.of("lease"), _texts(body))
    return Filed(exchange, found["FilingNo"], found["FilingDate"])


def _texts(element: etree._Element) -> dict[str, str]:
    return {str(child.tag): child.text or "" for child in element}


def request_xml(code: str, key: str, unit: str, body: Mapping[str, str]) -> bytes:
    """A question as it goes over the wire, without its frame."""
    root = etree.Element("Message")
    for part, values in (("Head", {"TransCode": code, "SerialNo": key, "OrgCode": unit}), ("Body", body)):
        element = etree.SubElement(root, part)
        for name, value in values.items():
            etree.SubElement(element, name).text = value
    text = etree.tostring(root, encoding="unicode")
    return f"<?xml version='1.0' encoding='GB18030'?>\n{text}".encode("gb18030")


def _call(code: str, key: str, body: Mapping[str, str]) -> tuple[str, etree._Element, Exchange]:
    """The answer's code and body. A serial number is worked on once, so a question may always be repeated."""
    party = settings.of("lease")
    sent = request_xml(code, key, party.text("ANJU_LEASE_UNIT"), body)
    answer = _client(party).call(sent, repeatable=True)
    root = parse_xml(party, answer)
    head, found = root.find("Head"), root.find("Body")
    if root.tag != "Message" or head is None or found is None:
        raise unexpected(party)
    told = _texts(head)
    if told.get("TransCode") != code or told.get("SerialNo") != key:
        raise OutsideFault(f"「{party.title}」答非所问", code="unexpected_answer")
    given = told.get("RtnCode", "")
    if given == INTERNAL:
        raise Unreachable(f"「{party.title}」报告内部错误")
    if given in REFUSALS:
        refusal, message = REFUSALS[given]
        raise Declined(message, code=refusal)
    return given, found, Exchange(200, {}, sent, answer)


def _client(party: PartySettings) -> FrameClient:
    """One connection for each address and key; another setting makes another one."""
    address, secret = party.text("ANJU_LEASE_ADDRESS"), party.secret("ANJU_LEASE_SECRET")
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise OutsideFault(f"「{party.title}」的地址应写作 主机:端口，请管理员核对", code="not_configured")
    framing = Framing(mac=lambda body: sm.hmac_sm3(secret, body), mac_bytes=32)
    with _lock:
        known = (address, f"{party.timeout:g}/{sm.sm3(secret).hex()}")
        if known not in _clients:
            _clients[known] = FrameClient(party, (host, int(port)), framing)
            atexit.register(_clients[known].close)
        return _clients[known]
