"""The loop that does the work: claim jobs, call out or let a timer fire, bring the result back as a command.

Nothing is called while a transaction is open. A worker that dies leaves its lease to run out; the job is then done
again under the same idempotency key, so that the other party can tell.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Sequence
from time import monotonic

from engine.cases.bundles import JOB as BUNDLE
from engine.commands import dispatch
from engine.commands.alarms import RingClock
from engine.commands.calendar import RecountCases
from engine.commands.incidents import RetryQueued
from engine.commands.jobs import FailCall, FireTimer, SetAside
from engine.commands.messages import DeliverKept
from engine.commands.migration_work import SetCaseAside, Stumbled, WorkOnRun
from engine.commands.starts import StartByEvent
from engine.core import clock, demo_clock
from engine.core.actor import SYSTEM
from engine.core.db import reading, transaction
from engine.core.errors import ModelFault, Refused
from engine.core.operations import FileAccess
from engine.jobs import queue, wake
from engine.jobs.queue import CALLS, LOST, OURS, Job
from engine.outside import admission, breaker
from engine.workers import bundles, calls, reports
from engine.workers.desk import Desk

log = logging.getLogger("anju.worker")

IDLE_SECONDS = 0.5
MAX_CLAIMS = 20
# Short work is taken by the handful, calls only while they come back at once: a long one must not hold up others.
HANDFUL, QUICK_CALLS, QUICK_SECONDS = 10, 4, 0.2


class Runner:
    """One worker thread's work. ``follow_clock`` is set in the demo, whose clock may be moved."""

    def __init__(
        self,
        files: FileAccess,
        *,
        name: str = "",
        follow_clock: bool = False,
        kinds: Sequence[str] = OURS,
        desk: Desk | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.files = files
        self.name = name or f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"
        self.follow_clock = follow_clock
        self.kinds = list(kinds)
        self.desk = desk or Desk()
        self.stop = stop or threading.Event()
        self._calls_at_once = 1

    def run_forever(self) -> None:
        """Work until ``stop`` is set; a fault of the database or a bug is logged and the loop goes on."""
        while not self.stop.is_set():
            heard = wake.bell.heard()
            try:
                busy = self.run_once()
            except Exception:
                log.exception("worker stumbled")
                self.stop.wait(IDLE_SECONDS)
                continue
            if not busy:
                wake.bell.wait(heard, wake.pause())

    def run_once(self) -> bool:
        """Do a handful of one kind that is due; False when there is nothing to do."""
        with reading() as session:
            if self.follow_clock:
                demo_clock.follow(session)
            due, troubled = queue.due_kinds(session), breaker.due(session)
        if troubled:
            with transaction() as session:
                breaker.tend(session)
            return True
        if LOST in due and not any(kind in due for kind in self.kinds):
            with transaction() as session:
                if not queue.reclaim(session):
                    return False
                due = queue.due_kinds(session)
        kind = next((kind for kind in self.kinds if kind in due), None)
        if kind is None:
            return False
        # Whoever was served goes to the end: a flood of one kind cannot starve another.
        self.kinds.remove(kind)
        self.kinds.append(kind)
        with transaction() as session:
            limit = self._calls_at_once if kind in CALLS else HANDFUL
            claimed = queue.claim(session, self.name, limit, [kind], self.desk.crowded())
            jobs = admission.admit(session, claimed)
        self._do_all(jobs)
        return bool(claimed)

    def _do_all(self, jobs: list[Job]) -> None:
        self.desk.take(self.name, jobs)
        began = monotonic()
        left = [job.id for job in jobs]
        try:
            for job in jobs:
                if self.stop.is_set():
                    break
                left.remove(job.id)
                self.do(job)
                self.desk.put_down(job.id)
        finally:
            self.desk.put_down(*(job.id for job in jobs))
            if left:
                with transaction() as session:
                    queue.give_back(session, self.name, left)
        if jobs and jobs[0].kind in CALLS:
            slow = (monotonic() - began) / len(jobs) > QUICK_SECONDS
            self._calls_at_once = 1 if slow else min(self._calls_at_once + 1, QUICK_CALLS)

    def drain(self, limit: int = 10_000) -> int:
        """Do everything that is due now; gives how many rounds it took. Raises ``RuntimeError`` past ``limit``."""
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
                calls.make(job, self.files)
            elif job.kind == "report":
                reports.send(job, self.files)
            elif job.kind == BUNDLE:
                bundles.make(job, self.files)
            else:
                dispatch(_command(job), SYSTEM)
        except Stumbled as stumbled:
            log.exception("a case of a migration run set aside")
            run_id, why = int(job.payload["run"]), type(stumbled.__cause__).__name__
            dispatch(SetCaseAside(run_id, job.id, stumbled.row_id, why), SYSTEM)
        except (Refused, ModelFault) as error:
            # It cannot go on as modelled: a person must look.
            if job.kind == BUNDLE:
                bundles.fail(job)
            failed = FailCall(job.id, error.code, error.message, 0, retry=False)
            moves_a_token = job.kind in ("call", "timer", "signal")
            dispatch(failed if moves_a_token else SetAside(job.id, error.code, error.message), SYSTEM)


def _command(job: Job) -> object:
    """What a job other than a call asks for."""
    if job.kind == "start":
        return StartByEvent(job.id)
    if job.kind == "message":
        return DeliverKept(int(job.payload["row"]), job.id)
    if job.kind == "run":
        return WorkOnRun(int(job.payload["run"]), job.id)
    if job.kind == "clock":
        return RingClock(job.id)
    if job.kind == "recount":
        return RecountCases(int(job.payload["change"]), job.id)
    if job.kind == "retry":
        return RetryQueued(job.id)
    return FireTimer(job.id)


def start_threads(
    files: FileAccess, count: int, stop: threading.Event, *, follow_clock: bool
) -> list[threading.Thread]:
    """``count`` workers in this process; they end when ``stop`` is set, each with what it has in hand.

    Of several the first makes no calls: whatever the other parties do, timers and signals have somebody.
    """
    wake.listen(stop)
    desk = Desk(count)
    inside = [kind for kind in OURS if kind not in CALLS]
    runners = [
        Runner(
            files,
            name=f"{socket.gethostname()}:{os.getpid()}:{number}",
            follow_clock=follow_clock,
            kinds=inside if number == 0 and count > 1 else OURS,
            desk=desk,
            stop=stop,
        )
        for number in range(count)
    ]
    threads = [threading.Thread(target=one.run_forever, name=one.name, daemon=True) for one in runners]
    threads.append(threading.Thread(target=desk.beat_forever, args=(stop,), name="heartbeat", daemon=True))
    for thread in threads:
        thread.start()
    log.info("workers started", extra={"count": count, "at": clock.now().isoformat()})
    return threads
