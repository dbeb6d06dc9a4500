"""Offices (a tree by 行政区划) and the caseworkers who sit in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Row,
    Select,
    String,
    bindparam,
    cast,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column
from sqlalchemy.types import TypeEngine

from engine.core import clock
from engine.core.actor import Actor, Principal
from engine.core.db import Base, WithId
from engine.core.types import Json, UtcDateTime
from engine.registers.deputies import Deputy, Relative


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
    """A caseworker. ``roles`` is a list of role keys such as ``acceptance``; ``password_hash`` is argon2.

    ``id_digest`` is the hash of their ID number, by which their own cases are known (None: not given).
    """

    __tablename__ = "staff_user"

    office_id: Mapped[int] = mapped_column(ForeignKey("office.id"), index=True)
    login: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(60), default="")
    password_hash: Mapped[str] = mapped_column(String(200))
    roles: Mapped[list[str]] = mapped_column(Json, default=list)
    active: Mapped[bool] = mapped_column(default=True)
    failed_logins: Mapped[int] = mapped_column(default=0)
    id_digest: Mapped[str | None] = mapped_column(String(64))


def offices_below(session: Session, office_id: int) -> tuple[int, ...]:
    """The office and every office under it."""
    path = session.scalar(select(Office.path).where(Office.id == office_id))
    if path is None:
        return ()
    return tuple(session.scalars(select(Office.id).where(Office.path.startswith(path))))


def staff_actor(session: Session, user_id: int) -> Actor | None:
    """The actor behind a signed-in caseworker, or None where the account was closed. One statement.

    With them come whom they stand in for at this moment, and whose cases they must not touch.
    """
    rows = session.execute(_ACTOR, {"user_id": user_id, "now": clock.now()}).all()
    own = [row for row in rows if row.part == _SELF]
    if not own:
        return None
    kin = {row.digest for row in rows if row.part in (_SELF, _KIN) and row.digest}
    return Actor(
        "staff",
        own[0].id,
        own[0].name,
        own[0].office_id,
        frozenset(own[0].roles),
        tuple(row.below_id for row in own),
        _principals([row for row in rows if row.part == _FOR]),
        frozenset(kin),
    )


def _principals(rows: Sequence[Row[Any]]) -> tuple[Principal, ...]:
    """One a grant; a row tells one office of it."""
    grants: dict[int, list[Row[Any]]] = {}
    for row in rows:
        grants.setdefault(row.grant, []).append(row)
    return tuple(
        Principal(
            first.id,
            first.name,
            frozenset(first.roles) & frozenset(first.only_roles or first.roles),
            tuple(row.below_id for row in offices),
            tuple(first.only_items),
            grant,
        )
        for grant, offices in sorted(grants.items())
        for first in offices[:1]
    )


_SELF, _FOR, _KIN = "self", "for", "kin"
_home, _below = aliased(Office), aliased(Office)
_user = bindparam("user_id", type_=BigInteger)


def _nothing(name: str, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    return cast(null(), type_).label(name)


def _person(part: str, digest: Any, *grant: Any) -> Select[*tuple[Any, ...]]:
    """Who it is, a row for every office they see."""
    return (
        select(
            literal_column(f"'{part}'", String).label("part"),
            StaffUser.id,
            StaffUser.name,
            StaffUser.office_id,
            StaffUser.roles,
            _below.id.label("below_id"),
            digest.label("digest"),
            *grant,
        )
        .join(_home, _home.id == StaffUser.office_id)
        .join(_below, _below.path.startswith(_home.path))
        .where(StaffUser.active.is_(True))
    )


_no_grant = (_nothing("grant", BigInteger()), _nothing("only_items", Json()), _nothing("only_roles", Json()))
_grant = (Deputy.id.label("grant"), Deputy.items.label("only_items"), Deputy.roles.label("only_roles"))
# Made once: every request asks this.
_ACTOR = union_all(
    _person(_SELF, StaffUser.id_digest, *_no_grant).where(StaffUser.id == _user),
    _person(_FOR, _nothing("digest", String()), *_grant)
    .join(Deputy, Deputy.principal_id == StaffUser.id)
    .where(
        Deputy.deputy_id == _user,
        Deputy.revoked_at.is_(None),
        Deputy.from_at <= bindparam("now", type_=UtcDateTime),
        Deputy.until_at > bindparam("now", type_=UtcDateTime),
    ),
    select(
        literal_column(f"'{_KIN}'", String).label("part"),
        _nothing("id", BigInteger()),
        _nothing("name", String()),
        _nothing("office_id", BigInteger()),
        _nothing("roles", Json()),
        _nothing("below_id", BigInteger()),
        Relative.id_digest.label("digest"),
        *_no_grant,
    ).where(Relative.staff_id == _user),
)
