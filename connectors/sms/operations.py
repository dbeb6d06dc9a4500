"""Messages to people's phones."""

from __future__ import annotations

from uuid import uuid4

from marshmallow import Schema, ValidationError, fields, validate

from connectors.sms import client
from engine.core.errors import Declined
from engine.core.operations import Answer, Call, NoNews, operation
from engine.core.stocks import Level, stock

# A code is asked for by whoever waits for it; one that comes late or twice helps nobody but a stranger.
CODES = ("verification_code",)


def _is_no_code(template: str) -> None:
    if template in CODES:
        raise ValidationError("验证码只能单独发送")


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
    """Declines with ``sms_limit``, ``sms_blacklist``, ``sms_number``, ``sms_template`` or ``sms_balance``.

    A code is tried once: a further attempt declines with ``sms_code_not_repeated``. Nothing to prove.
    """
    inputs = call.inputs
    if inputs["template"] in CODES and call.attempt > 1:
        raise Declined("验证码没有发送成功，不自动重发，请本人重新获取", code="sms_code_not_repeated")
    message_id = client.send(
        phone=inputs["phone"], template=inputs["template"], values=inputs["values"], key=call.idempotency_key
    )
    return Answer({"message_id": message_id})


class _ToOne(Schema):
    phone = fields.String(
        required=True, validate=validate.Length(min=1), metadata={"title": "手机号码", "personal": True}
    )
    values = fields.Dict(keys=fields.String(), load_default=dict, metadata={"title": "模板内容"})


class SendBatchInputs(Schema):
    template = fields.String(
        required=True, validate=[validate.Length(min=1, max=60), _is_no_code], metadata={"title": "短信模板"}
    )
    messages = fields.List(
        fields.Nested(_ToOne),
        required=True,
        validate=validate.Length(min=1, max=client.MOST),
        metadata={"title": "号码和内容"},
    )


class _Result(Schema):
    sent = fields.Boolean(required=True, metadata={"title": "是否已交给平台"})
    message_id = fields.String(required=True, allow_none=True, metadata={"title": "短信编号"})
    code = fields.String(required=True, allow_none=True, metadata={"title": "未发原因代码"})
    reason = fields.String(required=True, allow_none=True, metadata={"title": "未发原因"})


class SendBatchOutputs(Schema):
    """``results`` stand in the order of the messages; numbers are not repeated in them."""

    sent = fields.Integer(required=True, metadata={"title": "已发条数"})
    not_sent = fields.Integer(required=True, metadata={"title": "未发条数"})
    results = fields.List(fields.Nested(_Result), required=True, metadata={"title": "逐条结果"})


@operation(
    "sms.send_batch",
    title="批量发送短信",
    inputs=SendBatchInputs,
    outputs=SendBatchOutputs,
    party="sms",
    retries=3,
    purpose="告知申请人办理情况",
)
def send_batch(call: Call) -> Answer:
    """One call, one result for each number; declines only where the platform refuses all (template, balance)."""
    found = client.send_batch(
        template=call.inputs["template"], messages=call.inputs["messages"], key=call.idempotency_key
    )
    results = [
        {
            "sent": bool(one.message_id),
            "message_id": one.message_id or None,
            "code": one.code or None,
            "reason": one.reason or None,
        }
        for one in found
    ]
    sent = sum(bool(one.message_id) for one in found)
    return Answer({"sent": sent, "not_sent": len(found) - sent, "results": results})


class BalanceOutputs(Schema):
    remaining = fields.Integer(required=True, metadata={"title": "剩余条数"})
    low = fields.Boolean(required=True, metadata={"title": "是否低于提醒线"})


@operation("sms.balance", title="查询短信余额", inputs=NoNews, outputs=BalanceOutputs, party="sms", retries=3)
def balance(call: Call) -> Answer:
    """How many messages are left, and whether that is less than ``ANJU_SMS_LOW``."""
    remaining = client.balance(key=call.idempotency_key)
    return Answer({"remaining": remaining, "low": remaining < client.least()})


@stock("sms", title="短信余额", unit="条")
def left() -> Level:
    """For the page about the other parties."""
    return Level(client.balance(key=uuid4().hex), client.least())


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
