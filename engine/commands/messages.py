"""Messages: to the token that waits for them, to a start event, or kept until there is one; each message once.

Of the tokens of one process that wait for the same name and key the oldest takes a message. Tokens of other processes
that wait for it too get it as well, each in a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from engine.cases.case import Case, LiveKey, lock
from engine.cases.work import BufferedMessage, Subscription
from engine.catalog.starts import StartEvent
from engine.commands import Unit, handles, starts
from engine.commands.casework import Casework
from engine.commands.roles import INTEGRATOR
from engine.core import clock, ids
from engine.core.db import for_update, insert_with_conflict
from engine.core.errors import NotFound, Refused
from engine.jobs import queue
from engine.jobs.queue import Job
from engine.registers.offices import offices_below

TIME_TO_LIVE = timedelta(days=30)
LONGEST = 160


@dataclass(frozen=True)
class PublishMessage:
    """Send a message by name and correlation key. The same ``message_id`` of a name and key has no second effect.

    Without a taker it is kept for ``time_to_live`` where ``keep``. An empty ``message_id`` is one of its own.
    """

    name: str
    key: str
    message_id: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    keep: bool = True
    time_to_live: timedelta = TIME_TO_LIVE


@dataclass(frozen=True)
class CorrelateMessage:
    """Send a message to who waits for it now."""

    name: str
    key: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """The message's key; who took it, 0 where nobody did; whether it had come before."""

    message_id: int
    case_id: int = 0
    is_repeat: bool = False


@dataclass(frozen=True)
class DeliverKept:
    """Hand a kept message to whoever waits for it by now: it and its subscription may have come at the same moment."""

    row_id: int
    job_id: int = 0


@handles(DeliverKept)
def deliver_kept(command: DeliverKept, unit: Unit) -> bool:
    """True when somebody took it."""
    session = unit.session
    query = select(BufferedMessage).where(
        BufferedMessage.id == command.row_id, BufferedMessage.taken.is_(False), BufferedMessage.expires_at > unit.now
    )
    row = session.scalar(query.with_for_update(skip_locked=True) if for_update(session) else query)
    if command.job_id:
        session.execute(delete(Job).where(Job.id == command.job_id))
    if row is None:
        return False
    # Marked first: while it is being delivered the same case must not find it again.
    row.taken = True
    session.flush()
    row.taken = bool(_hand_over(unit, row.name, row.key, row.variables, _below(session, row.office_id)))
    session.flush()
    return row.taken


def kept_for_somebody(session: Session) -> list[int]:
    """Kept messages somebody waits for: both came at the same moment, or the instance before is over."""
    waiting = select(Subscription.id).where(
        Subscription.kind == "message",
        Subscription.name == BufferedMessage.name,
        Subscription.key == BufferedMessage.key,
    )
    place = "message:" + StartEvent.process_id + ":" + BufferedMessage.key
    starting = select(StartEvent.id).where(
        StartEvent.kind == "message",
        StartEvent.name == BufferedMessage.name,
        ~select(LiveKey.key).where(LiveKey.key == place).exists(),
    )
    kept = select(BufferedMessage.id).where(
        BufferedMessage.taken.is_(False), BufferedMessage.expires_at > clock.now(), waiting.exists() | starting.exists()
    )
    return list(session.scalars(kept.order_by(BufferedMessage.id)))


@handles(PublishMessage)
def publish_message(command: PublishMessage, unit: Unit) -> Sent:
    """Who took the message now, if anybody did."""
    _check(command.name, command.key, command.message_id)
    unit.require(INTEGRATOR)
    return send(
        unit,
        command.name,
        command.key,
        command.variables,
        command.message_id,
        time_to_live=command.time_to_live if command.keep else timedelta(),
        office_id=unit.actor.office_id or None,
    )


@handles(CorrelateMessage)
def correlate_message(command: CorrelateMessage, unit: Unit) -> Sent:
    """Who took the message. Raises ``NotFound`` when nobody waits for it."""
    _check(command.name, command.key)
    unit.require(INTEGRATOR)
    sent = send(
        unit,
        command.name,
        command.key,
        command.variables,
        time_to_live=timedelta(),
        office_id=unit.actor.office_id or None,
    )
    if not sent.case_id:
        raise NotFound(f"没有办件在等待消息「{command.name}」，请核对消息名和关联键", code="nobody_waits")
    return sent


def _check(*texts: str) -> None:
    if not texts[0]:
        raise Refused("请写明消息名", code="message_unnamed")
    if any(len(text) > LONGEST or "\0" in text for text in texts):
        raise Refused(f"消息名、关联键和消息编号各不超过 {LONGEST} 个字", code="message_too_long")


