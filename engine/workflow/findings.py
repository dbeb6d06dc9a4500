"""What looking at a migration finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .specs.base import ProcessSpec
    from .specs.undo import Entry


@dataclass(frozen=True)
class Finding:
    """One thing a migration does to a running case, or why it cannot (``kind`` refused).

    Other kinds: ``moved`` (an element goes on as ``target_id``), ``renewed`` (it listens to something else),
    ``subscribed`` and ``unsubscribed`` (events), ``dropped`` (what can no longer be done). ``message`` is for people.
    """

    kind: str
    process_id: str
    element_id: str
    name: str
    target_id: str
    message: str

    @property
    def refused(self) -> bool:
        return self.kind == "refused"


@dataclass
class Translation:
    """``nodes``: token → its node's name in the target, None where it is not carried over; ``specs`` by frame key.

    ``new``: subscriptions to make (frame key, node, facts) · ``renew``: tokens that listen to something else ·
    ``facts``: what a token knows of elements and flows · ``undo``: compensations by frame key.
    """

    findings: dict[Finding, None] = field(default_factory=dict)
    nodes: dict[str, str | None] = field(default_factory=dict)
    specs: dict[str, ProcessSpec] = field(default_factory=dict)
    new: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    renew: list[str] = field(default_factory=list)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    undo: dict[str, list[Entry]] = field(default_factory=dict)

    @property
    def refusals(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.refused]
