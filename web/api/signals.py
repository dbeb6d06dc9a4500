"""Signals: to everybody who waits for the name."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine.commands import dispatch
from engine.commands.signals import BroadcastSignal
from engine.core.actor import Actor
from web.api.operations import Operations
from web.api.schemas import TENANT, ApiSchema, Key, Variables, tenant

operations = Operations("signals", "信号")


class Signal(ApiSchema):
    signal_name = fields.String(required=True, validate=validate.Length(min=1, max=160))
    variables = Variables(load_default=dict, allow_none=True)
    tenant_id = tenant()


class Broadcast(ApiSchema):
    tenant_id = fields.String(required=True)
    signal_key = Key(required=True)


@operations.add("POST", "/signals/broadcast", "广播信号", body=Signal, gives=Broadcast)
def broadcast_signal(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Reach the instances that wait for the signal and the processes it begins, each in a transaction of its own."""
    key = dispatch(BroadcastSignal(body["signal_name"], body["variables"] or {}), actor)
    return {"tenant_id": TENANT, "signal_key": key}
