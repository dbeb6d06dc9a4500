"""Reading the building table, and marking dwellings in it."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from connectors._kit.http import Exchange
from connectors.housing import client
from engine.core import clock
from engine.core.operations import Answer, Call, Evidence, Verdict, operation

SOURCE = "房产交易楼盘表"
RESULT = validate.OneOf(["pass", "unknown"])


class BuildingsInputs(Schema):
    estate = fields.String(required=True, validate=validate.Length(min=1), metadata={"title": "项目名称或编号"})


class _Building(Schema):
    number = fields.String(required=True)
    estate = fields.String(required=True)
    estate_name = fields.String(required=True)
    name = fields.String(required=True)
    storeys = fields.Integer(required=True)
    units = fields.Integer(required=True)


class BuildingsOutputs(Schema):
    result = fields.String(required=True, validate=RESULT, metadata={"title": "核查结果"})
    buildings = fields.List(fields.Nested(_Building), required=True, metadata={"title": "楼栋"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation(
    "housing.buildings",
    title="查询楼栋",
    inputs=BuildingsInputs,
    outputs=BuildingsOutputs,
    party="housing",
    purpose="办理房源入库",
)
def buildings(call: Call) -> Answer:
    """Pass: the estate is known. Unknown: it is not, or it has no building yet."""
    found, exchange = client.buildings(call.inputs["estate"])
    verdict: Verdict = "pass" if found else "unknown"
    summary = f"楼盘表中有 {len(found)} 栋" if found else "楼盘表中没有该项目的楼栋，需人工核对"
    variables = {"result": verdict, "buildings": [dict(row) for row in found], "summary": summary}
    return Answer(variables, verdict, _evidence(call.inputs["estate"], exchange, summary))


class UnitsInputs(Schema):
    """``after``: ``next`` of the page before; empty for the first."""

    building = fields.String(required=True, validate=validate.Length(min=1), metadata={"title": "楼栋编号"})
    after = fields.String(load_default="", allow_none=True, metadata={"title": "从何处续查"})
    limit = fields.Integer(load_default=200, validate=validate.Range(min=1, max=500), metadata={"title": "每页户数"})


class _Unit(Schema):
    unit_number = fields.String(required=True)
    building = fields.String(required=True)
    entrance = fields.String(required=True, allow_none=True)
    storey = fields.String(required=True)
    room = fields.String(required=True)
    area = fields.Float(required=True, metadata={"unit": "㎡"})
    inner_area = fields.Float(required=True, allow_none=True, metadata={"unit": "㎡"})
    use = fields.String(required=True)
    state = fields.String(required=True)
    mark = fields.String(required=True, validate=validate.OneOf(list(client.MARKS)))


class UnitsOutputs(Schema):
    result = fields.String(required=True, validate=RESULT, metadata={"title": "核查结果"})
    units = fields.List(fields.Nested(_Unit), required=True, metadata={"title": "房屋"})
    next = fields.String(required=True, metadata={"title": "下一页从何处续查"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation(
    "housing.units",
    title="查询楼盘表",
    inputs=UnitsInputs,
    outputs=UnitsOutputs,
    party="housing",
    purpose="办理房源入库",
)
def units(call: Call) -> Answer:
    """Pass: there are dwellings. Unknown: no such building, or nothing behind ``after``."""
    inputs = call.inputs
    found, following, exchange = client.units(inputs["building"], inputs["after"] or "", inputs["limit"])
    verdict: Verdict = "pass" if found else "unknown"
    summary = f"取得 {len(found)} 户" if found else "楼盘表中没有该楼栋的房屋，需人工核对"
    rows = [_unit(row) for row in found]
    variables = {"result": verdict, "units": rows, "next": following, "summary": summary}
    return Answer(variables, verdict, _evidence(inputs["building"], exchange, summary))


def _unit(row: client.Row) -> dict[str, Any]:
    areas = {name: None if row[name] is None else float(row[name]) for name in ("area", "inner_area")}
    return {**row, **areas, "storey": str(row["storey"])}


class MarkInputs(Schema):
    unit_number = fields.String(required=True, validate=validate.Length(min=1), metadata={"title": "不动产单元号"})
    mark = fields.String(required=True, validate=validate.OneOf(list(client.MARKS)), metadata={"title": "标记"})
    reason = fields.String(required=True, validate=validate.Length(min=1, max=200), metadata={"title": "事由"})


class MarkOutputs(Schema):
    mark_number = fields.String(required=True, metadata={"title": "标记编号"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation(
    "housing.mark",
    title="标记保障房",
    inputs=MarkInputs,
    outputs=MarkOutputs,
    party="housing",
    purpose="在楼盘表上标记保障房",
)
def mark(call: Call) -> Answer:
    """Put or take away (``none``) the mark of protected housing; a repeat under the same key changes nothing."""
    inputs = call.inputs
    unit, kind, key = inputs["unit_number"], inputs["mark"], call.idempotency_key
    number, exchange = client.mark(unit, kind, inputs["reason"], call.case_number, key)
    summary = "已取消标记" if kind == "none" else "已在楼盘表上标记"
    kept = _evidence(unit, exchange, summary)
    return Answer({"mark_number": number, "summary": summary}, None, kept)


def _evidence(subject: str, exchange: Exchange, summary: str) -> Evidence:
    """A home and a building are no person: what was asked about is shown as it is."""
    return Evidence(SOURCE, subject, exchange.request, exchange.response, clock.now(), summary)
