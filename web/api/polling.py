"""The long poll of job activation: it looks without locking, sleeps outside any transaction, and is woken by new jobs.

A request that waits holds one of the server's threads: only so many may, the others are answered at once and ask again.
"""

from __future__ import annotations

import threading
from time import monotonic

from flask import request

from engine.commands import dispatch
from engine.commands.external import ActivateJobs, may_take
from engine.core.actor import Actor
from engine.core.db import reading
from engine.jobs import external, wake
from engine.jobs.external import Activated

USUAL_SECONDS, LONGEST_SECONDS = 10.0, 60.0
MOST_WAITING = 4
# How often a sleeper looks whether its client is still there.
LOOK_SECONDS = 1.0

_waiting = threading.BoundedSemaphore(MOST_WAITING)


def wait_for_jobs(command: ActivateJobs, actor: Actor, milliseconds: int) -> list[Activated]:
    """Jobs as soon as there are some; none when the time is over, the client has hung up, or too many wait already."""
    wanted = may_take(command, actor)
    seconds = USUAL_SECONDS if milliseconds == 0 else min(milliseconds / 1000, LONGEST_SECONDS)
    until = monotonic() + seconds
    heard = wake.bell.heard(external=True)
    taken = _look(command, actor, wanted)
    if taken or milliseconds < 0 or not _waiting.acquire(blocking=False):
        return taken
    try:
        wake.listen()
        while not taken and (left := until - monotonic()) > 0:
            wake.bell.wait(heard, min(left, LOOK_SECONDS, wake.pause()), external=True)
            heard = wake.bell.heard(external=True)
            if _has_hung_up():
                return []
            taken = _look(command, actor, wanted)
        return taken
    finally:
        _waiting.release()


def _look(command: ActivateJobs, actor: Actor, wanted: external.Wanted) -> list[Activated]:
    with reading() as session:
        if not external.any_due(session, wanted):
            return []
    found: list[Activated] = dispatch(command, actor)
    return found


def _has_hung_up() -> bool:
    """Where the server can tell; jobs given to nobody would wait for their deadline."""
    gone = request.environ.get("waitress.client_disconnected")
    return bool(gone and gone())
