"""Send the head of an outbox line: with no transaction open, under the same key at every attempt."""

from __future__ import annotations

import logging
from time import perf_counter

from engine.cases.case import Case
from engine.commands import dispatch
from engine.commands.outside import PartyAnswered, ReportAccepted, ReportFailed
from engine.core import operations, secrets
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.core.errors import AnjuError, Declined, OutsideFault, Unreachable
from engine.core.operations import Answer, Call, FileAccess
from engine.jobs.queue import Job
from engine.outside import admission, outbox

log = logging.getLogger("anju.worker")


def send(job: Job, files: FileAccess) -> None:
    """Whatever comes of it is brought back as a command."""
    began = perf_counter()
    try:
        answer = _ask(job, files)
        came = ReportAccepted(job.id, answer, _ms(began))
        dispatch(came, SYSTEM)
    except Declined as error:
        _fail(job, error, began, "declined", retry=False)
    except Unreachable as error:
        _fail(job, error, began, "unreachable", unreachable=True)
        return
    except OutsideFault as error:
        _fail(job, error, began, "unreachable")
    except AnjuError as error:
        _fail(job, error, began, "fault", retry=False)
        return
    except Exception as error:
        log.exception("report failed", extra={"operation": job.operation, "case": job.case_id})
        bug = AnjuError(f"报送内部出错（{type(error).__name__}），请联系技术支持", code="bug")
        _fail(job, bug, began, "fault")
        return
    if admission.watched(job.party):
        dispatch(PartyAnswered(job.party), SYSTEM)


def _ask(job: Job, files: FileAccess) -> Answer:
    operation = operations.find(job.operation)
    with reading() as session:
        report = outbox.of(session, int(job.payload["report"]))
        case = session.get_one(Case, job.case_id)
    headers = dict(report.payload.get("headers") or {})
    variables = secrets.unseal_tree(report.payload.get("variables") or {})
    call = Call(
        case_id=job.case_id,
        case_number=case.number,
        item=case.item,
        office_id=case.office_id,
        token=job.token,
        element_id=report.element_id,
        idempotency_key=report.key,
        inputs=operation.load_inputs(variables, headers),
        headers={**headers, "report_number": str(report.number)},
        attempt=job.attempts,
        files=files,
    )
    answer = operation.run(call)
    if not isinstance(answer, Answer):
        raise TypeError(f"a report ({operation.name}) is accepted or not: it must give an Answer")
    operation.check_outputs(answer.variables)
    return answer


def _fail(
    job: Job, error: AnjuError, began: float, outcome: str, *, retry: bool = True, unreachable: bool = False
) -> None:
    took = _ms(began)
    failed = ReportFailed(job.id, error.code, error.message, took, outcome, retry=retry, unreachable=unreachable)
    dispatch(failed, SYSTEM)


def _ms(began: float) -> int:
    return int((perf_counter() - began) * 1000)
