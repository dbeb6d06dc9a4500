"""User tasks: found, handed over, changed, completed; their forms and variables."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine.commands import dispatch
from engine.commands.user_tasks import AssignUserTask, CompleteUserTask, UpdateUserTask
from engine.core.actor import Actor
from engine.core.db import reading
from engine.queries.search import tasks as search
from engine.queries.search import variables as variable_search
from engine.queries.search.paging import Search
from engine.queries.search.tasks import UserTask as Found
from engine.workflow import instance_key
from web.api.definitions import Form, form_fields
from web.api.operations import Operations
from web.api.paging import results, results_of, search_of
from web.api.schemas import TENANT, ApiSchema, Int32, Key, Moment, Variables, text
from web.api.variables import VariableFound, variable_fields

operations = Operations("tasks", "用户任务")


class UserTask(ApiSchema):
    name = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(search.ALL_STATES))
    assignee = fields.String(required=True, allow_none=True)
    element_id = fields.String(required=True)
    candidate_groups = fields.List(fields.String(), required=True)
    candidate_users = fields.List(fields.String(), required=True)
    process_definition_id = fields.String(required=True)
    creation_date = Moment(required=True)
    completion_date = Moment(required=True, allow_none=True)
    follow_up_date = Moment(required=True, allow_none=True)
    due_date = Moment(required=True, allow_none=True)
    tenant_id = fields.String(required=True)
    external_form_reference = fields.String(required=True, allow_none=True)
    process_definition_version = Int32(required=True)
    custom_headers = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    priority = Int32(required=True)
    user_task_key = Key(required=True)
    element_instance_key = Key(required=True)
    process_name = fields.String(required=True, allow_none=True)
    process_definition_key = Key(required=True)
    process_instance_key = Key(required=True)
    root_process_instance_key = Key(required=True, allow_none=True)
    business_id = fields.String(required=True, allow_none=True)
    form_key = Key(required=True, allow_none=True)
    tags = fields.List(fields.String(), required=True)


class Assignment(ApiSchema):
    """``assignee`` is a caseworker's login; in a plain deployment any name."""

    assignee = text(load_default="", allow_none=True)
    allow_override = fields.Boolean(load_default=True, allow_none=True)
    action = text(load_default="", allow_none=True)


class ChangeSet(ApiSchema):
    """What is not given stays; an empty date or list takes it away."""

    due_date = Moment(allow_none=True)
    follow_up_date = Moment(allow_none=True)
    candidate_users = fields.List(text(40), allow_none=True, validate=validate.Length(max=100))
    candidate_groups = fields.List(text(60), allow_none=True, validate=validate.Length(max=100))
    priority = fields.Integer(strict=True, allow_none=True, validate=validate.Range(min=0, max=100))


class Update(ApiSchema):
    changeset = fields.Nested(ChangeSet, load_default=dict, allow_none=True)
    action = text(load_default="", allow_none=True)


class Completion(ApiSchema):
    variables = Variables(load_default=dict, allow_none=True)
    action = text(load_default="", allow_none=True)


@operations.add(
    "POST",
    "/user-tasks/search",
    "查询任务",
    body=search_of("UserTask", search.TASKS, alternatives=True),
    gives=results_of(UserTask),
)
def search_user_tasks(actor: Actor, body: Search) -> dict[str, Any]:
    """Tasks of the caller's offices, open and done."""
    with reading() as session:
        found = search.tasks(session, actor, body)
    return results(found, [_task(one) for one in found.rows])


@operations.add("GET", "/user-tasks/{userTaskKey}", "查看任务", gives=UserTask, faults=(404,))
def get_user_task(actor: Actor, user_task_key: int) -> dict[str, Any]:
    """One task."""
    with reading() as session:
        return _task(search.task(session, actor, user_task_key))


