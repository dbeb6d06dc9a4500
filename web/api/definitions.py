"""Deployments; processes, decisions and forms as they were deployed or published."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields, validate

from engine.catalog import definitions as catalog
from engine.catalog.definitions import Definition
from engine.commands import dispatch
from engine.commands.deploy import DeleteDefinition, Deployed, DeployResources
from engine.core.actor import Actor
from engine.core.db import reading
from engine.queries.search import definitions as search
from engine.queries.search.paging import Search
from web.api.operations import Operations
from web.api.paging import results, results_of, search_of
from web.api.schemas import TENANT, ApiSchema, Int32, Key, tenant

operations = Operations("definitions", "定义")


class DeploymentRequest(ApiSchema):
    """multipart/form-data; the part ``resources`` as often as there are files, whose endings decide what they are."""

    resources = fields.List(fields.Raw(metadata={"type": "string", "format": "binary"}), load_default=list)
    tenant_id = tenant()


class DeployedProcess(ApiSchema):
    process_definition_id = fields.String(required=True)
    process_definition_version = Int32(required=True)
    resource_name = fields.String(required=True)
    tenant_id = fields.String(required=True)
    process_definition_key = Key(required=True)


class DeployedDecision(ApiSchema):
    decision_definition_id = fields.String(required=True)
    version = Int32(required=True)
    name = fields.String(required=True)
    tenant_id = fields.String(required=True)
    decision_requirements_id = fields.String(required=True)
    decision_definition_key = Key(required=True)
    decision_requirements_key = Key(required=True)


class DeployedRequirements(ApiSchema):
    decision_requirements_id = fields.String(required=True)
    decision_requirements_name = fields.String(required=True)
    version = Int32(required=True)
    resource_name = fields.String(required=True)
    tenant_id = fields.String(required=True)
    decision_requirements_key = Key(required=True)


class DeployedForm(ApiSchema):
    form_id = fields.String(required=True)
    version = Int32(required=True)
    resource_name = fields.String(required=True)
    tenant_id = fields.String(required=True)
    form_key = Key(required=True)


class DeployedResource(ApiSchema):
    resource_id = fields.String(required=True)
    resource_name = fields.String(required=True)
    version = Int32(required=True)
    tenant_id = fields.String(required=True)
    resource_key = Key(required=True)


class DeploymentEntry(ApiSchema):
    """One of the members; the others are null."""

    process_definition = fields.Nested(DeployedProcess, required=True, allow_none=True)
    decision_definition = fields.Nested(DeployedDecision, required=True, allow_none=True)
    decision_requirements = fields.Nested(DeployedRequirements, required=True, allow_none=True)
    form = fields.Nested(DeployedForm, required=True, allow_none=True)
    resource = fields.Nested(DeployedResource, required=True, allow_none=True)


class Deployment(ApiSchema):
    deployment_key = Key(required=True)
    tenant_id = fields.String(required=True)
    deployments = fields.List(fields.Nested(DeploymentEntry), required=True)
    warnings = fields.List(fields.String(), required=True)


class ProcessDefinition(ApiSchema):
    name = fields.String(required=True, allow_none=True)
    resource_name = fields.String(required=True)
    version = Int32(required=True)
    version_tag = fields.String(required=True, allow_none=True)
    process_definition_id = fields.String(required=True)
    tenant_id = fields.String(required=True)
    process_definition_key = Key(required=True)
    has_start_form = fields.Boolean(required=True)
    state = fields.String(required=True, validate=validate.OneOf(search.PROCESS_STATES))


class Form(ApiSchema):
    tenant_id = fields.String(required=True)
    form_id = fields.String(required=True)
    schema_ = fields.String(required=True, data_key="schema")
    version = Int32(required=True)
    form_key = Key(required=True)


class DeleteResource(ApiSchema):
    operation_reference = fields.Integer(strict=True, allow_none=True)
    delete_history = fields.Boolean(load_default=False, allow_none=True)


class BatchOperation(ApiSchema):
    batch_operation_key = Key(required=True)
    batch_operation_type = fields.String(required=True)


class DeletedResource(ApiSchema):
    resource_key = Key(required=True)
    batch_operation = fields.Nested(BatchOperation, required=True, allow_none=True)


@operations.add(
    "POST",
    "/deployments",
    "部署",
    body=DeploymentRequest,
    gives=Deployment,
    faults=(503,),
    files=True,
    note="BPMN、DMN、form-js 文件一起部署，要么全部成功，要么全部不部署。"
    "内容不变的文件保留原来的版本和键；较旧的表单引用只给提醒。",
)
def create_deployment(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Deploy BPMN, DMN and form-js files together; all or none. What is unchanged keeps its version and key."""
    deployed: Deployed = dispatch(DeployResources(body["resources"]), actor)
    graphs = {one.id: one for one in deployed.definitions if one.kind == "requirements"}
    return {
        "deployment_key": deployed.release_id,
        "tenant_id": TENANT,
        "deployments": [_entry(one, graphs) for one in deployed.definitions],
        "warnings": [str(fault) for fault in deployed.warnings],
    }


