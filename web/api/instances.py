"""Process instances: begun, found, cancelled, modified, migrated."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from engine.cases import final
from engine.cases.case import ROOT_SCOPE, Case
from engine.commands import dispatch
from engine.commands.instances import CreateInstance, InstanceCreated, MigrateInstance
from engine.commands.operate import CancelCase, ModifyCase
from engine.core.actor import Actor
from engine.core.db import reading
from engine.queries.common import masked_tree
from engine.queries.search import instances as search
from engine.queries.search.instances import Instance
from engine.queries.search.paging import Search
from engine.workflow import Activation
from web.api import waiting
from web.api.operations import Operations
from web.api.paging import results, results_of, search_of
from web.api.problems import BadRequest, TimedOut
from web.api.schemas import TENANT, ApiSchema, Int32, Key, Moment, Variables, tenant, text

operations = Operations("instances", "流程实例")

USUAL_WAIT, LONGEST_WAIT = 10.0, 60.0
REASON = "经接口办理"
_TAG = validate.Regexp(r"^[A-Za-z][A-Za-z0-9_\-:.]{0,99}$", error="标签以字母开头，只含字母、数字和 _ - : .")


class StartInstruction(ApiSchema):
    element_id = text(required=True)


class RuntimeInstruction(ApiSchema):
    type = fields.String(load_default="")
    after_element_id = text(load_default="")


class InstanceRequest(ApiSchema):
    """By key; or by id and a version (-1: the newest) or a version tag."""

    process_definition_id = text(load_default="")
    process_definition_key = Key(load_default=None, allow_none=True)
    process_definition_version = Int32(load_default=None, allow_none=True)
    process_definition_version_tag = text(load_default="", allow_none=True)
    variables = Variables(load_default=dict, allow_none=True)
    tenant_id = tenant()
    operation_reference = fields.Integer(strict=True, allow_none=True)
    start_instructions = fields.List(fields.Nested(StartInstruction), load_default=list, allow_none=True)
    runtime_instructions = fields.List(fields.Nested(RuntimeInstruction), load_default=list, allow_none=True)
    await_completion = fields.Boolean(load_default=False, allow_none=True)
    fetch_variables = fields.List(text(), load_default=list, allow_none=True)
    request_timeout = fields.Integer(
        strict=True, load_default=0, allow_none=True, validate=validate.Range(min=-1, max=86_400_000)
    )
    tags = fields.List(
        fields.String(validate=_TAG), load_default=list, allow_none=True, validate=validate.Length(max=10)
    )
    business_id = text(256, load_default="", allow_none=True)

    @validates_schema
    def _named(self, data: dict[str, Any], **_: Any) -> None:
        if not data["process_definition_id"] and data["process_definition_key"] is None:
            raise ValidationError("请给出 processDefinitionKey 或 processDefinitionId")
        if data["runtime_instructions"]:
            raise ValidationError("不支持 runtimeInstructions，请用取消或修改实例代替", "runtimeInstructions")


class CreatedInstance(ApiSchema):
    process_definition_id = fields.String(required=True)
    process_definition_version = Int32(required=True)
    tenant_id = fields.String(required=True)
    variables = Variables(required=True)
    process_definition_key = Key(required=True)
    process_instance_key = Key(required=True)
    tags = fields.List(fields.String(), required=True)
    business_id = fields.String(required=True, allow_none=True)


class ProcessInstance(ApiSchema):
    process_definition_id = fields.String(required=True)
    process_definition_name = fields.String(required=True, allow_none=True)
    process_definition_version = Int32(required=True)
    process_definition_version_tag = fields.String(required=True, allow_none=True)
    start_date = Moment(required=True)
    end_date = Moment(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(list(search.STATES.values())))
    suspended_date = Moment(required=True, allow_none=True)
    has_incident = fields.Boolean(required=True)
    tenant_id = fields.String(required=True)
    process_instance_key = Key(required=True)
    process_definition_key = Key(required=True)
    parent_process_instance_key = Key(required=True, allow_none=True)
    parent_element_instance_key = Key(required=True, allow_none=True)
    root_process_instance_key = Key(required=True, allow_none=True)
    tags = fields.List(fields.String(), required=True)
    business_id = fields.String(required=True, allow_none=True)


class Reference(ApiSchema):
    operation_reference = fields.Integer(strict=True, allow_none=True)


class VariableInstruction(ApiSchema):
    variables = Variables(required=True)
    scope_id = text(load_default="", allow_none=True)


class ActivateInstruction(ApiSchema):
    element_id = text(required=True)
    variable_instructions = fields.List(fields.Nested(VariableInstruction), load_default=list, allow_none=True)
    ancestor_element_instance_key = Key(load_default=None, allow_none=True)


class SourceElement(ApiSchema):
    """By id, or by key."""

    source_type = fields.String(load_default="")
    source_element_id = text(load_default="", allow_none=True)
    source_element_instance_key = Key(load_default=None, allow_none=True)


class MoveInstruction(ApiSchema):
    source_element_instruction = fields.Nested(SourceElement, required=True)
    target_element_id = text(required=True)
    ancestor_scope_instruction = fields.Dict(allow_none=True)
    variable_instructions = fields.List(fields.Nested(VariableInstruction), load_default=list, allow_none=True)


class TerminateInstruction(ApiSchema):
    """By id (every instance of the element), or by key."""

    element_id = text(load_default="", allow_none=True)
    element_instance_key = Key(load_default=None, allow_none=True)


class Modification(ApiSchema):
    operation_reference = fields.Integer(strict=True, allow_none=True)
    activate_instructions = fields.List(fields.Nested(ActivateInstruction), load_default=list, allow_none=True)
    move_instructions = fields.List(fields.Nested(MoveInstruction), load_default=list, allow_none=True)
    terminate_instructions = fields.List(fields.Nested(TerminateInstruction), load_default=list, allow_none=True)


class MappingInstruction(ApiSchema):
    source_element_id = text(required=True)
    target_element_id = text(required=True)


class Migration(ApiSchema):
    target_process_definition_key = Key(required=True)
    mapping_instructions = fields.List(fields.Nested(MappingInstruction), required=True)
    operation_reference = fields.Integer(strict=True, allow_none=True)


@operations.add(
    "POST",
    "/process-instances",
    "发起实例",
    body=InstanceRequest,
    gives=CreatedInstance,
    faults=(404, 409, 503, 504),
    note="事项以申请表的答案作为变量，按网页同样的规则检查。"
    "部署的流程在发起时一次选定所调用的流程、决策和表单的版本。"
    "awaitCompletion 等到结束才应答，超时为 504，实例继续运行。",
)
def create_process_instance(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Begin an instance. An item begins with the answers of its application form as variables, checked like in the
    browser. With ``awaitCompletion`` the answer comes when it has ended, with its variables; 504 leaves it running."""
    begins = CreateInstance(
        key=body["process_definition_key"],
        process_id=body["process_definition_id"],
        version=body["process_definition_version"],
        version_tag=body["process_definition_version_tag"] or "",
        variables=body["variables"] or {},
        start_before=[one["element_id"] for one in body["start_instructions"] or []],
        tags=body["tags"] or [],
        business_id=body["business_id"] or "",
    )
    variables: dict[str, Any] = {}
    if body["await_completion"]:
        with waiting.place():
            created: InstanceCreated = dispatch(begins, actor)
            variables = _ended(created.case_id, _seconds(body["request_timeout"]), body["fetch_variables"] or [])
    else:
        created = dispatch(begins, actor)
    return {
        "process_definition_id": created.definition.definition_id,
        "process_definition_version": created.definition.version,
        "tenant_id": TENANT,
        "variables": variables,
        "process_definition_key": created.definition.id,
        "process_instance_key": created.case_id,
        "tags": list(dict.fromkeys(body["tags"] or [])),
        "business_id": body["business_id"] or None,
    }


