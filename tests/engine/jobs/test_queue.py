"""The durable queue: urgent first, under a lease, never the same job for two."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from engine.core import clock, db, parties
from engine.core.db import Base, reading, transaction
from engine.jobs import queue
from engine.jobs.queue import Job

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture
def jobs(empty_database: Engine) -> Iterator[None]:
    Base.metadata.create_all(empty_database, tables=[Base.metadata.tables["job"]])
    with clock.frozen(NOW):
        yield


def enqueue(count: int = 1, **fields: Any) -> None:
    with transaction() as session:
        queue.enqueue(
            session,
            [
                {"kind": "call", "case_id": 1, "token": f"t{number}", "due_at": NOW, "payload": {"n": number}} | fields
                for number in range(count)
            ],
        )


def claim(worker: str = "a", limit: int = 1) -> list[str]:
    with transaction() as session:
        return [job.token for job in queue.claim(session, worker, limit)]


def one() -> Job:
    with reading() as session:
        return session.scalars(select(Job)).one()


@pytest.mark.usefixtures("jobs")
def test_many_workers_at_once_never_take_the_same_job() -> None:
    enqueue(60)
    taken: list[list[str]] = [[] for _ in range(4)]

    def work(name: int) -> None:
        while got := claim(f"w{name}"):
            taken[name] += got

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = [token for mine in taken for token in mine]
    assert len(every) == len(set(every)) == 60


@pytest.mark.usefixtures("jobs")
def test_a_job_another_is_just_claiming_is_passed_over_not_waited_for(request: pytest.FixtureRequest) -> None:
    if db.engine().dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time: the second waits for the first to commit")
    enqueue(2)
    with transaction() as first:
        held = queue.claim(first, "a")[0].token
        assert claim("b") == [token for token in ("t0", "t1") if token != held]


@pytest.mark.usefixtures("jobs")
def test_what_is_not_due_waits_and_the_urgent_goes_first() -> None:
    enqueue(due_at=NOW + timedelta(minutes=5))
    assert claim() == []
    clock.move_frozen(NOW + timedelta(minutes=5))
    enqueue(token="late", due_at=NOW + timedelta(minutes=1), case_id=2)
    enqueue(token="urgent", due_at=NOW + timedelta(minutes=4), priority=10, case_id=3)
    assert [claim(), claim(), claim()] == [["urgent"], ["late"], ["t0"]]


@pytest.mark.usefixtures("jobs")
def test_a_lease_that_ran_out_frees_the_job_and_counts_the_attempt() -> None:
    enqueue()
    assert claim("dies") == ["t0"]
    clock.move_frozen(NOW + queue.LEASE)
    assert claim("other") == []
    clock.move_frozen(NOW + queue.LEASE + timedelta(seconds=1))
    assert claim("other") == ["t0"]
    job = one()
    assert (job.worker, job.attempts, job.retries_left) == ("other", 2, 3)


@pytest.mark.usefixtures("jobs")
def test_pauses_grow_from_failure_to_failure_until_the_retries_are_spent() -> None:
    enqueue(retries_left=5)
    moment, pauses = NOW, []
    while True:
        clock.move_frozen(moment)
        with transaction() as session:
            [job] = queue.claim(session, "a")
            again = queue.postpone(job, "没有应答")
        if not again:
            break
        job = one()
        pauses.append(int((job.due_at - moment).total_seconds()))
        assert claim() == []
        moment = job.due_at
    usual = parties.Backoff()
    for number, pause in enumerate(pauses, start=1):
        longest = usual.pause(number, 0)
        assert longest * (1 - usual.jitter) - 1 <= pause <= longest
    assert pauses == sorted(pauses)
    assert (one().state, one().last_error, one().retries_left) == ("failed", "没有应答", 0)
    clock.move_frozen(moment + timedelta(days=1))
    assert claim() == []


@pytest.mark.usefixtures("jobs")
def test_the_same_wait_is_queued_once() -> None:
    enqueue()
    with pytest.raises(Exception, match=r"(?i)unique"):
        enqueue()
    assert one().token == "t0"


@pytest.mark.usefixtures("jobs")
def test_only_the_named_tokens_jobs_are_dropped() -> None:
    enqueue(3)
    with transaction() as session:
        queue.drop(session, 1, ["t0", "t2"])
        queue.drop(session, 1, [])
        queue.drop(session, 2, ["t1"])
    assert one().token == "t1"


@pytest.mark.usefixtures("jobs")
def test_two_signals_to_one_token_are_both_kept() -> None:
    enqueue(kind="signal", payload={"n": 1})
    enqueue(kind="signal", payload={"n": 2})
    with reading() as session:
        assert [job.payload["n"] for job in session.scalars(select(Job).order_by(Job.id))] == [1, 2]


@pytest.mark.usefixtures("jobs")
def test_what_kinds_are_due_is_known_without_taking_any() -> None:
    enqueue(kind="call")
    enqueue(kind="timer", due_at=NOW + timedelta(minutes=1))
    with reading() as session:
        assert queue.due_kinds(session) == ["call"]
    clock.move_frozen(NOW + timedelta(minutes=1))
    with reading() as session:
        assert set(queue.due_kinds(session)) == {"call", "timer"}
    claim(limit=5)
    clock.move_frozen(NOW + timedelta(minutes=1) + queue.LEASE + timedelta(seconds=1))
    with reading() as session:
        assert queue.due_kinds(session) == [queue.LOST]


@pytest.mark.usefixtures("jobs")
def test_a_kind_is_claimed_by_itself_and_a_crowded_party_is_left_alone() -> None:
    enqueue(kind="timer")
    enqueue(2, kind="call", party="police", case_id=2)
    enqueue(kind="call", party="tax", case_id=3, token="tax")
    with transaction() as session:
        assert [job.kind for job in queue.claim(session, "a", 10, ["timer"])] == ["timer"]
        assert [job.token for job in queue.claim(session, "a", 10, ["call"], ["police"])] == ["tax"]
        assert len(queue.claim(session, "a", 10, ["call"])) == 2


@pytest.mark.usefixtures("jobs")
def test_a_lease_is_lengthened_while_its_holder_lives_and_given_back_unused() -> None:
    enqueue(2)
    claim("a", 2)
    clock.move_frozen(NOW + queue.LEASE - timedelta(seconds=1))
    with transaction() as session:
        held = list(session.scalars(select(Job.id)))
        queue.extend(session, "b", held)
        queue.extend(session, "a", held[:1])
    clock.move_frozen(NOW + queue.LEASE + timedelta(seconds=1))
    assert claim("b", 5) == ["t1"]
    with transaction() as session:
        queue.give_back(session, "b", held)
    assert claim("c", 5) == ["t1"]
    with reading() as session:
        assert sorted(map(tuple, session.execute(select(Job.token, Job.attempts)))) == [("t0", 1), ("t1", 2)]
