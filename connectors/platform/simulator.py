"""A simulated service platform: pushes cases down, hands out their files, and takes reports in strict order only."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

import requests
from flask import Flask, Response, request

from connectors._kit.sandbox import COMMON, Refusal, State, serve, sign, signature_holds

SECRET = "demo-platform-key"  # noqa: S105 - known to everybody, of the simulator only
SCENARIOS = {**COMMON, "out_of_order": "前一步未登记，拒收", "bad_signature": "应答签名错误"}
# A case that is there from the beginning, for rehearsals.
SEEDED = "440703202611050001"
ENDS = {"BYSL", "BJ", "ZZ", "CH"}


def create(state: State) -> Callable[..., Any]:
    """The party's web application."""
    app = Flask(__name__)

    def answer(
        operation: str, subject: str, work: Callable[[str], Mapping[str, Any]], *, once: bool = False
    ) -> Response:
        path = request.script_root + request.path
        if not signature_holds(SECRET, request, path):
            return Response('{"code":"401"}', 401, content_type="application/json")

        def guarded(scenario: str) -> Mapping[str, Any]:
            if scenario == "business_error":
                raise Refusal(code="4003")
            if scenario == "out_of_order":
                raise Refusal(code="4009")
            return work(scenario)

        def encode(content: Mapping[str, Any], scenario: str) -> Response:
            if scenario == "changed_schema":
                content = {"status": content["code"], "data": {}}
            body = json.dumps(content, ensure_ascii=False).encode()
            made = Response(body, content_type="application/json; charset=utf-8")
            made.headers.update(sign(SECRET, "ANSWER", path, body, broken=scenario == "bad_signature"))
            return made

        return serve(state, request, "platform", operation, subject, guarded, encode, once=once)

    @app.post("/report")
    def report() -> Response:
        told = request.get_json()
        return answer("report", str(told["caseNo"]), lambda _: _take(state, told), once=True)

    @app.post("/state")
    def asked() -> Response:
        number = str(request.get_json()["caseNo"])
        return answer("state", number, lambda _: _standing(case(state, number)))

    @app.post("/cases")
    def listed() -> Response:
        return answer("cases", "*", lambda _: {"code": "0", "cases": _listed(state, str(request.get_json()["day"]))})

    @app.post("/files/ready")
    def ready() -> Response:
        return answer("ready", "*", lambda _: {"code": "0", "files": _ready(state)})

    @app.post("/files/taken")
    def taken() -> Response:
        refs = set(request.get_json()["fileIds"])
        return answer("taken", "*", lambda _: _forget(state, refs))

    return app


# --- what the platform remembers --------------------------------------------------------------------------------


def case(state: State, number: str) -> dict[str, Any]:
    """The platform's row of a case. Raises ``Refusal``."""
    with state.lock:
        shelf = state.shelf("platform")
        if not any(one["caseNo"] == SEEDED for one in shelf):
            shelf.append(_new(SEEDED, "2026-11-05"))
        found = next((one for one in shelf if one["caseNo"] == number), None)
    if found is None:
        raise Refusal(code="4001")
    return found


def _new(number: str, day: str) -> dict[str, Any]:
    return {"caseNo": number, "day": day, "state": "XF", "serial": 0, "steps": [], "reports": [], "files": {}}


def _take(state: State, told: Mapping[str, Any]) -> dict[str, Any]:
    """One report. A serial that was taken before with the same words is no news; a gap or a wrong step is refused."""
    with state.lock:
        known = case(state, str(told["caseNo"]))
        serial, step = told["serial"], told["step"]
        if serial <= known["serial"] and known["reports"][serial - 1] == told:
            return {"code": "0", "state": step, "serial": serial}
        if known["state"] in ENDS:
            raise Refusal(code="4010")
        if serial != known["serial"] + 1 or not _follows(known["steps"], step):
            raise Refusal(code="4009")
        known["serial"], known["state"] = serial, step
        known["steps"].append(step)
        known["reports"].append(dict(told))
        return {"code": "0", "state": step, "serial": serial}


def _follows(steps: list[str], step: str) -> bool:
    """Whether a step may come now: nothing is closed or worked on before it was accepted, and so on."""
    accepted, open_asks = "SL" in steps, steps.count("BJGZ") > steps.count("BJSL")
    if steps.count("GQ") > steps.count("HF"):
        return step in ("HF", "ZZ")
    return {
        "SL": not accepted and not open_asks,
        "BYSL": not accepted,
        "BJGZ": not open_asks,
        "BJSL": open_asks,
        "GC": accepted,
        "BJ": accepted,
        "HF": False,
    }.get(step, True)


def _standing(known: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": "0", "state": known["state"], "serial": known["serial"]}


def _listed(state: State, day: str) -> list[dict[str, str]]:
    with state.lock:
        return [
            {"caseNo": one["caseNo"], "state": one["state"]} for one in state.shelf("platform") if one["day"] == day
        ]


def _ready(state: State) -> list[dict[str, str]]:
    with state.lock:
        return [
            {"caseNo": one["caseNo"], "fileId": ref, "fileName": name, "content": b64encode(content).decode()}
            for one in state.shelf("platform")
            for ref, (name, content, ready) in one["files"].items()
            if ready
        ]


def _forget(state: State, refs: set[str]) -> dict[str, str]:
    with state.lock:
        for one in state.shelf("platform"):
            one["files"] = {ref: kept for ref, kept in one["files"].items() if ref not in refs}
    return {"code": "0"}


# --- what it sends to us ----------------------------------------------------------------------------------------


def book(state: State, number: str, day: str) -> None:
    """An applicant handed a case in on the platform on ``day``."""
    with state.lock:
        state.shelf("platform").append(_new(number, day))


def keep(
    state: State, number: str, files: Mapping[str, tuple[str, str, bytes]], *, ready: bool
) -> list[dict[str, str]]:
    """Keep files of a case (id → material, name, content) and give what the push says of them."""
    with state.lock:
        known = case(state, number)
        for ref, (_, name, content) in files.items():
            known["files"][ref] = (name, content, ready)
    return [
        {"fileId": ref, "materialCode": code, "fileName": name, "sha256": hashlib.sha256(content).hexdigest()}
        for ref, (code, name, content) in files.items()
    ]


def offer(state: State, number: str) -> None:
    """The files of a case can be fetched from now on."""
    with state.lock:
        files = case(state, number)["files"]
        for ref, (name, content, _) in list(files.items()):
            files[ref] = (name, content, True)


def signed_push(message: Mapping[str, Any], message_id: str, *, secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    """Body and headers of what is posted to the office."""
    body = json.dumps({**message, "messageId": message_id}, ensure_ascii=False).encode()
    stamp, nonce = str(int(time.time())), secrets.token_hex(12)
    digest = hmac.new(secret.encode(), f"{stamp}\n{nonce}\n".encode() + body, hashlib.sha256)
    return body, {"X-Timestamp": stamp, "X-Nonce": nonce, "X-Signature": digest.hexdigest()}


def push(office_url: str, message: Mapping[str, Any], message_id: str) -> dict[str, Any]:
    """Post to the office and give its answer."""
    body, headers = signed_push(message, message_id)
    posted = requests.post(f"{office_url}/inbound/platform", data=body, headers=headers, timeout=10)
    answered: dict[str, Any] = posted.json()
    return answered
