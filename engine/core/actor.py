"""Who acts: a caseworker of an office, a citizen with an account, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from engine.core.masks import mask_name


@dataclass(frozen=True)
class Actor:
    """``offices`` are the offices whose rows the actor may see (their own and those below it)."""

    kind: Literal["staff", "citizen", "system"]
    id: int
    name: str
    office_id: int = 0
    roles: frozenset[str] = field(default_factory=frozenset)
    offices: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """How the actor stands in assignee columns and in the journal: ``staff:12``."""
        return f"{self.kind}:{self.id}"

    @property
    def shown(self) -> str:
        """How the actor's name may stand in clear: a caseworker's whole, a citizen's masked."""
        return mask_name(self.name) if self.kind == "citizen" else self.name

    def has(self, role: str) -> bool:
        """Whether the actor holds ``role``."""
        return role in self.roles


SYSTEM = Actor(kind="system", id=0, name="系统")
