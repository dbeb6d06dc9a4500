"""Drafts: what a person has typed so far, encrypted, kept until the form is submitted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, cast, delete, literal, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.cases.work import ASKED, Task
from engine.core import clock, ids
from engine.core.db import Base, WithId, for_update
from engine.core.errors import Refused
from engine.core.types import SealedJson


class Draft(WithId, Base):
    """One draft of one person: ``scope`` is ``task:<id>`` or ``apply:<item>``.

    ``revision`` counts how often it was kept; ``device`` is the open page that kept it last.
    """

    __tablename__ = "draft"
    __table_args__ = (Index("ux_draft_owner_scope", "owner", "scope", unique=True),)

    owner: Mapped[str] = mapped_column(String(40))
    scope: Mapped[str] = mapped_column(String(160))
    answers: Mapped[Any] = mapped_column(SealedJson)
    saved_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    device: Mapped[str] = mapped_column(String(24), default="", server_default=text("''"))


class DraftElsewhere(Refused):
    """The same person has kept another text from another page or device; ``revision`` is what stands there now."""

    code = "draft_elsewhere"

    def __init__(self, revision: int, saved_at: datetime) -> None:
        when = clock.local(saved_at).strftime("%H:%M")
        super().__init__(f"您在另一处（其他设备或窗口）于 {when} 保存了较新的草稿，请选择保留哪一份")
        self.revision = revision


def find(session: Session, owner: str, scope: str) -> Draft | None:
    """The draft of ``owner``, or None."""
    return session.scalar(select(Draft).where(Draft.owner == owner, Draft.scope == scope))


def save(session: Session, owner: str, scope: str, answers: Any, device: str = "", seen: int | None = None) -> Draft:
    """Keep ``answers``; gives the draft. ``device`` names the page that writes, ``seen`` the revision it built on.

    Raises ``DraftElsewhere`` where another page has kept something since; ``seen`` None asks nothing and overwrites.
    A page that did not hear of its own last save is not another one.
    """
    query = select(Draft).where(Draft.owner == owner, Draft.scope == scope)
    draft = session.scalar(query.with_for_update() if for_update(session) else query)
    if draft is None:
        draft = Draft(id=ids.new(), owner=owner, scope=scope, revision=0)
    elif seen is not None and draft.revision != seen and draft.device != device:
        raise DraftElsewhere(draft.revision, draft.saved_at)
    draft.answers, draft.saved_at, draft.device, draft.revision = answers, clock.now(), device, draft.revision + 1
    session.add(draft)
    session.flush()
    return draft


def discard(session: Session, owner: str, scope: str) -> None:
    """Forget the draft."""
    session.execute(delete(Draft).where(Draft.owner == owner, Draft.scope == scope))


def sweep(session: Session) -> int:
    """Forget the drafts of tasks that are no longer open; gives how many. A submit leaves this to housekeeping."""
    open_ones = select(literal("task:") + cast(Task.id, String)).where(Task.state.in_(("open", "suspended", *ASKED)))
    gone = delete(Draft).where(Draft.scope.startswith("task:"), Draft.scope.not_in(open_ones))
    return int(session.execute(gone).rowcount)  # type: ignore[attr-defined]
