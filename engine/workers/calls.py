"""One outside call: prepare it, make it with no transaction open, bring back what came of it as a command."""

from __future__ import annotations

import logging
from time import perf_counter

from sqlalchemy import select

from engine.cases.case import Case
from engine.commands import dispatch
from engine.commands.jobs import DeclineCall, FailCall, FinishCall, ParkCall
from engine.commands.outside import KeepConsent, PartyAnswered, QueueReport
from engine.core import operations, parties, secrets
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.core.errors import AnjuError, Declined, OutsideFault, Unreachable
from engine.core.operations import Answer, Call, FileAccess, Operation, Pending
from engine.jobs.queue import Job
from engine.outside import admission
from engine.outside.ledger import CallRecord

log = logging.getLogger("anju.worker")


def make(job: Job, files: FileAccess) -> None:
    """Call the operation of a job. Raises ``Refused`` and ``ModelFault``: a person must look."""
    operation = operations.find(job.operation)
    rules = parties.rules(job.party, job.operation)
    if rules.ordered:
        dispatch(QueueReport(job.id), SYSTEM)
        return
    if rules.consent:
        dispatch(KeepConsent(job.case_id, job.operation), SYSTEM)
    began = perf_counter()
    try:
        result = _ask(operation, _prepare(operation, job, files))
        if isinstance(result, Answer):
            operation.check_outputs(result.variables)
    except Declined as error:
        dispatch(DeclineCall(job.id, error.code, error.message, _ms(began)), SYSTEM)
    except Unreachable as error:
        dispatch(FailCall(job.id, error.code, error.message, _ms(began), unreachable=True), SYSTEM)
        return
    except OutsideFault as error:
        dispatch(FailCall(job.id, error.code, error.message, _ms(began)), SYSTEM)
    except AnjuError:
        raise
    except Exception as error:
        log.exception("operation failed", extra={"operation": operation.name, "case": job.case_id})
        text = f"「{operation.title}」内部出错（{type(error).__name__}），请联系技术支持"
        dispatch(FailCall(job.id, "bug", text, _ms(began)), SYSTEM)
        return
    else:
        _bring_back(job, operation, result, _ms(began))
    if admission.watched(job.party):
        dispatch(PartyAnswered(job.party), SYSTEM)


def _ask(operation: Operation, call: Call) -> object:
    """A party that would do a repeated request twice is first asked what became of the one before."""
    if operation.asked_by is not None and (call.attempt > 1 or _asked_before(call)):
        known = operation.asked_by(call)
        if known is not None:
            return known
    return operation.run(call)


def _asked_before(call: Call) -> bool:
    """Whether the ledger knows an attempt from before somebody retried by hand."""
    with reading() as session:
        earlier = select(CallRecord.id).where(CallRecord.case_id == call.case_id, CallRecord.token == call.token)
        return session.scalar(earlier.limit(1)) is not None


def _bring_back(job: Job, operation: Operation, result: object, latency: int) -> None:
    if isinstance(result, Answer):
        dispatch(FinishCall(job.id, result, latency), SYSTEM)
    elif isinstance(result, Pending):
        dispatch(ParkCall(job.id, result.correlation, result.due, latency, result.evidence), SYSTEM)
    else:
        raise TypeError(f"outside operation {operation.name} must give Answer or Pending")


def _prepare(operation: Operation, job: Job, files: FileAccess) -> Call:
    with reading() as session:
        case = session.get_one(Case, job.case_id)
        number, item, office_id = case.number, case.item, case.office_id
    headers = dict(job.payload.get("headers") or {})
    return Call(
        case_id=job.case_id,
        case_number=number,
        item=item,
        office_id=office_id,
        token=job.token,
        element_id=job.element_id,
        idempotency_key=f"{job.case_id}-{job.token}",
        inputs=operation.load_inputs(secrets.unseal_tree(job.payload.get("variables") or {}), headers),
        headers=headers,
        attempt=job.attempts,
        files=files,
    )


def _ms(began: float) -> int:
    return int((perf_counter() - began) * 1000)
