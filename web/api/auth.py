"""Who calls the API: a client by basic credentials or a token of ours, or a caseworker's browser with its form token.

A secret that was verified is remembered for a minute by a keyed hash, so that basic credentials do not cost argon2 at
every call. Whether the client is still active, and what it may do, is read anew each time.
"""

from __future__ import annotations

import secrets as random
from hashlib import blake2b
from threading import Lock
from time import monotonic

from flask import current_app, g, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from engine.commands import dispatch
from engine.commands.clients import VerifyClient
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading
from engine.registers.clients import client_actor
from web.api.problems import Unauthenticated
from web.security import check_csrf

TOKEN_SECONDS = 3600
REMEMBERED_SECONDS = 60.0
MOST_REMEMBERED = 1000
DEMO_CLIENT = "demo"

_key = random.token_bytes(32)
_remembered: dict[bytes, tuple[str, float]] = {}
_lock = Lock()


def actor() -> Actor:
    """Who calls. Raises ``Unauthenticated``, for a browser without its form token ``FormExpired``."""
    credentials = request.authorization
    if credentials is not None and credentials.type == "basic":
        name = verify(credentials.username or "", credentials.password or "")
    elif credentials is not None and credentials.type == "bearer":
        name = _from_token(credentials.token or "")
    elif request.headers.get("Authorization"):
        raise Unauthenticated("不支持这种身份验证方式，请使用 Basic 或 Bearer")
    elif g.get("actor") is not None and g.actor.kind == "staff":
        return _browser()
    elif _is_open():
        name = DEMO_CLIENT
    else:
        raise Unauthenticated("请提供身份凭据（Basic 或 Bearer）")
    with reading() as session:
        found = client_actor(session, name)
    if found is None:
        raise Unauthenticated("客户端不存在或已停用，请联系管理员")
    return found


def _browser() -> Actor:
    """A signed-in caseworker; whatever is not merely read needs the token of the session's forms."""
    if request.method not in ("GET", "HEAD"):
        check_csrf()
    found: Actor = g.actor
    return found


def _is_open() -> bool:
    """Without credentials: only a local demo that was switched so."""
    config = current_app.extensions["anju"].config
    return bool(config.demo and config.api_open and request.remote_addr in ("127.0.0.1", "::1"))


def verify(client_id: str, secret: str) -> str:
    """The id of the client whose secret it is. Raises ``Unauthenticated``."""
    digest = blake2b(f"{client_id}\0{secret}".encode("utf-8", "surrogatepass"), key=_key).digest()
    known = _remembered.get(digest)
    if known is not None and known[1] > monotonic():
        return known[0]
    if not dispatch(VerifyClient(client_id, secret), SYSTEM):
        raise Unauthenticated("客户端编号或密钥不正确")
    with _lock:
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        _remembered[digest] = (client_id, monotonic() + REMEMBERED_SECONDS)
    return client_id


def token_for(client_id: str) -> str:
    """A signed token that names the client and ends after ``TOKEN_SECONDS``."""
    return _serializer().dumps({"client": client_id})


def _from_token(token: str) -> str:
    try:
        return str(_serializer().loads(token, max_age=TOKEN_SECONDS)["client"])
    except (BadSignature, KeyError, TypeError) as error:
        raise Unauthenticated("令牌无效或已过期，请重新获取") from error


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="anju-api-token")
