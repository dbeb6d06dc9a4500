"""Messages by name and correlation key: published to whoever waits or will wait, or correlated at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marshmallow import fields, validate

from engine.commands import dispatch
from engine.commands.messages import LONGEST, CorrelateMessage, PublishMessage
from engine.core.actor import Actor
from web.api.operations import Operations
from web.api.schemas import TENANT, ApiSchema, Key, Variables, tenant, text

operations = Operations("messages", "消息")

LONGEST_LIFE_MS = 366 * 24 * 3600 * 1000


class Message(ApiSchema):
    name = fields.String(required=True, validate=validate.Length(min=1, max=LONGEST))
    correlation_key = text(LONGEST, load_default="", allow_none=True)
    variables = Variables(load_default=dict, allow_none=True)
    tenant_id = tenant()


class Publication(Message):
    """Without a time to live a message nobody waits for is gone."""

    time_to_live = fields.Integer(
        load_default=0, strict=True, allow_none=True, validate=validate.Range(min=0, max=LONGEST_LIFE_MS)
    )
    message_id = text(LONGEST, load_default="", allow_none=True)


class Published(ApiSchema):
    tenant_id = fields.String(required=True)
    message_key = Key(required=True)


class Correlated(Published):
    process_instance_key = Key(required=True)


@operations.add("POST", "/messages/publication", "发布消息", body=Publication, gives=Published)
def publish_message(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Give the message to whoever waits for it, or keep it for its time to live; the same id has no second effect."""
    life = timedelta(milliseconds=body["time_to_live"] or 0)
    key, message_id = body["correlation_key"] or "", body["message_id"] or ""
    command = PublishMessage(body["name"], key, message_id, body["variables"] or {}, bool(life), life)
    return {"tenant_id": TENANT, "message_key": dispatch(command, actor).message_id}


@operations.add("POST", "/messages/correlation", "关联消息", body=Message, gives=Correlated, faults=(404,))
def correlate_message(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Give the message to whoever waits for it now, and say who that was."""
    command = CorrelateMessage(body["name"], body["correlation_key"] or "", body["variables"] or {})
    sent = dispatch(command, actor)
    return {"tenant_id": TENANT, "message_key": sent.message_id, "process_instance_key": sent.case_id}
