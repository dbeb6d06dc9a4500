"""What a party was asked and what it said, as the case keeps it."""

from __future__ import annotations

from collections.abc import Sequence

from connectors._kit.http import Exchange
from engine.core import clock
from engine.core.operations import Evidence


def masked(name: str, id_number: str) -> str:
    """「王**（330***********4X）」: enough to tell whom it is about, not enough to misuse."""
    hidden = id_number[:3] + "*" * max(len(id_number) - 5, 0) + id_number[-2:] if len(id_number) > 5 else "*****"
    return f"{name[:1]}{'*' * max(len(name) - 1, 1)}（{hidden}）"


def evidence(
    source: str,
    people: Sequence[tuple[str, str]],
    exchange: Exchange,
    summary: str,
    media_type: str = "application/json",
) -> Evidence:
    """Evidence about ``people`` (name, ID number), shown masked; request and answer as they were on the wire."""
    subject = "、".join(masked(name, number) for name, number in people)
    return Evidence(source, subject, exchange.request, exchange.response, clock.now(), summary, media_type)
