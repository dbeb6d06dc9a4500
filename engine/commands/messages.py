"""Messages: to the token that waits for them, or kept until one does; each message once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update

from engine.cases.case import lock
from engine.cases.work import BufferedMessage, Subscription
from engine.commands import Unit, handles
from engine.commands.casework import Casework
from engine.core import ids
from engine.core.db import insert_with_conflict

TIME_TO_LIVE = timedelta(days=30)


@dataclass(frozen=True)
class PublishMessage:
    """Send a message by name and correlation key. The same ``message_id`` has no second effect."""

    name: str
    key: str
    message_id: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    keep: bool = True


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
    found = session.scalar(
        select(Subscription)
        .where(Subscription.kind == "message", Subscription.name == name, Subscription.key == key)
        .order_by(Subscription.id)
        .limit(1)
    )
    if found is not None and _deliver(unit, found, variables):
        return True
    kept = BufferedMessage.id == row_id
    session.execute(
        update(BufferedMessage).where(kept).values(taken=False) if keep else delete(BufferedMessage).where(kept)
    )
    return False


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
