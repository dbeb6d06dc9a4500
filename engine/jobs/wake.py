"""Waking whoever waits for work: at once in the same process, by PostgreSQL's NOTIFY in another one.

Nobody relies on it: who is not woken looks again after a while.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from engine.core import db

log = logging.getLogger("anju.wake")

CHANNEL = "anju_job"
EXTERNAL = "external"
# How long to sleep unwoken: hardly any where nothing wakes us across processes.
POLL_SECONDS, LISTENING_POLL_SECONDS = 0.5, 2.0
_PROMISED = "jobs_promised"
_HEARD_SECONDS = 1.0


class Bell:
    """Rings by kind of work; who listens remembers how often it had rung before it looked."""

    def __init__(self) -> None:
        self._rung = threading.Condition()
        self._counts: Counter[str] = Counter()

    def ring(self, kinds: Iterable[str]) -> None:
        """There is work of these kinds."""
        with self._rung:
            self._counts.update(kinds)
            self._rung.notify_all()

    def heard(self, external: bool = False) -> int:
        """How often it rang so far: for workers of our own, or for those over the API."""
        return self._counts[EXTERNAL] if external else self._counts.total() - self._counts[EXTERNAL]

    def wait(self, before: int, seconds: float, *, external: bool = False) -> bool:
        """Sleep until it rings after ``before``; False when the time is over."""
        with self._rung:
            return self._rung.wait_for(lambda: self.heard(external) > before, seconds)


bell = Bell()


def promise(session: Session, kinds: Iterable[str]) -> None:
    """Ring when this session has committed."""
    session.info.setdefault(_PROMISED, set()).update(kinds)


@event.listens_for(Session, "after_commit")
def _keep_promise(session: Session) -> None:
    if session.in_nested_transaction():
        return
    if kinds := session.info.pop(_PROMISED, None):
        bell.ring(kinds)


@event.listens_for(Session, "after_rollback")
def _break_promise(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_PROMISED, None)


class Ear:
    """The one connection of this process that listens; it comes back by itself when the database was away."""

    def __init__(self, engine: Engine, stop: threading.Event) -> None:
        self._engine, self._stop = engine, stop
        self.listening = False

    def run(self) -> None:
        """Listen until ``stop`` is set."""
        pause = 1.0
        while not self._is_over():
            try:
                self._listen()
                pause = 1.0
            except psycopg.Error as error:
                log.warning("not listening, polling instead", extra={"why": str(error).splitlines()[0]})
            finally:
                self.listening = False
            self._stop.wait(pause)
            pause = min(pause * 2, 30.0)

    def _is_over(self) -> bool:
        return self._stop.is_set() or _ear is not self

    def _listen(self) -> None:
        args, kwargs = self._engine.dialect.create_connect_args(self._engine.url)
        options: dict[str, Any] = {**kwargs, "autocommit": True, "application_name": "anju-listen"}
        with psycopg.connect(*args, **options) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self.listening = True
            # What was written while nobody listened is found by looking now.
            bell.ring(("call", EXTERNAL))
            while not self._is_over():
                for notice in connection.notifies(timeout=_HEARD_SECONDS):
                    bell.ring((notice.payload,))


_ear: Ear | None = None
_starting = threading.Lock()


def listen(stop: threading.Event | None = None) -> None:
    """Listen from now on, once per process and only where the database can call; ``stop`` ends it."""
    global _ear
    engine = db.engine()
    with _starting:
        if engine.dialect.name != "postgresql" or (_ear is not None and _ear._engine is engine):
            return
        _ear = Ear(engine, stop or threading.Event())
        threading.Thread(target=_ear.run, name="listener", daemon=True).start()


def pause() -> float:
    """How long to sleep unwoken, in seconds."""
    return LISTENING_POLL_SECONDS if _ear is not None and _ear.listening else POLL_SECONDS
