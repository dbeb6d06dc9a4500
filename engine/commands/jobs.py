"""What workers bring back: answers, failures, answers that come later, timers and signals that are due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from engine.cases.case import lock
from engine.cases.work import Incident
from engine.commands import Unit, handles
from engine.commands.casework import Casework
from engine.core import ids, operations
from engine.core.errors import NotFound
from engine.core.operations import Answer, Evidence, LateAnswer
from engine.jobs import queue
from engine.jobs.queue import Job
from engine.outside import breaker, ledger
from engine.outside.ledger import PendingAnswer
from engine.workflow import DENIABLE, TASK_PHASES
from engine.workflow import Answer as Refusal

# How often a party that answers later is asked before somebody must look.
MOST_ASKED = 5


@dataclass(frozen=True)
class FinishCall:
    """An outside operation answered."""

    job_id: int
    answer: Answer
    latency_ms: int


@dataclass(frozen=True)
class FailCall:
    """No usable answer came (``retry``), or the model asked for something impossible (not ``retry``).

    ``unreachable``: the party gave no answer at all, which its breaker counts.
    """

    job_id: int
    code: str
    message: str
    latency_ms: int
    retry: bool = True
    unreachable: bool = False


@dataclass(frozen=True)
class DeclineCall:
    """The party said no: a BPMN error that a boundary event may catch."""

    job_id: int
    code: str
    message: str
    latency_ms: int


@dataclass(frozen=True)
class ParkCall:
    """The party took the request and answers later."""

    job_id: int
    correlation: str
    due: datetime
    latency_ms: int
    evidence: Evidence | None = None


@dataclass(frozen=True)
class ReceiveLateAnswer:
    """The answer to a parked call came in."""

    late: LateAnswer


@dataclass(frozen=True)
class SetAside:
    """Work that no token waits for cannot be done: kept as a failed job, and told in the installation's record."""

    job_id: int
    code: str
    message: str


@dataclass(frozen=True)
class FireTimer:
    """A timer or a signal is due."""

    job_id: int


def _take(unit: Unit, job_id: int) -> Job | None:
    """Lock the job's case, then read the job: None where it is done already (a lease ran out, another was faster)."""
    case_id = unit.session.scalar(select(Job.case_id).where(Job.id == job_id))
    if case_id is None:
        return None
    case = lock(unit.session, case_id)
    job = unit.session.get(Job, job_id, populate_existing=True)
    if job is not None and case.state == "suspended":
        # The case was told to stand still meanwhile: when it goes on, the same is asked under the same key.
        job.state, job.worker, job.leased_until = "suspended", "", None
        unit.session.flush()
        return None
    return job


def _work_on(unit: Unit, job: Job) -> Casework:
    work = Casework(unit, lock(unit.session, job.case_id))
    work.resume()
    return work


@handles(FinishCall)
def finish_call(command: FinishCall, unit: Unit) -> bool:
    """Write the evidence and move the case on. False where somebody did so before."""
    job = _take(unit, command.job_id)
    if job is None:
        return False
    _finish(unit, job, command.answer, command.latency_ms)
    return True


def _finish(unit: Unit, job: Job, answer: Answer, latency_ms: int) -> None:
    operation = operations.find(job.operation)
    work = _work_on(unit, job)
    _note(unit, job, "answered", latency_ms, answer=answer, evidence=answer.evidence)
    verdict = {"pass": "：通过", "fail": "：不通过", "unknown": "：无法判定"}.get(answer.verdict or "", "")
    # The masked name is enough here; the number stands in the evidence.
    who = answer.evidence.subject.partition("（")[0] if answer.evidence else ""
    about = f"（{who}）" if who else ""
    unit.record(work.case, "answered", f"{operation.title}{about}{verdict}", element_id=job.element_id)
    work.process.complete(job.token, operation.seal(answer.variables))
    work.save()


@handles(FailCall)
def fail_call(command: FailCall, unit: Unit) -> bool:
    """Try again later, or raise an incident when the retries are spent. True while it will be tried again."""
    job = _take(unit, command.job_id)
    if job is None:
        return False
    if job.kind == "call":
        _note(unit, job, "unreachable" if command.retry else "fault", command.latency_ms, error=command.message)
    if command.unreachable and job.party and breaker.failed(unit.session, job, command.message):
        return True
    if command.retry and queue.postpone(job, command.message, breaker.pause(job) if job.party else None):
        unit.session.flush()
        return True
    work = _work_on(unit, job)
    work.process.raise_incident(job.token, command.code, command.message)
    work.save()
    _blame(unit, job)
    return False


@handles(DeclineCall)
def decline_call(command: DeclineCall, unit: Unit) -> None:
    """Throw the BPMN error; without a catcher it becomes an incident."""
    job = _take(unit, command.job_id)
    if job is None:
        return
    _note(unit, job, "declined", command.latency_ms, error=command.message)
    work = _work_on(unit, job)
    title = operations.find(job.operation).title
    unit.record(work.case, "declined", f"{title}：对方拒绝", {"code": command.code}, job.element_id)
    if TASK_PHASES.get(job.listener) in DENIABLE:
        # Of a task listener the no is one to what was asked of the task.
        work.process.complete(job.token, {}, Refusal(denied=True, reason=command.message))
    else:
        work.process.throw_error(job.token, command.code, command.message)
    work.save()
    _blame(unit, job)


