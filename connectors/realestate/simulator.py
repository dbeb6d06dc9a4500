"""A simulated real-estate registry: SOAP by the fixed WSDL, written and read by hand; some answers come later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import requests
from flask import Response, request
from lxml import etree

from connectors._kit.sandbox import COMMON, EVERYBODY, Refusal, State, serve, sign, soap

SECRET = "demo-realestate-key"  # noqa: S105 - known to everybody, of the simulator only
WSDL = Path(__file__).parent / "wire" / "ownership.wsdl"
SERVICE = soap.Service(WSDL, "urn:anju-demo:realestate:1", SECRET, invalid="3900")
SCENARIOS = {
    **COMMON,
    "empty": "名下无登记",
    "mismatch": "同名不同号，不能确认",
    "late": "稍后回复（回调）",
    "lost_callback": "稍后回复，回调丢失",
    "duplicate_callback": "稍后回复，重复回调",
    "late_refusal": "稍后回复，结果为拒绝",
    "bad_signature": "稍后回复，回调签名错误",
    "limited": "已被查封，不能冻结",
}
FREEZING = {"FreezeRequest": "freeze", "UnfreezeRequest": "unfreeze"}
LATER = {"late", "lost_callback", "duplicate_callback", "late_refusal", "bad_signature"}


def create(state: State) -> Callable[..., Any]:
    """The party's web application."""

    def answer(asked: etree._Element) -> Response:
        if etree.QName(asked).localname == "FetchRequest":
            key = SERVICE.text(asked, "RequestId")
            return serve(
                state, request, "realestate", "fetch", EVERYBODY, lambda _: _fetch(state, key), _write, once=False
            )
        if etree.QName(asked).localname in FREEZING:
            cert, operation = SERVICE.text(asked, "CertNumber"), FREEZING[etree.QName(asked).localname]
            return serve(
                state, request, "realestate", operation, cert, lambda now: _freezing(state, asked, now), _write
            )
        subject = _subject(state, asked)
        return serve(state, request, "realestate", "ownership", subject, lambda now: _submit(state, asked, now), _write)

    return SERVICE.app("/ownership", answer)


def _people(asked: etree._Element) -> list[str]:
    return [SERVICE.text(person, "IdNumber") for person in asked.findall(f"{{{SERVICE.namespace}}}Person")]


def _subject(state: State, asked: etree._Element) -> str:
    """The person whose scenario rules the call: the first with one, else the first."""
    people = _people(asked)
    return next((number for number in people if state.shown("realestate", number) != "ok"), people[0])


# --- what the registry does -----------------------------------------------------------------------------------


def _submit(state: State, asked: etree._Element, scenario: str) -> dict[str, Any]:
    if scenario == "business_error":
        raise Refusal(fault="3001")
    key = SERVICE.text(asked, "RequestId")
    content: dict[str, Any] = {
        "name": "SubmitResponse",
        "key": key,
        "state": "ANSWERED",
        "number": f"BDC{len(state.log('realestate')) + 1:08d}",
        "holdings": [_holding(state, number, scenario) for number in _people(asked)],
    }
    if scenario in LATER:
        content["within"] = state.timing.answer_within
        content["ready_at"] = time.monotonic() + state.timing.late
        content["refused"] = scenario == "late_refusal"
        if scenario != "lost_callback":
            arguments = (state, content, SERVICE.text(asked, "CallbackUrl"), scenario)
            threading.Thread(target=_call_back, args=arguments, daemon=True).start()
    return content


def _freezing(state: State, asked: etree._Element, scenario: str) -> dict[str, Any]:
    """Freeze or release; one freeze per case and certificate, whatever the request's own number."""
    case, cert = SERVICE.text(asked, "CaseNumber"), SERVICE.text(asked, "CertNumber")
    name = etree.QName(asked).localname.replace("Request", "Response")
    known = {home["cert_number"] for person in state.people.values() for home in person.get("homes", [])}
    if scenario == "business_error":
        raise Refusal(fault="3001")
    if cert not in known or scenario == "empty":
        raise Refusal(fault="3004")
    with state.lock:
        shelf = state.shelf("realestate")
        found = next((one for one in shelf if (one["case"], one["cert"]) == (case, cert)), None)
        others = [one for one in shelf if one["cert"] == cert and one["case"] != case and one["frozen"]]
        if name == "UnfreezeResponse" and found is None:
            raise Refusal(fault="3005")
        if name == "FreezeResponse" and (others or scenario == "limited"):
            raise Refusal(fault="3003")
        if found is None:
            found = {"case": case, "cert": cert, "number": f"DJ{len(shelf) + 1:08d}", "frozen": True}
            shelf.append(found)
        found["frozen"] = name == "FreezeResponse"
    return {"name": name, "key": SERVICE.text(asked, "RequestId"), "freeze": found["number"]}


