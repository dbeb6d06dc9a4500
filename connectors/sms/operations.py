"""Messages to people's phones."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from connectors.sms import client
from engine.core.operations import Answer, Call, operation


class SendInputs(Schema):
    phone = fields.String(
        required=True, validate=validate.Length(min=1), metadata={"title": "手机号码", "personal": True}
    )
    template = fields.String(required=True, validate=validate.Length(min=1, max=60), metadata={"title": "短信模板"})
    values = fields.Dict(keys=fields.String(), load_default=dict, allow_none=False, metadata={"title": "模板内容"})


class SendOutputs(Schema):
    message_id = fields.String(required=True, metadata={"title": "短信编号"})


@operation(
    "sms.send",
    title="发送短信",
    inputs=SendInputs,
    outputs=SendOutputs,
    party="sms",
    retries=3,
    purpose="告知申请人办理情况",
)
def send(call: Call) -> Answer:
    """Declines with ``sms_limit``, ``sms_blacklist``, ``sms_number`` or ``sms_template``. Nothing to prove."""
    inputs = call.inputs
    message_id = client.send(
        phone=inputs["phone"], template=inputs["template"], values=inputs["values"], key=call.idempotency_key
    )
    return Answer({"message_id": message_id})


class ReceiptInputs(Schema):
    message_id = fields.String(required=True, metadata={"title": "短信编号"})


class ReceiptOutputs(Schema):
    state = fields.String(
        required=True, validate=validate.OneOf(["delivered", "waiting", "failed"]), metadata={"title": "送达状态"}
    )


@operation("sms.receipt", title="查询短信回执", inputs=ReceiptInputs, outputs=ReceiptOutputs, party="sms", retries=3)
def receipt(call: Call) -> Answer:
    """Whether a message arrived. Declines with ``sms_unknown_message``."""
    return Answer({"state": client.receipt(message_id=call.inputs["message_id"], key=call.idempotency_key)})
