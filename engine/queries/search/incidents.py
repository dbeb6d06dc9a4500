"""Incidents in the words of the convention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.work import Incident
from engine.catalog.definitions import Definition
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries.search.filters import Column, key_number
from engine.queries.search.paging import Found, Search, page
from engine.queries.search.scope import Process, of_process, pinned, within

STATES = {"open": "ACTIVE", "resolved": "RESOLVED"}
# Our stable codes → the convention's kinds; what stands here under no code is told as UNKNOWN.
TYPES = {
    "no_retries": "JOB_NO_RETRIES",
    "error_not_caught": "UNHANDLED_ERROR_EVENT",
    "no_way_out": "CONDITION_ERROR",
    "unknown_decision": "CALLED_DECISION_ERROR",
    "decision_id_missing": "CALLED_DECISION_ERROR",
    "process_not_found": "CALLED_ELEMENT_ERROR",
    "process_without_plain_start": "CALLED_ELEMENT_ERROR",
    "call_too_deep": "CALLED_ELEMENT_ERROR",
    "unknown_form": "FORM_NOT_FOUND",
    "value_unstorable": "IO_MAPPING_ERROR",
    "collection_not_a_list": "EXTRACT_VALUE_ERROR",
    "attribute_not_text": "EXTRACT_VALUE_ERROR",
    "not_a_number": "EXTRACT_VALUE_ERROR",
    "correlation_key_missing": "EXTRACT_VALUE_ERROR",
    "event_name_missing": "EXTRACT_VALUE_ERROR",
    "job_type_missing": "EXTRACT_VALUE_ERROR",
    "code_missing": "EXTRACT_VALUE_ERROR",
    "timer_unreadable": "EXTRACT_VALUE_ERROR",
}
_ALL_TYPES = (
    "AD_HOC_SUB_PROCESS_NO_RETRIES", "CALLED_DECISION_ERROR", "CALLED_ELEMENT_ERROR", "CONDITION_ERROR",
    "DECISION_EVALUATION_ERROR", "EXECUTION_LISTENER_NO_RETRIES", "EXTRACT_VALUE_ERROR", "FORM_NOT_FOUND",
    "IO_MAPPING_ERROR", "JOB_NO_RETRIES", "MESSAGE_SIZE_EXCEEDED", "RESOURCE_NOT_FOUND", "SECRET_RESOLUTION_ERROR",
    "TASK_LISTENER_NO_RETRIES", "UNHANDLED_ERROR_EVENT", "UNKNOWN", "UNSPECIFIED",
)  # fmt: skip
ALL_TYPES = _ALL_TYPES
ALL_STATES = ("ACTIVE", "MIGRATED", "PENDING", "RESOLVED", "UNKNOWN")

_type: Any = case(
    TYPES,
    value=Incident.code,
    else_=case(
        (Incident.code.like("dmn\\_%", escape="\\"), "DECISION_EVALUATION_ERROR"),
        (Incident.code.like("feel\\_%", escape="\\"), "EXTRACT_VALUE_ERROR"),
        else_="UNKNOWN",
    ),
)


def _at(given: Any) -> Any:
    return Incident.token == str(key_number(given))


INCIDENTS = {
    **of_process(),
    "incidentKey": Column(Incident.id, "key"),
    "processInstanceKey": Column(Incident.case_id, "key"),
    "elementId": Column(Incident.element_id),
    "elementInstanceKey": Column(Incident.token, sortable=False, by=_at),
    "jobKey": Column(Incident.job_id, "key", nullable=True),
    "errorType": Column(_type, choices=ALL_TYPES),
    "errorMessage": Column(Incident.message),
    "state": Column(case(STATES, value=Incident.state, else_="ACTIVE"), choices=ALL_STATES),
    "creationTime": Column(Incident.raised_at, "moment"),
}


@dataclass(frozen=True)
class Stuck:
    """One incident with its process."""

    row: Incident
    type: str
    state: str
    definition: Definition


def _query(actor: Actor) -> Any:
    query = select(Incident, Process, _type).join(Case, Case.id == Incident.case_id)
    return pinned(query, Case.process_id).where(Incident.office_id.in_(actor.offices), within(actor))


def incidents(session: Session, actor: Actor, search: Search) -> Found:
    """Rows are ``Stuck``."""
    found = page(session, _query(actor), INCIDENTS, Incident.id, search)
    return Found([_stuck(*row) for row in found.rows], found.total, found.more, found.start, found.end)


def incident(session: Session, actor: Actor, key: int) -> Stuck:
    """One of them. Raises ``NotFound``."""
    row = session.execute(_query(actor).where(Incident.id == key)).one_or_none()
    if row is None:
        raise NotFound("没有这条故障，或不在您的查看范围内")
    return _stuck(*row)


def _stuck(row: Incident, definition: Definition, type_: str) -> Stuck:
    return Stuck(row, type_, STATES.get(row.state, "ACTIVE"), definition)
