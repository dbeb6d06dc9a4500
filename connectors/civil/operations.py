"""What models may ask of civil affairs."""

from __future__ import annotations

from datetime import date
from typing import Any

from marshmallow import Schema, fields, validate

from connectors._kit.evidence import evidence
from connectors.civil import client
from engine.core import clock
from engine.core.errors import Declined
from engine.core.operations import Answer, Call, Verdict, operation

SOURCE = "民政"


class _Person(Schema):
    name = fields.String(required=True, validate=validate.Length(min=1, max=60), metadata={"title": "姓名"})
    id_number = fields.String(required=True, metadata={"title": "证件号码", "personal": True})


class MarriageInputs(_Person):
    """``consent``: true, or the number under which it is kept. ``day``: asked about, today without one."""

    consent = fields.Raw(required=True, allow_none=True, metadata={"title": "本人同意"})
    day = fields.Date(load_default=None, metadata={"title": "查询日期"})


class _Entry(Schema):
    event = fields.String(required=True, metadata={"title": "事项"})
    on = fields.String(required=True, metadata={"title": "登记日期"})
    certificate = fields.String(required=True, metadata={"title": "证号", "personal": True})
    office = fields.String(required=True, metadata={"title": "登记机关"})
    spouse_name = fields.String(required=True, metadata={"title": "对方姓名", "personal": True})


