"""What goes up to the service platform, and what comes down from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

import orjson
from marshmallow import Schema, fields, validate

from connectors._kit.evidence import evidence
from connectors._kit.webhooks import STATUS
from connectors.platform import client, forms
from engine.core.inbound import (
    AwaitedFile,
    CaseCame,
    FileCame,
    NoticeCame,
    Reply,
    Taken,
    collection,
    inbound,
    reconciliation,
)
from engine.core.operations import Answer, Call, NoNews, operation

SOURCE = "政务服务平台"


class ReportInputs(Schema):
    reference = fields.String(required=True, metadata={"title": "平台办件编号"})
    step = fields.String(required=True, validate=validate.OneOf(list(client.STEPS)), metadata={"title": "环节"})
    title = fields.String(required=True, metadata={"title": "办理内容"})
    handler = fields.String(required=True, metadata={"title": "办理人"})
    organisation = fields.String(required=True, metadata={"title": "办理机构"})
    at = fields.String(required=True, metadata={"title": "办理时间"})
    result = fields.String(load_default="", metadata={"title": "办理结果"})
    document = fields.String(load_default="", metadata={"title": "结果文书编号"})


@operation("platform.report", title="办件回报", inputs=ReportInputs, outputs=NoNews, party="platform")
def report(call: Call) -> Answer:
    """The number of the report in its line is its serial at the platform, which wants them without a gap."""
    serial = int(call.headers.get("report_number", "1"))
    exchange = client.report(call.inputs, serial, call.idempotency_key)
    return Answer({}, None, evidence(SOURCE, [], exchange, f"平台已接收第 {serial} 份回报"))


class StateInputs(Schema):
    reference = fields.String(required=True, metadata={"title": "平台办件编号"})


class StateOutputs(Schema):
    step = fields.String(required=True, metadata={"title": "平台记录的环节"})
    reports = fields.Integer(required=True, metadata={"title": "平台收到的回报数"})


@operation("platform.state", title="查询平台办件状态", inputs=StateInputs, outputs=StateOutputs, party="platform")
def state(call: Call) -> Answer:
    """How far the platform thinks the case is."""
    step, serial, exchange = client.state(call.inputs["reference"], call.idempotency_key)
    return Answer({"step": step, "reports": serial}, None, evidence(SOURCE, [], exchange, f"平台状态：{step}"))


def reply(taken: Taken) -> Reply:
    """The platform wants a code and a reason; it pushes again after a status of 500 and above only."""
    if taken.error is not None:
        told: dict[str, Any] = {"code": taken.error.code, "message": taken.error.message}
        return Reply(orjson.dumps(told), STATUS.get(taken.error.code, 200))
    told = {"code": client.OK, "acceptNo": taken.result.get("number", ""), "repeated": taken.repeated}
    return Reply(orjson.dumps(told))


@inbound("platform", reply)
def came_down(body: bytes, headers: Mapping[str, str]) -> CaseCame | NoticeCame:
    """A case, a supplement or a withdrawal. Raises ``Refused``: forged, malformed, unknown item or version."""
    pushed = client.pushed(body, headers)
    number, kind = pushed["number"], pushed["kind"]
    if kind == "WITHDRAW":
        content = {"number": number, "reason": pushed["reason"]}
        return NoticeCame("platform", pushed["message_id"], "handed_down.withdrawn", content)
    if kind == "SUPPLEMENT":
        content = {"number": number, "files": pushed["files"]}
        return NoticeCame("platform", pushed["message_id"], "handed_down.supplemented", content)
    item, answers = forms.answers(pushed["item"], pushed["version"], pushed["form"])
    # By the number of the case, not of the message: pushed again under another message it is the same case.
    return CaseCame(
        "platform",
        f"case:{number}",
        item,
        answers,
        pushed["region"],
        reference=number,
        files=tuple(AwaitedFile(**one) for one in pushed["files"]),
    )


@collection("platform", every=timedelta(seconds=30))
def files() -> Iterator[FileCame]:
    """Files that lie ready, until we said that we have them."""
    for one in client.ready():
        yield FileCame("platform", one.ref, one.number, one.name, one.content, partial(client.taken, [one.ref]))


@reconciliation("platform", title="办件状态核对", against="handed_down")
def handed_down(day: date) -> Mapping[str, Mapping[str, Any]]:
    """How far the platform thinks each case of ``day`` is."""
    return {number: {"step": step} for number, step in client.cases(day).items()}
