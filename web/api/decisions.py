"""Decisions: found by id or key, and tried on variables."""

from __future__ import annotations

from typing import Any

import orjson
from marshmallow import ValidationError, fields, validate, validates_schema

from engine.core import ids
from engine.core.actor import Actor
from engine.core.db import reading
from engine.queries.evaluate import Evaluated, Evaluation, evaluate
from engine.queries.search import definitions as search
from engine.queries.search.paging import Search
from web.api.definitions import decision_fields
from web.api.operations import Operations
from web.api.paging import results, results_of, search_of
from web.api.schemas import TENANT, ApiSchema, Int32, Key, Variables, tenant, text

operations = Operations("decisions", "决策")


class DecisionDefinition(ApiSchema):
    decision_definition_id = fields.String(required=True)
    decision_definition_key = Key(required=True)
    decision_requirements_id = fields.String(required=True)
    decision_requirements_key = Key(required=True)
    decision_requirements_name = fields.String(required=True)
    decision_requirements_version = Int32(required=True)
    name = fields.String(required=True)
    tenant_id = fields.String(required=True)
    version = Int32(required=True)


class EvaluationRequest(ApiSchema):
    """By key, or by id in the newest version."""

    decision_definition_id = text(load_default="")
    decision_definition_key = Key(load_default=None, allow_none=True)
    variables = Variables(load_default=dict, allow_none=True)
    tenant_id = tenant()

    @validates_schema
    def _named(self, data: dict[str, Any], **_: Any) -> None:
        if not data["decision_definition_id"] and data["decision_definition_key"] is None:
            raise ValidationError("请给出 decisionDefinitionId 或 decisionDefinitionKey")


class EvaluatedInput(ApiSchema):
    input_id = fields.String(required=True)
    input_name = fields.String(required=True)
    input_value = fields.String(required=True)


class EvaluatedOutput(ApiSchema):
    output_id = fields.String(required=True)
    output_name = fields.String(required=True)
    output_value = fields.String(required=True)
    rule_id = fields.String(required=True, allow_none=True)
    rule_index = Int32(required=True, allow_none=True)


class MatchedRule(ApiSchema):
    rule_id = fields.String(required=True)
    rule_index = Int32(required=True)
    evaluated_outputs = fields.List(fields.Nested(EvaluatedOutput), required=True)


class EvaluatedDecision(ApiSchema):
    decision_definition_id = fields.String(required=True)
    decision_definition_name = fields.String(required=True)
    decision_definition_version = Int32(required=True)
    decision_definition_type = fields.String(
        required=True,
        validate=validate.OneOf(["DECISION_TABLE", "LITERAL_EXPRESSION", "UNKNOWN", "UNSPECIFIED"]),
    )
    output = fields.String(required=True)
    tenant_id = fields.String(required=True)
    matched_rules = fields.List(fields.Nested(MatchedRule), required=True)
    evaluated_inputs = fields.List(fields.Nested(EvaluatedInput), required=True)
    decision_definition_key = Key(required=True)
    decision_evaluation_instance_key = fields.String(required=True)


class EvaluationResult(ApiSchema):
    """Values are JSON text."""

    decision_definition_id = fields.String(required=True)
    decision_definition_key = Key(required=True)
    decision_definition_name = fields.String(required=True)
    decision_definition_version = Int32(required=True)
    decision_evaluation_key = Key(required=True)
    decision_instance_key = Key(required=True)
    decision_requirements_id = fields.String(required=True)
    decision_requirements_key = Key(required=True)
    evaluated_decisions = fields.List(fields.Nested(EvaluatedDecision), required=True)
    failed_decision_definition_id = fields.String(required=True, allow_none=True)
    failure_message = fields.String(required=True, allow_none=True)
    output = fields.String(required=True)
    tenant_id = fields.String(required=True)


@operations.add(
    "POST",
    "/decision-definitions/search",
    "查询决策",
    body=search_of("DecisionDefinition", search.DECISIONS),
    gives=results_of(DecisionDefinition),
)
def search_decision_definitions(actor: Actor, body: Search) -> dict[str, Any]:
    """Every version of every decision in use."""
    with reading() as session:
        found = search.decisions(session, actor, body)
    return results(found, [decision_fields(one, graph) for one, graph in found.rows])


@operations.add(
    "POST",
    "/decision-definitions/evaluation",
    "试算决策",
    body=EvaluationRequest,
    gives=EvaluationResult,
    faults=(404,),
    note="试算不留痕迹，逐表说明命中的规则和各列的取值。",
)
def evaluate_decision(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Decide on these variables and tell which rows fired. Nothing is kept."""
    with reading() as session:
        found = evaluate(
            session, body["decision_definition_key"], body["decision_definition_id"], body["variables"] or {}
        )
    return _result(found, ids.new())


def _result(found: Evaluation, key: int) -> dict[str, Any]:
    one = found.definition
    return {
        "decision_definition_id": one.definition_id,
        "decision_definition_key": one.id,
        "decision_definition_name": one.name or one.definition_id,
        "decision_definition_version": one.version,
        "decision_evaluation_key": key,
        "decision_instance_key": key,
        "decision_requirements_id": found.graph.definition_id,
        "decision_requirements_key": found.graph.id,
        "evaluated_decisions": [
            _decision(each, f"{key}-{number}") for number, each in enumerate(found.decisions, start=1)
        ],
        "failed_decision_definition_id": one.definition_id if found.failure else None,
        "failure_message": found.failure or None,
        "output": json_text(found.output),
        "tenant_id": TENANT,
    }


def _decision(one: Evaluated, key: str) -> dict[str, Any]:
    return {
        "decision_definition_id": one.definition.definition_id,
        "decision_definition_name": one.definition.name or one.definition.definition_id,
        "decision_definition_version": one.definition.version,
        "decision_definition_type": one.kind,
        "output": json_text(one.output),
        "tenant_id": TENANT,
        "matched_rules": [_rule(rule) for rule in one.rules],
        "evaluated_inputs": [
            {"input_id": each["id"], "input_name": each["name"], "input_value": json_text(each["value"])}
            for each in one.inputs
        ],
        "decision_definition_key": one.definition.id,
        "decision_evaluation_instance_key": key,
    }


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    outputs = [
        {
            "output_id": each["id"],
            "output_name": each["name"],
            "output_value": json_text(each["value"]),
            "rule_id": rule["id"],
            "rule_index": rule["row"],
        }
        for each in rule["outputs"]
    ]
    return {"rule_id": rule["id"], "rule_index": rule["row"], "evaluated_outputs": outputs}


def json_text(value: Any) -> str:
    """A value as JSON text."""
    return orjson.dumps(value).decode()
