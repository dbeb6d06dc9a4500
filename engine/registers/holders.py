"""Who holds a role for the cases of an office, with what must be known before work is given to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.registers import deputies
from engine.registers.deputies import Relative
from engine.registers.offices import Office, StaffUser


@dataclass(frozen=True)
class Holder:
    """``distance``: how many offices theirs lies above; ``kin``: digests of themselves and declared relatives."""

    id: int
    name: str
    office: str
    distance: int
    kin: frozenset[str]
    away: bool

    @property
    def key(self) -> str:
        """How they stand in assignee columns."""
        return f"staff:{self.id}"


def holders(session: Session, office_id: int, role: str, at: datetime) -> list[Holder]:
    """Active caseworkers of the office and of those above it who hold the role (empty: any). Four statements."""
    path = session.scalar(select(Office.path).where(Office.id == office_id)) or ""
    above = [int(part) for part in path.split("/") if part]
    query = (
        select(StaffUser.id, StaffUser.name, Office.name, StaffUser.office_id, StaffUser.roles, StaffUser.id_digest)
        .join(Office, Office.id == StaffUser.office_id)
        .where(StaffUser.office_id.in_(above), StaffUser.active.is_(True))
        .order_by(StaffUser.id)
    )
    rows = [row for row in session.execute(query) if not role or role in row[4]]
    ids = [row[0] for row in rows]
    kin: dict[int, set[str]] = {row[0]: {row[5]} if row[5] else set() for row in rows}
    for staff_id, digest in session.execute(
        select(Relative.staff_id, Relative.id_digest).where(Relative.staff_id.in_(ids))
    ):
        kin[staff_id].add(digest)
    gone = deputies.away(session, ids, at)
    last = len(above) - 1
    return [
        Holder(one, name, office, last - above.index(where), frozenset(kin[one]), one in gone)
        for one, name, office, where, _, _ in rows
    ]