def _task(one: Found) -> dict[str, Any]:
    row = one.row
    return {
        "name": row.name or None,
        "state": search.STATES.get(row.state, "CREATED"),
        "assignee": one.assignee or None,
        "element_id": row.element_id,
        "candidate_groups": [row.role] if row.role else [],
        "candidate_users": list(row.candidate_users or []),
        "process_definition_id": one.definition.definition_id,
        "creation_date": row.created_at,
        "completion_date": row.done_at,
        "follow_up_date": row.follow_up_at,
        "due_date": row.due_at,
        "tenant_id": TENANT,
        "external_form_reference": one.external_form or None,
        "process_definition_version": one.definition.version,
        "custom_headers": one.headers,
        "priority": row.priority,
        "user_task_key": row.id,
        "element_instance_key": instance_key(row.token),
        "process_name": one.definition.name or None,
        "process_definition_key": one.definition.id,
        "process_instance_key": row.case_id,
        "root_process_instance_key": row.case_id,
        "business_id": one.business_id or None,
        "form_key": one.form_key,
        "tags": one.tags,
    }


@operations.add(
    "POST",
    "/user-tasks/{userTaskKey}/assignment",
    "指派任务",
    body=Assignment,
    faults=(404, 409),
    note="assignee 为工作人员的登录名；部署的流程也接受其他名称。指派给他人需要主管岗位。",
)
def assign_user_task(actor: Actor, user_task_key: int, body: dict[str, Any]) -> None:
    """Hand it to somebody."""
    override = body["allow_override"] is not False
    dispatch(AssignUserTask(user_task_key, body["assignee"] or "", override), actor)


@operations.add("DELETE", "/user-tasks/{userTaskKey}/assignee", "收回指派", faults=(404, 409))
def unassign_user_task(actor: Actor, user_task_key: int) -> None:
    """Nobody's again."""
    dispatch(AssignUserTask(user_task_key, ""), actor)


@operations.add("PATCH", "/user-tasks/{userTaskKey}", "调整任务", body=Update, faults=(404, 409))
def update_user_task(actor: Actor, user_task_key: int, body: dict[str, Any]) -> None:
    """Dates, priority and candidates."""
    given = body["changeset"] or {}
    emptied: dict[str, Any] = {"candidate_users": [], "candidate_groups": [""], "priority": 50}
    changes = {name: emptied.get(name) if value in (None, []) else value for name, value in given.items()}
    dispatch(UpdateUserTask(user_task_key, changes), actor)


@operations.add(
    "POST",
    "/user-tasks/{userTaskKey}/completion",
    "办结任务",
    body=Completion,
    faults=(404, 409),
    note="事项的任务按其表单检查答案；部署的流程接受任意变量。",
)
def complete_user_task(actor: Actor, user_task_key: int, body: dict[str, Any]) -> None:
    """Of an item the variables are the answers of its form, checked like in the browser."""
    dispatch(CompleteUserTask(user_task_key, body["variables"] or {}), actor)


@operations.add("GET", "/user-tasks/{userTaskKey}/form", "任务的表单", gives=Form, faults=(204, 404))
def get_user_task_form(actor: Actor, user_task_key: int) -> dict[str, Any] | None:
    """204 where it has none."""
    with reading() as session:
        found = search.form(session, actor, user_task_key)
    return None if found is None else form_fields(*found)


@operations.add(
    "POST",
    "/user-tasks/{userTaskKey}/variables/search",
    "任务自己的变量",
    body=search_of("UserTaskVariable", variable_search.OF_TASK),
    gives=results_of(VariableFound),
    faults=(404,),
)
def search_user_task_variables(actor: Actor, user_task_key: int, body: Search) -> dict[str, Any]:
    """Every variable in the scopes the task sees, also those that inner ones hide."""
    with reading() as session:
        found = variable_search.of_task(session, actor, user_task_key, body, effective=False)
    return results(found, [variable_fields(one) for one in found.rows])


@operations.add(
    "POST",
    "/user-tasks/{userTaskKey}/effective-variables/search",
    "任务可见的变量",
    body=search_of("UserTaskEffectiveVariable", variable_search.OF_TASK),
    gives=results_of(VariableFound),
    faults=(404,),
)
def search_user_task_effective_variables(actor: Actor, user_task_key: int, body: Search) -> dict[str, Any]:
    """Of each name the innermost."""
    with reading() as session:
        found = variable_search.of_task(session, actor, user_task_key, body, effective=True)
    return results(found, [variable_fields(one) for one in found.rows])
