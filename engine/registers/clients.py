"""Programs that use the API: who they are, for which office they act, what they may do."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core.actor import Actor
from engine.core.db import Base, WithId
from engine.core.types import Json
from engine.registers.offices import StaffUser, offices_below


class ApiClient(WithId, Base):
    """A program with a secret. ``roles`` as for caseworkers; ``secret_hash`` is argon2."""

    __tablename__ = "api_client"

    client_id: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    secret_hash: Mapped[str] = mapped_column(String(200))
    office_id: Mapped[int] = mapped_column(ForeignKey("office.id"), index=True)
    roles: Mapped[list[str]] = mapped_column(Json, default=list)
    active: Mapped[bool] = mapped_column(default=True)
    failed_tries: Mapped[int] = mapped_column(default=0)
    failed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


def client_named(session: Session, client_id: str) -> ApiClient | None:
    """The client of that id."""
    return session.scalar(select(ApiClient).where(ApiClient.client_id == client_id))


def client_actor(session: Session, client_id: str) -> Actor | None:
    """The actor behind a client, or None where it was revoked. It counts as staff: same offices, same roles."""
    client = client_named(session, client_id)
    if client is None or not client.active:
        return None
    return Actor(
        kind="staff",
        id=client.id,
        name=client.name,
        office_id=client.office_id,
        roles=frozenset(client.roles),
        offices=offices_below(session, client.office_id),
    )


def login_of(session: Session, actor: Actor) -> str:
    """What a program or a caseworker signs in with; empty for anybody else."""
    client = select(ApiClient.client_id).where(ApiClient.id == actor.id)
    return session.scalar(client) or session.scalar(select(StaffUser.login).where(StaffUser.id == actor.id)) or ""
