"""Element instances: where an instance has been and stands, and variables written there."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine.commands import dispatch
from engine.commands.adhoc import BeginOptional
from engine.commands.instances import SetElementVariables
from engine.core.actor import Actor
from engine.core.db import reading
from engine.core.errors import NotFound
from engine.queries.search import elements as search
from engine.queries.search import instances
from engine.queries.search.elements import Element
from engine.queries.search.paging import Search
from web.api.operations import Operations
from web.api.paging import results, results_of, search_of
from web.api.schemas import TENANT, ApiSchema, Key, Moment, Variables, text

operations = Operations("elements", "环节实例")


class ElementInstance(ApiSchema):
    process_definition_id = fields.String(required=True)
    start_date = Moment(required=True)
    end_date = Moment(required=True, allow_none=True)
    element_id = fields.String(required=True)
    element_name = fields.String(required=True)
    type = fields.String(required=True, validate=validate.OneOf(search.ALL_TYPES))
    state = fields.String(required=True, validate=validate.OneOf(list(search.STATES.values())))
    has_incident = fields.Boolean(required=True)
    tenant_id = fields.String(required=True)
    element_instance_key = Key(required=True)
    process_instance_key = Key(required=True)
    root_process_instance_key = Key(required=True, allow_none=True)
    process_definition_key = Key(required=True)
    incident_key = Key(required=True, allow_none=True)


class AdHocActivity(ApiSchema):
    element_id = text(120, required=True)
    variables = Variables(load_default=dict, allow_none=True)


class AdHocActivation(ApiSchema):
    """Activities to begin; ``cancelRemainingInstances`` first cancels those that run."""

    elements = fields.List(
        fields.Nested(AdHocActivity), load_default=list, allow_none=True, validate=validate.Length(max=100)
    )
    cancel_remaining_instances = fields.Boolean(load_default=False, allow_none=True)


class SetVariablesRequest(ApiSchema):
    variables = Variables(required=True)
    local = fields.Boolean(load_default=False, allow_none=True)
    operation_reference = fields.Integer(strict=True, allow_none=True)


@operations.add(
    "POST",
    "/element-instances/search",
    "查询环节实例",
    body=search_of("ElementInstance", search.ELEMENTS, alternatives=True),
    gives=results_of(ElementInstance),
)
def search_element_instances(actor: Actor, body: Search) -> dict[str, Any]:
    """Every element the instances of the caller's offices came to."""
    with reading() as session:
        found = search.elements(session, actor, body)
    return results(found, [_element(one) for one in found.rows])


@operations.add("GET", "/element-instances/{elementInstanceKey}", "查看环节实例", gives=ElementInstance, faults=(404,))
def get_element_instance(actor: Actor, element_instance_key: int) -> dict[str, Any]:
    """One of them."""
    with reading() as session:
        return _element(search.element(session, actor, element_instance_key))


def _element(one: Element) -> dict[str, Any]:
    row = one.row
    return {
        "process_definition_id": one.definition.definition_id,
        "start_date": row.started_at,
        "end_date": row.ended_at,
        "element_id": row.element_id,
        "element_name": one.name,
        "type": one.type,
        "state": one.state,
        "has_incident": one.incident is not None,
        "tenant_id": TENANT,
        "element_instance_key": row.id,
        "process_instance_key": row.case_id,
        "root_process_instance_key": row.case_id,
        "process_definition_key": one.definition.id,
        "incident_key": one.incident,
    }


@operations.add(
    "PUT",
    "/element-instances/{elementInstanceKey}/variables",
    "写入变量",
    body=SetVariablesRequest,
    faults=(404, 409),
)
def create_element_instance_variables(actor: Actor, element_instance_key: int, body: dict[str, Any]) -> None:
    """At an element instance, or at the instance itself by its own key."""
    case_id, element = _place(actor, element_instance_key)
    dispatch(SetElementVariables(case_id, element, body["variables"], bool(body["local"])), actor)


def _place(actor: Actor, key: int) -> tuple[int, int]:
    """(instance, element instance or 0)."""
    with reading() as session:
        try:
            return search.element(session, actor, key).row.case_id, key
        except NotFound:
            return instances.instance(session, actor, key).key, 0


@operations.add(
    "POST",
    "/element-instances/ad-hoc-activities/{adHocSubProcessInstanceKey}/activation",
    "启动可选环节",
    body=AdHocActivation,
    faults=(404, 409),
)
def activate_ad_hoc_activities(actor: Actor, ad_hoc_sub_process_instance_key: int, body: dict[str, Any]) -> None:
    """Begin activities of an ad-hoc sub-process."""
    chosen = tuple((one["element_id"], one["variables"] or {}) for one in body["elements"] or ())
    dispatch(BeginOptional(ad_hoc_sub_process_instance_key, chosen, bool(body["cancel_remaining_instances"])), actor)
