"""Messages written by hand, held against both sides: our client's and the simulator's.

Signatures are recomputed here, not with our code.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from lxml import etree
from werkzeug.wrappers import Request, Response

import connectors
from connectors import load_all
from connectors._kit.signatures import signature
from engine.core.operations import Answer

from .conftest import World, served

FOLDER = Path(connectors.__file__).parent
SECRETS = {"police": "demo-police-key", "realestate": "demo-realestate-key", "sms": "demo-sms-key"}
BOTH = [{"name": "郑海宁", "id_number": "330106197906301152"}, {"name": "许静怡", "id_number": "330106198109051183"}]
# party: (file stem, path, operation, inputs)
GOLDEN: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "police": (
        "household.{}.json",
        "/police/v1/household",
        "police.household",
        {**BOTH[0], "id_kind": "resident_id", "consent": True},
    ),
    "tax": ("income.{}.json", "/tax/v1/income/annual", "tax.income", {**BOTH[0], "year": 2025}),
    "sms": (
        "message.{}.json",
        "/sms/v1/messages",
        "sms.send",
        {
            "phone": "19900000007",
            "template": "application_accepted",
            "values": {"case_number": "BZSQ-2026-000001", "days": 10},
        },
    ),
    "realestate": (
        "submit.{}.xml",
        "/realestate/ownership",
        "realestate.ownership",
        {"persons": BOTH, "region": "330106"},
    ),
}
# What the golden answers mean to a case, worked out by hand.
HOME = {
    "unit_number": "330106001001GB00012F00030402",
    "address": "安居市西湖区文三路 77 号 5 幢 1201 室",
    "area": 128.5,
    "use": "住宅",
    "share": "1/2",
}
MEANING: dict[str, dict[str, Any]] = {
    "police": {
        "result": "pass",
        "facts": {
            "household_number": "HZ330106004",
            "members": [{"name": "郑海宁", "relation": "户主"}, {"name": "许静怡", "relation": "配偶"}],
            "alive": True,
            "name_matches": True,
            "household_size": 2,
        },
        "summary": "姓名与证件号码一致，同户 2 人",
    },
    "tax": {
        "result": "pass",
        "facts": {"annual_income_fen": 5_760_000, "months": 12},
        "summary": "2025 年申报收入 57,600.00 元，共 12 个月",
    },
    "sms": {"message_id": "SMS00000001"},
    "realestate": {
        "result": "pass",
        "facts": {"homes": [HOME, HOME], "total_area": 128.5},
        "summary": "名下有住宅 1 套，按份额合计 128.50 平方米",
    },
}


def golden(party: str, side: str) -> bytes:
    return (FOLDER / party / "wire" / GOLDEN[party][0].format(side)).read_bytes()


def plain(content: bytes) -> Any:
    """JSON as data; XML without prefixes and blanks between elements."""
    if content.lstrip().startswith(b"{"):
        return json.loads(content)

    def flat(element: etree._Element) -> Any:
        return (element.tag, (element.text or "").strip(), [flat(child) for child in element])

    return flat(etree.fromstring(content))


def sign(secret: str, verb: str, path: str, body: bytes) -> Mapping[str, str]:
    timestamp = str(int(time.time()))
    text = b"\n".join((verb.encode(), path.encode(), timestamp.encode(), body))
    return {"X-Timestamp": timestamp, "X-Signature": hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()}


def test_our_signature_is_the_one_openssl_makes() -> None:
    text = b"POST\n/police/v1/household\n1700000000\n{}"
    made = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", "demo-police-key"], input=text, capture_output=True, check=True
    )
    ours = signature(b"demo-police-key", "post", "/police/v1/household", "1700000000", b"{}")
    assert made.stdout.decode().split()[-1] == ours


@pytest.mark.parametrize("party", GOLDEN)
def test_our_client_writes_the_agreed_request_and_reads_the_agreed_answer(party: str, world: World) -> None:
    seen: list[Request] = []

    def party_app(environ: Any, start: Any) -> Any:
        request = Request(environ)
        request.get_data()
        if request.path.endswith("/oauth/token"):
            content = b'{"accessToken":"t-1","expiresIn":60}'
        else:
            seen.append(request)
            content = golden(party, "answer")
        media = "text/xml" if party == "realestate" else "application/json"
        answer = Response(content, content_type=media)
        answer.headers.update(sign(SECRETS.get(party, "-"), "ANSWER", request.path, content))
        return answer(environ, start)

    _, path, operation, inputs = GOLDEN[party]
    with served(party_app) as url:
        load_all({f"ANJU_{party.upper()}_URL": f"{url}/{party}", "ANJU_CALLBACK_URL": "https://anju.example"})
        answer = world.run(operation, key="golden-0001", **inputs)
    assert isinstance(answer, Answer)
    assert answer.variables == MEANING[party]
    request = seen[-1]
    assert request.path == path
    assert plain(request.get_data()) == plain(golden(party, "request"))
    assert request.headers["X-Request-Id"] == "golden-0001"
    if party == "tax":
        assert request.headers["Authorization"] == "Bearer t-1"
    else:
        timestamp = request.headers["X-Timestamp"]
        text = b"\n".join((b"POST", path.encode(), timestamp.encode(), request.get_data()))
        expected = hmac.new(SECRETS[party].encode(), text, hashlib.sha256).hexdigest()
        assert request.headers["X-Signature"] == expected


@pytest.mark.parametrize("party", GOLDEN)
def test_the_simulator_takes_the_agreed_request_and_gives_the_agreed_answer(party: str, world: World) -> None:
    path, body = GOLDEN[party][1], golden(party, "request")
    headers = {
        "X-Request-Id": "golden-0001",
        "Content-Type": "text/xml" if party == "realestate" else "application/json",
    }
    if party == "tax":
        asked = {"grantType": "client_credentials", "clientId": "anju-demo", "clientSecret": "demo-tax-key"}
        token = requests.post(f"{world.url}/tax/oauth/token", json=asked, timeout=2).json()["accessToken"]
        headers["Authorization"] = f"Bearer {token}"
    else:
        headers.update(sign(SECRETS[party], "POST", path, body))
    answer = requests.post(world.url + path, data=body, headers=headers, timeout=2)
    assert answer.status_code == 200
    assert plain(answer.content) == plain(golden(party, "answer"))
    if party == "police":
        timestamp = answer.headers["X-Timestamp"]
        text = b"\n".join((b"ANSWER", urlsplit(path).path.encode(), timestamp.encode(), answer.content))
        expected = hmac.new(SECRETS[party].encode(), text, hashlib.sha256).hexdigest()
        assert answer.headers["X-Signature"] == expected


@pytest.mark.parametrize("party", SECRETS)
def test_the_simulator_refuses_what_is_not_signed_by_us(party: str, world: World) -> None:
    path, body = GOLDEN[party][1], golden(party, "request")
    headers = {"X-Request-Id": "k", "Content-Type": "application/json", **sign("another-key", "POST", path, body)}
    assert requests.post(world.url + path, data=body, headers=headers, timeout=2).status_code in (401, 403)
    assert world.state.log(party) == []
