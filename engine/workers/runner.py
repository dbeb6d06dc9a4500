"""The loop that does the work: claim a job, call out or let a timer fire, bring the result back as a command.

Nothing is called while a transaction is open. A worker that dies leaves its lease to run out; the job is then done
again under the same idempotency key, so that the other party can tell.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from time import perf_counter

from engine.cases.case import Case
from engine.commands import dispatch
from engine.commands.jobs import DeclineCall, FailCall, FinishCall, FireTimer, ParkCall
from engine.core import clock, demo_clock, operations, secrets
from engine.core.actor import SYSTEM
from engine.core.db import reading, transaction
from engine.core.errors import AnjuError, Declined, ModelFault, OutsideFault, Refused
from engine.core.operations import Answer, Call, FileAccess, Operation, Pending
from engine.jobs import queue
from engine.jobs.queue import Job

log = logging.getLogger("anju.worker")

IDLE_SECONDS = 0.5
MAX_CLAIMS = 20


class Runner:
    """One worker thread's work. ``follow_clock`` is set in the demo, whose clock may be moved."""

    def __init__(self, files: FileAccess, *, name: str = "", follow_clock: bool = False) -> None:
        self.files = files
        self.name = name or f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"
        self.follow_clock = follow_clock

    def run_forever(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; a fault of the database or a bug is logged and the loop goes on."""
        while not stop.is_set():
            try:
                busy = self.run_once()
            except Exception:
                log.exception("worker stumbled")
                busy = False
            if not busy:
                stop.wait(IDLE_SECONDS)

    def run_once(self) -> bool:
        """Do one due job; False when there is none."""
        with transaction() as session:
            if self.follow_clock:
                demo_clock.follow(session)
            jobs = queue.claim(session, self.name)
        for job in jobs:
            self.do(job)
        return bool(jobs)

    def drain(self, limit: int = 10_000) -> int:
        """Do everything that is due now; gives how many jobs were done. Raises ``RuntimeError`` past ``limit``."""
        for count in range(limit):
            if not self.run_once():
                return count
        raise RuntimeError("the queue does not run dry")

    def do(self, job: Job) -> None:
        """One job to its end."""
        try:
            if job.attempts > MAX_CLAIMS:
                # Retries and pauses end long before: whoever took it died each time.
                raise Refused("这项工作多次使后台程序中断，已停止自动重试，请联系技术支持", code="worker_lost")
            if job.kind == "call":
                self._call(job)
            else:
                dispatch(FireTimer(job.id), SYSTEM)
        except (Refused, ModelFault) as error:
            # The case cannot go on as modelled: a person must look.
            dispatch(FailCall(job.id, error.code, error.message, 0, retry=False), SYSTEM)

    def _call(self, job: Job) -> None:
        operation = operations.find(job.operation)
        began = perf_counter()
        try:
            result = operation.run(self._prepare(operation, job))
            if isinstance(result, Answer):
                operation.check_outputs(result.variables)
        except Declined as error:
            dispatch(DeclineCall(job.id, error.code, error.message, _ms(began)), SYSTEM)
        except OutsideFault as error:
            dispatch(FailCall(job.id, error.code, error.message, _ms(began)), SYSTEM)
        except AnjuError:
            raise
        except Exception as error:
            log.exception("operation failed", extra={"operation": operation.name, "case": job.case_id})
            text = f"「{operation.title}」内部出错（{type(error).__name__}），请联系技术支持"
            dispatch(FailCall(job.id, "bug", text, _ms(began)), SYSTEM)
        else:
            self._bring_back(job, operation, result, _ms(began))

    def _bring_back(self, job: Job, operation: Operation, result: object, latency: int) -> None:
        if isinstance(result, Answer):
            dispatch(FinishCall(job.id, result, latency), SYSTEM)
        elif isinstance(result, Pending):
            dispatch(ParkCall(job.id, result.correlation, result.due, latency, result.evidence), SYSTEM)
        else:
            raise TypeError(f"outside operation {operation.name} must give Answer or Pending")

    def _prepare(self, operation: Operation, job: Job) -> Call:
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
            files=self.files,
        )


def _ms(began: float) -> int:
    return int((perf_counter() - began) * 1000)


def start_threads(
    files: FileAccess, count: int, stop: threading.Event, *, follow_clock: bool
) -> list[threading.Thread]:
    """``count`` workers in this process; they end when ``stop`` is set."""
    threads = [
        threading.Thread(
            target=Runner(files, name=f"{os.getpid()}:{number}", follow_clock=follow_clock).run_forever,
            args=(stop,),
            name=f"worker-{number}",
            daemon=True,
        )
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    log.info("workers started", extra={"count": count, "at": clock.now().isoformat()})
    return threads
