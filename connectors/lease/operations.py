"""Filing a lease, answered at once or later; and a check of what is filed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate

from connectors._kit.evidence import evidence
from connectors.lease import client
from engine.core import clock
from engine.core.errors import Declined
from engine.core.operations import Answer, Call, Pending, Verdict, operation

SOURCE = "房屋租赁备案"
XML = "text/xml"
IN_FORCE = "1"
# How long they usually work on a filing; then they are asked.
ASK_AGAIN = timedelta(minutes=10)


class _Side(Schema):
    class Meta:
        unknown = EXCLUDE

    name = fields.String(required=True, validate=validate.Length(min=1, max=120))
    id_number = fields.String(required=True, validate=validate.Length(min=1, max=40), metadata={"personal": True})


class FileInputs(Schema):
    contract_number = fields.String(required=True, metadata={"title": "合同编号"})
    unit_number = fields.String(required=True, metadata={"title": "不动产单元号"})
    address = fields.String(required=True, metadata={"title": "房屋坐落"})
    area = fields.Float(required=True, metadata={"title": "建筑面积（㎡）"})
    rent_fen = fields.Integer(required=True, validate=validate.Range(min=0), metadata={"title": "月租金（分）"})
    begins_on = fields.Date(required=True, metadata={"title": "租期开始"})
    ends_on = fields.Date(required=True, metadata={"title": "租期结束"})
    lessor = fields.Nested(_Side, required=True, metadata={"title": "出租人"})
    lessee = fields.Nested(_Side, required=True, metadata={"title": "承租人"})


class FileOutputs(Schema):
    filing_number = fields.String(required=True, metadata={"title": "备案编号"})
    filed_on = fields.String(required=True, metadata={"title": "备案日期"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation(
    "lease.file",
    title="办理租赁备案",
    inputs=FileInputs,
    outputs=FileOutputs,
    party="lease",
    purpose="办理保障房租赁合同备案",
)
def file(call: Call) -> Answer | Pending:
    """A repeat asks first what came of the filing: it is worked on once, and its answer may take minutes."""
    key, lessee = call.idempotency_key, call.inputs["lessee"]
    filed = client.result(key) if call.attempt > 1 else None
    if filed is None:
        filed = client.file(call.inputs, key)
    people = [(lessee["name"], lessee["id_number"])]
    if not filed.number or filed.day is None:
        kept = evidence(SOURCE, people, filed.exchange, "已受理，稍后答复", XML)
        return Pending(key, clock.now() + ASK_AGAIN, kept)
    summary = f"已备案，编号 {filed.number}"
    variables = {"filing_number": filed.number, "filed_on": filed.day.isoformat(), "summary": summary}
    return Answer(variables, None, evidence(SOURCE, people, filed.exchange, summary, XML))


class FilingsInputs(Schema):
    """``consent``: true, or the number under which the person's consent is kept."""

    name = fields.String(required=True, validate=validate.Length(min=1, max=60), metadata={"title": "姓名"})
    id_number = fields.String(required=True, metadata={"title": "证件号码", "personal": True})
    consent = fields.Raw(required=True, allow_none=True, metadata={"title": "本人授权"})


class _Filing(Schema):
    filing_number = fields.String(required=True)
    address = fields.String(required=True, metadata={"personal": True})
    area = fields.Float(required=True, metadata={"unit": "㎡"})
    rent_fen = fields.Integer(required=True)
    begins_on = fields.String(required=True)
    ends_on = fields.String(required=True)
    in_force = fields.Boolean(required=True)


class FilingsOutputs(Schema):
    result = fields.String(required=True, validate=validate.OneOf(["pass", "unknown"]), metadata={"title": "核查结果"})
    filings = fields.List(fields.Nested(_Filing), required=True, metadata={"title": "备案的租约"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation(
    "lease.filings",
    title="查询租赁备案",
    inputs=FilingsInputs,
    outputs=FilingsOutputs,
    party="lease",
    purpose="核对申请人在外租房的备案",
)
def filings(call: Call) -> Answer:
    """Pass: a filed lease is in force. Unknown: none is; the person may rent all the same."""
    inputs = call.inputs
    if not inputs["consent"]:
        raise Declined("申请人没有同意查询租赁备案，请先取得授权", code="consent_missing")
    found, exchange = client.filings(inputs["name"], inputs["id_number"], call.idempotency_key)
    in_force = [one for one in found if one.state == IN_FORCE]
    verdict: Verdict = "pass" if in_force else "unknown"
    summary = f"有生效的租赁备案 {len(in_force)} 份" if in_force else "没有生效的租赁备案，需人工核对"
    variables = {"result": verdict, "filings": [_plain(one) for one in found], "summary": summary}
    kept = evidence(SOURCE, [(inputs["name"], inputs["id_number"])], exchange, summary, XML)
    return Answer(variables, verdict, kept)


def _plain(one: client.Filing) -> dict[str, Any]:
    return {
        "filing_number": one.number,
        "address": one.address,
        "area": float(one.area),
        "rent_fen": one.rent_fen,
        "begins_on": one.begins_on.isoformat(),
        "ends_on": one.ends_on.isoformat(),
        "in_force": one.state == IN_FORCE,
    }
