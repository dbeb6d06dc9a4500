"""What the engine must know of the other parties: how patient to be, how often to call, what a call costs.

The connectors declare it (``connector.yaml``); ``connectors.load_all`` puts it here. A party nobody declared gets the
defaults: some operations are the house's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RateLimit:
    """At most ``calls`` within any ``seconds``; 0 calls: no limit."""

    calls: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Backoff:
    """The pause before attempt 2, 3, …: ``first_seconds`` times ``factor`` each, at most ``most_seconds``.

    ``jitter`` is the share of a pause that is left to chance, so that many cases do not come back at one moment.
    """

    first_seconds: float = 2.0
    factor: float = 5.0
    most_seconds: float = 300.0
    jitter: float = 0.2

    def pause(self, attempt: int, chance: float) -> float:
        """Seconds after failed attempt ``attempt`` (from 1); ``chance`` lies in 0..1."""
        whole = min(self.first_seconds * self.factor ** min(max(attempt - 1, 0), 30), self.most_seconds)
        return whole * (1 - self.jitter * chance)


@dataclass(frozen=True)
class BreakerRules:
    """When to stop calling a party and how to come back.

    ``failures``: Unreachable so often in a row opens it; ``cool_down_seconds`` until a probe; ``probes`` jobs may try
    then, and all must succeed; ``release_per_second``: how fast the waiting jobs are let go after recovery.
    """

    failures: int = 5
    cool_down_seconds: float = 60.0
    probes: int = 1
    release_per_second: float = 20.0


@dataclass(frozen=True)
class OperationRules:
    """What holds for one operation. ``ordered``: the call is a report, sent through the case's outbox, in order.

    ``consent``: asked only where the case carries a consent that stands. ``cost_fen``: what the party charges a call.
    """

    consent: bool = False
    ordered: bool = False
    cost_fen: int = 0


@dataclass(frozen=True)
class Party:
    """Another party, as the engine sees it."""

    key: str
    title: str = ""
    owner: str = ""
    level: str = "draft"
    transport: str = "local"
    rate_limit: RateLimit = field(default_factory=RateLimit)
    backoff: Backoff = field(default_factory=Backoff)
    breaker: BreakerRules = field(default_factory=BreakerRules)
    operations: Mapping[str, OperationRules] = field(default_factory=dict)


_parties: dict[str, Party] = {}


def register(party: Party) -> None:
    """Add or replace a party."""
    _parties[party.key] = party


def party(key: str) -> Party:
    """The party of that key, with the defaults where nobody declared it."""
    return _parties.get(key) or Party(key, key)


def all_parties() -> list[Party]:
    """Every declared party, by key."""
    return [_parties[key] for key in sorted(_parties)]


def rules(party_key: str, operation: str) -> OperationRules:
    """What holds for an operation of a party."""
    return party(party_key).operations.get(operation, OperationRules())
