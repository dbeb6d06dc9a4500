"""What calls to other parties leave behind beyond the answer: consents, reports, breakers, differences."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from engine.cases.case import ROOT_SCOPE, Case, load_variables, lock
from engine.cases.work import Incident
from engine.commands import Unit, handles
from engine.commands.casework import Casework
from engine.core import ids, operations, parties, secrets
from engine.core.errors import Fault, ModelFault, NotFound, Refused, TaskAlreadyDone
from engine.core.operations import Answer
from engine.jobs import queue
from engine.jobs.queue import Job
from engine.outside import breaker, consent, ledger, outbox
from engine.outside.outbox import Report
from engine.outside.reconciliation import Difference

SUPERVISOR = "supervisor"
# The answer of an application form under which people agree to be asked about.
FORM_FIELD = "consent"


@dataclass(frozen=True)
class KeepConsent:
    """Make sure that a case carries a consent that stands, before a party that wants one is called."""

    case_id: int
    operation: str


@dataclass(frozen=True)
class WithdrawConsent:
    """The people of a case take their consent back: nobody is asked about them any more."""

    case_id: int
    reason: str


@dataclass(frozen=True)
class QueueReport:
    """A service task's report goes into its case's outbox; the case goes on."""

    job_id: int


@dataclass(frozen=True)
class ReportAccepted:
    """The party took a report."""

    job_id: int
    answer: Answer
    latency_ms: int


@dataclass(frozen=True)
class ReportFailed:
    """A report did not go through. ``retry``: no usable answer came; ``unreachable``: none at all."""

    job_id: int
    code: str
    message: str
    latency_ms: int
    outcome: str
    retry: bool = True
    unreachable: bool = False


@dataclass(frozen=True)
class SkipReport:
    """Leave a stuck report out; the next one goes."""

    report_id: int
    reason: str


@dataclass(frozen=True)
class PartyAnswered:
    """A party whose breaker is watched gave an answer."""

    party: str


@dataclass(frozen=True)
class ResetBreaker:
    """Call a party again, before its time."""

    party: str


@dataclass(frozen=True)
class SettleDifference:
    """A person has settled a difference."""

    difference_id: int
    note: str


@handles(KeepConsent)
def keep_consent(command: KeepConsent, unit: Unit) -> str:
    """The reference of the consent. An application form that says so is one. Raises ``ModelFault``."""
    found = consent.last(unit.session, command.case_id)
    if found is not None and found.withdrawn_at is None:
        return found.reference
    case = lock(unit.session, command.case_id)
    if found is None:
        given = load_variables(unit.session, case.id).get(ROOT_SCOPE, {}).get(FORM_FIELD)
        if given:
            reference = given if isinstance(given, str) else f"申请表 {case.number}"
            consent.add(unit.session, case.id, "form", reference[:120])
            unit.record(case, "consented", f"申请人已授权查询（{reference}）"[:120])
            return reference[:120]
    title = operations.find(command.operation).title
    why = "授权已被撤回" if found is not None else "办件中没有申请人的授权"
    raise ModelFault(
        Fault(
            "consent_missing",
            f"「{title}」须经本人授权才能查询，{why}",
            hint="请取得授权后在流程中登记（consent.record），或由表单的 consent 字段带入，再重试",
        )
    )


@handles(WithdrawConsent)
def withdraw_consent(command: WithdrawConsent, unit: Unit) -> None:
    """Recorded with the reason. Raises ``NotFound`` where none stands."""
    case = lock(unit.session, command.case_id)
    found = consent.last(unit.session, case.id)
    if found is None or found.withdrawn_at is not None:
        raise NotFound("这个办件没有可以撤回的授权")
    found.withdrawn_at = unit.now
    unit.record(case, "consent_withdrawn", "申请人撤回查询授权", {"reason": command.reason})


# --- the ordered outbox -----------------------------------------------------------------------------------------


@handles(QueueReport)
def queue_report(command: QueueReport, unit: Unit) -> bool:
    """Check the inputs, put the report at the end of its line, let the case go on. False where that was done."""
    job = _take(unit, command.job_id)
    if job is None:
        return False
    operation = operations.find(job.operation)
    operation.load_inputs(secrets.unseal_tree(job.payload.get("variables") or {}), _headers(job))
    work = Casework(unit, lock(unit.session, job.case_id))
    work.resume()
    report = outbox.put(
        unit.session,
        party=job.party,
        case_id=job.case_id,
        office_id=work.case.office_id,
        operation=job.operation,
        element_id=job.element_id,
        key=f"{job.case_id}-{job.token}",
        payload={name: job.payload.get(name) or {} for name in ("variables", "headers")},
        retries=operation.retries,
    )
    title = f"{operation.title}：第 {report.number} 份，待报送"
    unit.record(work.case, "report_queued", title, element_id=job.element_id)
    work.process.complete(job.token, {"report_number": report.number})
    work.save()
    return True


@handles(ReportAccepted)
def report_accepted(command: ReportAccepted, unit: Unit) -> bool:
    """The next report of the line goes. False where it was accepted before."""
    job = _take(unit, command.job_id)
    if job is None:
        return False
    report, operation = outbox.of(unit.session, int(job.payload["report"])), operations.find(job.operation)
    _note(unit, job, report, "answered", command.latency_ms, command.answer)
    _end(unit, job, report, outbox.ACCEPTED)
    case = unit.session.get_one(Case, job.case_id)
    unit.record(case, "reported", f"{operation.title}：对方已接收第 {report.number} 份", element_id=job.element_id)
    return True


@handles(ReportFailed)
def report_failed(command: ReportFailed, unit: Unit) -> bool:
    """Try again later, or call for a person: the line stands meanwhile. True while it will be tried again."""
    job = _take(unit, command.job_id)
    if job is None:
        return False
    report = outbox.of(unit.session, int(job.payload["report"]))
    _note(unit, job, report, command.outcome, command.latency_ms, error=command.message)
    report.error = command.message[:500]
    if command.unreachable and breaker.failed(unit.session, job, command.message):
        return True
    if command.retry and queue.postpone(job, command.message, breaker.pause(job)):
        unit.session.flush()
        return True
    job.state, job.leased_until, job.worker, job.last_error = "failed", None, "", command.message[:2000]
    # For the day somebody lets it try again.
    job.retries_left, job.attempts = max(operations.find(job.operation).retries, 1), 1
    report.state = outbox.STUCK
    title = operations.find(job.operation).title
    unit.session.add(
        Incident(
            id=ids.new(),
            case_id=job.case_id,
            office_id=report.office_id,
            token=job.token,
            job_id=job.id,
            element_id=job.element_id,
            element_name=f"{title}（第 {report.number} 份）",
            code=command.code[:60],
            message=f"{command.message}。后面的报送在等这一份，请处理后重试",
            party=job.party,
            raised_at=unit.now,
        )
    )
    unit.session.flush()
    return False


@handles(SkipReport)
def skip_report(command: SkipReport, unit: Unit) -> None:
    """A supervisor answers for it, with a reason. Raises ``NotFound``, ``Refused``, ``TaskAlreadyDone``."""
    unit.require(SUPERVISOR)
    if not command.reason.strip():
        raise Refused("请写明为什么不再报送", code="reason_missing")
    report = unit.session.get(Report, command.report_id)
    if report is None or (unit.actor.kind == "staff" and report.office_id not in unit.actor.offices):
        raise NotFound("没有这份报送")
    case = lock(unit.session, report.case_id)
    unit.session.refresh(report)
    if report.state != outbox.STUCK:
        raise TaskAlreadyDone("这份报送已经处理，无需略过")
    token = f"{outbox.TOKEN}{report.id}"
    for job in unit.session.scalars(select(Job).where(Job.case_id == case.id, Job.token == token)):
        _end(unit, job, report, outbox.SKIPPED)
    for incident in unit.session.scalars(select(Incident).where(Incident.case_id == case.id, Incident.token == token)):
        incident.state, incident.resolved_at, incident.resolved_by = "resolved", unit.now, unit.actor.name
    unit.session.flush()
    title = f"略过「{operations.find(report.operation).title}」第 {report.number} 份"
    unit.record(case, "report_skipped", title, {"reason": command.reason}, report.element_id)


def _end(unit: Unit, job: Job, report: Report, state: str) -> None:
    report.state, report.done_at, report.error = state, unit.now, ""
    unit.session.delete(job)
    unit.session.flush()
    outbox.send_next(unit.session, report.party, report.case_id, operations.find(report.operation).retries)


def _take(unit: Unit, job_id: int) -> Job | None:
    job = unit.session.get(Job, job_id)
    if job is None:
        return None
    lock(unit.session, job.case_id)
    return unit.session.get(Job, job_id, populate_existing=True)


def _headers(job: Job) -> dict[str, str]:
    return dict(job.payload.get("headers") or {})


def _note(
    unit: Unit, job: Job, report: Report, outcome: str, latency_ms: int, answer: Answer | None = None, error: str = ""
) -> None:
    ledger.note(
        unit.session,
        operations.find(job.operation),
        case_id=job.case_id,
        element_id=report.element_id,
        token=job.token,
        attempt=job.attempts,
        outcome=outcome,
        latency_ms=latency_ms,
        answer=answer,
        evidence=answer.evidence if answer else None,
        error=error,
    )


# --- breakers and differences -----------------------------------------------------------------------------------


@handles(PartyAnswered)
def party_answered(command: PartyAnswered, unit: Unit) -> None:
    """One step nearer to a closed breaker."""
    breaker.answered(unit.session, command.party)


@handles(ResetBreaker)
def reset_breaker(command: ResetBreaker, unit: Unit) -> None:
    """A supervisor knows that the party is back; what waits is let go at the measured rate."""
    unit.require(SUPERVISOR)
    row = breaker.locked(unit.session, command.party)
    if row.state == breaker.CLOSED:
        raise TaskAlreadyDone("该接入方已恢复调用")
    breaker.close(unit.session, row)
    unit.session.flush()
    unit.record(None, "breaker_reset", f"手动恢复调用「{parties.party(command.party).title}」")


@handles(SettleDifference)
def settle_difference(command: SettleDifference, unit: Unit) -> None:
    """Who settled it and how is kept with it."""
    unit.require(SUPERVISOR)
    row = unit.session.get(Difference, command.difference_id)
    if row is None:
        raise NotFound("没有这条差异")
    if not command.note.strip():
        raise Refused("请写明差异的处理结果", code="reason_missing")
    if row.state != "open":
        raise TaskAlreadyDone(f"这条差异已由{row.settled_by}处理")
    row.state, row.note, row.settled_by, row.settled_at = "settled", command.note[:200], unit.actor.name, unit.now
    unit.session.flush()
    unit.record(None, "difference_settled", f"处理对账差异 {row.key}"[:120], {"note": command.note})
