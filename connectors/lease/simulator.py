"""A simulated lease-filing front end behind a TCP port; written from wire/README.md, shares no line with the client."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from flask import Flask, Response

from connectors._kit.frame_server import FrameServer, start
from connectors._kit.sandbox import COMMON, State

SECRET = b"demo-lease-key"  # known to everybody, of the simulator only
PORT = 8012
SCENARIOS = {
    **COMMON,
    "empty": "没有该房屋、没有备案",
    "late": "已受理，稍后可查",
    "late_refusal": "已受理，稍后查得已出租",
    "already_let": "该房屋已出租",
    "bad_signature": "应答校验码错误",
}
TODAY = "20261105"
_servers: dict[int, tuple[State, FrameServer]] = {}


def create(state: State) -> Callable[..., Any]:
    """The front end has no web page; this one says so, since every simulator is mounted somewhere."""
    app = Flask(__name__)

    @app.get("/")
    def told() -> Response:
        return Response("租赁备案前置机只收 TCP 报文\n", content_type="text/plain; charset=utf-8")

    return app


def settings(state: State, url: str) -> dict[str, str]:
    """Where the front end of this ``state`` listens; it begins to when it is first asked for."""
    return {"ANJU_LEASE_ADDRESS": f"127.0.0.1:{_server(state, 0).port}"}


def listen(state: State) -> None:
    """Listen where the manifest's default says, for ``anju simulators`` and the demo."""
    _server(state, PORT)


def _server(state: State, port: int) -> FrameServer:
    if id(state) not in _servers:
        _servers[id(state)] = (state, start(lambda frame: _answer(state, frame), port=port))
    return _servers[id(state)][1]


def _answer(state: State, frame: bytes) -> bytes | None:
    """What goes back for a frame without its length; None ends the connection."""
    content, mac = frame[:-32], frame[-32:]
    if not hmac.compare_digest(_mac(content), mac):
        return None
    text = content.decode("gb18030")
    code, serial, person = (_part(text, name) for name in ("TransCode", "SerialNo", "LesseeId"))
    if code == "ZL2002":
        booked = state.booked("lease", "file", serial)
        person = booked["person"] if booked else ""
    scenario = state.take("lease", person)
    if scenario == "outage":
        return None
    outcome = {"code": "9999"} if scenario == "http_500" else _work(state, code, serial, person, scenario)
    if scenario in ("slow", "timeout"):
        time.sleep(state.timing.slow if scenario == "slow" else state.timing.timeout)
    if scenario == "garbage":
        return b"HTTP/1.1 400 Bad Request\r\n\r\n"
    return _framed(_written(code, serial, outcome, scenario), scenario)


def _work(state: State, code: str, serial: str, person: str, scenario: str) -> Mapping[str, Any]:
    if scenario == "business_error":
        return {"code": "3001"}
    if code == "ZL2003":
        return {"code": "0000", "filings": [] if scenario == "empty" else _filings(state, person)}
    if code == "ZL2002":
        booked = state.booked("lease", "file", serial)
        return _present(booked) if booked else {"code": "2004"}
    refusal = {"empty": "2002", "already_let": "2001"}.get(scenario)
    if refusal:
        return {"code": refusal}
    return _present(state.book("lease", serial, "file", person, scenario, lambda: _booked(state, person, scenario)))


def _booked(state: State, person: str, scenario: str) -> dict[str, Any]:
    number = f"ZLBA2026{len(state.log('lease')) + 1:08d}"
    content: dict[str, Any] = {"code": "0000", "number": number, "person": person}
    if scenario in ("late", "late_refusal"):
        content["ready_at"] = time.monotonic() + state.timing.late
        content["code"] = "2001" if scenario == "late_refusal" else "0000"
    return content


def _present(booked: Mapping[str, Any]) -> Mapping[str, Any]:
    """As it stands now: what was taken becomes filed or refused after a while."""
    return {"code": "1001"} if booked.get("ready_at", 0) > time.monotonic() else booked


def _filings(state: State, person: str) -> list[dict[str, str]]:
    """Everybody whom the seeded people know rents something; nobody else does."""
    if person not in state.people:
        return []
    return [
        {
            "FilingNo": "ZLBA202500000417",
            "Address": "安居市蓬江区白石大道 12 号 501",
            "Area": "38.20",
            "RentFen": "120000",
            "BeginDate": "20250301",
            "EndDate": "20270228",
            "State": "1",
        }
    ]


def _written(code: str, serial: str, outcome: Mapping[str, Any], scenario: str) -> str:
    body = ""
    if outcome.get("number") and outcome["code"] == "0000":
        body = f"<FilingNo>{outcome['number']}</FilingNo><FilingDate>{TODAY}</FilingDate>"
    for filing in outcome.get("filings", ()):
        inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in filing.items())
        body += f"<Filing>{inner}</Filing>"
    if scenario == "changed_schema":
        body = re.sub("FilingNo>", "RecordNo>", body)
    head = f"<TransCode>{code}</TransCode><SerialNo>{escape(serial)}</SerialNo><RtnCode>{outcome['code']}</RtnCode>"
    return f'<?xml version="1.0" encoding="GB18030"?>\n<Message><Head>{head}</Head><Body>{body}</Body></Message>'


def _framed(text: str, scenario: str) -> bytes:
    content = text.encode("gb18030")
    mac = bytes(32) if scenario == "bad_signature" else _mac(content)
    return str(len(content) + 32).zfill(8).encode() + content + mac


def _mac(content: bytes) -> bytes:
    made = HMAC(SECRET, hashes.SM3())
    made.update(content)
    return made.finalize()


def _part(text: str, name: str) -> str:
    found = re.search(f"<{name}>([^<]*)</{name}>", text)
    return found[1] if found else ""