def _entry(one: Definition, graphs: dict[int, Definition]) -> dict[str, Any]:
    entry: dict[str, Any] = dict.fromkeys(DeploymentEntry().fields)
    same = {"tenant_id": TENANT, "resource_name": one.resource_name, "version": one.version}
    if one.kind == "process":
        entry["process_definition"] = {
            **same,
            "process_definition_id": one.definition_id,
            "process_definition_version": one.version,
            "process_definition_key": one.id,
        }
    elif one.kind == "decision":
        entry["decision_definition"] = decision_fields(one, graphs[one.requirements_key or 0])
    elif one.kind == "requirements":
        entry["decision_requirements"] = {
            **same,
            "decision_requirements_id": one.definition_id,
            "decision_requirements_name": one.name or one.definition_id,
            "decision_requirements_key": one.id,
        }
    else:
        entry["form"] = {**same, "form_id": one.definition_id, "form_key": one.id}
    return entry


def decision_fields(one: Definition, graph: Definition) -> dict[str, Any]:
    """A decision as every schema of it takes it."""
    return {
        "decision_definition_id": one.definition_id,
        "decision_definition_key": one.id,
        "version": one.version,
        "name": one.name or one.definition_id,
        "tenant_id": TENANT,
        "decision_requirements_id": graph.definition_id,
        "decision_requirements_key": graph.id,
        "decision_requirements_name": graph.name or graph.definition_id,
        "decision_requirements_version": graph.version,
    }


@operations.add(
    "POST",
    "/process-definitions/search",
    "查询流程定义",
    body=search_of("ProcessDefinition", search.PROCESSES),
    gives=results_of(ProcessDefinition),
)
def search_process_definitions(actor: Actor, body: Search) -> dict[str, Any]:
    """Every version of every process."""
    with reading() as session:
        found = search.processes(session, actor, body)
    return results(found, [_process(one) for one in found.rows])


@operations.add(
    "GET", "/process-definitions/{processDefinitionKey}", "查看流程定义", gives=ProcessDefinition, faults=(404,)
)
def get_process_definition(actor: Actor, process_definition_key: int) -> dict[str, Any]:
    """One version of one process."""
    with reading() as session:
        return _process(catalog.by_key(session, process_definition_key, "process"))


def _process(one: Definition) -> dict[str, Any]:
    return {
        "name": one.name or None,
        "resource_name": one.resource_name,
        "version": one.version,
        "version_tag": one.version_tag or None,
        "process_definition_id": one.definition_id,
        "tenant_id": TENANT,
        "process_definition_key": one.id,
        "has_start_form": one.has_start_form,
        "state": "DELETED" if one.state == catalog.DELETED else "ACTIVE",
    }


@operations.add("GET", "/process-definitions/{processDefinitionKey}/xml", "流程的 XML", faults=(404,), media="text/xml")
def get_process_definition_xml(actor: Actor, process_definition_key: int) -> Response:
    """The file as it was handed in, byte for byte."""
    with reading() as session:
        content = catalog.content(session, catalog.by_key(session, process_definition_key, "process"))
    return Response(content, content_type="text/xml; charset=utf-8")


@operations.add(
    "GET", "/process-definitions/{processDefinitionKey}/form", "流程的起始表单", gives=Form, faults=(204, 404)
)
def get_start_process_form(actor: Actor, process_definition_key: int) -> dict[str, Any] | None:
    """The form of the start event; 204 where it has none."""
    with reading() as session:
        found = search.start_form(session, process_definition_key)
    return None if found is None else form_fields(*found)


@operations.add("GET", "/forms/{formKey}", "查看表单", gives=Form, faults=(404,))
def get_form_by_key(actor: Actor, form_key: int) -> dict[str, Any]:
    """The form-js schema as text."""
    with reading() as session:
        return form_fields(*search.form(session, form_key))


def form_fields(form: Definition, content: bytes) -> dict[str, Any]:
    """A form as its schema takes it."""
    return {
        "tenant_id": TENANT,
        "form_id": form.definition_id,
        "schema_": content.decode("utf-8", "replace"),
        "version": form.version,
        "form_key": form.id,
    }


@operations.add(
    "POST",
    "/resources/{resourceKey}/deletion",
    "删除资源",
    body=DeleteResource,
    gives=DeletedResource,
    faults=(404, 409),
    note="不再用于新的实例；正在运行的实例不受影响。事项的资源随事项发布，不能在此删除。",
)
def delete_resource(actor: Actor, resource_key: int, body: dict[str, Any]) -> dict[str, Any]:
    """Take a process, form or requirements graph out of use. Running instances go on, history stays."""
    dispatch(DeleteDefinition(resource_key), actor)
    return {"resource_key": resource_key, "batch_operation": None}
