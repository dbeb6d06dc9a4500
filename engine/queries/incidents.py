"""Cases that cannot go on by themselves, for whoever mends them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.work import Incident
from engine.core import masks
from engine.core.actor import Actor
from engine.outside.ledger import CallRecord
from engine.queries.common import stamp
from engine.registers.offices import Office

SHOWN = 200


@dataclass(frozen=True)
class IncidentLine:
    """One open incident. ``party`` is the key of the other party, empty where the fault is ours."""

    id: int
    case_id: int
    number: str
    subject: str
    office: str
    element: str
    party: str
    code: str
    message: str
    attempts: int
    since: str


def open_incidents(session: Session, actor: Actor) -> list[IncidentLine]:
    """The open incidents of the actor's offices, oldest first."""
    query = (
        select(Incident, Case.number, Case.subject_name, Office.name)
        .join(Case, Case.id == Incident.case_id)
        .join(Office, Office.id == Incident.office_id)
        .where(Incident.office_id.in_(actor.offices), Incident.state == "open")
        .order_by(Incident.raised_at, Incident.id)
        .limit(SHOWN)
    )
    rows = session.execute(query).all()
    calls = _last_calls(session, [row[0] for row in rows])
    return [
        IncidentLine(
            id=one.id,
            case_id=one.case_id,
            number=number,
            subject=masks.mask_name(subject),
            office=office,
            element=one.element_name,
            party=one.party or calls.get((one.case_id, one.token), ("", 0))[0],
            code=one.code,
            message=one.message,
            attempts=calls.get((one.case_id, one.token), ("", 0))[1],
            since=stamp(one.raised_at),
        )
        for one, number, subject, office in rows
    ]


def _last_calls(session: Session, incidents: list[Incident]) -> dict[tuple[int, str], tuple[str, int]]:
    """(case, token) → whom it was about to ask and how often it did."""
    cases = {one.case_id for one in incidents}
    query = select(CallRecord.case_id, CallRecord.token, CallRecord.party, CallRecord.attempt)
    query = query.where(CallRecord.case_id.in_(cases)).order_by(CallRecord.id)
    return {(case_id, token): (party, attempt) for case_id, token, party, attempt in session.execute(query)}