@handles(ParkCall)
def park_call(command: ParkCall, unit: Unit) -> None:
    """Wait for the answer; after ``due`` the party is asked again under the same key, but not for ever."""
    job = _take(unit, command.job_id)
    if job is None:
        return
    _note(unit, job, "pending", command.latency_ms, evidence=command.evidence)
    if job.attempts > MOST_ASKED:
        # Whoever took the request this often and never answered will not: somebody must ring them up.
        work = _work_on(unit, job)
        work.process.raise_incident(
            job.token, "no_answer", f"对方已受理 {job.attempts} 次，到期仍未答复，请电话联系后重试"
        )
        work.save()
        _blame(unit, job)
        return
    job.state, job.due_at, job.leased_until, job.worker = "ready", command.due, None, ""
    pending = unit.session.scalar(
        select(PendingAnswer).where(
            PendingAnswer.party == operations.find(job.operation).party,
            PendingAnswer.correlation == command.correlation,
        )
    )
    if pending is None:
        pending = PendingAnswer(
            id=ids.new(),
            party=operations.find(job.operation).party,
            correlation=command.correlation,
            job_id=job.id,
            case_id=job.case_id,
            token=job.token,
            asked_at=unit.now,
            due_at=command.due,
        )
        unit.session.add(pending)
    pending.due_at, pending.job_id = command.due, job.id
    unit.session.flush()


@handles(ReceiveLateAnswer)
def receive_late_answer(command: ReceiveLateAnswer, unit: Unit) -> bool:
    """Match the answer to its request: one that cannot be used is an incident at once.

    False for a repeat; raises ``NotFound`` for an answer nobody asked for.
    """
    late = command.late
    pending = unit.session.scalar(
        select(PendingAnswer).where(PendingAnswer.party == late.party, PendingAnswer.correlation == late.correlation)
    )
    if pending is None:
        raise NotFound("没有等待这一答复的请求")
    lock(unit.session, pending.case_id)
    unit.session.refresh(pending)
    job = _take(unit, pending.job_id)
    if pending.answered_at is not None or job is None:
        return False
    latency = int((unit.now - pending.asked_at).total_seconds() * 1000)
    if late.fault is not None:
        # No answer yet: when somebody retries, the same is asked again, and a usable answer counts.
        fail_call(FailCall(job.id, late.fault.code, late.fault.message, latency, retry=False), unit)
        return True
    pending.answered_at = unit.now
    if late.declined is not None:
        decline_call(DeclineCall(job.id, late.declined.code, late.declined.message, 0), unit)
    elif late.answer is not None:
        operations.find(job.operation).check_outputs(late.answer.variables)
        _finish(unit, job, late.answer, latency)
    unit.session.flush()
    return True


@handles(SetAside)
def set_aside(command: SetAside, unit: Unit) -> None:
    """Nobody tries it again; whoever mends the model finds it in the record."""
    job = unit.session.get(Job, command.job_id)
    if job is None:
        return
    job.state, job.worker, job.leased_until = "failed", "", None
    job.error_code, job.last_error = command.code[:120], command.message[:2000]
    payload = {"kind": job.kind, "code": command.code, "message": command.message}
    unit.record(None, "job_failed", f"后台任务未能完成：{command.message}"[:300], payload, job.element_id)
    unit.session.flush()


@handles(FireTimer)
def fire_timer(command: FireTimer, unit: Unit) -> None:
    """Let the token that waited go on."""
    job = _take(unit, command.job_id)
    if job is None:
        return
    work = _work_on(unit, job)
    if job.kind == "signal":
        unit.session.delete(job)
    if any(wait.token == job.token for wait in work.process.waits()):
        work.process.fire(job.token, job.payload if job.kind == "signal" else None)
        work.save()
    else:
        queue.drop(unit.session, job.case_id, [job.token])


def _blame(unit: Unit, job: Job) -> None:
    """If an incident came of it, say whose it is: it is retried together with others of that party."""
    if job.kind == "call":
        of_token = (Incident.case_id == job.case_id, Incident.token == job.token, Incident.state == "open")
        known = operations.vocabulary().get(job.operation)
        unit.session.flush()
        whose = known.party if known else job.party
        unit.session.execute(update(Incident).where(*of_token).values(party=whose))


def _note(
    unit: Unit,
    job: Job,
    outcome: str,
    latency_ms: int,
    *,
    answer: Answer | None = None,
    evidence: Evidence | None = None,
    error: str = "",
) -> None:
    ledger.note(
        unit.session,
        operations.find(job.operation),
        case_id=job.case_id,
        element_id=job.element_id,
        token=job.token,
        attempt=job.attempts,
        outcome=outcome,
        latency_ms=latency_ms,
        answer=answer,
        evidence=evidence,
        error=error,
    )
