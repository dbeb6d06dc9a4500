"""Checks answered by the police."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate

from connectors._kit.evidence import evidence
from connectors.police import client
from engine.core.errors import Declined
from engine.core.idnum import KINDS
from engine.core.operations import Answer, Call, Verdict, operation

SUMMARIES = {
    client.MISMATCH: "姓名与证件号码不一致",
    client.NO_NUMBER: "公安人口库中没有该证件号码，需人工核对",
    client.OTHER_KIND: "公安人口库不受理该证件类型，需人工核对",
}


class HouseholdInputs(Schema):
    """``consent``: true, or the number under which the person's consent is kept."""

    name = fields.String(required=True, validate=validate.Length(min=1, max=60), metadata={"title": "姓名"})
    id_kind = fields.String(required=True, validate=validate.OneOf(list(KINDS)), metadata={"title": "证件类型"})
    id_number = fields.String(required=True, metadata={"title": "证件号码", "personal": True})
    consent = fields.Raw(required=True, allow_none=True, metadata={"title": "本人授权"})


class _Member(Schema):
    name = fields.String(required=True, metadata={"title": "姓名", "personal": True})
    relation = fields.String(required=True)


class _Facts(Schema):
    household_number = fields.String(required=True, allow_none=True, metadata={"personal": True})
    members = fields.List(fields.Nested(_Member), required=True)
    alive = fields.Boolean(required=True, allow_none=True)
    name_matches = fields.Boolean(required=True, allow_none=True)
    household_size = fields.Integer(required=True)


class HouseholdOutputs(Schema):
    """Null in ``facts`` means that the police did not say."""

    class Meta:
        unknown = EXCLUDE

    result = fields.String(
        required=True, validate=validate.OneOf(["pass", "fail", "unknown"]), metadata={"title": "核查结果"}
    )
    facts = fields.Nested(_Facts, required=True, metadata={"title": "查得内容"})
    summary = fields.String(required=True, metadata={"title": "摘要", "personal": True})


@operation(
    "police.household",
    title="核验身份与户籍",
    inputs=HouseholdInputs,
    outputs=HouseholdOutputs,
    party="police",
    retries=3,
    purpose="核对申请人身份、是否在世和同户人员",
)
def household(call: Call) -> Answer:
    """Pass: the name fits the number and the person lives. Fail: it does not. Unknown: the police cannot tell."""
    inputs = call.inputs
    if not inputs["consent"]:
        raise Declined("申请人没有同意向公安机关查询，请先取得授权", code="consent_missing")
    consent = inputs["consent"] if isinstance(inputs["consent"], str) else call.case_number
    found = client.household(
        name=inputs["name"],
        id_kind=inputs["id_kind"],
        id_number=inputs["id_number"],
        consent=consent,
        case_number=call.case_number,
        item=call.item,
        key=call.idempotency_key,
    )
    verdict, summary = _judge(found)
    variables = {"result": verdict, "facts": _facts(found), "summary": summary}
    kept = evidence("公安人口与户籍", [(inputs["name"], inputs["id_number"])], found.exchange, summary)
    return Answer(variables, verdict, kept)


def _judge(found: client.Household) -> tuple[Verdict, str]:
    if found.code == client.MISMATCH:
        return "fail", SUMMARIES[found.code]
    if found.code != client.OK:
        return "unknown", SUMMARIES[found.code]
    if not found.alive:
        return "fail", "公安人口库显示该人员已死亡"
    return "pass", f"姓名与证件号码一致，同户 {len(found.members)} 人"


def _facts(found: client.Household) -> dict[str, Any]:
    matches = {client.OK: True, client.MISMATCH: False}.get(found.code)
    return {
        "household_number": found.number or None,
        "members": [dict(member) for member in found.members],
        "alive": found.alive,
        "name_matches": matches,
        "household_size": len(found.members),
    }