def _fetch(state: State, key: str) -> dict[str, Any]:
    booked = state.booked("realestate", "ownership", key)
    if booked is None:
        return {"name": "FetchResponse", "key": key, "state": "NOT_KNOWN"}
    del booked["number"]
    return {**booked, "name": "FetchResponse"}


def _present(content: Mapping[str, Any]) -> dict[str, Any]:
    """What was booked, as it stands now: a repeat finds what has become ready meanwhile."""
    if "ready_at" not in content:
        return dict(content)
    if content["ready_at"] > time.monotonic():
        return {**content, "state": "PROCESSING" if content["name"] == "FetchResponse" else "ACCEPTED"}
    if content["refused"]:
        return {"fault": "3001"}
    return {**content, "state": "ANSWERED"}


def _holding(state: State, number: str, scenario: str) -> dict[str, Any]:
    own = state.shown("realestate", number)
    if "mismatch" in (own, scenario):
        return {"number": number, "found": "AMBIGUOUS", "homes": []}
    homes = [] if "empty" in (own, scenario) else state.people.get(number, {}).get("homes", [])
    return {"number": number, "found": "YES" if homes else "NO", "homes": homes}


def _call_back(state: State, content: Mapping[str, Any], url: str, scenario: str) -> None:
    """Post the notice until it is taken; a lost answer to a post means that the same notice goes out again."""
    time.sleep(state.timing.late)
    outcome = "<RefusedCode>3001</RefusedCode>" if content["refused"] else _result(content["holdings"])
    body = (
        f'<OwnershipNotice xmlns="{SERVICE.namespace}"><MessageId>{escape(content["number"])}-1</MessageId>'
        f"<RequestId>{escape(content['key'])}</RequestId>{outcome}</OwnershipNotice>"
    ).encode()
    wanted = 2 if scenario == "duplicate_callback" else 1
    for pause in state.timing.callback_pauses:
        time.sleep(pause)
        headers = sign(SECRET, "POST", urlsplit(url).path, body, broken=scenario == "bad_signature")
        try:
            answer = requests.post(
                url, data=body, headers={**headers, "Content-Type": "text/xml; charset=utf-8"}, timeout=5
            )
        except requests.RequestException:
            continue
        wanted -= answer.ok
        if not wanted:
            return


# --- how the registry writes -----------------------------------------------------------------------------------


def _write(booked: Mapping[str, Any], scenario: str) -> Response:
    content = _present(booked)
    if "fault" in content:
        return SERVICE.fault(content["fault"])
    parts = [f"<RequestId>{escape(content['key'])}</RequestId>"]
    if "freeze" in content:
        parts.append(f"<FreezeNumber>{content['freeze']}</FreezeNumber>")
    if "state" in content:
        parts.append(f"<State>{content['state']}</State>")
    if "number" in content:
        parts.append(f"<AcceptanceNumber>{content['number']}</AcceptanceNumber>")
    if content.get("state") in ("ACCEPTED", "PROCESSING"):
        parts.append(f"<AnswerWithinSeconds>{content['within']}</AnswerWithinSeconds>")
    if content.get("state") == "ANSWERED":
        parts.append(_result(content["holdings"]))
    body = "".join(parts)
    if scenario == "changed_schema":
        body = body.replace("RequestId>", "RequestNo>").replace("Holding>", "Owner>")
    return SERVICE.write(content["name"], body)


def _result(holdings: list[dict[str, Any]]) -> str:
    return f"<Result>{''.join(map(_one_holding, holdings))}</Result>"


def _one_holding(holding: Mapping[str, Any]) -> str:
    homes = "".join(
        f"<Home><UnitNumber>{escape(home['unit_number'])}</UnitNumber><CertNumber>{escape(home['cert_number'])}</CertNumber>"
        f"<Address>{escape(home['address'])}</Address><Area>{home['area']}</Area><Use>{escape(home['use'])}</Use>"
        f"<Share>{home['share']}</Share></Home>"
        for home in holding["homes"]
    )
    number = escape(holding["number"])
    return f"<Holding><IdNumber>{number}</IdNumber><Found>{holding['found']}</Found>{homes}</Holding>"
