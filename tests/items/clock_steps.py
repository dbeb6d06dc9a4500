"""Steps and expectations of a path that are about the lawful clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.cases.record import JournalEntry
from engine.commands import dispatch
from engine.commands.extension import AskExtension, DecideExtension
from engine.core.db import reading

if TYPE_CHECKING:
    from tests.items.walker import Walker


def extend(walker: Walker, amount: int, granted: bool, by: str = "supervisor", decided_by: str = "approval") -> None:
    """Somebody of a role asks for longer, somebody of another decides."""
    asked = dispatch(AskExtension(walker.case_id, amount, "等待外地回函"), walker.person(by))
    dispatch(DecideExtension(asked, granted, "按规定办理"), walker.person(decided_by))


def warned(walker: Walker) -> list[str]:
    """What the record says of warnings and escalations, oldest first."""
    kinds = JournalEntry.kind.in_(("warned", "escalated"))
    query = select(JournalEntry.title).where(JournalEntry.case_id == walker.case_id, kinds).order_by(JournalEntry.seq)
    with reading() as session:
        return list(session.scalars(query))
