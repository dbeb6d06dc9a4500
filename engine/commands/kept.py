"""Messages that came before there was anybody for them: taken by a token that begins to wait, or by a next instance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import ScalarSelect, select, tuple_
from sqlalchemy.orm import Session, aliased

from engine.cases.case import Case, LiveKey
from engine.cases.work import BufferedMessage
from engine.catalog.starts import StartEvent
from engine.core import clock, ids
from engine.core.db import for_update
from engine.jobs import queue
from engine.registers.offices import Office
from engine.workflow import Wait

if TYPE_CHECKING:
    from engine.commands.casework import Casework

# How an instance begun by a message with a key is marked among the live keys.
HELD = "message:"


def take(work: Casework, waits: Iterable[Wait]) -> bool:
    """Fire the token that waits for the oldest message still in time; False where there is none."""
    session = work.unit.session
    waiting = {(str(wait.attrs["name"]), str(wait.attrs.get("key") or "")): wait.token for wait in waits}
    if not waiting:
        return False
    sender = BufferedMessage.office_id
    query = (
        select(BufferedMessage)
        .where(
            tuple_(BufferedMessage.name, BufferedMessage.key).in_(list(waiting)),
            BufferedMessage.taken.is_(False),
            BufferedMessage.expires_at > clock.now(),
            sender.is_(None) | sender.in_(_offices_above(work.case.office_id)),
        )
        .order_by(BufferedMessage.arrived_at, BufferedMessage.id)
        .limit(1)
    )
    # One that another case is just taking is that case's.
    message = session.scalar(query.with_for_update(skip_locked=True) if for_update(session) else query)
    if message is None:
        return False
    message.taken = True
    session.flush()
    work.process.fire(waiting[message.name, message.key], message.variables)
    return True


def _offices_above(office_id: int) -> ScalarSelect[Any]:
    """The office itself and those above it: what they send may reach its cases."""
    own, above = aliased(Office), aliased(Office)
    return select(above.id).join(own, own.path.startswith(above.path)).where(own.id == office_id).scalar_subquery()


def free_place(session: Session, case: Case) -> None:
    """A case that a message began is over: the next message of its key, if one was kept, may begin another."""
    held = select(LiveKey.key).where(LiveKey.case_id == case.id, LiveKey.key.startswith(HELD))
    prefix = f"{HELD}{case.process_id}:"
    keys = [key.removeprefix(prefix) for key in session.scalars(held)]
    if not keys:
        return
    names = select(StartEvent.name).where(StartEvent.process_id == case.process_id, StartEvent.kind == "message")
    query = (
        select(BufferedMessage.id)
        .where(
            BufferedMessage.name.in_(names.scalar_subquery()),
            BufferedMessage.key.in_(keys),
            BufferedMessage.taken.is_(False),
            BufferedMessage.expires_at > clock.now(),
        )
        .order_by(BufferedMessage.arrived_at, BufferedMessage.id)
        .limit(1)
    )
    row_id = session.scalar(query)
    if row_id is not None:
        job = {"kind": "message", "case_id": 0, "token": str(ids.new()), "payload": {"row": row_id}}
        queue.enqueue(session, [{**job, "due_at": clock.now()}])
