"""aj-point: a place on the map, and the fence it has to lie in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import ValidationError

from engine.catalog.form_tree import Field, as_mapping
from engine.catalog.form_values import Answer, decimal_of, storable_text
from engine.core import clock
from engine.core.geo import Point, in_circle, in_polygon

# How the place was found; «device» alone carries an error.
SOURCES = {"map": "地图点选", "address": "按地址查找", "device": "设备定位", "typed": "手工填写"}
MAX_ADDRESS = 200
MAX_ERROR_M = 100_000.0
# A telephone's clock may be ahead of ours.
AHEAD = timedelta(minutes=5)
# About a decimetre: finer is not known.
DIGITS = 6


class MapPoint(Answer):
    """``{longitude, latitude, address, source, accuracy_m, at}``: degrees in WGS-84, metres, ISO time in UTC.

    ``accuracy_m`` is null but for a device; ``at`` is when the place was found, as the device or our clock says.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ValidationError(self.field.ask)
        source = value.get("source") or "map"
        if not isinstance(source, str) or source not in SOURCES:
            raise ValidationError("位置的来源无法识别，请重新选点")
        address = value.get("address")
        text = storable_text(address) if address else ""
        if len(text) > MAX_ADDRESS:
            raise ValidationError(f"地址过长，最多 {MAX_ADDRESS} 个字")
        return {
            "longitude": _degrees(value.get("longitude"), 180, "经度"),
            "latitude": _degrees(value.get("latitude"), 90, "纬度"),
            "address": text,
            "source": source,
            "accuracy_m": _error(value.get("accuracy_m")) if source == "device" else None,
            "at": _moment(value.get("at")),
        }


def _degrees(value: Any, most: int, name: str) -> float:
    number = decimal_of(value)
    if number is None or abs(number) > most:
        raise ValidationError(f"{name}应为 -{most} 到 {most} 之间的度数，请重新选点")
    return round(float(number), DIGITS)


def _error(value: Any) -> float:
    """A device that does not say how well it knows the place knows nothing."""
    number = decimal_of(value)
    if number is None or not 0 <= number <= MAX_ERROR_M:
        raise ValidationError("设备没有给出可用的定位误差，请重新定位")
    return round(float(number), 1)


def _moment(value: Any) -> str:
    """As given, unless it is no time or lies ahead of our clock: then it is now."""
    present = clock.now()
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
        # A year at either end cannot be put into UTC.
        given = moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        given = None
    kept = present if given is None or given > present + AHEAD else given
    return kept.isoformat(timespec="seconds")


def point_fault(field: Field, value: Mapping[str, Any], fence: Any) -> str | None:
    """What speaks against a loaded place: how it was found, how well it is known, where it lies.

    ``fence`` is what the field's own expression gave: ``{longitude, latitude, radius_m}`` or ``{corners: [{longitude,
    latitude}, …]}``; null sets no limit, anything else is a mistake of the form and refuses.
    """
    properties = field.properties
    if str(properties.get("device")) in ("True", "true") and value["source"] != "device":
        return "请在现场用「定位」取得位置，不能手工选点"
    most = decimal_of(properties.get("maxAccuracy"))
    if most is not None and value["accuracy_m"] is not None and value["accuracy_m"] > float(most):
        return f"定位误差约 {value['accuracy_m']:.0f} 米，超过 {float(most):.0f} 米，请到开阔处重新定位"
    if fence is None:
        return None
    inside = within(Point(value["longitude"], value["latitude"]), fence)
    if inside is None:
        return "此项的电子围栏设置有误，请联系管理员"
    return None if inside else "位置不在规定的范围内，请核对后重新选点"


def within(point: Point, fence: Any) -> bool | None:
    """Whether the fence holds the point; None where it is no fence."""
    shape = as_mapping(fence)
    try:
        if "corners" in shape:
            return in_polygon(point, [_corner(one) for one in shape["corners"]])
        radius = float(shape["radius_m"])
        return in_circle(point, _corner(shape), radius) if radius > 0 and math.isfinite(radius) else None
    except (KeyError, TypeError, ValueError):
        return None


def _corner(one: Any) -> Point:
    return Point(float(one["longitude"]), float(one["latitude"]))


def point_words(value: Any) -> str:
    """«经度 120.135721°，纬度 30.284310°（设备定位，误差约 12 米）», for people."""
    place = as_mapping(value)
    longitude, latitude = decimal_of(place.get("longitude")), decimal_of(place.get("latitude"))
    if longitude is None or latitude is None:
        return "位置无法识别"
    error = decimal_of(place.get("accuracy_m"))
    found = SOURCES.get(str(place.get("source")), "")
    how = "，".join(part for part in (found, f"误差约 {error:.0f} 米" if error is not None else "") if part)
    address = str(place.get("address") or "")
    words = f"经度 {longitude:.6f}°，纬度 {latitude:.6f}°" + (f"（{how}）" if how else "")
    return f"{address}，{words}" if address else words
