"""A simulated SMS platform: limits per number, receipts, and a page where the messages can be read."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from flask import Flask, Response, jsonify, render_template, request

from connectors._kit.sandbox import COMMON, EVERYBODY, Refusal, State, serve, signature_holds

SECRET = "demo-sms-key"  # noqa: S105 - known to everybody, of the simulator only
CODE_TEMPLATE = "verification_code"
# (messages, seconds) per number: for codes and for everything else.
CODE_LIMITS = ((1, 60), (5, 3600), (10, 86400))
NOTICE_LIMITS = ((50, 86400),)
SCENARIOS = {
    **COMMON,
    "empty": "号码不存在",
    "mismatch": "模板未审核",
    "limit": "超过发送上限",
    "blacklist": "号码已退订",
    "no_balance": "余额不足",
    "not_delivered": "已受理但未送达",
    "bad_signature": "签名被拒绝",
}
REFUSALS = {
    "business_error": "isv.TEMPLATE_ILLEGAL",
    "empty": "isv.MOBILE_NUMBER_ILLEGAL",
    "mismatch": "isv.TEMPLATE_ILLEGAL",
    "limit": "isv.BUSINESS_LIMIT_CONTROL",
    "blacklist": "isv.BLACK_LIST",
    "no_balance": "isv.AMOUNT_NOT_ENOUGH",
    "bad_signature": "SignatureDoesNotMatch",
}
# These concern the whole batch; any other trouble its numbers one by one.
WHOLE = ("business_error", "mismatch", "no_balance", "bad_signature")
BOUGHT = 20_000


class Platform:
    """What the platform does with a message, and what became of it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.texts: dict[str, str] = yaml.safe_load(Path(__file__).with_name("templates.yaml").read_text("utf-8"))

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What was accepted, oldest first."""
        return self.state.shelf("sms")

    def send(self, asked: Mapping[str, Any], scenario: str) -> dict[str, Any]:
        """Accept a message or refuse it."""
        phone, template = str(asked["phone"]), str(asked["template"])
        if scenario in REFUSALS:
            raise Refusal(code=REFUSALS[scenario])
        if not re.fullmatch(r"1[3-9]\d{9}", phone):
            raise Refusal(code="isv.MOBILE_NUMBER_ILLEGAL")
        if self._over_limit(phone, template):
            raise Refusal(code="isv.BUSINESS_LIMIT_CONTROL")
        number = f"SMS{len(self.messages) + 1:08d}"
        self.messages.append(
            {
                "bizId": number,
                "phone": phone,
                "template": template,
                "values": asked["values"],
                "text": f"【{asked['signName']}】{self._text(template, asked['values'])}",
                "state": "FAILED" if scenario == "not_delivered" else "DELIVERED",
                "at": time.time(),
            }
        )
        return {"code": "OK", "bizId": number}

    def send_all(self, asked: Mapping[str, Any], scenario: str, of: Callable[[str], str]) -> dict[str, Any]:
        """A message to each number; ``of`` tells what is the matter with one."""
        if scenario in WHOLE:
            raise Refusal(code=REFUSALS[scenario])
        results = []
        for one in asked["messages"]:
            whole = {**one, "template": asked["template"], "signName": asked["signName"]}
            try:
                made = self.send(whole, of(str(one["phone"])) if scenario == "ok" else scenario)
            except Refusal as refusal:
                made = refusal.content
            results.append({"outId": one["outId"], **made})
        return {"code": "OK", "results": results}

    def balance(self, scenario: str) -> dict[str, Any]:
        """What is left of what was bought; each accepted message costs one."""
        if scenario == "bad_signature":
            raise Refusal(code=REFUSALS[scenario])
        left = 0 if scenario == "no_balance" else max(0, BOUGHT - len(self.messages))
        return {"code": "OK", "remaining": left}

    def receipt(self, number: str) -> dict[str, Any]:
        """The state of one message."""
        for message in self.messages:
            if message["bizId"] == number:
                return {"code": "OK", "bizId": number, "state": message["state"], "at": int(message["at"])}
        raise Refusal(code="isv.NOT_FOUND")

    def _over_limit(self, phone: str, template: str) -> bool:
        codes = template == CODE_TEMPLATE
        sent = [
            one["at"] for one in self.messages if one["phone"] == phone and (one["template"] == CODE_TEMPLATE) == codes
        ]
        limits = CODE_LIMITS if codes else NOTICE_LIMITS
        return any(sum(at > time.time() - seconds for at in sent) >= count for count, seconds in limits)

    def _text(self, template: str, values: Mapping[str, str]) -> str:
        """The filled template; one that the platform holds no text for shows its values."""
        plain = "；".join(f"{name}：{value}" for name, value in values.items())
        pattern = self.texts.get(template, f"（{template}）{plain}")
        return re.sub(r"\$\{(\w+)\}", lambda found: values.get(found[1], ""), pattern)


def create(state: State) -> Callable[..., Any]:
    """The party's web application."""
    app = Flask(__name__, template_folder=str(Path(__file__).parent))
    platform = Platform(state)

    def call(operation: str, subject: str, work: Callable[[str], Mapping[str, Any]], *, once: bool = True) -> Response:
        if not signature_holds(SECRET, request, request.script_root + request.path):
            return _json({"code": "SignatureDoesNotMatch"}, 403)
        return serve(state, request, "sms", operation, subject, work, _encode, once=once)

    @app.post("/v1/messages")
    def messages() -> Response:
        asked = request.get_json()
        return call("send", str(asked["phone"]), lambda scenario: platform.send(asked, scenario))

    @app.post("/v1/batches")
    def batches() -> Response:
        asked = request.get_json()
        return call(
            "batch",
            EVERYBODY,
            lambda scenario: platform.send_all(asked, scenario, lambda phone: state.take("sms", phone)),
        )

    @app.post("/v1/balance")
    def balance() -> Response:
        return call("balance", EVERYBODY, platform.balance, once=False)

    @app.post("/v1/receipts")
    def receipts() -> Response:
        number = str(request.get_json()["bizId"])
        return call("receipt", EVERYBODY, lambda _: platform.receipt(number), once=False)

    @app.get("/_outbox")
    def outbox() -> Response:
        phone = request.args.get("phone", "")
        with state.lock:
            return jsonify([message for message in platform.messages if phone in ("", message["phone"])])

    @app.get("/")
    def page() -> str:
        with state.lock:
            return render_template("messages.html", messages=platform.messages[-50:][::-1])

    return app


def _encode(content: Mapping[str, Any], scenario: str) -> Response:
    if scenario == "changed_schema":
        return _json({"result": dict(content)})
    return _json(content, 403 if content["code"] == "SignatureDoesNotMatch" else 200)


def _json(content: Mapping[str, Any], status: int = 200) -> Response:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(body, status, content_type="application/json; charset=utf-8")
