"""Checks answered by the tax office."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from connectors._kit.evidence import evidence
from connectors.tax import client
from engine.core.operations import Answer, Call, operation

UNKNOWN = {
    client.NOT_FOUND: "税务系统中没有该人员的申报记录，需人工核对",
    client.NOT_OPEN: "该年度收入尚未开放查询，需人工核对",
    client.NAME_DIFFERS: "税务登记的姓名与证件号码不一致，需人工核对",
}


class IncomeInputs(Schema):
    name = fields.String(required=True, validate=validate.Length(min=1, max=60), metadata={"title": "姓名"})
    id_number = fields.String(required=True, metadata={"title": "证件号码", "personal": True})
    year = fields.Integer(required=True, validate=validate.Range(min=1994, max=2100), metadata={"title": "年度"})


class _Facts(Schema):
    annual_income_fen = fields.Integer(required=True, allow_none=True, strict=True)
    months = fields.Integer(required=True, allow_none=True, strict=True)


class IncomeOutputs(Schema):
    """Null in ``facts`` means that the tax office did not say; it never means zero."""

    result = fields.String(required=True, validate=validate.OneOf(["pass", "unknown"]), metadata={"title": "核查结果"})
    facts = fields.Nested(_Facts, required=True, metadata={"title": "查得内容"})
    summary = fields.String(required=True, metadata={"title": "摘要", "personal": True})


@operation(
    "tax.income",
    title="核查个人年收入",
    inputs=IncomeInputs,
    outputs=IncomeOutputs,
    party="tax",
    retries=3,
    purpose="核对申请家庭的收入",
)
def income(call: Call) -> Answer:
    """Pass: the income is known; whether it is low enough is for the rules to say. Unknown: it is not known."""
    inputs = call.inputs
    found = client.income(
        name=inputs["name"],
        id_number=inputs["id_number"],
        year=inputs["year"],
        case_number=call.case_number,
        key=call.idempotency_key,
    )
    annual_fen = None
    summary = UNKNOWN.get(found.status, "")
    if found.annual is not None:
        annual_fen = int(found.annual * 100)
        summary = f"{inputs['year']} 年申报收入 {found.annual:,.2f} 元，共 {found.months} 个月"
    verdict = "unknown" if annual_fen is None else "pass"
    variables = {
        "result": verdict,
        "facts": {"annual_income_fen": annual_fen, "months": found.months},
        "summary": summary,
    }
    kept = evidence("税务个人收入", [(inputs["name"], inputs["id_number"])], found.exchange, summary)
    return Answer(variables, "unknown" if annual_fen is None else "pass", kept)
