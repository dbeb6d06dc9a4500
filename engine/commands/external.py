"""Jobs for workers over the API: taken under a lease, completed, failed, ended with a business error, changed.

Taking, failing and changing touch rows alone; only what moves a token loads the process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from engine.cases.case import Case, lock
from engine.cases.work import Incident
from engine.commands import Unit, handles
from engine.commands.casework import Casework
from engine.commands.roles import INTEGRATOR
from engine.core import ids
from engine.core.actor import Actor
from engine.core.errors import Forbidden, NotFound, Refused
from engine.jobs import external
from engine.jobs.external import Activated, Wanted
from engine.jobs.queue import Job
from engine.workflow import Answer

NO_RETRIES = "no_retries"


@dataclass(frozen=True)
class ActivateJobs:
    """Take up to ``limit`` jobs of a type for ``timeout``."""

    type: str
    worker: str
    timeout: timedelta
    limit: int


@dataclass(frozen=True)
class CompleteJob:
    """The work is done. ``answer`` is what a listener says of its task; ``lease`` the token it was taken with."""

    job_id: int
    variables: Mapping[str, Any] = field(default_factory=dict)
    answer: Answer | None = None
    lease: str = ""


@dataclass(frozen=True)
class FailJob:
    """The work failed. Without retries left it becomes an incident; ``variables`` are kept at the job's element."""

    job_id: int
    retries: int
    message: str = ""
    pause: timedelta = timedelta()
    variables: Mapping[str, Any] = field(default_factory=dict)
    lease: str = ""


@dataclass(frozen=True)
class ThrowJobError:
    """The work ends with a business error that an error event may catch; else it becomes an incident."""

    job_id: int
    code: str
    message: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    lease: str = ""


@dataclass(frozen=True)
class UpdateJob:
    """Change what is given: retries, the time left from now on, the priority."""

    job_id: int
    retries: int | None = None
    timeout: timedelta | None = None
    priority: int | None = None
    lease: str = ""


@handles(ActivateJobs)
def activate_jobs(command: ActivateJobs, unit: Unit) -> list[Activated]:
    """What was taken, the urgent before the old; empty where there is nothing."""
    wanted = may_take(command, unit.actor)
    return external.take(unit.session, wanted, command.worker, command.timeout, command.limit)


def may_take(command: ActivateJobs, actor: Actor) -> Wanted:
    """Which jobs these are to the actor: those of its offices. Raises ``Forbidden``."""
    if actor.kind == "system":
        return Wanted(command.type)
    if not actor.has(INTEGRATOR):
        raise Forbidden("该客户端没有办理作业的权限，请联系管理员授予 integrator 角色")
    return Wanted(command.type, actor.offices)


@handles(CompleteJob)
def complete_job(command: CompleteJob, unit: Unit) -> None:
    """Move the case on with what the worker brings."""
    job, work = _resumed(unit, command.job_id, command.lease)
    work.process.complete(job.token, command.variables, command.answer)
    unit.record(work.case, "answered", f"外部作业「{job.operation}」完成", element_id=job.element_id)
    work.save()


@handles(FailJob)
def fail_job(command: FailJob, unit: Unit) -> None:
    """Leave it to the next worker after a pause, or raise an incident that names the job."""
    job = _taken(unit, command.job_id, command.lease)
    if command.variables:
        work = Casework(unit, lock(unit.session, job.case_id))
        work.resume()
        work.process.set_variables(command.variables, job.scopes[0])
        work.save()
    job.retries_left, job.last_error = max(command.retries, 0), command.message[:2000]
    job.worker, job.leased_until = "", None
    if job.retries_left:
        job.state, job.due_at = "ready", unit.now + command.pause
    else:
        job.state = "failed"
        _raise(unit, job)
    unit.session.flush()


