"""The wire of the real-estate registry: SOAP by a fixed WSDL, and the signed XML notice it posts to us later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from connectors._kit import settings
from connectors._kit.http import Exchange
from connectors._kit.settings import PartySettings
from connectors._kit.signatures import check, signed
from connectors._kit.soap import Contract, SoapFault, call, contract, parse_xml, read_element
from engine.core.errors import Declined, OutsideFault, Refused, Unreachable

WIRE = Path(__file__).parent / "wire"
INBOUND = "/inbound/realestate"
REFUSALS = {
    "3001": ("realestate_no_authority", "不动产接口未授权本事项查询，请联系数据共享管理员"),
    "3003": ("realestate_limited", "该不动产已被查封或限制，不能再冻结，请人工核对"),
    "3004": ("realestate_no_title", "不动产登记簿上没有该权证号，请核对权证号"),
    "3005": ("realestate_not_frozen", "本办件没有冻结该不动产，无需解除"),
    "3002": ("realestate_region", "不动产接口不受理该地区的查询，请核对地区"),
}
YES, NO, AMBIGUOUS = "YES", "NO", "AMBIGUOUS"


@dataclass(frozen=True)
class Home:
    """One title. ``area`` in ㎡ as the registry wrote it (decimal text), ``share`` a fraction such as 1/2."""

    unit_number: str
    address: str
    area: str
    use: str
    share: str


@dataclass(frozen=True)
class Holding:
    """What one person owns. ``found``: ``YES``, ``NO`` or ``AMBIGUOUS`` (the registry cannot tell whose it is)."""

    id_number: str
    found: str
    homes: tuple[Home, ...]


@dataclass(frozen=True)
class Reply:
    """Holdings, or None and the seconds within which the registry promises them."""

    exchange: Exchange
    holdings: tuple[Holding, ...] | None
    within_seconds: int = 0


@dataclass(frozen=True)
class Notice:
    """What the registry posts to us: holdings, or why not."""

    message_id: str
    request_id: str
    holdings: tuple[Holding, ...]
    declined: Declined | None


def submit(*, persons: Sequence[Mapping[str, str]], region: str, case_number: str, key: str) -> Reply:
    """Ask what ``persons`` (name, id_number) own. Raises ``Unreachable``, ``OutsideFault`` and ``Declined``."""
    party = settings.of("realestate")
    fields = {
        "RequestId": key,
        "CaseNumber": case_number,
        "Region": region,
        "CallbackUrl": party.url("ANJU_CALLBACK_URL", INBOUND),
        "Person": [{"Name": person["name"], "IdNumber": person["id_number"]} for person in persons],
    }
    return _reply(party, *_call(party, "Submit", fields, key))


def fetch(*, key: str) -> Reply | None:
    """The answer to what was submitted under ``key``; None where the registry never heard of it."""
    party = settings.of("realestate")
    answer, exchange = _call(party, "Fetch", {"RequestId": key}, key)
    if answer["State"] == "NOT_KNOWN":
        return None
    return _reply(party, answer, exchange)


def freeze(*, cert_number: str, reason: str, until: date, case_number: str, key: str) -> tuple[str, Exchange]:
    """Freeze a title for a case until a day: the number of the freeze, the same however often it is asked for."""
    fields = {"CertNumber": cert_number, "Reason": reason, "Until": until}
    return _frozen("Freeze", fields, case_number, key)


def unfreeze(*, cert_number: str, case_number: str, key: str) -> tuple[str, Exchange]:
    """End the freeze of a title for a case: its number, also where it was ended before."""
    return _frozen("Unfreeze", {"CertNumber": cert_number}, case_number, key)


def _frozen(operation: str, fields: Mapping[str, Any], case_number: str, key: str) -> tuple[str, Exchange]:
    party = settings.of("realestate")
    asked = {"RequestId": key, "CaseNumber": case_number, **fields}
    answer, exchange = _call(party, operation, asked, key)
    return str(answer["FreezeNumber"]), exchange


def read_notice(body: bytes, headers: Mapping[str, str]) -> Notice:
    """Check and read what was posted to us. Raises ``Refused``: bad signature, stale, not by the XSD."""
    party = settings.of("realestate")
    check(party.secret("ANJU_REALESTATE_SECRET"), "POST", party.url("ANJU_CALLBACK_URL", INBOUND), headers, body)
    try:
        found = read_element(party, _contract(), parse_xml(party, body), "OwnershipNotice")
    except OutsideFault as error:
        raise Refused("回调内容不合接口约定，已拒收", code="bad_message") from error
    if found["RefusedCode"]:
        return Notice(found["MessageId"], found["RequestId"], (), _declined(found["RefusedCode"]))
    return Notice(found["MessageId"], found["RequestId"], _holdings(found["Result"]), None)


def _contract() -> Contract:
    return contract(WIRE / "ownership.wsdl", WIRE / "ownership.xsd")


def _call(party: PartySettings, operation: str, fields: dict[str, Any], key: str) -> tuple[dict[str, Any], Exchange]:
    url, secret = party.url("ANJU_REALESTATE_URL", "/ownership"), party.secret("ANJU_REALESTATE_SECRET")
    try:
        answer, exchange = call(
            party, _contract(), url, operation, fields, key=key, headers=lambda body: signed(secret, "POST", url, body)
        )
    except SoapFault as fault:
        raise _declined(fault.code) from None
    if answer["RequestId"] != key:
        raise Unreachable(f"「{party.title}」答非所问", code="unexpected_answer")
    return answer, exchange


def _reply(party: PartySettings, answer: Mapping[str, Any], exchange: Exchange) -> Reply:
    if answer["State"] != "ANSWERED":
        return Reply(exchange, None, int(answer["AnswerWithinSeconds"] or 60))
    if answer["Result"] is None:
        raise OutsideFault(f"「{party.title}」的应答没有结果，请核对接口版本", code="unexpected_answer")
    return Reply(exchange, _holdings(answer["Result"]))


def _holdings(result: Mapping[str, Any]) -> tuple[Holding, ...]:
    return tuple(
        Holding(
            holding["IdNumber"],
            holding["Found"],
            tuple(
                Home(home["UnitNumber"], home["Address"], str(home["Area"]), home["Use"], home["Share"])
                for home in holding["Home"] or ()
            ),
        )
        for holding in result["Holding"]
    )


def _declined(code: str) -> Declined:
    refusal, message = REFUSALS.get(code, ("realestate_refused", "不动产接口拒绝了本次查询，请联系数据共享管理员"))
    return Declined(message, code=refusal)
