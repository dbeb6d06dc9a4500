"""Pictures of the map, square by square: the connector of a map gives them, pages show them.

Nobody's browser asks the map itself: the key stays with us, and pages load nothing from another host. Every tile is in
WGS-84 and web Mercator, whatever its maker draws in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.core.errors import OutsideFault


@dataclass(frozen=True)
class About:
    """``credit``: what the map wants shown beside it. ``key`` tells one map from another: their tiles do not mix."""

    credit: str
    key: str


@dataclass(frozen=True)
class Source:
    """``fetch(zoom, x, y)`` gives a PNG or raises ``OutsideFault``; ``about()`` is None where no map is configured."""

    fetch: Callable[[int, int, int], bytes]
    about: Callable[[], About | None]


_sources: list[Source] = []


def use(source: Source) -> None:
    """Take ``source`` as the map of this installation; the last one named counts."""
    _sources[:] = [source]


def fetch(zoom: int, x: int, y: int) -> bytes:
    """One tile as PNG. Raises ``OutsideFault``: no map configured (``not_configured``), no usable answer."""
    if not _sources:
        raise OutsideFault("没有接入地图底图", code="not_configured")
    return _sources[0].fetch(zoom, x, y)


def about() -> About | None:
    """Whose map it is; None where there is none."""
    return _sources[0].about() if _sources else None
