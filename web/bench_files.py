"""Batch files beside a bare loop over the same lines: what our checks cost on top of cutting lines."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

ROUNDS = 3


def yardstick(lines: int) -> float:
    """Lines a second of Python itself: decode and split ``lines`` lines of the usual length, best of three."""
    content = b"|".join(b"%019d" % number for number in range(8)) + b"\n"
    whole = content * lines
    best = 0.0
    for _ in range(ROUNDS):
        begun = perf_counter()
        found = sum(len(line.decode("gb18030").split("|")) for line in whole.split(b"\n")[:-1])
        best = max(best, found / 8 / (perf_counter() - begun))
    return best


def measure(speeds: Callable[[int], dict[str, float]], lines: int = 18_000) -> dict[str, tuple[float, str, float]]:
    """``{"files.fixed.match": (lines a second, "lines/s", yardstick), …}``.

    ``speeds`` is ``connectors._kit.files.bench.measure``, handed in: only ``web.app`` may import connectors.
    """
    bare = yardstick(lines)
    return {f"files.{name}": (value, "lines/s", bare) for name, value in speeds(lines).items()}
