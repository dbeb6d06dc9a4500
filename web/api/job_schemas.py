"""What is said about jobs, both ways."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine.queries.search.jobs import EVENTS, KINDS, STATES
from web.api.schemas import ApiSchema, Int32, Key, Moment, Variables, text

# A worker that takes longer than this should take the job anew.
LONGEST_MS = 7 * 24 * 3600 * 1000


def milliseconds(**kwargs: Any) -> fields.Integer:
    """A length of time."""
    return fields.Integer(strict=True, validate=validate.Range(min=0, max=LONGEST_MS), **kwargs)


class ActivationRequest(ApiSchema):
    """``requestTimeout``: above 0 waits so many milliseconds for a job, 0 as long as usual, below 0 not at all."""

    type = fields.String(required=True, validate=validate.Length(min=1, max=200))
    worker = text(120, load_default="", allow_none=True)
    timeout = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=LONGEST_MS))
    max_jobs_to_activate = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=1000))
    fetch_variable = fields.List(fields.String(), load_default=list, allow_none=True)
    request_timeout = fields.Integer(load_default=0, strict=True, allow_none=True)
    tenant_ids = fields.List(fields.String(), load_default=list, allow_none=True)
    with_lease = fields.Boolean(load_default=False, allow_none=True)


class UserTaskProperties(ApiSchema):
    action = fields.String(required=True)
    assignee = fields.String(required=True, allow_none=True)
    candidate_groups = fields.List(fields.String(), required=True)
    candidate_users = fields.List(fields.String(), required=True)
    changed_attributes = fields.List(fields.String(), required=True)
    due_date = fields.String(required=True, allow_none=True)
    follow_up_date = fields.String(required=True, allow_none=True)
    form_key = Key(required=True, allow_none=True)
    priority = Int32(required=True, allow_none=True)
    user_task_key = Key(required=True, allow_none=True)


class ActivatedJob(ApiSchema):
    """``deadline`` is in milliseconds since 1970."""

    job_key = Key(required=True)
    type = fields.String(required=True)
    process_instance_key = Key(required=True)
    root_process_instance_key = Key(required=True, allow_none=True)
    process_definition_id = fields.String(required=True)
    process_definition_version = Int32(required=True)
    process_definition_key = Key(required=True)
    element_id = fields.String(required=True)
    element_instance_key = Key(required=True)
    custom_headers = fields.Dict(required=True)
    worker = fields.String(required=True)
    retries = Int32(required=True)
    deadline = fields.Integer(required=True)
    variables = Variables(required=True)
    tenant_id = fields.String(required=True)
    physical_tenant_id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    listener_event_type = fields.String(required=True)
    user_task = fields.Nested(UserTaskProperties, required=True, allow_none=True)
    tags = fields.List(fields.String(), required=True)
    business_id = fields.String(required=True, allow_none=True)
    priority = Int32(required=True)
    job_lease_token = fields.String(required=True, allow_none=True)


class ActivatedJobs(ApiSchema):
    jobs = fields.List(fields.Nested(ActivatedJob), required=True)


class Corrections(ApiSchema):
    assignee = text(allow_none=True)
    due_date = text(60, allow_none=True)
    follow_up_date = text(60, allow_none=True)
    candidate_users = fields.List(text(), allow_none=True)
    candidate_groups = fields.List(text(), allow_none=True)
    priority = fields.Integer(strict=True, allow_none=True, validate=validate.Range(min=0, max=100))


class JobResult(ApiSchema):
    """What the job of a task listener says of its task."""

    type = text(allow_none=True, load_default="")
    denied = fields.Boolean(load_default=False, allow_none=True)
    denied_reason = text(1000, load_default="", allow_none=True)
    corrections = fields.Nested(Corrections, load_default=dict, allow_none=True)


class Lease(ApiSchema):
    job_lease_token = text(60, load_default="", allow_none=True)


class CompletionRequest(Lease):
    variables = Variables(load_default=dict, allow_none=True)
    result = fields.Nested(JobResult, load_default=None, allow_none=True)


class FailRequest(Lease):
    retries = fields.Integer(load_default=0, strict=True, allow_none=True, validate=validate.Range(max=2**31 - 1))
    error_message = text(10_000, load_default="", allow_none=True)
    retry_back_off = milliseconds(load_default=0, allow_none=True)
    variables = Variables(load_default=dict, allow_none=True)


class ErrorRequest(Lease):
    error_code = fields.String(required=True, validate=validate.Length(min=1, max=200))
    error_message = text(10_000, load_default="", allow_none=True)
    variables = Variables(load_default=dict, allow_none=True)


class JobChangeset(ApiSchema):
    retries = Int32(load_default=None, allow_none=True)
    timeout = milliseconds(load_default=None, allow_none=True)
    priority = Int32(load_default=None, allow_none=True)


class UpdateRequest(Lease):
    changeset = fields.Nested(JobChangeset, required=True)


class JobFound(ApiSchema):
    custom_headers = fields.Dict(required=True)
    deadline = Moment(required=True, allow_none=True)
    denied_reason = fields.String(required=True, allow_none=True)
    element_id = fields.String(required=True, allow_none=True)
    element_instance_key = Key(required=True)
    end_time = Moment(required=True, allow_none=True)
    error_code = fields.String(required=True, allow_none=True)
    error_message = fields.String(required=True, allow_none=True)
    has_failed_with_retries_left = fields.Boolean(required=True)
    is_denied = fields.Boolean(required=True, allow_none=True)
    job_key = Key(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    listener_event_type = fields.String(required=True, validate=validate.OneOf([*EVENTS.values(), "UNSPECIFIED"]))
    process_definition_id = fields.String(required=True, allow_none=True)
    process_definition_key = Key(required=True, allow_none=True)
    process_instance_key = Key(required=True)
    root_process_instance_key = Key(required=True, allow_none=True)
    business_id = fields.String(required=True, allow_none=True)
    retries = Int32(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    tenant_id = fields.String(required=True)
    type = fields.String(required=True)
    worker = fields.String(required=True)
    creation_time = Moment(required=True, allow_none=True)
    last_update_time = Moment(required=True, allow_none=True)
    priority = Int32(required=True)
