"""Drafts: what a person has typed so far, encrypted, kept until the form is submitted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import clock, ids
from engine.core.db import Base, WithId
from engine.core.types import SealedJson


class Draft(WithId, Base):
    """One draft of one person: ``scope`` is ``task:<id>`` or ``apply:<item>``."""

    __tablename__ = "draft"
    __table_args__ = (Index("ux_draft_owner_scope", "owner", "scope", unique=True),)

    owner: Mapped[str] = mapped_column(String(40))
    scope: Mapped[str] = mapped_column(String(160))
    answers: Mapped[Any] = mapped_column(SealedJson)
    saved_at: Mapped[datetime]


def find(session: Session, owner: str, scope: str) -> Draft | None:
    """The draft of ``owner``, or None."""
    return session.scalar(select(Draft).where(Draft.owner == owner, Draft.scope == scope))


def save(session: Session, owner: str, scope: str, answers: Any) -> datetime:
    """Keep ``answers``; gives the moment."""
    draft = find(session, owner, scope) or Draft(id=ids.new(), owner=owner, scope=scope)
    draft.answers, draft.saved_at = answers, clock.now()
    session.add(draft)
    session.flush()
    return draft.saved_at


def discard(session: Session, owner: str, scope: str) -> None:
    """Forget the draft."""
    session.execute(delete(Draft).where(Draft.owner == owner, Draft.scope == scope))
