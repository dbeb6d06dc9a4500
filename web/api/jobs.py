"""Jobs: workers in any language take them, complete them, fail them, end them with a business error."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from engine.commands import dispatch
from engine.commands.external import ActivateJobs, CompleteJob, FailJob, ThrowJobError, UpdateJob
from engine.core.actor import Actor
from engine.core.db import reading
from engine.jobs.queue import Job
from engine.queries.search import jobs as query
from engine.queries.search.jobs import Equipped
from engine.workflow import Answer, instance_key
from web.api import job_schemas as schemas
from web.api import polling
from web.api.operations import Operations
from web.api.paging import results, results_of, search_of
from web.api.schemas import TENANT

operations = Operations("jobs", "作业")


@operations.add(
    "POST",
    "/jobs/activation",
    "领取作业",
    body=schemas.ActivationRequest,
    gives=schemas.ActivatedJobs,
    faults=(429, 503),
)
def activate_jobs(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Take jobs of a type for a time; where there are none, wait for one. Whoever hung up is given none."""
    timeout = timedelta(milliseconds=body["timeout"])
    worker, limit = body["worker"] or "", body["max_jobs_to_activate"]
    command = ActivateJobs(body["type"], worker, timeout, limit)
    taken = polling.wait_for_jobs(command, actor, body["request_timeout"] or 0)
    with reading() as session:
        equipped = query.equip(session, taken, body["fetch_variable"] or ())
        return {"jobs": [_activated(one, lease=bool(body["with_lease"])) for one in equipped]}


def _activated(one: Equipped, *, lease: bool) -> dict[str, Any]:
    job, definition = one.job, one.definition
    return {
        "job_key": job.id,
        "type": job.type,
        "process_instance_key": job.case_id,
        "root_process_instance_key": job.case_id,
        "process_definition_id": job.process_id,
        "process_definition_version": definition.version if definition else 0,
        "process_definition_key": definition.id if definition else 0,
        "element_id": job.element_id,
        "element_instance_key": instance_key(job.token),
        "custom_headers": job.headers,
        "worker": job.worker,
        "retries": job.retries,
        "deadline": int(job.deadline.timestamp() * 1000),
        "variables": one.variables,
        "tenant_id": TENANT,
        "physical_tenant_id": "default",
        "kind": query.kind_of(job.listener),
        "listener_event_type": query.event_of(job.listener),
        "user_task": _user_task(job.listener, job.task) if job.task else None,
        "tags": one.label.tags if one.label else [],
        "business_id": (one.label.business_id or None) if one.label else None,
        "priority": job.priority,
        "job_lease_token": job.lease if lease else None,
    }


def _user_task(listener: str, task: Any) -> dict[str, Any]:
    return {
        "action": task.get("action") or query.event_of(listener).lower(),
        "assignee": task.get("assignee") or None,
        "candidate_groups": list(task.get("candidate_groups") or []),
        "candidate_users": list(task.get("candidate_users") or []),
        "changed_attributes": list(task.get("changed_attributes") or []),
        "due_date": task.get("due_date"),
        "follow_up_date": task.get("follow_up_date"),
        "form_key": None,
        "priority": task.get("priority"),
        "user_task_key": task.get("user_task_key"),
    }


@operations.add("POST", "/jobs/{jobKey}/completion", "完成作业", body=schemas.CompletionRequest, faults=(404, 409))
def complete_job(actor: Actor, job_key: int, body: dict[str, Any]) -> None:
    """The work is done; the process goes on with the variables."""
    answer = _answer(body["result"]) if body["result"] else None
    dispatch(CompleteJob(job_key, body["variables"] or {}, answer, body["job_lease_token"] or ""), actor)


def _answer(result: dict[str, Any]) -> Answer | None:
    corrections = {name: value for name, value in (result["corrections"] or {}).items() if value is not None}
    if not result["denied"] and not corrections:
        return None
    return Answer(bool(result["denied"]), result["denied_reason"] or "", corrections)


@operations.add("POST", "/jobs/{jobKey}/failure", "作业失败", body=schemas.FailRequest, faults=(404, 409))
def fail_job(actor: Actor, job_key: int, body: dict[str, Any]) -> None:
    """The work failed; without retries left it becomes an incident."""
    pause = timedelta(milliseconds=body["retry_back_off"] or 0)
    variables, lease = body["variables"] or {}, body["job_lease_token"] or ""
    dispatch(FailJob(job_key, body["retries"] or 0, body["error_message"] or "", pause, variables, lease), actor)


@operations.add("POST", "/jobs/{jobKey}/error", "业务错误", body=schemas.ErrorRequest, faults=(404, 409))
def throw_job_error(actor: Actor, job_key: int, body: dict[str, Any]) -> None:
    """The work ends with a business error that an error event of the model may catch."""
    variables, lease = body["variables"] or {}, body["job_lease_token"] or ""
    dispatch(ThrowJobError(job_key, body["error_code"], body["error_message"] or "", variables, lease), actor)


@operations.add("PATCH", "/jobs/{jobKey}", "更改作业", body=schemas.UpdateRequest, faults=(404, 409))
def update_job(actor: Actor, job_key: int, body: dict[str, Any]) -> None:
    """Change retries, the time that is left, or the priority."""
    changes = body["changeset"]
    timeout = None if changes["timeout"] is None else timedelta(milliseconds=changes["timeout"])
    lease = body["job_lease_token"] or ""
    dispatch(UpdateJob(job_key, changes["retries"], timeout, changes["priority"], lease), actor)


@operations.add(
    "POST", "/jobs/search", "查询作业", body=search_of("Job", query.JOBS), gives=results_of(schemas.JobFound)
)
def search_jobs(actor: Actor, body: Any) -> dict[str, Any]:
    """Jobs that wait or are being worked on; one that is done is told by the history of its instance."""
    with reading() as session:
        found = query.jobs(session, actor, body)
        keys = query.processes_of(session, found.rows)
        return results(found, [_found(job, keys.get((job.case_id, job.process_id))) for job in found.rows])


def _found(job: Job, definition: Any) -> dict[str, Any]:
    failed = job.state == "failed" or bool(job.last_error)
    return {
        "custom_headers": job.payload.get("headers") or {},
        "deadline": job.leased_until,
        "denied_reason": None,
        "element_id": job.element_id,
        "element_instance_key": instance_key(job.token),
        "end_time": None,
        "error_code": job.error_code or None,
        "error_message": job.last_error or None,
        "has_failed_with_retries_left": failed and job.retries_left > 0,
        "is_denied": None,
        "job_key": job.id,
        "kind": query.kind_of(job.listener),
        "listener_event_type": query.event_of(job.listener),
        "process_definition_id": job.process_id,
        "process_definition_key": definition.id if definition else None,
        "process_instance_key": job.case_id,
        "root_process_instance_key": job.case_id,
        "business_id": None,
        "retries": job.retries_left,
        "state": "FAILED" if failed else "CREATED",
        "tenant_id": TENANT,
        "type": job.operation,
        "worker": job.worker,
        "creation_time": job.created_at,
        "last_update_time": None,
        "priority": job.priority,
    }
