"""Checks answered by the real-estate registry, at once or later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from marshmallow import EXCLUDE, Schema, fields, validate

from connectors._kit.evidence import evidence
from connectors._kit.http import Exchange
from connectors.realestate import client
from engine.core import clock
from engine.core.errors import OutsideFault
from engine.core.inbound import inbound
from engine.core.operations import Answer, Call, Evidence, LateAnswer, Pending, Verdict, operation

SOURCE = "不动产登记"
DWELLING = "住宅"
XML = "text/xml"


class _Person(Schema):
    class Meta:
        unknown = EXCLUDE

    name = fields.String(required=True, validate=validate.Length(min=1, max=60))
    id_number = fields.String(required=True, metadata={"personal": True})


class OwnershipInputs(Schema):
    persons = fields.List(
        fields.Nested(_Person), required=True, validate=validate.Length(min=1, max=50), metadata={"title": "查询的人员"}
    )
    region = fields.String(load_default="", allow_none=True, metadata={"title": "地区"})


class _Home(Schema):
    unit_number = fields.String(required=True, metadata={"personal": True})
    address = fields.String(required=True, metadata={"personal": True})
    area = fields.Float(required=True, metadata={"unit": "㎡"})
    use = fields.String(required=True)
    share = fields.String(required=True, metadata={"form": "1/2"})


class _Facts(Schema):
    homes = fields.List(fields.Nested(_Home), required=True)
    total_area = fields.Float(required=True, allow_none=True, metadata={"unit": "㎡"})


class OwnershipOutputs(Schema):
    """``total_area`` counts dwellings, each by the shares of the persons asked about; null where it is not known."""

    result = fields.String(required=True, validate=validate.OneOf(["pass", "unknown"]), metadata={"title": "核查结果"})
    facts = fields.Nested(_Facts, required=True, metadata={"title": "查得内容"})
    summary = fields.String(required=True, metadata={"title": "摘要", "personal": True})


@operation(
    "realestate.ownership",
    title="核查住房情况",
    inputs=OwnershipInputs,
    outputs=OwnershipOutputs,
    party="realestate",
    retries=3,
    purpose="核对申请家庭名下的住房",
)
def ownership(call: Call) -> Answer | Pending:
    """Pass: what they own is known, also nothing at all; whether it is too much is for the rules to say.

    A repeat asks first for the answer to what was submitted under the same key: the registry books a request once.
    """
    persons, region, key = call.inputs["persons"], call.inputs["region"] or "", call.idempotency_key
    reply = client.fetch(key=key) if call.attempt > 1 else None
    if reply is None:
        reply = client.submit(persons=persons, region=region, case_number=call.case_number, key=key)
    people = [(person["name"], person["id_number"]) for person in persons]
    if reply.holdings is None:
        due = clock.now() + timedelta(seconds=reply.within_seconds)
        return Pending(key, due, evidence(SOURCE, people, reply.exchange, "登记机构已受理，稍后回复", XML))
    if {number for _, number in people} != {holding.id_number for holding in reply.holdings}:
        raise OutsideFault(f"「{SOURCE}」的应答与所问的人员不符，请核对接口版本", code="unexpected_answer")
    summary = _summary(reply.holdings)
    return _answer(reply.holdings, evidence(SOURCE, people, reply.exchange, summary, XML))


class FreezeInputs(Schema):
    cert_number = fields.String(
        required=True, validate=validate.Length(min=1, max=120), metadata={"title": "不动产权证号", "personal": True}
    )
    reason = fields.String(required=True, validate=validate.Length(min=1, max=100), metadata={"title": "冻结事由"})
    until = fields.Date(required=True, metadata={"title": "冻结至"})


class UnfreezeInputs(Schema):
    cert_number = fields.String(
        required=True, validate=validate.Length(min=1, max=120), metadata={"title": "不动产权证号", "personal": True}
    )


class FreezeOutputs(Schema):
    freeze_number = fields.String(required=True, metadata={"title": "冻结编号"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation("realestate.freeze", title="冻结不动产", inputs=FreezeInputs, outputs=FreezeOutputs, party="realestate")
def freeze(call: Call) -> Answer:
    """By the number of the case: a repeat, also from another step, is the same freeze."""
    inputs, key = call.inputs, call.idempotency_key
    number, exchange = client.freeze(
        cert_number=inputs["cert_number"],
        reason=inputs["reason"],
        until=inputs["until"],
        case_number=call.case_number,
        key=key,
    )
    return _frozen(number, exchange, f"已冻结至 {inputs['until']}，冻结编号 {number}")


@operation(
    "realestate.unfreeze", title="解除不动产冻结", inputs=UnfreezeInputs, outputs=FreezeOutputs, party="realestate"
)
def unfreeze(call: Call) -> Answer:
    """Ends what this case froze; ended before, it stays ended."""
    cert = call.inputs["cert_number"]
    number, exchange = client.unfreeze(cert_number=cert, case_number=call.case_number, key=call.idempotency_key)
    return _frozen(number, exchange, f"已解除冻结 {number}")


def _frozen(number: str, exchange: Exchange, summary: str) -> Answer:
    kept = evidence(SOURCE, [], exchange, summary, XML)
    return Answer({"freeze_number": number, "summary": summary}, None, kept)


@inbound("realestate")
def late_answer(body: bytes, headers: Mapping[str, str]) -> LateAnswer:
    """The registry's later answer; its correlation is the key under which it was asked. Raises ``Refused``."""
    notice = client.read_notice(body, headers)
    if notice.declined is not None:
        return LateAnswer("realestate", notice.request_id, notice.message_id, None, notice.declined)
    people = [("", holding.id_number) for holding in notice.holdings]
    received = Exchange(200, {}, b"", body)
    kept = evidence(SOURCE, people, received, _summary(notice.holdings), XML)
    return LateAnswer("realestate", notice.request_id, notice.message_id, _answer(notice.holdings, kept))


def _answer(holdings: Sequence[client.Holding], kept: Evidence) -> Answer:
    homes = [home for holding in holdings for home in holding.homes]
    verdict: Verdict = "unknown" if _unclear(holdings) else "pass"
    facts = {
        "homes": [
            {
                "unit_number": home.unit_number,
                "address": home.address,
                "area": float(home.area),
                "use": home.use,
                "share": home.share,
            }
            for home in homes
        ],
        "total_area": None if _unclear(holdings) else float(_total(homes)),
    }
    return Answer({"result": verdict, "facts": facts, "summary": _summary(holdings)}, verdict, kept)


def _unclear(holdings: Sequence[client.Holding]) -> bool:
    return any(holding.found == client.AMBIGUOUS for holding in holdings)


def _total(homes: Sequence[client.Home]) -> Decimal:
    """Dwellings only, each by its share: two halves of one home count once."""
    exact = sum((Fraction(home.area) * Fraction(home.share) for home in homes if home.use == DWELLING), Fraction(0))
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _summary(holdings: Sequence[client.Holding]) -> str:
    if _unclear(holdings):
        return "登记簿上有同名权利人，不能确认是否本人，需人工核对"
    homes = [home for holding in holdings for home in holding.homes]
    units = {home.unit_number for home in homes if home.use == DWELLING}
    if not homes:
        return "名下没有不动产登记"
    return f"名下有住宅 {len(units)} 套，按份额合计 {_total(homes)} 平方米"