def _raise(unit: Unit, job: Job) -> None:
    """The token stays where it is: resolving puts the same job, under the same key, back to work."""
    case = lock(unit.session, job.case_id)
    name = job.payload.get("name") or job.element_id
    unit.session.add(
        Incident(
            id=ids.new(),
            case_id=case.id,
            office_id=case.office_id,
            token=job.token,
            process_id=job.process_id,
            job_id=job.id,
            element_id=job.element_id,
            element_name=name,
            code=NO_RETRIES,
            message=job.last_error or "外部作业多次失败，未说明原因",
            raised_at=unit.now,
        )
    )
    unit.record(case, "incident", f"「{name}」发生故障", {"message": job.last_error}, job.element_id)


@handles(ThrowJobError)
def throw_job_error(command: ThrowJobError, unit: Unit) -> None:
    """Let the model's error event catch it."""
    job, work = _resumed(unit, command.job_id, command.lease)
    payload = {"code": command.code}
    unit.record(work.case, "declined", f"外部作业「{job.operation}」报告业务错误", payload, job.element_id)
    work.process.throw_error(job.token, command.code, command.message, command.variables)
    work.save()


@handles(UpdateJob)
def update_job(command: UpdateJob, unit: Unit) -> None:
    """Retries of a failed job do not resolve its incident: that is a decision of its own."""
    job = _job(unit, command.job_id)
    _check_lease(job, command.lease)
    if command.retries is not None:
        if command.retries < 1:
            raise Refused("重试次数应为正整数", code="bad_retries")
        job.retries_left = command.retries
    if command.timeout is not None:
        if job.state != "running":
            raise Refused("该作业未被领取，没有可更改的期限", code="job_not_taken")
        job.leased_until = unit.now + command.timeout
    if command.priority is not None:
        job.priority = command.priority
    unit.session.flush()


def put_back(unit: Unit, job_id: int) -> bool:
    """Its incident is resolved: let workers take the job again. False where it is gone. Raises ``Refused``."""
    job = unit.session.get(Job, job_id, populate_existing=True)
    if job is None:
        return False
    if job.retries_left < 1:
        raise Refused("该作业的重试次数为 0，请先更新重试次数再处理故障", code="job_no_retries")
    ready = update(Job).where(Job.id == job_id, Job.state == "failed")
    unit.session.execute(ready.values(state="ready", due_at=unit.now, worker="", leased_until=None))
    return True


def _offices(unit: Unit) -> tuple[int, ...] | None:
    return None if unit.actor.kind == "system" else unit.actor.offices


def _job(unit: Unit, job_id: int) -> Job:
    """The job, its case locked. Raises ``NotFound``: completed, cancelled, or of somebody else's office."""
    unit.require(INTEGRATOR)
    query = select(Job.case_id).where(Job.id == job_id, Job.kind == external.KIND)
    if (offices := _offices(unit)) is not None:
        query = query.where(Job.office_id.in_(offices))
    case_id = unit.session.scalar(query)
    if case_id is not None:
        lock(unit.session, case_id)
        if (job := unit.session.get(Job, job_id, populate_existing=True)) is not None:
            return job
    raise NotFound("没有这个作业：可能已完成、已取消，或不在您的机构范围内", code="job_not_found")


def _taken(unit: Unit, job_id: int, lease: str) -> Job:
    job = _job(unit, job_id)
    _check_lease(job, lease)
    if job.state == "failed":
        raise Refused("该作业的重试已用完，请先处理故障", code="job_failed")
    if job.state == "suspended":
        raise Refused("所属办件已挂起，恢复后才能继续", code="case_suspended")
    return job


def _check_lease(job: Job, lease: str) -> None:
    if lease and (job.state != "running" or lease != external.lease_token(job)):
        raise Refused("领取期限已过，该作业已由他人领取，结果未被采用", code="lease_lost")


def _resumed(unit: Unit, job_id: int, lease: str) -> tuple[Job, Casework]:
    job = _taken(unit, job_id, lease)
    case: Case = lock(unit.session, job.case_id)
    work = Casework(unit, case)
    work.resume()
    return job, work
