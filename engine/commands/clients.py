"""Clients of the API: made and revoked by an administrator, verified by their secret."""

from __future__ import annotations

import re
import secrets as random
from dataclasses import dataclass
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select

from engine.commands import Unit, handles
from engine.commands.accounts import LOGIN_ATTEMPTS
from engine.core import ids
from engine.core.db import for_update
from engine.core.errors import Duplicate, NotFound, Refused
from engine.registers.clients import ApiClient, client_named
from engine.registers.offices import Office

ADMIN = "admin"
_CLIENT_ID = re.compile(r"[a-zA-Z0-9_~@.+-]{1,60}")
LOCKED_FOR = timedelta(minutes=15)

_hasher = PasswordHasher()
# Verified when the client is unknown, so that the answer takes as long as for a known one.
_DUMMY = _hasher.hash(random.token_hex(8))


@dataclass(frozen=True)
class NewClient:
    """Let a program in: ``office`` is the office's code, ``roles`` as for caseworkers."""

    client_id: str
    name: str
    office: str
    roles: tuple[str, ...]
    secret: str = ""


@dataclass(frozen=True)
class RevokeClient:
    """Shut a program out, at once."""

    client_id: str


@dataclass(frozen=True)
class VerifyClient:
    """Whether this is the client's secret."""

    client_id: str
    secret: str


@handles(NewClient)
def new_client(command: NewClient, unit: Unit) -> str:
    """The secret: it is shown this once and kept as a hash only."""
    unit.require(ADMIN)
    if not _CLIENT_ID.fullmatch(command.client_id):
        raise Refused("客户端编号为 1 至 60 个字母、数字或 _ ~ @ . + -", code="bad_client_id")
    if client_named(unit.session, command.client_id) is not None:
        raise Duplicate(f"已有客户端 {command.client_id}")
    office = unit.session.scalar(select(Office).where(Office.code == command.office))
    if office is None:
        raise NotFound(f"没有编码为 {command.office} 的机构")
    secret = command.secret or random.token_urlsafe(32)
    unit.session.add(
        ApiClient(
            id=ids.new(),
            client_id=command.client_id,
            name=command.name or command.client_id,
            secret_hash=_hasher.hash(secret),
            office_id=office.id,
            roles=list(command.roles),
            created_at=unit.now,
        )
    )
    unit.record(None, "client_made", f"开通接口客户端：{command.client_id}", {"roles": list(command.roles)})
    unit.session.flush()
    return secret


@handles(RevokeClient)
def revoke_client(command: RevokeClient, unit: Unit) -> None:
    """Its next call is refused, whatever token it holds."""
    unit.require(ADMIN)
    client = client_named(unit.session, command.client_id)
    if client is None:
        raise NotFound(f"没有客户端 {command.client_id}")
    client.active = False
    unit.record(None, "client_revoked", f"停用接口客户端：{command.client_id}")
    unit.session.flush()


@handles(VerifyClient)
def verify_client(command: VerifyClient, unit: Unit) -> bool:
    """A wrong secret counts; after too many the client is refused for a while, whatever it brings."""
    query = select(ApiClient).where(ApiClient.client_id == command.client_id)
    client = unit.session.scalar(query.with_for_update() if for_update(unit.session) else query)
    try:
        _hasher.verify(client.secret_hash if client else _DUMMY, command.secret)
    except (VerificationError, InvalidHashError):
        if client is not None:
            client.failed_tries, client.failed_at = client.failed_tries + 1, unit.now
            unit.record(None, "client_failed", f"接口客户端验证失败：{client.client_id}")
            unit.session.flush()
        return False
    if client is None or not client.active or _is_locked(client, unit):
        return False
    if client.failed_tries:
        client.failed_tries = 0
        unit.session.flush()
    return True


def _is_locked(client: ApiClient, unit: Unit) -> bool:
    tries, last = client.failed_tries, client.failed_at
    return tries >= LOGIN_ATTEMPTS and last is not None and unit.now - last < LOCKED_FOR
