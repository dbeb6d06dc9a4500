"""The two operations of the soak's process, as a connector would declare them."""

from __future__ import annotations

import os
from typing import Any

import requests
from marshmallow import Schema, fields

from engine.core import parties
from engine.core.errors import Unreachable
from engine.core.operations import Answer, Call, operation

PARTY = "soakbank"
# A kill at the wrong moment costs an attempt: there must be more of them than kills.
RETRIES = 1000

parties.register(
    parties.Party(PARTY, "浸泡银行", backoff=parties.Backoff(0.2, 1.5, 1.0), breaker=parties.BreakerRules(10**6))
)


class Asked(Schema):
    number = fields.Integer(required=True)


class Told(Schema):
    booked = fields.String(required=True)


def _call(place: str, call: Call) -> Any:
    try:
        return requests.post(f"{os.environ['SOAK_URL']}/{place}", params={"key": call.idempotency_key}, timeout=5)
    except requests.RequestException as error:
        raise Unreachable("银行没有应答") from error


def _book(place: str, call: Call) -> Answer:
    if not _call(place, call).ok:
        raise Unreachable("银行没有应答")
    return Answer({"booked": call.idempotency_key})


def _ask(call: Call) -> Answer | None:
    """What became of the first request: this counter would book a second one."""
    found = _call("asked", call)
    if found.status_code == 404:
        return None
    if not found.ok:
        raise Unreachable("银行没有应答")
    return Answer({"booked": call.idempotency_key})


@operation("soak.book", title="记账", inputs=Asked, outputs=Told, party=PARTY, retries=RETRIES)
def book(call: Call) -> Answer:
    """A counter that knows its idempotency keys."""
    return _book("honours", call)


@operation("soak.pay", title="付款", inputs=Asked, outputs=Told, party=PARTY, retries=RETRIES, asked_by=_ask)
def pay(call: Call) -> Answer:
    """A counter that would pay twice."""
    return _book("forgets", call)
