"""What the simulated map draws: streets, blocks, water and its known places, in its own datum; for its simulator."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from io import BytesIO
from math import asinh, atan, ceil, degrees, floor, pi, radians, sin, sinh, tan

from PIL import Image, ImageDraw

SIDE = 256
LAND, BLOCK, PARK, WATER, TRUNK, STREET, EDGE = (
    "#f2efe9", "#e8e3d9", "#cfe5c0", "#aad3df", "#fbd98d", "#ffffff", "#d8cfc0",
)  # fmt: skip
MARK = "#d0021b"


class _Square:
    """One tile and where places lie on it."""

    def __init__(self, z: int, x: int, y: int) -> None:
        self.z, self.size = z, SIDE * 2**z
        self.left, self.top = x * SIDE, y * SIDE
        self.west, self.east = (side / self.size * 360 - 180 for side in (self.left, self.left + SIDE))
        self.north, self.south = (
            degrees(atan(sinh(pi * (1 - 2 * side / self.size)))) for side in (self.top, self.top + SIDE)
        )

    def at(self, longitude: float, latitude: float) -> tuple[float, float]:
        across = (longitude + 180) / 360 * self.size - self.left
        down = (1 - asinh(tan(radians(latitude))) / pi) / 2 * self.size - self.top
        return across, down


def draw(z: int, x: int, y: int, known: Iterable[tuple[float, float]]) -> bytes:
    """One tile as PNG; ``known``: longitude and latitude of the places with a red mark."""
    square = _Square(z, x, y)
    picture = Image.new("RGB", (SIDE, SIDE), LAND)
    pen = ImageDraw.Draw(picture)
    trunk = 0.02 * 2.0 ** max(0, 13 - z)
    _blocks(pen, square, trunk)
    _river(pen, square)
    if z >= 16:
        _roads(pen, square, trunk / 25, 4)
    _roads(pen, square, trunk / 5, 6 if z >= 15 else 3)
    _roads(pen, square, trunk, 12 if z >= 15 else 7, TRUNK)
    for place in known:
        across, down = square.at(*place)
        pen.ellipse((across - 4, down - 4, across + 4, down + 4), fill=MARK)
    made = BytesIO()
    picture.save(made, "PNG")
    return made.getvalue()


def _steps(begin: float, end: float, step: float) -> list[int]:
    return list(range(floor(begin / step), ceil(end / step) + 1))


def _blocks(pen: ImageDraw.ImageDraw, square: _Square, trunk: float) -> None:
    for column in _steps(square.west, square.east, trunk):
        for row in _steps(square.south, square.north, trunk):
            chance = sha256(f"{column} {row} {trunk:.4f}".encode()).digest()[0]
            north_west, south_east = (
                square.at(column * trunk, (row + 1) * trunk),
                square.at((column + 1) * trunk, row * trunk),
            )
            if chance < 200:
                pen.rectangle((*north_west, *south_east), fill=PARK if chance < 40 else BLOCK)


def _river(pen: ImageDraw.ImageDraw, square: _Square) -> None:
    """One that winds from west to east every degree and a half."""
    bend = square.west, square.east
    points = [bend[0] + (bend[1] - bend[0]) * part / 16 for part in range(-1, 18)]
    for middle in _steps(square.south - 0.2, square.north + 0.2, 1.5):
        course = [square.at(longitude, middle * 1.5 + 0.08 + 0.05 * sin(longitude * 9)) for longitude in points]
        pen.line(course, fill=WATER, width=max(3, min(60, 2 ** (square.z - 10))), joint="curve")


def _roads(pen: ImageDraw.ImageDraw, square: _Square, step: float, width: int, colour: str = STREET) -> None:
    lines = [
        (square.at(one * step, square.north), square.at(one * step, square.south))
        for one in _steps(square.west, square.east, step)
    ]
    lines += [
        (square.at(square.west, one * step), square.at(square.east, one * step))
        for one in _steps(square.south, square.north, step)
    ]
    for wide, fill in ((width + 2, EDGE), (width, colour)):
        for line in lines:
            pen.line(line, fill=fill, width=wide)
