"""Who may be asked about a case: the caseworkers of its office and of the offices above it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.registers.offices import Office, StaffUser


@dataclass(frozen=True)
class Colleague:
    """A caseworker as others choose them."""

    id: int
    login: str
    name: str
    title: str
    office: str
    roles: frozenset[str]

    @property
    def key(self) -> str:
        """How they stand in assignee columns."""
        return f"staff:{self.id}"


def around(session: Session, office_id: int) -> list[Colleague]:
    """Active caseworkers who may see the cases of an office, its own first. Two statements."""
    path = session.scalar(select(Office.path).where(Office.id == office_id)) or ""
    above = [int(part) for part in path.split("/") if part]
    query = (
        select(StaffUser.id, StaffUser.login, StaffUser.name, StaffUser.title, Office.name, StaffUser.roles)
        .join(Office, Office.id == StaffUser.office_id)
        .where(StaffUser.office_id.in_(above), StaffUser.active.is_(True))
        .order_by(Office.path.desc(), StaffUser.id)
    )
    return [Colleague(*row[:5], frozenset(row[5])) for row in session.execute(query)]


def by_key(session: Session, key: str) -> StaffUser | None:
    """The account behind an actor key, also a closed one; None for anybody else."""
    kind, _, number = key.partition(":")
    return session.get(StaffUser, int(number)) if kind == "staff" and number.isdigit() else None
