"""What models may ask of the map. Coordinates go in and come out in WGS-84, degrees."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from connectors._kit.evidence import evidence
from connectors.map import client, tiles
from engine.core import tiles as pictures
from engine.core.geo import Point
from engine.core.operations import Answer, Call, Verdict, operation

SOURCE = "地图服务"
pictures.use(pictures.Source(tiles.fetch, tiles.about))
RESULT = validate.OneOf(["pass", "unknown"])
# Below it the map guessed: a person must look.
SURE = 60


class GeocodeInputs(Schema):
    address = fields.String(
        required=True, validate=validate.Length(min=2, max=84), metadata={"title": "地址", "personal": True}
    )
    city = fields.String(load_default="", metadata={"title": "所在城市"})


class GeocodeOutputs(Schema):
    """Null where the map does not know the address."""

    result = fields.String(required=True, validate=RESULT, metadata={"title": "核查结果"})
    longitude = fields.Float(required=True, allow_none=True, metadata={"title": "经度（WGS-84）"})
    latitude = fields.Float(required=True, allow_none=True, metadata={"title": "纬度（WGS-84）"})
    precise = fields.Boolean(required=True, metadata={"title": "是否精确到楼栋"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation("map.geocode", title="由地址取坐标", inputs=GeocodeInputs, outputs=GeocodeOutputs, party="map")
def geocode(call: Call) -> Answer:
    """Pass: the map is sure enough of the place. Unknown: it does not know the address, or guessed."""
    found, exchange = client.geocode(call.inputs["address"], call.inputs["city"], call.idempotency_key)
    verdict: Verdict = "pass" if found and found.confidence >= SURE else "unknown"
    if found is None:
        summary = "地图上没有找到该地址，请在地图上点选"
    elif verdict == "unknown":
        summary = f"地图对该地址把握不大（{found.confidence} 分），请核对位置"
    else:
        summary = f"已定位到{found.level or '该地址'}"
    variables = {
        "result": verdict,
        "longitude": round(found.point.longitude, 6) if found else None,
        "latitude": round(found.point.latitude, 6) if found else None,
        "precise": bool(found and found.precise),
        "summary": summary,
    }
    return Answer(variables, verdict, evidence(SOURCE, [], exchange, summary))


class ReverseInputs(Schema):
    longitude = fields.Float(
        required=True, validate=validate.Range(min=-180, max=180), metadata={"title": "经度（WGS-84）"}
    )
    latitude = fields.Float(
        required=True, validate=validate.Range(min=-90, max=90), metadata={"title": "纬度（WGS-84）"}
    )


class ReverseOutputs(Schema):
    """Null where the map has no address there."""

    result = fields.String(required=True, validate=RESULT, metadata={"title": "核查结果"})
    address = fields.String(required=True, allow_none=True, metadata={"title": "地址", "personal": True})
    district = fields.String(required=True, allow_none=True, metadata={"title": "区县"})
    region = fields.String(required=True, allow_none=True, metadata={"title": "行政区划代码"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation("map.reverse", title="由坐标取地址", inputs=ReverseInputs, outputs=ReverseOutputs, party="map")
def reverse(call: Call) -> Answer:
    """Pass: there is an address. Unknown: there is none."""
    point = Point(call.inputs["longitude"], call.inputs["latitude"])
    found, exchange = client.reverse(point, call.idempotency_key)
    address, district, region = found or (None, None, None)
    verdict: Verdict = "pass" if found else "unknown"
    summary = f"位于{district or '该处'}" if found else "该处没有可用的地址"
    variables = {"result": verdict, "address": address, "district": district, "region": region, "summary": summary}
    return Answer(variables, verdict, evidence(SOURCE, [], exchange, summary))
