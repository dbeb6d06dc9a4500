"""What models may ask of social insurance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from connectors._kit.evidence import evidence
from connectors._kit.http import Exchange
from connectors.social import client
from connectors.social.months import index, months_of, unbroken
from engine.core.errors import Declined
from engine.core.operations import Answer, Call, Verdict, operation

SOURCE = "人社社会保险"
_MONTH = validate.Regexp(r"^\d{4}-(0[1-9]|1[0-2])$", error="月份写作 2026-01")


class _Person(Schema):
    """``consent``: true, or the number under which the person's consent is kept."""

    name = fields.String(required=True, validate=validate.Length(min=1, max=60), metadata={"title": "姓名"})
    id_number = fields.String(required=True, metadata={"title": "证件号码", "personal": True})
    consent = fields.Raw(required=True, allow_none=True, metadata={"title": "本人同意"})


class InsuredInputs(_Person):
    from_month = fields.String(required=True, validate=_MONTH, metadata={"title": "起始月份"})
    to_month = fields.String(required=True, validate=_MONTH, metadata={"title": "截止月份"})

    @validates_schema
    def check_order(self, data: Mapping[str, Any], **_: Any) -> None:
        """The first month is not after the last."""
        if data["from_month"] > data["to_month"]:
            raise ValidationError("起始月份晚于截止月份", "from_month")


class _Period(Schema):
    unit = fields.String(required=True, metadata={"title": "单位"})
    place = fields.String(required=True, metadata={"title": "参保地"})
    kind = fields.String(required=True, metadata={"title": "险种"})
    from_month = fields.String(required=True, metadata={"title": "起"})
    to_month = fields.String(required=True, metadata={"title": "止"})
    base_fen = fields.Integer(required=True, metadata={"title": "缴费基数（分）"})
    state = fields.String(required=True, metadata={"title": "状态"})


class InsuredOutputs(Schema):
    """Null means that the party did not say.

    ``months`` counts each calendar month once; ``unbroken_months`` are those in a row up to the last month that the
    party knows of (``known_until``: it books with a lag) or was asked for.
    """

    result = fields.String(required=True, validate=validate.OneOf(["pass", "unknown"]), metadata={"title": "核查结果"})
    months = fields.Integer(required=True, allow_none=True, metadata={"title": "参保月数"})
    unbroken_months = fields.Integer(required=True, allow_none=True, metadata={"title": "连续参保月数"})
    known_until = fields.String(required=True, allow_none=True, metadata={"title": "数据截至月份"})
    unit = fields.String(required=True, allow_none=True, metadata={"title": "最近参保单位"})
    periods = fields.List(fields.Nested(_Period), required=True, metadata={"title": "参保记录"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation(
    "social.insured",
    title="查询参保月数",
    inputs=InsuredInputs,
    outputs=InsuredOutputs,
    party="social",
    purpose="核对稳定就业和参保年限",
)
def insured(call: Call) -> Answer:
    """Pass: the party answered, also with no month at all. Unknown: it does not hold the person."""
    inputs = call.inputs
    first, last = (inputs[name].replace("-", "") for name in ("from_month", "to_month"))
    found = client.insured(**_who(call), first=first, last=last, key=call.idempotency_key)
    if found.rows is None:
        nothing = dict.fromkeys(("months", "unbroken_months", "known_until", "unit"), None)
        return _answer(
            call, "unknown", {**nothing, "periods": []}, "人社没有该人员的参保记录，需人工核对", found.exchanges
        )
    # What was paid stays paid after the insurance ended; while it rests nothing is paid.
    paid = [row for row in found.rows if row["state"] != client.RESTING]
    months = months_of(((row["first"], row["last"]) for row in paid), first, last)
    latest = max(paid, key=lambda row: index(row["last"]), default=None)
    until = min(last, found.known_until)
    facts = {
        "months": len(months),
        "unbroken_months": unbroken(months, until),
        "known_until": _shown(found.known_until),
        "unit": latest["unit"] if latest else None,
        "periods": [_period(row) for row in found.rows],
    }
    summary = f"参保 {len(months)} 个月，至 {_shown(until)} 连续 {facts['unbroken_months']} 个月"
    return _answer(call, "pass", facts, summary, found.exchanges)


class _Title(Schema):
    name = fields.String(required=True, metadata={"title": "名称"})
    level = fields.String(required=True, metadata={"title": "等级"})
    number = fields.String(required=True, metadata={"title": "证书编号", "personal": True})
    issued_on = fields.String(required=True, metadata={"title": "发证日期"})


class TitlesOutputs(Schema):
    """Null means that the party did not say."""

    result = fields.String(required=True, validate=validate.OneOf(["pass", "unknown"]), metadata={"title": "核查结果"})
    titles = fields.List(fields.Nested(_Title), required=True, metadata={"title": "职称和证书"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation(
    "social.titles",
    title="查询职称和证书",
    inputs=_Person,
    outputs=TitlesOutputs,
    party="social",
    purpose="核对职称、职业资格",
)
def titles(call: Call) -> Answer:
    """Pass: the party answered, also with no title. Unknown: it does not hold the person."""
    found = client.titles(**_who(call), key=call.idempotency_key)
    if found.rows is None:
        return _answer(call, "unknown", {"titles": []}, "人社没有该人员的记录，需人工核对", found.exchanges)
    held = [{**row, "issued_on": row["issued_on"].isoformat()} for row in found.rows]
    summary = "、".join(f"{one['name']}（{one['level']}）" for one in held) or "没有职称或证书记录"
    return _answer(call, "pass", {"titles": held}, summary, found.exchanges)


def _who(call: Call) -> dict[str, str]:
    consent = call.inputs["consent"]
    if not consent:
        raise Declined("申请人没有同意向人社部门查询，请先取得授权", code="consent_missing")
    kept = consent if isinstance(consent, str) else call.case_number
    return {"name": call.inputs["name"], "id_number": call.inputs["id_number"], "consent": kept}


def _answer(call: Call, verdict: Verdict, facts: Mapping[str, Any], summary: str, exchanges: list[Exchange]) -> Answer:
    """The evidence holds every page, one after the other."""
    last = exchanges[-1]
    whole = replace(
        last,
        request=b"\n".join(one.request for one in exchanges),
        response=b"\n".join(one.response for one in exchanges),
    )
    kept = evidence(SOURCE, [(call.inputs["name"], call.inputs["id_number"])], whole, summary, "application/x-ndjson")
    return Answer({"result": verdict, **facts, "summary": summary}, verdict, kept)


def _period(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "unit": row["unit"],
        "place": row["place"],
        "kind": client.KINDS[row["kind"]],
        "from_month": _shown(row["first"]),
        "to_month": _shown(row["last"]),
        "base_fen": int(row["base_yuan"] * 100),
        "state": client.STATES[row["state"]],
    }


def _shown(month: str) -> str:
    return f"{month[:4]}-{month[4:]}"
