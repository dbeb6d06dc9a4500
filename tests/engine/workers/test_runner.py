"""The worker's loop: what it does with each kind of trouble, and that it goes on."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from engine import commands
from engine.commands import dispatch
from engine.commands.incidents import RetryIncident
from engine.commands.jobs import FireTimer
from engine.commands.tasks import CompleteTask
from engine.core.db import reading, transaction
from engine.core.errors import Refused
from engine.jobs.queue import Job
from engine.workers.runner import MAX_CLAIMS, Runner
from tests.support.installation import Installation

SUPPLEMENT = {
    "accept_result": "supplement",
    "supplement_items": ["income_proof"],
    "supplement_note": "请补充收入证明",
}


def test_a_timer_that_cannot_go_on_becomes_an_incident_and_retry_lets_it(
    anju: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", SUPPLEMENT)

    def refuse(*_: Any) -> None:
        raise Refused("后面的步骤办不下去", code="stuck_behind")

    with monkeypatch.context() as patched:
        patched.setitem(commands._handlers, FireTimer, refuse)
        anju.move(timedelta(days=30))
    [incident] = anju.incidents(case_id)
    assert (incident.code, incident.message) == ("stuck_behind", "后面的步骤办不下去")
    dispatch(RetryIncident(incident.id), anju.staff("sunqiang"))
    anju.drain()
    assert anju.case(case_id).outcome == "expired", anju.stuck(case_id)


def test_a_worker_that_stumbles_says_so_and_goes_on(
    anju: Installation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stop, stumbled = threading.Event(), threading.Event()
    runner = Runner(anju.parts.files, name="stumbler")

    def broken() -> bool:
        if stumbled.is_set():
            stop.set()
            return True
        stumbled.set()
        raise ZeroDivisionError

    monkeypatch.setattr(runner, "run_once", broken)
    monkeypatch.setattr("engine.workers.runner.IDLE_SECONDS", 0.01)
    with caplog.at_level(logging.ERROR):
        thread = threading.Thread(target=runner.run_forever, args=(stop,))
        thread.start()
        thread.join(10)
    assert not thread.is_alive()
    assert "worker stumbled" in caplog.text


def test_a_job_is_called_with_clear_values_and_a_key_that_stays(anju: Installation) -> None:
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    asked = {one["request_id"] for one in anju.simulators.state.log()}
    assert all(one.startswith(f"{case_id}-") for one in asked)
    with reading() as session:
        assert not session.scalars(select(Job).where(Job.case_id == case_id)).all()


def test_work_that_kills_every_worker_becomes_an_incident(anju: Installation) -> None:
    case_id = anju.apply().case_id
    task = anju.tasks(case_id)["accept"]
    dispatch(CompleteTask(task.id, {"accept_result": "accepted"}, task.version), anju.staff("liuyang"))
    with transaction() as session:
        session.execute(update(Job).where(Job.case_id == case_id).values(attempts=MAX_CLAIMS))
    anju.runner.run_once()
    assert [one.code for one in anju.incidents(case_id)] == ["worker_lost"]
