"""Citizens' accounts: found by a keyed hash of the phone, shown masked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import secrets
from engine.core.actor import Actor
from engine.core.db import Base, WithId
from engine.core.types import Sealed


class CitizenAccount(WithId, Base):
    """One person with a phone. Name and ID are as the person gave them."""

    __tablename__ = "citizen_account"

    phone: Mapped[str] = mapped_column(Sealed)
    phone_digest: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(Sealed)
    id_kind: Mapped[str] = mapped_column(String(20), default="resident_id")
    id_number: Mapped[str] = mapped_column(Sealed)
    id_digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    active: Mapped[bool] = mapped_column(default=True)


class SmsCode(WithId, Base):
    """A one-time code sent to a phone: its hash, its end, and how often it was tried."""

    __tablename__ = "sms_code"

    phone_digest: Mapped[str] = mapped_column(String(64), index=True)
    code_digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    used: Mapped[bool] = mapped_column(default=False)


def by_phone(session: Session, phone: str) -> CitizenAccount | None:
    """The account bound to this phone."""
    return session.scalar(select(CitizenAccount).where(CitizenAccount.phone_digest == secrets.digest(phone)))


def citizen_actor(session: Session, account_id: int) -> Actor | None:
    """The actor behind a signed-in citizen, or None where the account was closed."""
    account = session.get(CitizenAccount, account_id)
    if account is None or not account.active:
        return None
    return Actor(kind="citizen", id=account.id, name=account.name, roles=frozenset({"applicant"}))
