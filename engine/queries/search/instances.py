"""Process instances: every case of the actor's offices, of an item or of a plain deployment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, String, and_, case, cast, exists, null, select, true
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.labels import CaseLabel
from engine.cases.work import Incident
from engine.catalog.definitions import Definition
from engine.core.actor import Actor
from engine.core.errors import NotFound, Refused
from engine.queries.search.filters import Column, literal_like
from engine.queries.search.paging import Found, Search, page
from engine.queries.search.scope import ROOT, Process, of_process, pinned, with_variables, within

STATES = {"open": "ACTIVE", "suspended": "SUSPENDED", "closed": "COMPLETED", "cancelled": "TERMINATED"}
_state: Any = case(STATES, value=Case.state, else_="ACTIVE")
_stuck = exists(select(Incident.id).where(Incident.case_id == Case.id, Incident.state == "open"))
_has_incident: Any = cast(case((_stuck, 1), else_=0), Boolean)


def tagged(asked: Any) -> Any:
    """Every one of the tags."""
    if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
        raise Refused("tags 应为文字列表", code="bad_filter")
    # A tag is letters, digits and a few signs (checked when it is given): quoted it stands in the JSON as it is.
    return and_(true(), *(cast(CaseLabel.tags, String).like(f'%"{literal_like(one)}"%', escape="\\") for one in asked))


INSTANCES = {
    **of_process(),
    "processInstanceKey": Column(Case.id, "key"),
    "processDefinitionName": Column(Process.name),
    "processDefinitionVersion": Column(Process.version, "int"),
    "processDefinitionVersionTag": Column(Process.version_tag),
    "startDate": Column(Case.opened_at, "moment"),
    "endDate": Column(Case.closed_at, "moment", nullable=True),
    "state": Column(_state, choices=tuple(STATES.values())),
    "hasIncident": Column(_has_incident, "bool"),
    "businessId": Column(CaseLabel.business_id, nullable=True),
    "tags": Column(CaseLabel.tags, sortable=False, by=tagged),
    "variables": with_variables(ROOT),
    "parentProcessInstanceKey": Column(cast(null(), Case.id.type), "key", sortable=False),
    "parentElementInstanceKey": Column(cast(null(), Case.id.type), "key", sortable=False),
}


@dataclass(frozen=True)
class Instance:
    """One instance with what it is an instance of."""

    key: int
    definition: Definition
    state: str
    started_at: datetime
    ended_at: datetime | None
    has_incident: bool
    tags: list[str]
    business_id: str


def _query(actor: Actor) -> Any:
    query = pinned(select(Case, Process, CaseLabel, _has_incident), Case.process_id)
    return query.outerjoin(CaseLabel, CaseLabel.case_id == Case.id).where(within(actor))


def instances(session: Session, actor: Actor, search: Search) -> Found:
    """Rows are ``Instance``."""
    found = page(session, _query(actor), INSTANCES, Case.id, search)
    return Found([_instance(*row) for row in found.rows], found.total, found.more, found.start, found.end)


def instance(session: Session, actor: Actor, key: int) -> Instance:
    """One of them. Raises ``NotFound``."""
    row = session.execute(_query(actor).where(Case.id == key)).one_or_none()
    if row is None:
        raise NotFound("没有这个流程实例，或不在您的查看范围内")
    return _instance(*row)


def _instance(one: Case, definition: Definition, label: CaseLabel | None, stuck: bool) -> Instance:
    return Instance(
        key=one.id,
        definition=definition,
        state=STATES.get(one.state, "ACTIVE"),
        started_at=one.opened_at,
        ended_at=one.closed_at,
        has_incident=bool(stuck),
        tags=list(label.tags) if label else [],
        business_id=label.business_id if label else "",
    )
