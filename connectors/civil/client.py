"""The wire of civil affairs: SOAP by a fixed WSDL, requests signed. The only file that knows its names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from connectors._kit import settings
from connectors._kit.answers import unexpected
from connectors._kit.http import Exchange
from connectors._kit.signatures import signed
from connectors._kit.soap import SoapFault, call, contract
from engine.core.errors import Declined

WIRE = Path(__file__).parent / "wire"
REFUSALS = {
    "101": ("civil_no_authority", "民政接口未授权本事项查询，请联系数据共享管理员"),
    "102": ("civil_no_consent", "民政接口不认可本人同意的凭证，请重新取得申请人的授权"),
}
MARRIAGE, DIVORCE, REISSUE = "JH", "LH", "BZ"
AIDS = {"DB": "最低生活保障", "DSR": "低收入家庭", "TK": "特困供养"}


@dataclass(frozen=True)
class Record:
    """One entry of the marriage register: ``MARRIAGE``, ``DIVORCE``, or a certificate issued anew."""

    kind: str
    on: date
    certificate: str
    office: str
    spouse_name: str
    spouse_id_number: str


@dataclass(frozen=True)
class Marriage:
    """Entries oldest first; ``coverage``: what was registered before lies on paper and was not looked at."""

    coverage: date
    records: tuple[Record, ...]
    exchange: Exchange


@dataclass(frozen=True)
class Benefit:
    """A hardship aid; ``until`` None while it runs."""

    aid: str
    since: date
    until: date | None
    people: int
    office: str


def marriage(*, name: str, id_number: str, consent: str, key: str) -> Marriage:
    """The person's entries. Raises ``Unreachable``, ``OutsideFault`` and ``Declined``."""
    answer, exchange = _call("Marriage", {"Consent": consent, "Name": name, "IdNumber": id_number}, key)
    records = (
        Record(
            each["Kind"],
            each["Date"],
            each["CertNumber"],
            each["Office"],
            each["SpouseName"],
            each["SpouseIdNumber"],
        )
        for each in answer["Record"] or ()
    )
    return Marriage(answer["Coverage"], tuple(sorted(records, key=lambda one: one.on)), exchange)


def hardship(*, name: str, id_number: str, consent: str, key: str) -> tuple[list[Benefit], Exchange]:
    """The aids the person's household gets or got. Raises as ``marriage``."""
    answer, exchange = _call("Hardship", {"Consent": consent, "Name": name, "IdNumber": id_number}, key)
    found = [
        Benefit(AIDS[each["Aid"]], each["From"], each["Until"], int(each["People"]), each["Office"])
        for each in answer["Benefit"] or ()
    ]
    return found, exchange


def cremation(*, name: str, id_number: str, key: str) -> tuple[date | None, str, Exchange]:
    """The day of the cremation, if there was one, and the office. Raises as ``marriage``."""
    answer, exchange = _call("Cremation", {"Name": name, "IdNumber": id_number}, key)
    return answer["CrematedOn"], answer["Office"] or "", exchange


def _call(operation: str, fields: Mapping[str, Any], key: str) -> tuple[dict[str, Any], Exchange]:
    party = settings.of("civil")
    url, secret = party.url("ANJU_CIVIL_URL", "/query"), party.secret("ANJU_CIVIL_SECRET")
    agreed = contract(WIRE / "civil.wsdl", WIRE / "civil.xsd")
    try:
        answer, exchange = call(
            party,
            agreed,
            url,
            operation,
            {"RequestId": key, **fields},
            key=key,
            headers=lambda body: signed(secret, "POST", url, body),
        )
    except SoapFault as fault:
        refused = ("civil_refused", "民政接口拒绝了本次查询，请联系数据共享管理员")
        code, message = REFUSALS.get(fault.code, refused)
        raise Declined(message, code=code) from None
    if answer["RequestId"] != key:
        raise unexpected(party)
    return answer, exchange
