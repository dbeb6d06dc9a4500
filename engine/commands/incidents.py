"""Supervisors mend what got stuck: one incident, or all that one party or one operation left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from engine.cases.case import Case, lock
from engine.cases.work import Incident
from engine.commands import Unit, external, handles
from engine.commands.casework import Casework
from engine.commands.roles import INTEGRATOR
from engine.core.errors import NotFound, Refused, TaskAlreadyDone
from engine.jobs import queue
from engine.jobs.queue import Job

SUPERVISOR = "supervisor"
MOST_AT_ONCE = 20_000


@dataclass(frozen=True)
class RetryIncident:
    """Try again what failed, with changed variables where given: of the process, or of the stuck step (``local``)."""

    incident_id: int
    variables: Mapping[str, Any] = field(default_factory=dict)
    local: bool = False


@dataclass(frozen=True)
class RetryIncidents:
    """Try again all open incidents of a party, of an operation, or of an element of a process; each by itself."""

    party: str = ""
    process_id: str = ""
    element_id: str = ""
    code: str = ""


@dataclass(frozen=True)
class RetryQueued:
    """The turn of one of many."""

    job_id: int


@handles(RetryIncident)
def retry_incident(command: RetryIncident, unit: Unit) -> None:
    """Put the token, or the job it waits for, back to work; the incident is resolved until it fails again."""
    unit.require(SUPERVISOR, INTEGRATOR)
    incident = unit.session.get(Incident, command.incident_id)
    if incident is None or (unit.actor.kind == "staff" and incident.office_id not in unit.actor.offices):
        raise NotFound("没有这条故障")
    case = lock(unit.session, incident.case_id)
    unit.session.refresh(incident)
    if incident.state != "open":
        raise TaskAlreadyDone(f"这条故障已由{incident.resolved_by or '他人'}处理")
    if case.state == "suspended":
        raise Refused("所属办件已挂起，恢复后才能重试", code="case_suspended")
    _retry(unit, case, incident, command.variables, local=command.local)


def _retry(unit: Unit, case: Case, incident: Incident, variables: Mapping[str, Any], *, local: bool = False) -> None:
    unit.record(case, "retried", f"重试「{incident.element_name}」", dict(variables), incident.element_id)
    if incident.job_id is None or variables:
        work = Casework(unit, case)
        work.resume()
        if variables:
            scope = work.process.scopes_of(incident.token)[0] if local else None
            work.process.set_variables(variables, *([scope] if scope else []))
        if incident.job_id is None:
            work.process.retry(incident.token)
        work.save()
    if incident.job_id is not None:
        external.put_back(unit, incident.job_id)
    incident.state, incident.resolved_at, incident.resolved_by = "resolved", unit.now, unit.actor.name
    unit.session.flush()


@handles(RetryIncidents)
def retry_incidents(command: RetryIncidents, unit: Unit) -> int:
    """Queue a retry for each; gives how many. What fails again stands as a new incident."""
    unit.require(SUPERVISOR)
    asked = {"party": command.party, "process_id": command.process_id, "element_id": command.element_id}
    asked = {name: value for name, value in {**asked, "code": command.code}.items() if value}
    if not asked:
        raise Refused("请指明要重试哪个外部单位、步骤或故障类型", code="nothing_named")
    query = select(Incident.id, Incident.case_id, Incident.token, Incident.element_id).where(
        Incident.state == "open", *(getattr(Incident, name) == value for name, value in asked.items())
    )
    if unit.actor.kind == "staff":
        query = query.where(Incident.office_id.in_(unit.actor.offices))
    queued = select(Job.id).where(Job.case_id == Incident.case_id, Job.token == Incident.token, Job.kind == "retry")
    found = unit.session.execute(query.where(~queued.exists()).order_by(Incident.id).limit(MOST_AT_ONCE)).all()
    rows = [
        {
            "kind": "retry",
            "case_id": case_id,
            "token": token,
            "element_id": element_id,
            "due_at": unit.now,
            "payload": {"incident": incident_id},
        }
        for incident_id, case_id, token, element_id in found
    ]
    queue.enqueue(unit.session, rows)
    unit.record(None, "retried_all", f"批量重试 {len(rows)} 条故障", asked)
    return len(rows)


@handles(RetryQueued)
def retry_queued(command: RetryQueued, unit: Unit) -> bool:
    """False where somebody has mended it meanwhile."""
    session = unit.session
    job = session.get(Job, command.job_id)
    if job is None:
        return False
    incident = session.get(Incident, int(job.payload["incident"]))
    case = lock(session, job.case_id)
    session.delete(job)
    session.flush()
    if incident is None:
        return False
    session.refresh(incident)
    if incident.state != "open" or case.state == "suspended":
        return False
    _retry(unit, case, incident, {})
    return True
