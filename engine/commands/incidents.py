"""Supervisors mend what got stuck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.cases.case import lock
from engine.cases.work import Incident
from engine.commands import Unit, handles
from engine.commands.casework import Casework
from engine.core.errors import NotFound, TaskAlreadyDone

SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class RetryIncident:
    """Try again what failed, with changed variables where given."""

    incident_id: int
    variables: Mapping[str, Any] = field(default_factory=dict)


@handles(RetryIncident)
def retry_incident(command: RetryIncident, unit: Unit) -> None:
    """Put the token back to work; the incident counts as resolved until it fails again."""
    unit.require(SUPERVISOR)
    incident = unit.session.get(Incident, command.incident_id)
    if incident is None or (unit.actor.kind == "staff" and incident.office_id not in unit.actor.offices):
        raise NotFound("没有这条故障")
    case = lock(unit.session, incident.case_id)
    unit.session.refresh(incident)
    if incident.state != "open":
        raise TaskAlreadyDone(f"这条故障已由{incident.resolved_by or '他人'}处理")
    work = Casework(unit, case)
    work.resume()
    unit.record(case, "retried", f"重试「{incident.element_name}」", dict(command.variables), incident.element_id)
    if command.variables:
        work.process.set_variables(command.variables)
    work.process.retry(incident.token)
    work.save()
