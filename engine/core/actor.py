"""Who acts: a caseworker of an office, a citizen with an account, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from engine.core.masks import mask_name

# How long a name may be where it is recorded.
_NAME = 60


@dataclass(frozen=True)
class Principal:
    """Somebody a caseworker may stand in for (代理), as far as the grant goes.

    ``roles`` are theirs within the grant, ``items`` the only items meant (empty: all); ``grant`` is the deputy row.
    """

    id: int
    name: str
    roles: frozenset[str]
    offices: tuple[int, ...]
    items: tuple[str, ...] = ()
    grant: int = 0

    @property
    def key(self) -> str:
        """How the principal stands in assignee columns."""
        return f"staff:{self.id}"

    def sees(self, office_id: int, item: str) -> bool:
        """Whether a case of this office and item falls under the grant."""
        return office_id in self.offices and (not self.items or item in self.items)


@dataclass(frozen=True)
class Actor:
    """``offices`` are the offices whose rows the actor may see (their own and those below it).

    ``principals`` are whom the actor may stand in for now, ``behalf`` the one they do it for just now; ``kin`` are the
    digests of their own ID number and of the relatives they declared.
    """

    kind: Literal["staff", "citizen", "system"]
    id: int
    name: str
    office_id: int = 0
    roles: frozenset[str] = field(default_factory=frozenset)
    offices: tuple[int, ...] = ()
    principals: tuple[Principal, ...] = ()
    kin: frozenset[str] = field(default_factory=frozenset)
    behalf: Principal | None = None

    @property
    def key(self) -> str:
        """How the actor stands in assignee columns and in the journal: ``staff:12``."""
        return f"{self.kind}:{self.id}"

    @property
    def shown(self) -> str:
        """How the actor's name may stand in clear: a caseworker's whole («李四（代 张三）»), a citizen's masked."""
        if self.behalf is not None:
            return f"{self.name}（代 {self.behalf.name}）"[:_NAME]
        return mask_name(self.name) if self.kind == "citizen" else self.name

    def has(self, role: str) -> bool:
        """Whether the actor holds ``role`` themselves."""
        return role in self.roles

    def sees(self, office_id: int, item: str) -> bool:
        """Whether the actor may know of a case: of their offices, or of somebody's they stand in for."""
        return office_id in self.offices or any(one.sees(office_id, item) for one in self.principals)

    def acting_for(self, principal: Principal | None) -> Actor:
        """The same person, doing it for ``principal``."""
        return self if principal is None else replace(self, behalf=principal)

    @property
    def hands(self) -> list[str]:
        """Whose act it is: their own key and, where they act for somebody, that one's."""
        return [self.key, *([self.behalf.key] if self.behalf else [])]


SYSTEM = Actor(kind="system", id=0, name="系统")
