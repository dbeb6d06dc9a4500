"""What stands around every request: who is it, is the form ours, and what the browser may do."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from hmac import compare_digest
from typing import Any, TypeVar

from flask import Flask, Response, g, jsonify, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.core import clock, demo_clock
from engine.core.actor import Actor
from engine.core.config import Config
from engine.core.db import reading
from engine.core.errors import Forbidden, Refused
from engine.registers.accounts import citizen_actor
from engine.registers.offices import staff_actor
from web.sessions import Sessions

CSP = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=()",
}
SESSION_LIFE = timedelta(hours=8)
# Paths that other systems call: they carry signatures or credentials of their own.
UNGUARDED = ("/inbound/", "/v2/")
# Forms that nobody needs to sign in for.
OPEN_TO_ALL = ("/verify", "/login", "/portal/sign-in", "/portal/register", "/portal/code", "/hand-in/")

View = TypeVar("View", bound=Callable[..., Any])


class SignInNeeded(Refused):
    """Nobody is signed in; ``portal`` says which door leads in."""

    code = "sign_in_needed"

    def __init__(self, portal: bool) -> None:
        super().__init__("登录已过期，请重新登录后继续，已填内容仍保留")
        self.portal = portal


class FormExpired(Refused):
    """The form carries no token of this session."""

    code = "form_expired"


def install(app: Flask, config: Config) -> None:
    """Sessions, CSRF, headers, and the demo's clock."""
    app.config.update(
        SESSION_COOKIE_NAME="anju",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.secure_cookies,
        PERMANENT_SESSION_LIFETIME=SESSION_LIFE,
    )

    app.session_interface = Sessions()

    def before() -> None:
        if request.endpoint == "static":
            return
        with reading() as database:
            if config.demo:
                demo_clock.follow(database)
            kind, _, number = str(session.get("actor", "")).partition(":")
            find = {"staff": staff_actor, "citizen": citizen_actor}.get(kind)
            g.actor = find(database, int(number)) if find else None
        if request.method not in ("GET", "HEAD", "OPTIONS") and not request.path.startswith(UNGUARDED):
            check_csrf()

    app.before_request(before)
    app.after_request(_harden)
    app.jinja_env.globals["csrf_token"] = csrf_token


def _harden(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def csrf_token() -> str:
    """The token every form of this session carries."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(24)
    return str(session["csrf"])


def check_csrf() -> None:
    """Raise ``FormExpired`` unless the request carries the session's token."""
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    if not compare_digest(given.encode(), str(session.get("csrf", "")).encode()) or not given:
        if g.actor is None and not request.path.startswith(OPEN_TO_ALL):
            raise SignInNeeded(portal=request.path.startswith("/portal"))
        raise FormExpired("页面停留过久，请刷新后重新提交，已填内容保存在草稿中")


def sign_in(actor_key: str) -> None:
    """Begin a session for an actor key such as ``staff:12``; the old token is not carried over."""
    session.clear()
    session.permanent = True
    session["actor"] = actor_key
    session["at"] = clock.now().isoformat()
    csrf_token()


def sign_out() -> None:
    """End the session."""
    session.clear()


def staff(*roles: str) -> Callable[[View], View]:
    """Only for caseworkers (holding one of ``roles``, where given)."""

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            actor: Actor | None = g.actor
            if actor is None or actor.kind != "staff":
                raise SignInNeeded(portal=False)
            if roles and not any(actor.has(role) for role in roles):
                raise Forbidden("您没有查看此页的权限")
            return view(*args, **kwargs)

        return guarded  # type: ignore[return-value]

    return wrap


def citizen(view: View) -> View:
    """Only for signed-in citizens."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if g.actor is None or g.actor.kind != "citizen":
            raise SignInNeeded(portal=True)
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value]


def to_sign_in(error: SignInNeeded) -> AnyResponse | tuple[Response, int]:
    """Pages lead to the door and back; calls of a script get 401 so that the page can say so."""
    if request.headers.get("X-CSRF-Token") or request.headers.get("HX-Request") or request.is_json:
        return jsonify(code=error.code, message=error.message), 401
    door = "portal_sign_in.sign_in_page" if error.portal else "sign_in.sign_in_page"
    back = request.full_path if request.method == "GET" else request.referrer or ""
    return redirect(url_for(door, next=safe_next(back)))


def safe_next(target: str | None) -> str | None:
    """A path of ours, or None: nobody is sent elsewhere after signing in."""
    if not target:
        return None
    if target.startswith(request.host_url):
        target = target[len(request.host_url) - 1 :]
    return target.rstrip("?") if target.startswith("/") and not target.startswith(("//", "/\\")) else None