def publish(
    unit: Unit, name: str, key: str, variables: Mapping[str, Any], message_id: str, *, keep: bool = True
) -> bool:
    """Send a message inside the running transaction; True when somebody took it, now or before."""
    sent = send(unit, name, key, variables, message_id, time_to_live=TIME_TO_LIVE if keep else timedelta())
    return sent.is_repeat or bool(sent.case_id)


def send(
    unit: Unit,
    name: str,
    key: str,
    variables: Mapping[str, Any],
    message_id: str = "",
    *,
    time_to_live: timedelta = TIME_TO_LIVE,
    office_id: int | None = None,
) -> Sent:
    """Hand a message over, or keep it for its time to live. With ``office_id`` it reaches that office's cases alone."""
    session = unit.session
    made, row_id = _keep(unit, name, key, variables, message_id, time_to_live, office_id)
    if not made:
        return Sent(row_id, is_repeat=True)
    case_id = _hand_over(unit, name, key, variables, _below(session, office_id))
    row = BufferedMessage.id == row_id
    if not case_id:
        kept = update(BufferedMessage).where(row).values(taken=False)
        session.execute(kept if time_to_live > timedelta() else delete(BufferedMessage).where(row))
    return Sent(row_id, case_id)


def _below(session: Session, office_id: int | None) -> tuple[int, ...] | None:
    return None if office_id is None else offices_below(session, office_id)


def may_reach(session: Session, message: BufferedMessage, office_id: int) -> bool:
    """Whether a kept message was meant for cases of this office too."""
    return message.office_id is None or office_id in offices_below(session, message.office_id)


def _hand_over(unit: Unit, name: str, key: str, variables: Mapping[str, Any], offices: tuple[int, ...] | None) -> int:
    """To the oldest subscription, to those of other processes by the queue, and to start events; 0 where nobody."""
    others = _waiting(unit.session, name, key, offices)
    taken_by = 0
    while others and not taken_by:
        first = others.pop(0)
        if _deliver(unit, first, variables):
            taken_by = first.case_id
            others = [one for one in others if one.process_id != first.process_id]
    seen: set[str] = set()
    rows = []
    for one in others:
        if one.process_id not in seen:
            seen.add(one.process_id)
            rows.append({"kind": "signal", "case_id": one.case_id, "token": one.token, "element_id": one.element_id})
    queue.enqueue(unit.session, [{**row, "payload": dict(variables), "due_at": unit.now} for row in rows])
    return starts.by_message(unit, name, key, variables, offices) or taken_by


def _waiting(session: Session, name: str, key: str, offices: tuple[int, ...] | None) -> list[Subscription]:
    """The subscriptions to a message, the oldest first."""
    query = select(Subscription).where(
        Subscription.kind == "message", Subscription.name == name, Subscription.key == key
    )
    if offices is not None:
        query = query.join(Case, Case.id == Subscription.case_id).where(Case.office_id.in_(offices))
    return list(session.scalars(query.order_by(Subscription.id)))


def _keep(
    unit: Unit,
    name: str,
    key: str,
    variables: Mapping[str, Any],
    message_id: str,
    time_to_live: timedelta,
    office_id: int | None,
) -> tuple[bool, int]:
    """(is it new, the row of the message): of two of the same id at the same moment the second waits."""
    row_id = ids.new()
    row = {
        "id": row_id,
        "name": name,
        "key": key,
        "message_id": message_id or str(row_id),
        "office_id": office_id,
        "variables": dict(variables),
        # While it is being delivered nobody else may take it.
        "taken": True,
        "arrived_at": unit.now,
        "expires_at": unit.now + (time_to_live or TIME_TO_LIVE),
    }
    made = insert_with_conflict(unit.session, BufferedMessage).values(row).on_conflict_do_nothing()
    if unit.session.scalar(made.returning(BufferedMessage.id)) is not None:
        return True, row_id
    same = (BufferedMessage.name == name, BufferedMessage.key == key, BufferedMessage.message_id == message_id)
    return False, unit.session.scalars(select(BufferedMessage.id).where(*same)).one()


def _deliver(unit: Unit, subscription: Subscription, variables: Mapping[str, Any]) -> bool:
    case = lock(unit.session, subscription.case_id)
    if case.state == "suspended":
        # Kept, and taken when the case goes on.
        return False
    work = Casework(unit, case)
    work.resume()
    # The subscription was read before the lock: the token may have moved on since.
    if all(wait.token != subscription.token for wait in work.process.waits()):
        return False
    work.process.fire(subscription.token, variables)
    work.save()
    return True
