"""A tile of our own for when the map cannot be had: a grid of degrees and some towns, and it says what it is.

Drawn from what is nobody's property. No border and no coast: a map that shows them has to be approved first.
"""

from __future__ import annotations

from functools import cache
from math import ceil, floor
from pathlib import Path

import orjson

from engine.core.geo import TILE, Point, at_pixel, pixel

# [[name, longitude, latitude]], WGS-84, of the place where a town's government sits; to about a kilometre.
PLACES = Path(__file__).parent / "data" / "places.json"
STEPS = (30.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005)
LEAST_PIXELS = 100
EDGE = 100
_LETTERS = 'font-family="sans-serif" font-size="12"'


def draw(zoom: int, x: int, y: int) -> bytes:
    """The tile as SVG without any style, so that it stands under the strict policy."""
    left, top = x * TILE, y * TILE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{TILE}" height="{TILE}" viewBox="0 0 {TILE} {TILE}">',
        f'<rect width="{TILE}" height="{TILE}" fill="#f3f5f7"/>',
        *_grid(zoom, left, top),
        f'<text x="128" y="150" text-anchor="middle" fill="#9aa5b3" {_LETTERS}>离线底图</text>',
        *_towns(zoom, left, top),
        "</svg>",
    ]
    return "".join(parts).encode()


def _grid(zoom: int, left: int, top: int) -> list[str]:
    """Lines of longitude and latitude at round degrees, each named once a tile."""
    step = _step(zoom)
    places = len(f"{step:g}".partition(".")[2])
    north_west, south_east = at_pixel(left, top, zoom), at_pixel(left + TILE, top + TILE, zoom)
    found = []
    for count in range(ceil(north_west.longitude / step), floor(south_east.longitude / step) + 1):
        across = pixel(Point(count * step, 0), zoom)[0] - left
        side = "E" if count >= 0 else "W"
        found += [_line(across, 0, across, TILE), _words(across + 3, 12, f"{abs(count * step):.{places}f}°{side}")]
    for count in range(ceil(south_east.latitude / step), floor(north_west.latitude / step) + 1):
        down = pixel(Point(0, count * step), zoom)[1] - top
        side = "N" if count >= 0 else "S"
        found += [_line(0, down, TILE, down), _words(3, down - 4, f"{abs(count * step):.{places}f}°{side}")]
    return found


def _step(zoom: int) -> float:
    """The finest round step whose lines stand far enough apart."""
    wide = [one for one in STEPS if one / 360.0 * TILE * 2**zoom >= LEAST_PIXELS]
    return wide[-1] if wide else STEPS[0]


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#d3dae2"/>'


def _words(x: float, y: float, text: str, colour: str = "#5a6675") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" {_LETTERS}>{text}</text>'


def _towns(zoom: int, left: int, top: int) -> list[str]:
    """Those near the tile too: a name runs over its edge."""
    if zoom < 4:
        return []
    found = []
    for name, longitude, latitude in _places():
        across, down = pixel(Point(longitude, latitude), zoom)
        across, down = across - left, down - top
        if -EDGE < across < TILE + EDGE and -EDGE < down < TILE + EDGE:
            found.append(f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3" fill="#1d4f91"/>')
            found.append(_words(across + 6, down + 4, name, "#17212e"))
    return found


@cache
def _places() -> list[tuple[str, float, float]]:
    return [(name, longitude, latitude) for name, longitude, latitude in orjson.loads(PLACES.read_bytes())]
