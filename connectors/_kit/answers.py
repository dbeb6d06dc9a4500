"""Reading what a party answered: by its schema and under its signature, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError

from connectors._kit.http import Exchange
from connectors._kit.settings import PartySettings
from connectors._kit.signatures import check
from engine.core.errors import OutsideFault, Refused


def unexpected(party: PartySettings) -> OutsideFault:
    """The answer is outside what was agreed. The message repeats nothing of it: it may hold personal data."""
    return OutsideFault(f"「{party.title}」的应答不合接口约定，请核对接口版本", code="unexpected_answer")


def read(schema: type[Schema], party: PartySettings, data: Mapping[str, Any]) -> dict[str, Any]:
    """What ``schema`` names, of ``data``; further fields are left aside. Raises ``OutsideFault``."""
    try:
        return dict(schema().load(data, unknown=EXCLUDE))
    except ValidationError as error:
        raise unexpected(party) from error


def signed_by(party: PartySettings, secret: bytes, url: str, exchange: Exchange) -> None:
    """Make sure that the answer carries the party's signature. Raises ``OutsideFault`` (``bad_signature``)."""
    try:
        check(secret, "ANSWER", url, exchange.headers, exchange.response)
    except Refused as error:
        raise OutsideFault(f"「{party.title}」的应答签名不正确，已拒收", code="bad_signature") from error
