"""Incidents: what stands still until somebody mends it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine.commands import dispatch
from engine.commands.incidents import RetryIncident
from engine.core.actor import Actor
from engine.core.db import reading
from engine.queries.search import incidents as search
from engine.queries.search.incidents import Stuck
from engine.queries.search.paging import Search
from engine.workflow import instance_key
from web.api.operations import Operations
from web.api.paging import results, results_of, search_of
from web.api.schemas import TENANT, ApiSchema, Key, Moment

operations = Operations("incidents", "故障")


class Incident(ApiSchema):
    process_definition_id = fields.String(required=True)
    error_type = fields.String(required=True, validate=validate.OneOf(search.ALL_TYPES))
    error_message = fields.String(required=True)
    element_id = fields.String(required=True)
    creation_time = Moment(required=True)
    state = fields.String(required=True, validate=validate.OneOf(search.ALL_STATES))
    tenant_id = fields.String(required=True)
    incident_key = Key(required=True)
    process_definition_key = Key(required=True)
    process_instance_key = Key(required=True)
    root_process_instance_key = Key(required=True, allow_none=True)
    element_instance_key = Key(required=True)
    job_key = Key(required=True, allow_none=True)


class Resolution(ApiSchema):
    operation_reference = fields.Integer(strict=True, allow_none=True)


@operations.add(
    "POST",
    "/incidents/search",
    "查询故障",
    body=search_of("Incident", search.INCIDENTS),
    gives=results_of(Incident),
)
def search_incidents(actor: Actor, body: Search) -> dict[str, Any]:
    """Incidents of the caller's offices, open and resolved."""
    with reading() as session:
        found = search.incidents(session, actor, body)
    return results(found, [_incident(one) for one in found.rows])


@operations.add("GET", "/incidents/{incidentKey}", "查看故障", gives=Incident, faults=(404,))
def get_incident(actor: Actor, incident_key: int) -> dict[str, Any]:
    """One incident."""
    with reading() as session:
        return _incident(search.incident(session, actor, incident_key))


@operations.add(
    "POST",
    "/incidents/{incidentKey}/resolution",
    "处理故障",
    body=Resolution,
    faults=(404, 409),
    note="重试次数用完的作业，须先用更新作业给出新的次数。",
)
def resolve_incident(actor: Actor, incident_key: int, body: dict[str, Any]) -> None:
    """Try again what failed; a job must have been given retries before."""
    dispatch(RetryIncident(incident_key), actor)


def _incident(one: Stuck) -> dict[str, Any]:
    row = one.row
    return {
        "process_definition_id": one.definition.definition_id,
        "error_type": one.type,
        "error_message": row.message,
        "element_id": row.element_id,
        "creation_time": row.raised_at,
        "state": one.state,
        "tenant_id": TENANT,
        "incident_key": row.id,
        "process_definition_key": one.definition.id,
        "process_instance_key": row.case_id,
        "root_process_instance_key": row.case_id,
        "element_instance_key": instance_key(row.token),
        "job_key": row.job_id,
    }