def _seconds(milliseconds: int | None) -> float:
    return min((milliseconds or 0) / 1000, LONGEST_WAIT) if (milliseconds or 0) > 0 else USUAL_WAIT


def _ended(case_id: int, seconds: float, wanted: list[str]) -> dict[str, Any]:
    """The variables at the end of an instance, outside any transaction. Raises ``TimedOut``."""
    until, pause = monotonic() + seconds, 0.02
    while True:
        with reading() as session:
            case = session.get_one(Case, case_id)
            if case.state not in final.RUNNING:
                found = masked_tree(final.variables(session, case).get(ROOT_SCOPE, {}))
                return {name: value for name, value in found.items() if not wanted or name in wanted}
        left = until - monotonic()
        if left <= 0:
            raise TimedOut(f"流程实例 {case_id} 在限定时间内没有结束，它会继续运行")
        sleep(min(pause, left))
        pause = min(pause * 1.5, 0.5)


@operations.add(
    "POST",
    "/process-instances/search",
    "查询实例",
    body=search_of("ProcessInstance", search.INSTANCES, alternatives=True),
    gives=results_of(ProcessInstance),
)
def search_process_instances(actor: Actor, body: Search) -> dict[str, Any]:
    """The instances of the caller's offices, items and plain deployments alike."""
    with reading() as session:
        found = search.instances(session, actor, body)
    return results(found, [_instance(one) for one in found.rows])


