"""Tiles of the map, kept on the disk; while the map cannot be had, an old one or one drawn by ourselves."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from engine.core import clock, tiles
from engine.core.errors import OutsideFault
from web.map_offline import draw

KEPT = timedelta(days=7)
# A tile takes some 20 kB.
MOST, LOOK_EVERY = 20_000, 500
# After a failure the map is left alone for so long; a page asks for dozens of tiles at once.
REST_SECONDS = 30.0
AT_ONCE, WAIT_SECONDS = 3, 2.0

log = logging.getLogger("anju.map")


@dataclass(frozen=True)
class Shown:
    """A tile for the browser. ``tag``: by its content. ``offline``: drawn by ourselves, not to be kept."""

    content: bytes
    media_type: str
    tag: str
    offline: bool = False


class Shelf:
    """The tiles kept in one folder. Safe for threads; processes may share the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._asking = threading.BoundedSemaphore(AT_ONCE)
        self._rest_until = 0.0
        self._written = 0

    @property
    def resting(self) -> bool:
        """Whether the map failed a moment ago."""
        return time.monotonic() < self._rest_until

    def tile(self, z: int, x: int, y: int, *, may_ask: Callable[[], bool]) -> Shown:
        """A tile that exists, from the disk, from the map where ``may_ask``, or drawn."""
        source = tiles.about()
        path = self.folder / (source.key if source else "none") / str(z) / str(x) / f"{y}.png"
        kept = _read(path)
        if kept is not None and kept[1] < KEPT:
            return _png(kept[0])
        fetched = self._fetch(z, x, y) if source and not self.resting and may_ask() else None
        if fetched is not None:
            self._keep(path, fetched)
            return _png(fetched)
        if kept is not None:
            return _png(kept[0])
        return Shown(draw(z, x, y), "image/svg+xml", "", offline=True)

    def _fetch(self, z: int, x: int, y: int) -> bytes | None:
        """The map's own tile, None where it cannot be had; then it is left alone for a while."""
        if not self._asking.acquire(timeout=WAIT_SECONDS):
            return None
        try:
            return None if self.resting else tiles.fetch(z, x, y)
        except OutsideFault as error:
            self._rest_until = time.monotonic() + REST_SECONDS
            log.warning("no tile", extra={"code": error.code, "why": error.message})
            return None
        finally:
            self._asking.release()

    def _keep(self, path: Path, content: bytes) -> None:
        """Whole or not at all: another process may be reading."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
            part.write(content)
        present = clock.now().timestamp()
        os.utime(part.name, (present, present))
        Path(part.name).replace(path)
        self._written += 1
        if self._written % LOOK_EVERY == 1:
            tidy(self.folder, MOST)


def tidy(folder: Path, most: int) -> int:
    """Delete the oldest tiles beyond ``most``; gives how many."""
    found = sorted(folder.rglob("*.png"), key=_age_of, reverse=True)
    for path in found[: max(0, len(found) - most)]:
        path.unlink(missing_ok=True)
    return max(0, len(found) - most)


def _age_of(path: Path) -> float:
    """Seconds; the demo's clock may have been moved back, and another process may just have deleted it."""
    try:
        return abs(clock.now().timestamp() - path.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


def _read(path: Path) -> tuple[bytes, timedelta] | None:
    try:
        return path.read_bytes(), timedelta(seconds=_age_of(path))
    except FileNotFoundError:
        return None


def _png(content: bytes) -> Shown:
    return Shown(content, "image/png", sha256(content).hexdigest()[:16])
