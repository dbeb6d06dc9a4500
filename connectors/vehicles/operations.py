"""What models may ask of vehicle registration."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import Schema, fields, validate

from connectors._kit.evidence import evidence
from connectors.vehicles import client
from engine.core.errors import Declined
from engine.core.operations import Answer, Call, Verdict, operation


class OwnedInputs(Schema):
    """``consent``: true, or the number under which the person's consent is kept."""

    name = fields.String(required=True, validate=validate.Length(min=1, max=60), metadata={"title": "姓名"})
    id_number = fields.String(required=True, metadata={"title": "证件号码", "personal": True})
    consent = fields.Raw(required=True, allow_none=True, metadata={"title": "本人同意"})


class _Vehicle(Schema):
    plate = fields.String(required=True, metadata={"title": "号牌（已遮盖）"})
    kind = fields.String(required=True, metadata={"title": "车辆类型"})
    use = fields.String(required=True, metadata={"title": "使用性质"})
    first_registered = fields.String(required=True, metadata={"title": "初次登记日期"})
    price_fen = fields.Integer(required=True, allow_none=True, metadata={"title": "购置价（分）"})
    state = fields.String(required=True, metadata={"title": "状态"})
    counts = fields.Boolean(required=True, metadata={"title": "是否计入"})


class OwnedOutputs(Schema):
    """Null means that the party did not say. A vehicle counts unless it was struck off or moved away."""

    result = fields.String(required=True, validate=validate.OneOf(["pass", "unknown"]), metadata={"title": "核查结果"})
    count = fields.Integer(required=True, allow_none=True, metadata={"title": "计入的机动车数"})
    private_count = fields.Integer(required=True, allow_none=True, metadata={"title": "其中非营运车数"})
    price_fen = fields.Integer(required=True, allow_none=True, metadata={"title": "计入车辆购置价合计（分）"})
    vehicles = fields.List(fields.Nested(_Vehicle), required=True, metadata={"title": "机动车"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation(
    "vehicles.owned",
    title="查询机动车",
    inputs=OwnedInputs,
    outputs=OwnedOutputs,
    party="vehicles",
    purpose="核对申请家庭名下机动车的数量和价值",
)
def owned(call: Call) -> Answer:
    """Pass: the register answered, also with no vehicle. Unknown: it does not hold the person."""
    inputs = call.inputs
    if not inputs["consent"]:
        raise Declined("申请人没有同意查询机动车登记，请先取得授权", code="consent_missing")
    found = client.owned(
        name=inputs["name"],
        id_number=inputs["id_number"],
        case_number=call.case_number,
        key=call.idempotency_key,
    )
    held = None if found.vehicles is None else [_vehicle(one) for one in found.vehicles]
    variables = _facts(held)
    verdict: Verdict = "unknown" if held is None else "pass"
    kept = evidence("机动车登记", [(inputs["name"], inputs["id_number"])], found.exchange, variables["summary"])
    return Answer({"result": verdict, **variables}, verdict, kept)


def _vehicle(one: Mapping[str, Any]) -> dict[str, Any]:
    price: Decimal | None = one["price_yuan"]
    return {
        "plate": hidden_plate(one["plate"]),
        "kind": one["kind"],
        "use": client.USES[one["use"]],
        "first_registered": one["first_registered"].isoformat(),
        "price_fen": None if price is None else int(price * 100),
        "state": client.STATES[one["state"]],
        "counts": one["state"] not in client.GONE,
    }


def hidden_plate(plate: str) -> str:
    """浙A12345 → 浙A**345: two cars of a household can be told apart, no car can be looked up."""
    return plate[:2] + "*" * max(len(plate) - 5, 0) + plate[-3:] if len(plate) > 5 else "*" * len(plate)


def _facts(held: list[dict[str, Any]] | None) -> dict[str, Any]:
    if held is None:
        nothing = dict.fromkeys(("count", "private_count", "price_fen"), None)
        return {**nothing, "vehicles": [], "summary": "机动车登记中没有该人员，需人工核对"}
    counted = [one for one in held if one["counts"]]
    prices = [one["price_fen"] for one in counted]
    # One price that is not known makes the sum unknown, not smaller.
    total = None if None in prices else sum(prices)
    private = sum(one["use"] == "非营运" for one in counted)
    return {
        "count": len(counted),
        "private_count": private,
        "price_fen": total,
        "vehicles": held,
        "summary": f"名下机动车 {len(counted)} 辆，其中非营运 {private} 辆" if counted else "名下没有机动车",
    }