@operations.add("GET", "/process-instances/{processInstanceKey}", "查看实例", gives=ProcessInstance, faults=(404,))
def get_process_instance(actor: Actor, process_instance_key: int) -> dict[str, Any]:
    """One instance."""
    with reading() as session:
        return _instance(search.instance(session, actor, process_instance_key))


def _instance(one: Instance) -> dict[str, Any]:
    definition = one.definition
    return {
        "process_definition_id": definition.definition_id,
        "process_definition_name": definition.name or None,
        "process_definition_version": definition.version,
        "process_definition_version_tag": definition.version_tag or None,
        "start_date": one.started_at,
        "end_date": one.ended_at,
        "state": one.state,
        "suspended_date": None,
        "has_incident": one.has_incident,
        "tenant_id": TENANT,
        "process_instance_key": one.key,
        "process_definition_key": definition.id,
        "parent_process_instance_key": None,
        "parent_element_instance_key": None,
        "root_process_instance_key": one.key,
        "tags": one.tags,
        "business_id": one.business_id or None,
    }


@operations.add(
    "POST", "/process-instances/{processInstanceKey}/cancellation", "取消实例", body=Reference, faults=(404, 409)
)
def cancel_process_instance(actor: Actor, process_instance_key: int, body: dict[str, Any]) -> None:
    """End it at once, wherever it stands."""
    dispatch(CancelCase(process_instance_key, REASON), actor)


@operations.add(
    "POST", "/process-instances/{processInstanceKey}/modification", "修改实例", body=Modification, faults=(404, 409)
)
def modify_process_instance(actor: Actor, process_instance_key: int, body: dict[str, Any]) -> None:
    """Begin elements, cancel them, or move from one to another, in one go."""
    instructions = body["activate_instructions"] or []
    moves = body["move_instructions"] or []
    variables: dict[str, Any] = {}
    for one in moves:
        for each in one["variable_instructions"] or []:
            if each["scope_id"]:
                raise BadRequest("移动时只能设置流程变量，请不要写 scopeId")
            variables |= each["variables"]
    command = ModifyCase(
        process_instance_key,
        REASON,
        activate=tuple(_activation(one, process_instance_key) for one in instructions),
        terminate=tuple(
            str(one["element_instance_key"] or "") or one["element_id"] or ""
            for one in body["terminate_instructions"] or []
        ),
        move=tuple((_source(one["source_element_instruction"]), one["target_element_id"]) for one in moves),
        variables=variables,
    )
    dispatch(command, actor)


def _source(one: dict[str, Any]) -> str:
    return str(one["source_element_instance_key"] or "") or one["source_element_id"] or ""


def _activation(one: dict[str, Any], instance: int) -> Activation:
    whole: dict[str, Any] = {}
    local: dict[str, dict[str, Any]] = {}
    for each in one["variable_instructions"] or []:
        if each["scope_id"]:
            local.setdefault(each["scope_id"], {}).update(each["variables"])
        else:
            whole |= each["variables"]
    ancestor = one["ancestor_element_instance_key"]
    inside = None if ancestor in (None, -1) else ROOT_SCOPE if ancestor == instance else str(ancestor)
    return Activation(one["element_id"], whole, inside, local)


@operations.add(
    "POST",
    "/process-instances/{processInstanceKey}/migration",
    "迁移实例",
    body=Migration,
    faults=(404, 409),
    note="同名环节不需要写映射。",
)
def migrate_process_instance(actor: Actor, process_instance_key: int, body: dict[str, Any]) -> None:
    """Go on in another version; elements of the same id need no mapping."""
    mapping = {one["source_element_id"]: one["target_element_id"] for one in body["mapping_instructions"]}
    dispatch(MigrateInstance(process_instance_key, body["target_process_definition_key"], mapping), actor)
