"""The wire of the Baidu web service: GET with ak and sn, its own datum BD-09. The only file that knows its names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from marshmallow import EXCLUDE, Schema, fields

from connectors._kit import settings
from connectors._kit.answers import read, unexpected
from connectors._kit.http import Exchange, get_json
from engine.core.errors import Declined, OutsideFault, Unreachable
from engine.core.geo import Point, convert

_SEPARATORS = str.maketrans("&#?+=%", "      ")
SAFE = "/:=&?#+!$,;'@()*[]"
OK, NOTHING = 0, (1, 2)
# Their status → code and words; 2xx: rights, 3xx: quotas.
REFUSALS = {
    210: ("map_address_not_allowed", "地图服务不接受本机地址，请管理员登记服务器地址"),
    240: ("map_no_authority", "地图服务未开通此接口，请管理员开通"),
    302: ("map_quota", "地图服务当日配额已用完，请明日再试或增加配额"),
}
FORGED, BUSY, INTERNAL = (200, 211), (401, 402), -1


class _Base(Schema):
    class Meta:
        unknown = EXCLUDE


class _Head(_Base):
    status = fields.Integer(required=True)


class _Location(_Base):
    lng = fields.Float(required=True)
    lat = fields.Float(required=True)


class _Found(_Base):
    location = fields.Nested(_Location, required=True)
    precise = fields.Integer(required=True)
    confidence = fields.Integer(required=True)
    level = fields.String(load_default="")


class _Geocoded(_Base):
    result = fields.Nested(_Found, required=True)


class _Component(_Base):
    district = fields.String(load_default="")
    adcode = fields.String(load_default="")


class _Place(_Base):
    formatted_address = fields.String(required=True)
    component = fields.Nested(_Component, required=True, data_key="addressComponent")


class _Reversed(_Base):
    result = fields.Nested(_Place, required=True)


@dataclass(frozen=True)
class Located:
    """A place in WGS-84. ``confidence``: 0 to 100; ``precise``: a building, not a street or a district."""

    point: Point
    precise: bool
    confidence: int
    level: str


def geocode(address: str, city: str, key: str) -> tuple[Located | None, Exchange]:
    """Where an address is; None where the map does not know it. Raises as ``get_json``, and ``Declined``."""
    found, exchange = _ask("/geocoding/v3/", {"address": address, "city": city}, key, _Geocoded)
    if found is None:
        return None, exchange
    result = found["result"]
    point = _ours(result["location"]["lng"], result["location"]["lat"])
    return Located(point, bool(result["precise"]), result["confidence"], result["level"]), exchange


def reverse(point: Point, key: str) -> tuple[tuple[str, str, str] | None, Exchange]:
    """Address, district and its code of a place in WGS-84; None where there is no address."""
    theirs = convert(point, "wgs84", "bd09")
    location = f"{theirs.latitude:.6f},{theirs.longitude:.6f}"
    found, exchange = _ask("/reverse_geocoding/v3/", {"location": location, "coordtype": "bd09ll"}, key, _Reversed)
    if found is None or not found["result"]["formatted_address"]:
        return None, exchange
    place = found["result"]
    return (place["formatted_address"], place["component"]["district"], place["component"]["adcode"]), exchange


def signed_query(path: str, parameters: Mapping[str, str], secret: str) -> str:
    """The query with its ``sn``: MD5 over the quoted path, query and key, as the service prescribes."""
    # It quotes a query as a whole: what separates parameters must not come from a value.
    plain = "&".join(f"{name}={value.translate(_SEPARATORS)}" for name, value in parameters.items())
    quoted = quote(plain, safe=SAFE)
    sn = hashlib.md5(quote_plus(f"{path}?{quoted}{secret}").encode(), usedforsecurity=False).hexdigest()
    return f"{quoted}&sn={sn}"


def _ask(
    path: str, parameters: Mapping[str, str], key: str, schema: type[Schema]
) -> tuple[dict[str, Any] | None, Exchange]:
    party = settings.of("map")
    url = party.url("ANJU_MAP_URL", path)
    given = {**{name: value for name, value in parameters.items() if value}, "output": "json"}
    query = signed_query(urlsplit(url).path, {**given, "ak": party.text("ANJU_MAP_AK")}, party.text("ANJU_MAP_SK"))
    exchange = get_json(party, url, query, key=key)
    # The key to our account is no evidence.
    kept = Exchange(
        exchange.status, exchange.headers, query.split("&ak=")[0].encode(), exchange.response, exchange.data
    )
    status = read(_Head, party, exchange.data)["status"]
    if status in REFUSALS:
        code, message = REFUSALS[status]
        raise Declined(message, code=code)
    if status in FORGED:
        raise OutsideFault(f"「{party.title}」不认可我方的签名，请管理员核对 ak 和 sk", code="unauthorised")
    if status in BUSY or status == INTERNAL:
        raise Unreachable(f"「{party.title}」暂时不能服务（{status}）")
    if status in NOTHING:
        return None, kept
    if status != OK:
        raise unexpected(party)
    return read(schema, party, exchange.data), kept


def _ours(longitude: float, latitude: float) -> Point:
    try:
        return convert(Point(longitude, latitude), "bd09", "wgs84")
    except ValueError:
        raise unexpected(settings.of("map")) from None
