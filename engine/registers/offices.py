"""Offices (a tree by 行政区划) and the caseworkers who sit in them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core.actor import Actor
from engine.core.db import Base, WithId
from engine.core.types import Json


class Office(WithId, Base):
    """One office. ``path`` is ``/parent/…/self/`` in ids, so that everything below is one prefix."""

    __tablename__ = "office"

    parent_id: Mapped[int | None] = mapped_column(ForeignKey("office.id"))
    path: Mapped[str] = mapped_column(String(400), index=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    division: Mapped[str] = mapped_column(String(12))
    phone: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(String(200), default="")


class StaffUser(WithId, Base):
    """A caseworker. ``roles`` is a list of role keys such as ``acceptance``; ``password_hash`` is argon2."""

    __tablename__ = "staff_user"

    office_id: Mapped[int] = mapped_column(ForeignKey("office.id"), index=True)
    login: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(60), default="")
    password_hash: Mapped[str] = mapped_column(String(200))
    roles: Mapped[list[str]] = mapped_column(Json, default=list)
    active: Mapped[bool] = mapped_column(default=True)
    failed_logins: Mapped[int] = mapped_column(default=0)


def offices_below(session: Session, office_id: int) -> tuple[int, ...]:
    """The office and every office under it."""
    path = session.scalar(select(Office.path).where(Office.id == office_id))
    if path is None:
        return ()
    return tuple(session.scalars(select(Office.id).where(Office.path.startswith(path))))


def staff_actor(session: Session, user_id: int) -> Actor | None:
    """The actor behind a signed-in caseworker, or None where the account was closed."""
    user = session.get(StaffUser, user_id)
    if user is None or not user.active:
        return None
    return Actor(
        kind="staff",
        id=user.id,
        name=user.name,
        office_id=user.office_id,
        roles=frozenset(user.roles),
        offices=offices_below(session, user.office_id),
    )