class MarriageOutputs(Schema):
    """``state``: married, divorced, or null where the register does not tell. No entry is never «single»."""

    result = fields.String(required=True, validate=validate.OneOf(["pass", "unknown"]), metadata={"title": "核查结果"})
    state = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(["married", "divorced"]), metadata={"title": "婚姻状态"}
    )
    since = fields.String(required=True, allow_none=True, metadata={"title": "起始日期"})
    spouse_name = fields.String(required=True, allow_none=True, metadata={"title": "配偶姓名", "personal": True})
    spouse_id_number = fields.String(
        required=True, allow_none=True, metadata={"title": "配偶证件号码", "personal": True}
    )
    covered_since = fields.String(required=True, metadata={"title": "数据起始日期"})
    history = fields.List(fields.Nested(_Entry), required=True, metadata={"title": "登记历史"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation(
    "civil.marriage",
    title="查询婚姻登记",
    inputs=MarriageInputs,
    outputs=MarriageOutputs,
    party="civil",
    purpose="核对申请人在某日的婚姻状况",
)
def marriage(call: Call) -> Answer:
    """Pass: an entry tells the state on the day. Unknown: none does; paper registers were not looked at."""
    inputs = call.inputs
    found = client.marriage(
        name=inputs["name"], id_number=inputs["id_number"], consent=_consent(call), key=call.idempotency_key
    )
    day = inputs["day"] or clock.today()
    last = _valid_on(found.records, day)
    married = last is not None and last.kind == client.MARRIAGE
    facts = {
        "state": None if last is None else "married" if married else "divorced",
        "since": None if last is None else last.on.isoformat(),
        "spouse_name": last.spouse_name if last and married else None,
        "spouse_id_number": last.spouse_id_number if last and married else None,
        "covered_since": found.coverage.isoformat(),
        "history": [_entry(record) for record in found.records],
    }
    verdict: Verdict = "unknown" if last is None else "pass"
    summary = _told(facts, day)
    kept = evidence(SOURCE, [(inputs["name"], inputs["id_number"])], found.exchange, summary, "text/xml")
    return Answer({"result": verdict, **facts, "summary": summary}, verdict, kept)


def _valid_on(records: tuple[client.Record, ...], day: date) -> client.Record | None:
    """The entry that tells the state on ``day``: a certificate issued anew changes nothing."""
    told = [record for record in records if record.on <= day and record.kind != client.REISSUE]
    return told[-1] if told else None


def _entry(record: client.Record) -> dict[str, Any]:
    events = {client.MARRIAGE: "结婚登记", client.DIVORCE: "离婚登记", client.REISSUE: "补领证件"}
    return {
        "event": events[record.kind],
        "on": record.on.isoformat(),
        "certificate": record.certificate,
        "office": record.office,
        "spouse_name": record.spouse_name,
    }


def _told(facts: dict[str, Any], day: date) -> str:
    if facts["state"] is None:
        return f"{day.isoformat()} 没有登记记录（数据自 {facts['covered_since']} 起），不能据此认定未婚，需人工核对"
    return f"{day.isoformat()} {'已婚' if facts['state'] == 'married' else '离婚'}，自 {facts['since']} 起"


class HardshipInputs(_Person):
    """``consent`` and ``day`` as for a marriage."""

    consent = fields.Raw(required=True, allow_none=True, metadata={"title": "本人同意"})
    day = fields.Date(load_default=None, metadata={"title": "查询日期"})


class _Benefit(Schema):
    aid = fields.String(required=True, metadata={"title": "救助类别"})
    since = fields.String(required=True, metadata={"title": "起"})
    until = fields.String(required=True, allow_none=True, metadata={"title": "止"})
    people = fields.Integer(required=True, metadata={"title": "保障人数"})
    office = fields.String(required=True, metadata={"title": "审批机关"})


class HardshipOutputs(Schema):
    """``aids``: those that run on the day."""

    result = fields.String(required=True, validate=validate.OneOf(["pass"]), metadata={"title": "核查结果"})
    in_hardship = fields.Boolean(required=True, metadata={"title": "是否困难家庭"})
    aids = fields.List(fields.String(), required=True, metadata={"title": "在享救助"})
    benefits = fields.List(fields.Nested(_Benefit), required=True, metadata={"title": "救助记录"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation(
    "civil.hardship",
    title="查询低保低收入",
    inputs=HardshipInputs,
    outputs=HardshipOutputs,
    party="civil",
    purpose="核对是否低保、低收入或特困家庭",
)
def hardship(call: Call) -> Answer:
    """Pass: the register answered; it holds every aid, so none means that the household gets none."""
    inputs = call.inputs
    found, exchange = client.hardship(
        name=inputs["name"], id_number=inputs["id_number"], consent=_consent(call), key=call.idempotency_key
    )
    day = inputs["day"] or clock.today()
    running = [one.aid for one in found if one.since <= day and (one.until is None or day <= one.until)]
    benefits = [
        {
            "aid": one.aid,
            "since": one.since.isoformat(),
            "until": one.until.isoformat() if one.until else None,
            "people": one.people,
            "office": one.office,
        }
        for one in found
    ]
    summary = f"{day.isoformat()} 在享：{'、'.join(running)}" if running else f"{day.isoformat()} 没有在享的救助"
    facts = {"in_hardship": bool(running), "aids": running, "benefits": benefits, "summary": summary}
    kept = evidence(SOURCE, [(inputs["name"], inputs["id_number"])], exchange, summary, "text/xml")
    return Answer({"result": "pass", **facts}, "pass", kept)


class CremationOutputs(Schema):
    """``deceased`` null: no cremation on record, which says nothing of who was buried."""

    result = fields.String(required=True, validate=validate.OneOf(["fail", "unknown"]), metadata={"title": "核查结果"})
    deceased = fields.Boolean(required=True, allow_none=True, metadata={"title": "是否身故"})
    cremated_on = fields.String(required=True, allow_none=True, metadata={"title": "火化日期"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation(
    "civil.cremation",
    title="查询火化记录",
    inputs=_Person,
    outputs=CremationOutputs,
    party="civil",
    purpose="核对保障对象是否身故",
)
def cremation(call: Call) -> Answer:
    """Fail: the person was cremated. Unknown otherwise."""
    inputs = call.inputs
    day, office, exchange = client.cremation(
        name=inputs["name"], id_number=inputs["id_number"], key=call.idempotency_key
    )
    verdict: Verdict = "unknown" if day is None else "fail"
    summary = "没有火化记录" if day is None else f"{day.isoformat()} 在{office}火化"
    facts = {"deceased": None if day is None else True, "cremated_on": day.isoformat() if day else None}
    kept = evidence(SOURCE, [(inputs["name"], inputs["id_number"])], exchange, summary, "text/xml")
    return Answer({"result": verdict, **facts, "summary": summary}, verdict, kept)


def _consent(call: Call) -> str:
    consent = call.inputs["consent"]
    if not consent:
        raise Declined("申请人没有同意向民政部门查询，请先取得授权", code="consent_missing")
    return consent if isinstance(consent, str) else call.case_number
