"""The wire of the tax interface: JSON over HTTP with a bearer token that is fetched and renewed here."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from connectors._kit import settings
from connectors._kit.http import Exchange, post_json
from connectors._kit.settings import PartySettings
from engine.core.errors import Declined, OutsideFault

FOUND, NOT_FOUND, NOT_OPEN, NAME_DIFFERS = "SUCCESS", "NOT_FOUND", "YEAR_NOT_OPEN", "NAME_MISMATCH"
REFUSED = "REFUSED"


class _Token(Schema):
    class Meta:
        unknown = EXCLUDE

    accessToken = fields.String(required=True, validate=validate.Length(min=1))
    expiresIn = fields.Integer(required=True, strict=True)


class _Result(Schema):
    class Meta:
        unknown = EXCLUDE

    year = fields.Integer(required=True, strict=True)
    totalIncome = fields.Decimal(required=True, places=2, validate=validate.Range(min=Decimal(0)))
    months = fields.Integer(required=True, strict=True, validate=validate.Range(min=0, max=12))


class _Reply(Schema):
    class Meta:
        unknown = EXCLUDE

    status = fields.String(required=True, validate=validate.OneOf([FOUND, NOT_FOUND, NOT_OPEN, NAME_DIFFERS, REFUSED]))
    result = fields.Nested(_Result, load_default=None, allow_none=True)


@dataclass(frozen=True)
class Income:
    """What the tax office knows; only ``FOUND`` carries amounts. ``annual`` in 元."""

    status: str
    exchange: Exchange
    annual: Decimal | None = None
    months: int | None = None


_lock = threading.Lock()
_tokens: dict[str, tuple[str, float]] = {}


def income(*, name: str, id_number: str, year: int, case_number: str, key: str) -> Income:
    """Ask for one person's income of one year. Raises ``Unreachable``, ``OutsideFault`` and ``Declined``."""
    party = settings.of("tax")
    payload = {"name": name, "idNumber": id_number, "year": year, "caseNumber": case_number}
    try:
        exchange = _ask(party, payload, key)
    except OutsideFault as error:
        if error.code != "unauthorised":
            raise
        # A token may end early at the party; a fresh one is tried once.
        _forget(party)
        exchange = _ask(party, payload, key)
    return _read(party, exchange, year)


def _ask(party: PartySettings, payload: Mapping[str, Any], key: str) -> Exchange:
    bearer = {"Authorization": f"Bearer {_token(party, key)}"}
    return post_json(
        party, party.url("ANJU_TAX_URL", "/v1/income/annual"), payload, key=key, headers=lambda body: bearer
    )


def _read(party: PartySettings, exchange: Exchange, year: int) -> Income:
    reply = _load(_Reply(), party, exchange)
    if reply["status"] == REFUSED:
        raise Declined("税务接口拒绝了本次查询，请核对授权范围后重新发起", code="tax_refused")
    if reply["status"] != FOUND:
        return Income(reply["status"], exchange)
    result = reply["result"]
    if result is None or result["year"] != year:
        raise _unexpected(party)
    return Income(FOUND, exchange, result["totalIncome"], result["months"])


def _token(party: PartySettings, key: str) -> str:
    with _lock:
        kept = _tokens.get(_owner(party))
    if kept is not None and kept[1] > time.monotonic():
        return kept[0]
    payload = {
        "grantType": "client_credentials",
        "clientId": party.text("ANJU_TAX_CLIENT"),
        "clientSecret": party.text("ANJU_TAX_SECRET"),
    }
    exchange = post_json(party, party.url("ANJU_TAX_URL", "/oauth/token"), payload, key=f"{key}-token")
    reply = _load(_Token(), party, exchange)
    with _lock:
        _tokens[_owner(party)] = (reply["accessToken"], time.monotonic() + reply["expiresIn"] * 0.9)
    return str(reply["accessToken"])


def _forget(party: PartySettings) -> None:
    with _lock:
        _tokens.pop(_owner(party), None)


def _owner(party: PartySettings) -> str:
    """Whose token it is: another address or secret needs another token."""
    parts = [party.text(env) for env in ("ANJU_TAX_URL", "ANJU_TAX_CLIENT", "ANJU_TAX_SECRET")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _load(schema: Schema, party: PartySettings, exchange: Exchange) -> dict[str, Any]:
    try:
        return dict(schema.load(exchange.data))
    except ValidationError as error:
        raise _unexpected(party) from error


def _unexpected(party: PartySettings) -> OutsideFault:
    return OutsideFault(f"「{party.title}」的应答不合接口约定，请核对接口版本", code="unexpected_answer")
