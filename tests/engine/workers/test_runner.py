"""The worker's loop: what it does with each kind of trouble, and that it goes on."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from engine import commands
from engine.commands import dispatch
from engine.commands.incidents import RetryIncident
from engine.commands.jobs import FireTimer
from engine.commands.tasks import CompleteTask
from engine.core import clock, operations
from engine.core.db import reading, transaction
from engine.core.errors import Refused, Unreachable
from engine.core.operations import Answer, Call
from engine.jobs import queue
from engine.jobs.queue import Job
from engine.workers.desk import Desk
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
    runner = Runner(anju.parts.files, name="stumbler", stop=stop)

    def broken() -> bool:
        if stumbled.is_set():
            stop.set()
            return True
        stumbled.set()
        raise ZeroDivisionError

    monkeypatch.setattr(runner, "run_once", broken)
    monkeypatch.setattr("engine.workers.runner.IDLE_SECONDS", 0.01)
    with caplog.at_level(logging.ERROR):
        thread = threading.Thread(target=runner.run_forever)
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
        mine = select(Job).where(Job.case_id == case_id, Job.kind != "clock")
        assert not session.scalars(mine).all()


def test_work_that_kills_every_worker_becomes_an_incident(anju: Installation) -> None:
    case_id = anju.apply().case_id
    task = anju.tasks(case_id)["accept"]
    dispatch(CompleteTask(task.id, {"accept_result": "accepted"}, task.version), anju.staff("liuyang"))
    with transaction() as session:
        session.execute(update(Job).where(Job.case_id == case_id).values(attempts=MAX_CLAIMS))
    anju.runner.run_once()
    assert [one.code for one in anju.incidents(case_id)] == ["worker_lost"]


def waiting(kind: str, number: int, **fields: Any) -> None:
    """Work of a kind that nobody's token waits for."""
    row = {"kind": kind, "case_id": number, "token": f"t{number}", "due_at": clock.now(), "payload": {"row": 0}}
    with transaction() as session:
        queue.enqueue(session, [{**row, **fields}])


def test_a_flood_of_one_kind_does_not_hold_up_another(anju: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(200):
        waiting("call", number, priority=9)
    waiting("timer", 900)
    waiting("signal", 901)
    done: list[str] = []
    runner = Runner(anju.parts.files, name="w")
    monkeypatch.setattr(runner, "do", lambda job: done.append(job.kind))
    for _ in range(3):
        runner.run_once()
    assert set(done) == {"call", "timer", "signal"}
    assert done.count("call") == 1


def test_of_several_threads_one_makes_no_calls_and_no_party_gets_all_the_others(
    anju: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(4)
    for number in range(6):
        waiting("call", number, party="slow")
    waiting("call", 6, party="quick")
    seen: list[str] = []

    def hold(job: Job) -> None:
        seen.append(job.party)
        if len(seen) < 4:
            others[len(seen)].run_once()

    others = [Runner(anju.parts.files, name=f"w{number}", desk=desk) for number in range(5)]
    for one in others:
        monkeypatch.setattr(one, "do", hold)
    others[0].run_once()
    assert seen == ["slow", "slow", "quick"]


def test_a_call_that_takes_longer_than_its_lease_is_not_made_twice(anju: Installation) -> None:
    desk = Desk()
    waiting("call", 1)
    with transaction() as session:
        jobs = queue.claim(session, "a", 1, ["call"])
    desk.take("a", jobs)
    for _ in range(5):
        clock.move_frozen(clock.now() + queue.LEASE / 2)
        desk.beat()
        with transaction() as session:
            assert queue.claim(session, "b", 1, ["call"]) == []
    desk.put_down(jobs[0].id)
    clock.move_frozen(clock.now() + queue.LEASE + timedelta(seconds=1))
    desk.beat()
    with transaction() as session:
        assert len(queue.claim(session, "b", 1, ["call"])) == 1


def test_a_worker_told_to_stop_finishes_what_it_does_and_leaves_the_rest_to_others(anju: Installation) -> None:
    for number in range(4):
        waiting("timer", number)
    stop = threading.Event()
    runner = Runner(anju.parts.files, name="w", stop=stop)
    done: list[int] = []

    def last(job: Job) -> None:
        done.append(job.id)
        stop.set()

    runner.do = last  # type: ignore[method-assign]
    runner.run_once()
    with reading() as session:
        rows = {job.id: (job.state, job.attempts) for job in session.scalars(select(Job).where(Job.kind == "timer"))}
    assert len(done) == 1
    assert rows.pop(done[0]) == ("running", 1)
    assert set(rows.values()) == {("ready", 0)}


def test_a_party_that_would_do_it_twice_is_asked_before_a_request_is_repeated(
    anju: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = operations.find("realestate.ownership")
    booked: list[str] = []

    def book(call: Call) -> Answer:
        booked.append(call.idempotency_key)
        raise Unreachable("没有应答")

    def ask(call: Call) -> Answer | None:
        answer = {"result": "pass", "facts": {"homes": [], "total_area": 0.0}, "summary": "名下没有不动产登记"}
        return Answer(answer, "pass") if call.idempotency_key in booked else None

    monkeypatch.setitem(operations._operations, found.name, replace(found, run=book, asked_by=ask))
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    for _ in range(3):
        anju.move(timedelta(minutes=5))
    assert booked
    assert len(booked) == len(set(booked))
    assert "first_review" in anju.tasks(case_id), anju.stuck(case_id)
