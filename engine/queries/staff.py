"""What every staff page shows around its own content, in one statement."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.cases.colleagues import StaffMessage
from engine.cases.work import Incident
from engine.core.actor import Actor
from engine.registers.offices import Office, StaffUser


@dataclass(frozen=True)
class Surroundings:
    """Who sits here, how many messages are unread and how many incidents wait for a supervisor."""

    title: str
    office: str
    messages: int
    incidents: int


def surroundings(session: Session, actor: Actor) -> Surroundings:
    """Title and office of the caseworker; incidents are counted for supervisors alone."""
    waiting = (
        select(func.count())
        .select_from(Incident)
        .where(Incident.office_id.in_(actor.offices), Incident.state == "open")
        .scalar_subquery()
    )
    unread = (
        select(func.count())
        .select_from(StaffMessage)
        .where(StaffMessage.to_key == actor.key, StaffMessage.read_at.is_(None))
        .scalar_subquery()
    )
    columns = [StaffUser.title, Office.name, unread, *([waiting] if actor.has("supervisor") else [])]
    query = select(*columns).join(Office, Office.id == StaffUser.office_id).where(StaffUser.id == actor.id)
    title, office, messages, *counted = session.execute(query).one()
    return Surroundings(title, office, messages, counted[0] if counted else 0)
