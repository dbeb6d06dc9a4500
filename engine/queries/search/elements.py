"""Element instances: where a case has been and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, String, and_, case, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.record import ElementInstance
from engine.cases.work import Incident
from engine.catalog.definitions import Definition
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries.search import scope
from engine.queries.search.filters import Column, key_number
from engine.queries.search.paging import Found, Search, page
from engine.queries.search.scope import Process, of_process, pinned, within

STATES = {"active": "ACTIVE", "completed": "COMPLETED", "terminated": "TERMINATED"}
# BPMN's names as the convention spells them; ours for what it has no name for are UNKNOWN.
TYPES = {
    "task": "TASK",
    "userTask": "USER_TASK",
    "serviceTask": "SERVICE_TASK",
    "sendTask": "SEND_TASK",
    "receiveTask": "RECEIVE_TASK",
    "scriptTask": "SCRIPT_TASK",
    "manualTask": "MANUAL_TASK",
    "businessRuleTask": "BUSINESS_RULE_TASK",
    "callActivity": "CALL_ACTIVITY",
    "subProcess": "SUB_PROCESS",
    "eventSubProcess": "EVENT_SUB_PROCESS",
    "adHocSubProcess": "AD_HOC_SUB_PROCESS",
    "multiInstanceBody": "MULTI_INSTANCE_BODY",
    "startEvent": "START_EVENT",
    "endEvent": "END_EVENT",
    "boundaryEvent": "BOUNDARY_EVENT",
    "intermediateCatchEvent": "INTERMEDIATE_CATCH_EVENT",
    "intermediateThrowEvent": "INTERMEDIATE_THROW_EVENT",
    "exclusiveGateway": "EXCLUSIVE_GATEWAY",
    "inclusiveGateway": "INCLUSIVE_GATEWAY",
    "parallelGateway": "PARALLEL_GATEWAY",
    "eventBasedGateway": "EVENT_BASED_GATEWAY",
}
_OTHER_TYPES = ("PROCESS", "SEQUENCE_FLOW", "AD_HOC_SUB_PROCESS_INNER_INSTANCE", "UNKNOWN", "UNSPECIFIED")
ALL_TYPES = (*TYPES.values(), *_OTHER_TYPES)

_incident: Any = (
    select(func.min(Incident.id))
    .where(
        Incident.case_id == ElementInstance.case_id,
        Incident.state == "open",
        Incident.token == cast(ElementInstance.id, String),
    )
    .scalar_subquery()
)


def _in_scope(given: Any) -> Any:
    """What lives directly in a sub-process, or in the instance itself."""
    key = key_number(given)
    return or_(ElementInstance.parent == key, and_(ElementInstance.parent.is_(None), ElementInstance.case_id == key))


def _named(names: Mapping[str, str], column: Any, other: str) -> Any:
    """The convention's names for our words, which the database keeps as numbers."""
    return case(*((column == word, literal(name)) for word, name in names.items()), else_=literal(other))


ELEMENTS = {
    **of_process(),
    "elementInstanceKey": Column(ElementInstance.id, "key"),
    "processInstanceKey": Column(ElementInstance.case_id, "key"),
    "elementId": Column(ElementInstance.element_id),
    "state": Column(_named(STATES, ElementInstance.state, "ACTIVE"), choices=tuple(STATES.values())),
    "type": Column(_named(TYPES, ElementInstance.type, "UNKNOWN"), choices=ALL_TYPES),
    "hasIncident": Column(cast(case((_incident.is_not(None), 1), else_=0), Boolean), "bool", sortable=False),
    "incidentKey": Column(_incident, "key", sortable=False),
    "startDate": Column(ElementInstance.started_at, "moment"),
    "endDate": Column(ElementInstance.ended_at, "moment", nullable=True),
    "elementInstanceScopeKey": Column(ElementInstance.parent, "key", sortable=False, by=_in_scope),
}


@dataclass(frozen=True)
class Element:
    """One element instance; ``name`` is the model's, else the id."""

    row: ElementInstance
    name: str
    type: str
    state: str
    definition: Definition
    incident: int | None


def _query(actor: Actor) -> Any:
    query = select(ElementInstance, Process, _incident)
    query = pinned(
        query.join(Case, Case.id == ElementInstance.case_id), func.coalesce(ElementInstance.process_id, Case.process_id)
    )
    return query.where(within(actor))


def elements(session: Session, actor: Actor, search: Search) -> Found:
    """Rows are ``Element``."""
    found = page(session, _query(actor), ELEMENTS, ElementInstance.id, search)
    rows = [_element(session, *row) for row in found.rows]
    return Found(rows, found.total, found.more, found.start, found.end)


def element(session: Session, actor: Actor, key: int) -> Element:
    """One of them. Raises ``NotFound``."""
    row = session.execute(_query(actor).where(ElementInstance.id == key)).one_or_none()
    if row is None:
        raise NotFound("没有这个环节实例，或不在您的查看范围内")
    return _element(session, *row)


def _element(session: Session, row: ElementInstance, definition: Definition, incident: int | None) -> Element:
    info = scope.elements(session, definition).get(row.element_id)
    name = info.name if info is not None and info.name else row.element_id
    return Element(row, name, TYPES.get(row.type, "UNKNOWN"), STATES.get(row.state, "ACTIVE"), definition, incident)
