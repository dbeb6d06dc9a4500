"""Variables as JSON text; personal values come masked."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from engine.core.actor import Actor
from engine.core.db import reading
from engine.queries.search import variables as search
from engine.queries.search.paging import Search
from engine.queries.search.variables import Value
from web.api.decisions import json_text
from web.api.operations import Operations
from web.api.paging import results, results_of, search_of
from web.api.schemas import TENANT, ApiSchema, Key

operations = Operations("variables", "变量")


class Variable(ApiSchema):
    value = fields.String(required=True)
    name = fields.String(required=True)
    tenant_id = fields.String(required=True)
    variable_key = Key(required=True)
    scope_key = Key(required=True)
    process_instance_key = Key(required=True)
    root_process_instance_key = Key(required=True, allow_none=True)


class VariableFound(Variable):
    is_truncated = fields.Boolean(required=True)


@operations.add(
    "POST",
    "/variables/search",
    "查询变量",
    body=search_of("Variable", search.VARIABLES),
    gives=results_of(VariableFound),
    note="个人信息以遮盖形式给出。已结束的实例请按 processInstanceKey 查询。",
)
def search_variables(actor: Actor, body: Search) -> dict[str, Any]:
    """Variables of what is running; of an instance that has ended when it is named in ``processInstanceKey``."""
    with reading() as session:
        found = search.variables(session, actor, body)
    return results(found, [variable_fields(one) for one in found.rows])


@operations.add("GET", "/variables/{variableKey}", "查看变量", gives=Variable, faults=(404,))
def get_variable(actor: Actor, variable_key: int) -> dict[str, Any]:
    """One variable."""
    with reading() as session:
        return variable_fields(search.variable(session, actor, variable_key))


def variable_fields(one: Value) -> dict[str, Any]:
    """A variable as its schemas take it."""
    return {
        "value": json_text(one.value),
        "is_truncated": False,
        "name": one.name,
        "tenant_id": TENANT,
        "variable_key": one.key,
        "scope_key": one.scope_key,
        "process_instance_key": one.case_id,
        "root_process_instance_key": one.case_id,
    }
