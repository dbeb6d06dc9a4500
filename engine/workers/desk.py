"""What the worker threads of this process have in hand: leases are held while they live, no party gets all hands."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

from engine.core.db import transaction
from engine.jobs import queue
from engine.jobs.queue import LEASE, Job

log = logging.getLogger("anju.worker")

BEAT_SECONDS = LEASE.total_seconds() / 3
# Whoever hangs longer than this has lost its job: somebody else may try.
LONGEST_SECONDS = 3600.0


@dataclass(frozen=True)
class _Held:
    worker: str
    party: str
    since: float


class Desk:
    """Shared by the threads of one process."""

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self._held: dict[int, _Held] = {}
        self._lock = threading.Lock()

    def take(self, worker: str, jobs: Iterable[Job]) -> None:
        """These jobs are in hand now."""
        with self._lock:
            for job in jobs:
                self._held[job.id] = _Held(worker, job.party, monotonic())

    def put_down(self, *job_ids: int) -> None:
        """These are done, or given back."""
        with self._lock:
            for job_id in job_ids:
                self._held.pop(job_id, None)

    def crowded(self) -> list[str]:
        """The parties that half of the threads call already: the next one does something else."""
        if self.threads < 2:
            return []
        with self._lock:
            callers = {(one.worker, one.party) for one in self._held.values() if one.party}
        calls = Counter(party for _, party in callers)
        return [party for party, count in calls.items() if count * 2 >= self.threads]

    def beat(self) -> None:
        """Lengthen the leases of what is in hand."""
        limit = monotonic() - LONGEST_SECONDS
        by_worker: dict[str, list[int]] = {}
        with self._lock:
            for job_id, one in self._held.items():
                if one.since > limit:
                    by_worker.setdefault(one.worker, []).append(job_id)
        if not by_worker:
            return
        with transaction() as session:
            for worker, job_ids in by_worker.items():
                queue.extend(session, worker, job_ids)

    def beat_forever(self, stop: threading.Event) -> None:
        """Until ``stop`` is set; a database that is away for a moment is tried again at the next beat."""
        while not stop.wait(BEAT_SECONDS):
            try:
                self.beat()
            except Exception:
                log.exception("heartbeat missed")
