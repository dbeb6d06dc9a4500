"""Citizens sign in, sign up and sign out, by a code on their phone."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.commands import dispatch
from engine.commands.accounts import CODE_LIFE, CODE_PAUSE, RegisterCitizen, RequestCode, SignInCitizen
from engine.core import idnum, ids, masks, operations
from engine.core.actor import SYSTEM
from engine.core.errors import Declined, InvalidAnswers, OutsideFault, Refused
from engine.core.operations import Call
from web import demo_data, security

pages = Blueprint("portal_sign_in", __name__)

TEMPLATES = {"sign_in": "portal/sign_in.html", "register": "portal/register.html"}
FIELDS = ("phone", "code", "name", "id_kind", "id_number")
WRONG_CODE = "验证码不正确或已过期，请核对或重新获取"
# The simulators listen this far above the demo's own port.
SIMULATOR_OFFSET = 10


@pages.get("/portal/sign-in")
def sign_in_page() -> str:
    """The door for citizens."""
    return _page("sign_in")


@pages.get("/portal/register")
def register_page() -> str:
    """Open an account."""
    return _page("register")


@pages.get("/portal/signed-in")
def signed_in() -> str:
    """Where a sign-in in a second window ends: the form waits in the first one."""
    return render_template("portal/signed_in.html")


@pages.post("/portal/sign-in")
def sign_in() -> AnyResponse | tuple[str, int]:
    """Phone and code; the answer to a wrong pair does not say which of the two is wrong."""
    typed = _typed()
    try:
        account_id = dispatch(SignInCitizen(typed["phone"], typed["code"]), SYSTEM)
    except InvalidAnswers as error:
        return _page("sign_in", error.errors), 422
    if not account_id:
        return _page("sign_in", {"code": [f"{WRONG_CODE}；手机号未注册的，请先注册"]}), 422
    return _welcome(account_id)


@pages.post("/portal/register")
def register() -> AnyResponse | tuple[str, int]:
    """Name, identity number and a phone that the code proves."""
    typed = _typed()
    if not request.form.get("agree"):
        return _page("register", {"agree": ["请阅读并勾选同意后再注册"]}), 422
    try:
        account_id = dispatch(RegisterCitizen(**typed), SYSTEM)
    except InvalidAnswers as error:
        return _page("register", error.errors), 422
    if not account_id:
        return _page("register", {"code": [WRONG_CODE]}), 422
    return _welcome(account_id)


@pages.post("/portal/code")
def send_code() -> str | tuple[str, int]:
    """Send a code; the page comes back as it was typed."""
    door = "register" if request.form.get("door") == "register" else "sign_in"
    phone = _typed()["phone"]
    try:
        _send(phone, dispatch(RequestCode(phone), SYSTEM))
    except InvalidAnswers as error:
        return _page(door, error.errors), 422
    except Declined:
        return _page(door, {"phone": ["该手机号无法接收短信，请换一个号码或到窗口办理"]}), 422
    except OutsideFault:
        return _page(door, {"phone": ["短信暂时发不出去，请 1 分钟后再试，或到窗口办理"]}), 503
    except Refused as error:
        return _page(door, {"phone": [error.message]}), 429
    return _page(door, sent_to=masks.mask_phone(phone), wait=int(CODE_PAUSE.total_seconds()))


@pages.post("/portal/sign-out")
def sign_out() -> AnyResponse:
    """End the session."""
    security.sign_out()
    return redirect(url_for("portal.home"), 303)


@pages.get("/portal/token")
@security.citizen
def token() -> Response:
    """The session's token for a page that outlived its sign-in; other sites cannot read it."""
    return jsonify(csrf_token=security.csrf_token())


def _send(phone: str, code: str) -> None:
    """Outside any transaction: the party may be slow or down."""
    send = operations.find("sms.send")
    minutes = int(CODE_LIFE.total_seconds() // 60)
    values = {"code": code, "minutes": str(minutes)}
    inputs = send.load_inputs({"phone": phone, "template": "verification_code", "values": values}, {})
    send.run(
        Call(
            case_id=0,
            case_number="",
            item="",
            office_id=0,
            token="",
            element_id="",
            idempotency_key=f"code-{ids.new()}",
            inputs=inputs,
        )
    )


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "").strip() for name in FIELDS}


def _page(door: str, errors: dict[str, list[str]] | None = None, **more: Any) -> str:
    onward = security.safe_next(request.values.get("next"))
    return render_template(
        TEMPLATES[door],
        typed=_typed() if request.method == "POST" else dict.fromkeys(FIELDS, ""),
        errors={name: messages[0] for name, messages in (errors or {}).items()},
        next=onward,
        kinds=list(idnum.KINDS.items()),
        demo=_demo(),
        expired=bool(onward) and "actor" not in session and request.method == "GET",
        **more,
    )


def _demo() -> dict[str, Any] | None:
    """Where the demo shows its messages, and who may try it."""
    config = current_app.extensions["anju"].config
    if not config.demo:
        return None
    sms = f"http://{request.host.partition(':')[0]}:{config.port + SIMULATOR_OFFSET}/sms/"
    return {"sms": sms, "people": [(name, phone) for name, _, phone in demo_data.CITIZENS]}


def _welcome(account_id: int) -> AnyResponse:
    security.sign_in(f"citizen:{account_id}")
    return redirect(security.safe_next(request.form.get("next")) or url_for("portal.home"), 303)
