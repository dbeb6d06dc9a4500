"""Signals: to every token and every start event that waits for the name, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.work import Subscription
from engine.catalog.starts import StartEvent
from engine.commands import Unit, handles
from engine.commands.roles import INTEGRATOR
from engine.commands.senders import office_of
from engine.core import clock, ids
from engine.jobs import queue


@dataclass(frozen=True)
class BroadcastSignal:
    """Tell everybody who waits for the signal. From outside it reaches the actor's offices."""

    name: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@handles(BroadcastSignal)
def broadcast_signal(command: BroadcastSignal, unit: Unit) -> int:
    """The key of the signal: it is on its way when this is committed."""
    unit.require(INTEGRATOR)
    offices = None if unit.actor.kind == "system" else unit.actor.offices
    key = ids.new()
    if offices is not None:
        # Looked at now: whoever sent it hears of a wrong office, a worker later would not know whom to tell.
        office_of(unit.session, command.variables, unit.actor.office_id, offices)
    spread(unit.session, command.name, command.variables, offices, unit.actor.office_id)
    return key


def spread(
    session: Session,
    name: str,
    variables: Mapping[str, Any],
    offices: tuple[int, ...] | None = None,
    office_id: int = 0,
) -> None:
    """Queue the signal for whoever waits for it now; nobody who comes later hears it.

    It reaches the tokens of ``offices``, if given; what it begins belongs to ``office_id``, else to its publisher.
    """
    waiting = select(Subscription.case_id, Subscription.token, Subscription.element_id).where(
        Subscription.kind == "signal", Subscription.name == name
    )
    starting = select(StartEvent).where(StartEvent.kind == "signal", StartEvent.name == name)
    if offices is not None:
        waiting = waiting.join(Case, Case.id == Subscription.case_id).where(Case.office_id.in_(offices))
    now, payload = clock.now(), dict(variables)
    rows: list[dict[str, Any]] = [
        {"kind": "signal", "case_id": case_id, "token": token, "element_id": element_id}
        for case_id, token, element_id in session.execute(waiting)
    ]
    rows = [{**row, "payload": payload, "due_at": now} for row in rows]
    for start in session.scalars(starting):
        rows.append(
            {
                "kind": "start",
                "case_id": 0,
                "token": str(ids.new()),
                "process_id": start.process_id,
                "element_id": start.element_id,
                "office_id": office_id or start.office_id,
                "payload": {"variables": payload},
                "due_at": now,
            }
        )
    queue.enqueue(session, rows)
