"""Places on a map: the three datums in use here, distances, and fences. Pure; degrees, longitude first.

WGS-84 is what satellites give, GCJ-02 what maps published in China must use, BD-09 what Baidu makes of it. Outside of
China GCJ-02 is WGS-84. What we keep is WGS-84.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, asinh, atan, atan2, cos, degrees, hypot, pi, radians, sin, sinh, sqrt, tan
from typing import Literal

Datum = Literal["wgs84", "gcj02", "bd09"]
# Semi-major axis (m) and squared eccentricity of the ellipsoid that GCJ-02 is reckoned on.
_AXIS, _ECCENTRICITY = 6378245.0, 0.00669342162296594323
_BD = pi * 3000.0 / 180.0
EARTH_M = 6_371_008.8
# Side of a tile in pixels, and the deepest level there are tiles of.
TILE, DEEPEST = 256, 19


@dataclass(frozen=True)
class Point:
    """Degrees. Raises ``ValueError`` where there is no such place."""

    longitude: float
    latitude: float

    def __post_init__(self) -> None:
        if not (-180 <= self.longitude <= 180 and -90 <= self.latitude <= 90):
            raise ValueError("no such place")


def convert(point: Point, of: Datum, to: Datum) -> Point:
    """The same place by another datum; there and back is the same to a millimetre or so."""
    if of == to:
        return point
    middle = {"wgs84": _to_gcj, "bd09": _from_bd}[of](point) if of != "gcj02" else point
    return {"wgs84": _from_gcj, "bd09": _to_bd}[to](middle) if to != "gcj02" else middle


def metres(one: Point, other: Point) -> float:
    """The great-circle distance."""
    height, width = radians(other.latitude - one.latitude), radians(other.longitude - one.longitude)
    part = sin(height / 2) ** 2 + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(width / 2) ** 2
    return 2 * EARTH_M * asin(sqrt(min(part, 1.0)))


def in_circle(point: Point, centre: Point, radius_m: float) -> bool:
    """Whether a point lies in a round fence; its edge belongs to it."""
    return metres(point, centre) <= radius_m


def in_polygon(point: Point, corners: Sequence[Point]) -> bool:
    """Whether a point lies in a fence of at least three corners, whichever way round; its edge belongs to it.

    For areas of some kilometres away from the 180th meridian. Raises ``ValueError``.
    """
    if len(corners) < 3:
        raise ValueError("a fence has at least three corners")
    inside = False
    for one, other in zip(corners, [*corners[1:], corners[0]], strict=True):
        if _on_edge(point, one, other):
            return True
        if (one.latitude > point.latitude) != (other.latitude > point.latitude):
            share = (point.latitude - one.latitude) / (other.latitude - one.latitude)
            if point.longitude < one.longitude + share * (other.longitude - one.longitude):
                inside = not inside
    return inside


def pixel(point: Point, zoom: int) -> tuple[float, float]:
    """Where a point lies in the square of all tiles of a level (web Mercator): pixels from the north-west corner."""
    size = TILE * 2.0**zoom
    north = asinh(tan(radians(point.latitude))) / pi
    return (point.longitude + 180.0) / 360.0 * size, (1.0 - north) / 2.0 * size


def at_pixel(x: float, y: float, zoom: int) -> Point:
    """The point at a pixel of the level: the way back from ``pixel``. Raises ``ValueError`` off the square."""
    size = TILE * 2.0**zoom
    return Point(x / size * 360.0 - 180.0, degrees(atan(sinh(pi * (1.0 - 2.0 * y / size)))))


def is_tile(zoom: int, x: int, y: int) -> bool:
    """Whether there is such a tile."""
    return 0 <= zoom <= DEEPEST and 0 <= x < 2**zoom and 0 <= y < 2**zoom


def _on_edge(point: Point, one: Point, other: Point) -> bool:
    along, up = other.longitude - one.longitude, other.latitude - one.latitude
    east, north = point.longitude - one.longitude, point.latitude - one.latitude
    # A tenth of a millimetre off the line is on it.
    if abs(along * north - up * east) > 1e-9 * max(hypot(along, up), 1e-12):
        return False
    return -1e-12 <= along * east + up * north <= along * along + up * up + 1e-12


def _abroad(point: Point) -> bool:
    return not (72.004 <= point.longitude <= 137.8347 and 0.8293 <= point.latitude <= 55.8271)


def _to_gcj(point: Point) -> Point:
    if _abroad(point):
        return point
    x, y = point.longitude - 105.0, point.latitude - 35.0
    waves = (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + waves
    north += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + waves
    east += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    phi = radians(point.latitude)
    bent = 1 - _ECCENTRICITY * sin(phi) ** 2
    up = north * 180.0 / (_AXIS * (1 - _ECCENTRICITY) / (bent * sqrt(bent)) * pi)
    right = east * 180.0 / (_AXIS / sqrt(bent) * cos(phi) * pi)
    return Point(point.longitude + right, point.latitude + up)


def _from_gcj(point: Point) -> Point:
    """There is no formula back: the guess is mended until it no longer moves."""
    if _abroad(point):
        return point
    guess = point
    for _ in range(6):
        there = _to_gcj(guess)
        guess = Point(
            guess.longitude + point.longitude - there.longitude, guess.latitude + point.latitude - there.latitude
        )
    return guess


def _to_bd(point: Point) -> Point:
    if _abroad(point):
        return point
    x, y = point.longitude, point.latitude
    radius = hypot(x, y) + 0.00002 * sin(y * _BD)
    angle = atan2(y, x) + 0.000003 * cos(x * _BD)
    return Point(radius * cos(angle) + 0.0065, radius * sin(angle) + 0.006)


def _from_bd(point: Point) -> Point:
    """As above: mended until it no longer moves."""
    if _abroad(point):
        return point
    guess = Point(point.longitude - 0.0065, point.latitude - 0.006)
    for _ in range(6):
        there = _to_bd(guess)
        guess = Point(
            guess.longitude + point.longitude - there.longitude, guess.latitude + point.latitude - there.latitude
        )
    return guess
