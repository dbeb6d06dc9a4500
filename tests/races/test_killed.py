"""SIGKILL at the worst moments: nothing is lost, nothing is done twice."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
import requests
from sqlalchemy import func, select

from engine.batches.migration_run import MigratedCase, MigrationRun
from engine.cases.case import LiveKey, Sequence, load_variables
from engine.cases.record import JournalEntry
from engine.cases.work import Task
from engine.commands import dispatch
from engine.commands.cases import WithdrawCase
from engine.commands.migrations import PlanMigration, StartMigration
from engine.commands.tasks import CompleteTask
from engine.core.db import reading
from engine.jobs.queue import Job
from engine.outside.ledger import CallRecord
from tests.races.house import PATIENCE, House, kill
from tests.races.test_operators import publish
from tests.support.installation import FAMILY, ITEM

pytestmark = pytest.mark.slow


def accepted(home: House) -> int:
    """A case whose checks lie in the queue, and nobody works yet."""
    case_id = home.apply().case_id
    task = home.tasks(case_id)["accept"]
    dispatch(CompleteTask(task.id, {"accept_result": "accepted"}, task.version), home.staff("liuyang"))
    while not queued(case_id, "police.household"):
        assert home.runner.run_once(), home.stuck(case_id)
    return case_id


def queued(case_id: int, operation: str) -> bool:
    """Whether such work waits for a worker."""
    with reading() as session:
        return bool(session.scalar(select(Job.id).where(Job.case_id == case_id, Job.operation == operation)))


def calls(case_id: int) -> Counter[tuple[str, str]]:
    """How often each piece of outside work was answered: (operation, token) → count."""
    with reading() as session:
        rows = session.execute(
            select(CallRecord.operation, CallRecord.token).where(
                CallRecord.case_id == case_id, CallRecord.outcome == "answered"
            )
        )
        return Counter((operation, token) for operation, token in rows)


@pytest.mark.parametrize("party", ["police", "tax"])
def test_a_worker_killed_after_the_party_booked_and_before_we_wrote_loses_and_doubles_nothing(
    home: House, party: str
) -> None:
    home.simulators.state.timing.slow = 8.0
    home.simulators.state.switch(party, "*", "slow")
    case_id = accepted(home)
    worker = home.start_worker()
    home.until(lambda: home.simulators.state.log(party))
    kill(worker)
    with reading() as session:
        held = session.scalars(select(Job).where(Job.case_id == case_id, Job.state == "running")).all()
    assert held, "what was being asked is still under its lease"
    home.simulators.state.switch(party, "*", "ok")
    home.let_lease_run_out()
    home.start_worker()
    home.until(lambda: "first_review" in home.tasks(case_id), lambda: home.stuck(case_id))
    booked = home.simulators.state.log(party)
    assert len({one["request_id"] for one in booked}) == len(booked)
    assert booked[0]["calls"] == 2
    assert set(calls(case_id).values()) == {1}
    with reading() as session:
        results = load_variables(session, case_id)["0"]["check_results"]
        assert not session.scalar(select(func.count()).where(Job.case_id == case_id, Job.state != "ready"))
    # Four persons, three of them grown up, one household.
    assert len(results) == len(calls(case_id)) - others(case_id)
    home.check_whole(case_id)


def others(case_id: int) -> int:
    """Answered work that is no check: papers, seals, messages."""
    return sum(not name.startswith(("police.", "realestate.", "tax.")) for name, _ in calls(case_id))


def test_a_worker_killed_again_and_again_brings_the_case_as_far_as_one_left_alone(home: House) -> None:
    case_id = accepted(home)
    for bookings in (1, 5):
        worker = home.start_worker()
        home.until(lambda least=bookings: len(home.simulators.state.log()) >= least)
        kill(worker)
        home.let_lease_run_out()
    home.start_worker()
    home.until(lambda: "first_review" in home.tasks(case_id), lambda: home.stuck(case_id))
    booked = home.simulators.state.log()
    assert len({(one["party"], one["operation"], one["request_id"]) for one in booked}) == len(booked)
    assert set(calls(case_id).values()) == {1}
    home.check_whole(case_id)


def in_the_middle(home: House, fraction: float, usual: float, post: Callable[[], object]) -> None:
    """Send a request and kill the web before it can have answered."""
    web = home.children[-1]

    def send() -> None:
        try:
            post()
        except requests.ConnectionError:
            return

    sender = threading.Thread(target=send)
    sender.start()
    time.sleep(usual * fraction)
    kill(web)
    sender.join(PATIENCE)
    assert not sender.is_alive()
    home.start_web()


def test_a_web_killed_while_an_application_is_handed_in_leaves_one_case_or_none(home: House) -> None:
    home.start_web()
    citizen = home.citizen()
    browser = home.browser(citizen)
    address = f"{home.url}/portal/apply-form/{home.office()}/{ITEM}"

    def post() -> requests.Response:
        form = {"csrf_token": "token", "answers": answers}
        return browser.post(address, form, allow_redirects=False, timeout=PATIENCE)

    answers = json.dumps(home.family(citizen))
    began = time.perf_counter()
    first = post()
    assert first.status_code == 303, home.said()
    usual = time.perf_counter() - began
    dispatch(WithdrawCase(home.cases()[-1].id), citizen)
    for fraction in (0.4, 0.8):
        before, answers = len(home.cases()), json.dumps(home.family(citizen))
        in_the_middle(home, fraction, usual, post)
        assert len(home.cases()) in (before, before + 1)
        again = post()
        assert again.status_code == 303, again.text[:300]
        made = home.cases()[before:]
        assert len(made) == 1
        home.check_whole(made[0].id)
        with reading() as session:
            applied = (JournalEntry.case_id == made[0].id, JournalEntry.kind == "applied")
            assert session.scalar(select(func.count()).where(*applied)) == 1
            assert session.scalar(select(func.count()).where(LiveKey.case_id == made[0].id)) == 4
            # No number was lost on the way.
            numbers = session.scalar(select(Sequence.value).where(Sequence.name.startswith("case:")))
        assert numbers == len(home.cases())
        dispatch(WithdrawCase(made[0].id), citizen)


def test_a_web_killed_while_a_task_is_handed_in_completes_it_once(home: House) -> None:
    home.start_web()
    citizen, browser = home.citizen(), home.browser(home.staff("liuyang"))
    usual = 0.0
    for fraction in (0.0, 0.4, 0.8):
        case_id = home.apply(citizen).case_id
        task = home.tasks(case_id)["accept"]

        def post(task: Task = task) -> requests.Response:
            form = {"csrf_token": "token", "answers": '{"accept_result": "accepted"}', "version": str(task.version)}
            return browser.post(f"{home.url}/tasks/{task.id}", form, allow_redirects=False, timeout=PATIENCE)

        if fraction:
            in_the_middle(home, fraction, usual, post)
            went_through = "accept" not in home.tasks(case_id)
            # A database may still end what a dead web asked it to: the second submit waits for that.
            assert post().status_code in ((409,) if went_through else (303, 409))
        else:
            began = time.perf_counter()
            assert post().status_code == 303
            usual = time.perf_counter() - began
        assert "accept" not in home.tasks(case_id)
        with reading() as session:
            done = session.scalar(select(func.count()).where(JournalEntry.task_id == task.id))
            waiting = session.scalars(select(Job.operation).where(Job.case_id == case_id, Job.kind == "call")).all()
        assert done == 1
        assert len(waiting) == 1
        dispatch(WithdrawCase(case_id), citizen)
        home.check_whole(case_id)


def test_a_worker_killed_in_the_middle_of_a_migration_run_leaves_every_case_whole_and_the_run_goes_on(
    home: House,
) -> None:
    cases = [another(home, number) for number in range(CASES)]
    source, target = publish(home)
    run_id = dispatch(PlanMigration(ITEM, source, target, reason="换新版"), home.staff("sunqiang"))
    home.drain()
    dispatch(StartMigration(run_id), home.staff("sunqiang"))
    for least in (1, CASES // 2):
        worker = home.start_worker()
        home.until(lambda least=least: migrated(run_id) >= least)
        kill(worker)
        for case_id in cases:
            # Either over or untouched, and of one piece: never half.
            assert home.case(case_id).release_id in (source, target)
            home.check_whole(case_id)
        home.let_lease_run_out()
    home.start_worker()
    home.until(lambda: run_state(run_id) == "done")
    with reading() as session:
        assert set(session.scalars(select(MigratedCase.state).where(MigratedCase.run_id == run_id))) == {"ok"}
        said = select(JournalEntry.case_id).where(JournalEntry.kind == "migrated")
        assert sorted(session.scalars(said)) == sorted(cases)
        assert not session.scalar(select(func.count()).select_from(Job).where(Job.kind == "run"))
    for case_id in cases:
        assert home.case(case_id).release_id == target
        assert "accept" in home.tasks(case_id)
        home.check_whole(case_id)


CASES = 8


def another(home: House, number: int) -> int:
    """A case of somebody who lives alone."""
    person = FAMILY["applicant"] | {"id_number": resident(number)}
    return home.apply(home.citizen(), applicant=person, co_applicants=[]).case_id


def resident(number: int) -> str:
    """A resident's number with its check digit."""
    body = f"33010619800101{number:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(a) * b for a, b in zip(body, weights, strict=True)) % 11]


def migrated(run_id: int) -> int:
    """How many cases of the run are over."""
    with reading() as session:
        done = select(func.count()).where(MigratedCase.run_id == run_id, MigratedCase.state == "ok")
        return session.scalar(done) or 0


def run_state(run_id: int) -> str:
    with reading() as session:
        return session.get_one(MigrationRun, run_id).state
