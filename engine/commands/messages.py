"""Messages: to the token that waits for them, or kept until one does; each message once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from engine.cases.case import lock
from engine.cases.work import BufferedMessage, Subscription
from engine.commands import Unit, handles
from engine.commands.casework import Casework
from engine.core import ids
from engine.core.db import for_update, insert_with_conflict

TIME_TO_LIVE = timedelta(days=30)


@dataclass(frozen=True)
class PublishMessage:
    """Send a message by name and correlation key. The same ``message_id`` has no second effect."""

    name: str
    key: str
    message_id: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    keep: bool = True


@dataclass(frozen=True)
class DeliverKept:
    """Hand a kept message to whoever waits for it by now: it and its subscription may have come at the same moment."""

    row_id: int


@handles(DeliverKept)
def deliver_kept(command: DeliverKept, unit: Unit) -> bool:
    """True when a token took it."""
    query = select(BufferedMessage).where(BufferedMessage.id == command.row_id, BufferedMessage.taken.is_(False))
    row = unit.session.scalar(query.with_for_update(skip_locked=True) if for_update(unit.session) else query)
    if row is None:
        return False
    found = _waiting(unit, row.name, row.key)
    # Marked first: while it is being delivered the same case must not find it again.
    row.taken = True
    unit.session.flush()
    row.taken = found is not None and _deliver(unit, found, row.variables)
    return row.taken


def kept_for_somebody(session: Session) -> list[int]:
    """Kept messages somebody waits for; there are some only when both came at the same moment."""
    query = select(BufferedMessage.id).join(
        Subscription, (Subscription.name == BufferedMessage.name) & (Subscription.key == BufferedMessage.key)
    )
    return list(session.scalars(query.where(BufferedMessage.taken.is_(False), Subscription.kind == "message")))


@handles(PublishMessage)
def publish_message(command: PublishMessage, unit: Unit) -> bool:
    """True when a token took the message now."""
    return publish(unit, command.name, command.key, command.variables, command.message_id, keep=command.keep)


def publish(
    unit: Unit, name: str, key: str, variables: Mapping[str, Any], message_id: str, *, keep: bool = True
) -> bool:
    """Correlate a message inside the running transaction; without a taker it is kept for its time to live."""
    session = unit.session
    row_id = _keep(unit, name, key, variables, message_id)
    if row_id is None:
        return True
    found = _waiting(unit, name, key)
    if found is not None and _deliver(unit, found, variables):
        return True
    kept = BufferedMessage.id == row_id
    session.execute(
        update(BufferedMessage).where(kept).values(taken=False) if keep else delete(BufferedMessage).where(kept)
    )
    return False


def _waiting(unit: Unit, name: str, key: str) -> Subscription | None:
    """The oldest subscription to a message."""
    return unit.session.scalar(
        select(Subscription)
        .where(Subscription.kind == "message", Subscription.name == name, Subscription.key == key)
        .order_by(Subscription.id)
        .limit(1)
    )


def _keep(unit: Unit, name: str, key: str, variables: Mapping[str, Any], message_id: str) -> int | None:
    """The row of a new message, None where the same came before; of two at the same moment the second waits."""
    row = {
        "id": ids.new(),
        "name": name,
        "key": key,
        "message_id": message_id,
        "variables": dict(variables),
        # While it is being delivered nobody else may take it.
        "taken": True,
        "arrived_at": unit.now,
        "expires_at": unit.now + TIME_TO_LIVE,
    }
    made = insert_with_conflict(unit.session, BufferedMessage).values(row).on_conflict_do_nothing()
    found: int | None = unit.session.scalar(made.returning(BufferedMessage.id))
    return found


def _deliver(unit: Unit, subscription: Subscription, variables: Mapping[str, Any]) -> bool:
    case = lock(unit.session, subscription.case_id)
    work = Casework(unit, case)
    work.resume()
    # The subscription was read before the lock: the token may have moved on since.
    if all(wait.token != subscription.token for wait in work.process.waits()):
        return False
    work.process.fire(subscription.token, variables)
    work.save()
    return True
