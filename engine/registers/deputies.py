"""Who stands in for whom, who is away, and whose cases somebody must not touch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Index, Select, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core.db import Base, WithId, for_update
from engine.core.types import Json, Sealed

DEPUTY, LEAVE = "deputy", "leave"


class Deputy(WithId, Base):
    """``deputy_id`` may work for ``principal_id`` from ``from_at`` until ``until_at`` unless revoked before.

    ``items`` and ``roles`` limit it (empty: all). ``kind`` leave: the principal is away meanwhile and gets no new work;
    a leave without a deputy has no ``deputy_id``.
    """

    __tablename__ = "deputy"
    __table_args__ = (Index("ix_deputy_deputy", "deputy_id", "until_at"), Index("ix_deputy_principal", "principal_id"))

    principal_id: Mapped[int]
    deputy_id: Mapped[int | None]
    from_at: Mapped[datetime]
    until_at: Mapped[datetime]
    items: Mapped[list[str]] = mapped_column(Json, default=list)
    roles: Mapped[list[str]] = mapped_column(Json, default=list)
    kind: Mapped[str] = mapped_column(String(8), default=DEPUTY)
    reason: Mapped[str] = mapped_column(String(200), default="")
    made_by: Mapped[str] = mapped_column(String(40))
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Relative(WithId, Base):
    """A relative a caseworker declared: found by the digest of the ID number, which itself is not kept."""

    __tablename__ = "relative"
    __table_args__ = (Index("ux_relative", "staff_id", "id_digest", unique=True),)

    staff_id: Mapped[int]
    id_digest: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(Sealed)
    relation: Mapped[str] = mapped_column(String(20))
    declared_at: Mapped[datetime]


def stands(session: Session, grant: int, at: datetime) -> bool:
    """Whether a grant is in force; it stays so until the end of the transaction."""
    query = in_force(select(Deputy.id), at).where(Deputy.id == grant)
    return session.scalar(query.with_for_update(read=True) if for_update(session) else query) is not None


def in_force(query: Select[tuple[int]], at: datetime) -> Select[tuple[int]]:
    """Only what holds at a moment."""
    return query.where(Deputy.revoked_at.is_(None), Deputy.from_at <= at, Deputy.until_at > at)


def away(session: Session, staff: Iterable[int], at: datetime) -> set[int]:
    """Who of them is on leave."""
    query = in_force(select(Deputy.principal_id), at).where(Deputy.kind == LEAVE, Deputy.principal_id.in_(list(staff)))
    return set(session.scalars(query))
