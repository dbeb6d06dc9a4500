"""A party that is down is left in peace, and the waiting work comes back by itself when it is up again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from engine.core import clock, parties
from engine.core.db import Base, reading, transaction
from engine.core.parties import BreakerRules, OperationRules, Party, RateLimit
from engine.jobs import queue
from engine.jobs.queue import Job
from engine.outside import admission, breaker
from engine.outside.breaker import Breaker

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
RULES = BreakerRules(failures=5, cool_down_seconds=60, probes=1, release_per_second=20)


@pytest.fixture
def store(empty_database: Engine) -> Iterator[None]:
    known = dict(parties._parties)
    Base.metadata.create_all(empty_database, tables=[Base.metadata.tables[name] for name in ("job", "breaker")])
    parties.register(Party("tax", breaker=RULES))
    with clock.frozen(NOW):
        yield
    parties._parties.clear()
    parties._parties.update(known)


def waiting(count: int, party: str = "tax", kind: str = "call", operation: str = "tax.income") -> None:
    row = {"kind": kind, "party": party, "operation": operation, "due_at": clock.now()}
    with transaction() as session:
        queue.enqueue(session, [{**row, "case_id": number, "token": f"t{number}"} for number in range(count)])


class Office:
    """Workers that do all that may be done now, and a party that answers or not."""

    def __init__(self) -> None:
        self.up = False
        self.calls = 0
        self.done = 0

    def work(self) -> None:
        while True:
            with transaction() as session:
                breaker.tend(session)
                jobs = queue.claim(session, "w", 1)
                admitted = admission.admit(session, jobs)
            if not jobs:
                return
            for job in admitted:
                self.call(job)

    def call(self, job: Job) -> None:
        self.calls += 1
        with transaction() as session:
            kept = session.get_one(Job, job.id)
            if self.up:
                breaker.answered(session, job.party)
                session.delete(kept)
                self.done += 1
            elif not breaker.failed(session, kept, "no answer"):
                queue.postpone(kept, "no answer")

    def wait(self, **time: float) -> None:
        clock.move_frozen(clock.now() + timedelta(**time))
        self.work()


def states() -> dict[str, int]:
    with reading() as session:
        rows = session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
    return dict(map(tuple, rows))


def row(party: str = "tax") -> Breaker:
    with reading() as session:
        return session.get_one(Breaker, party)


def an_hour_down(cases: int, office: Office) -> None:
    waiting(cases)
    office.work()
    for _ in range(60):
        office.wait(minutes=1)


def storm_free(cases: int) -> None:
    """The story of the outage; every number is an upper bound that the rules give."""
    office = Office()
    an_hour_down(cases, office)
    assert office.calls <= RULES.failures + 60 * RULES.probes
    assert sum(states().values()) == cases
    office.up = True
    before = office.calls
    office.wait(minutes=1)
    # One probe, and the first second's worth after it.
    assert office.calls - before <= RULES.probes + RULES.release_per_second
    seconds = 0
    while office.done < cases:
        before = office.calls
        office.wait(seconds=1)
        assert office.calls - before <= RULES.release_per_second
        seconds += 1
        assert seconds <= cases / RULES.release_per_second + 2
    assert states() == {}
    assert office.calls == cases + RULES.failures + 60 * RULES.probes


def test_an_hour_without_the_party_is_an_hour_of_probes(store: None) -> None:
    storm_free(120)


@pytest.mark.soak
def test_five_thousand_waiting_cases_make_no_storm(store: None) -> None:
    storm_free(5000)


def test_as_many_failures_in_a_row_as_agreed_open_it_and_park_what_waits(store: None) -> None:
    office = Office()
    waiting(12)
    office.work()
    assert office.calls == RULES.failures
    assert row().state == "open"
    # Those that failed before it opened wait for their next attempt; they are parked when it comes.
    assert states() == {"ready": 4, "parked": 8}
    office.wait(seconds=30)
    assert states() == {"parked": 12}
    assert office.calls == RULES.failures


def test_an_answer_in_between_begins_the_count_anew(store: None) -> None:
    for _ in range(3):
        fail(RULES.failures - 1)
        with transaction() as session:
            breaker.answered(session, "tax")
    assert row().state == "closed"
    assert row().failures == 0


def fail(times: int) -> None:
    with transaction() as session:
        for number in range(times):
            job = Job(party="tax", kind="call", case_id=number, token="x", attempts=1, due_at=clock.now())
            assert not breaker.failed(session, job, "no answer")


def test_no_retry_is_spent_while_the_party_is_down(store: None) -> None:
    office = Office()
    an_hour_down(30, office)
    with reading() as session:
        left = session.scalars(select(Job.retries_left)).all()
        attempts = session.scalars(select(Job.attempts)).all()
    # Before it opened four had failed once each.
    assert sorted(left) == [2] * 4 + [3] * 26
    assert max(attempts) <= 2


def test_a_probe_that_dies_is_given_up_and_another_tries(store: None) -> None:
    office = Office()
    waiting(10)
    office.work()
    clock.move_frozen(clock.now() + timedelta(minutes=1))
    with transaction() as session:
        assert breaker.tend(session) == 1
        claimed = queue.claim(session, "dies", 10)
        assert len(admission.admit(session, claimed)) == 1
    office.up = True
    office.wait(seconds=5)
    assert office.done == 0
    office.wait(seconds=60)
    office.wait(seconds=60)
    assert office.done == 10


def test_what_waits_for_another_party_is_not_touched(store: None) -> None:
    office = Office()
    waiting(6, party="police", operation="police.household")
    with transaction() as session:
        for job in session.scalars(select(Job)):
            job.token = f"p{job.token}"
    waiting(10)
    with transaction() as session:
        for number in range(RULES.failures):
            job = Job(party="tax", kind="call", case_id=900 + number, token="x", attempts=1, due_at=clock.now())
            breaker.failed(session, job, "no answer")
    office.up = True
    office.work()
    assert office.done == 6
    assert states() == {"parked": 10}


def test_a_supervisor_may_close_it_before_its_time(store: None) -> None:
    office = Office()
    waiting(50)
    office.work()
    office.up = True
    with transaction() as session:
        breaker.close(session, breaker.locked(session, "tax"))
    office.work()
    assert office.done == RULES.release_per_second
    office.wait(seconds=1)
    assert office.done == 2 * RULES.release_per_second


def test_no_period_ever_holds_more_calls_than_agreed(store: None) -> None:
    parties.register(Party("tax", rate_limit=RateLimit(10, 1.0), breaker=RULES))
    waiting(60)
    went: list[datetime] = []
    for _ in range(200):
        with transaction() as session:
            went += [clock.now()] * len(admission.admit(session, queue.claim(session, "w", 100)))
        clock.move_frozen(clock.now() + timedelta(milliseconds=50))
    assert len(went) == 60
    for start in went:
        assert sum(start <= moment < start + timedelta(seconds=1) for moment in went) <= 10
    assert (went[-1] - went[0]).total_seconds() < 60 / 10 * 1.3
    with reading() as session:
        assert set(session.scalars(select(Job.attempts))) == {1}


def test_several_workers_at_once_keep_the_limit_together(store: None) -> None:
    parties.register(Party("tax", rate_limit=RateLimit(7, 3600.0), breaker=RULES))
    waiting(40)
    counts: list[int] = []

    def work() -> None:
        for _ in range(10):
            with transaction() as session:
                counts.append(len(admission.admit(session, queue.claim(session, "w", 2))))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 7


def test_a_report_for_the_outbox_is_put_there_though_the_party_is_down(store: None) -> None:
    rules = {"tax.report": OperationRules(ordered=True)}
    parties.register(Party("tax", breaker=RULES, operations=rules))
    fail_open()
    waiting(3, operation="tax.report")
    with transaction() as session:
        assert len(admission.admit(session, queue.claim(session, "w", 10))) == 3


def fail_open() -> None:
    with transaction() as session:
        for number in range(RULES.failures):
            job = Job(party="tax", kind="call", case_id=900 + number, token="x", attempts=1, due_at=clock.now())
            breaker.failed(session, job, "no answer")
