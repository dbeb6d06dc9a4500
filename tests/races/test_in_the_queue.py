"""Several at the same moment at the queue and at one case, with real threads on PostgreSQL: each thing happens once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from engine.cases.case import Case
from engine.cases.record import verify
from engine.cases.work import Task
from engine.commands import dispatch
from engine.commands.deploy import DeployResources
from engine.commands.external import ActivateJobs, CompleteJob
from engine.commands.messages import CorrelateMessage, PublishMessage
from engine.commands.tasks import CompleteTask
from engine.core import clock, db
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading, transaction
from engine.core.errors import AnjuError, NotFound
from engine.jobs import queue
from engine.workers.runner import Runner
from tests.support.installation import Installation
from tests.web.api.job_models import by_message
from tests.web.api.models import HEAD

pytestmark = pytest.mark.postgres

OFFICE = {"office_code": "330106", "amount": 1}

TIMER_OR_MESSAGE = (
    HEAD
    + """<message id="mb" name="late.begin"/>
<message id="mp" name="late.paid"><extensionElements><zeebe:subscription correlationKey="=name"/></extensionElements>
</message>
<process id="late" name="late" isExecutable="true">
  <startEvent id="start"><outgoing>f1</outgoing><messageEventDefinition id="d1" messageRef="mb"/></startEvent>
  <sequenceFlow id="f1" sourceRef="start" targetRef="first"/>
  <eventBasedGateway id="first"><incoming>f1</incoming><outgoing>f2</outgoing><outgoing>f3</outgoing>
  </eventBasedGateway>
  <sequenceFlow id="f2" sourceRef="first" targetRef="paid"/>
  <intermediateCatchEvent id="paid"><incoming>f2</incoming><outgoing>f4</outgoing>
    <messageEventDefinition id="d2" messageRef="mp"/></intermediateCatchEvent>
  <sequenceFlow id="f4" sourceRef="paid" targetRef="granted"/>
  <endEvent id="granted"><incoming>f4</incoming></endEvent>
  <sequenceFlow id="f3" sourceRef="first" targetRef="over"/>
  <intermediateCatchEvent id="over"><incoming>f3</incoming><outgoing>f5</outgoing>
    <timerEventDefinition id="d3"><timeDuration>PT1H</timeDuration></timerEventDefinition></intermediateCatchEvent>
  <sequenceFlow id="f5" sourceRef="over" targetRef="expired"/>
  <endEvent id="expired"><incoming>f5</incoming></endEvent>
</process></definitions>"""
)

MANY = (
    HEAD
    + """<message id="mb" name="many.begin"/>
<process id="many" name="many" isExecutable="true">
  <startEvent id="start"><outgoing>f1</outgoing><messageEventDefinition id="d1" messageRef="mb"/></startEvent>
  <sequenceFlow id="f1" sourceRef="start" targetRef="sign"/>
  <userTask id="sign" name="会签"><extensionElements><zeebe:userTask/>
    <zeebe:assignmentDefinition candidateGroups="acceptance"/></extensionElements>
    <incoming>f1</incoming><outgoing>f2</outgoing>
    <multiInstanceLoopCharacteristics><extensionElements>
      <zeebe:loopCharacteristics inputCollection="=people" inputElement="person" outputCollection="signed"
        outputElement="=person"/></extensionElements></multiInstanceLoopCharacteristics></userTask>
  <sequenceFlow id="f2" sourceRef="sign" targetRef="done"/>
  <endEvent id="done"><incoming>f2</incoming></endEvent>
</process></definitions>"""
)


def together(calls: list[Callable[[], Any]]) -> list[Any]:
    """All calls from one starting line; what each gave, or the error that it raised."""
    line = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        line.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        begun = [pool.submit(run, call) for call in calls]
        found = [one.exception(120) or one.result() for one in begun]
    bugs = [one for one in found if isinstance(one, Exception) and not isinstance(one, AnjuError)]
    assert not bugs, bugs[0]
    return found


def begin(name: str, model: str, /, **variables: Any) -> int:
    dispatch(DeployResources([(f"{name}.bpmn", model.encode())]), SYSTEM)
    case_id: int = dispatch(CorrelateMessage(f"{name}.begin", "", {**OFFICE, **variables}), SYSTEM).case_id
    return case_id


def whole(case_id: int) -> None:
    with reading() as session:
        assert verify(session, case_id) is None


def test_of_a_message_and_a_timer_at_the_same_moment_one_moves_the_case(anju_postgres: Installation) -> None:
    anju = anju_postgres
    outcomes = set()
    for number in range(8):
        case_id = begin("late", TIMER_OR_MESSAGE, name=f"n{number}")
        clock.move_frozen(clock.now() + timedelta(hours=1))
        message = PublishMessage("late.paid", f"n{number}", f"m{number}", {"paid": True}, keep=False)
        found = together([Runner(anju.parts.files, name="w").run_once, lambda one=message: dispatch(one, SYSTEM)])
        anju.drain()
        case = anju.case(case_id)
        assert case.state == "closed"
        assert (case.outcome == "granted") == bool(found[1].case_id)
        outcomes.add(case.outcome)
        whole(case_id)
    assert outcomes <= {"granted", "expired"}


def test_eight_workers_on_one_queue_do_each_job_once(anju_postgres: Installation) -> None:
    dispatch(DeployResources([("late.bpmn", TIMER_OR_MESSAGE.encode())]), SYSTEM)
    for number in range(40):
        dispatch(CorrelateMessage("late.begin", "", {**OFFICE, "name": f"n{number}"}), SYSTEM)
    clock.move_frozen(clock.now() + timedelta(hours=1))
    done: Counter[int] = Counter()

    def work(number: int) -> None:
        runner = Runner(anju_postgres.parts.files, name=f"w{number}")
        usual = runner.do

        def counted(job: Any) -> None:
            done[job.id] += 1
            usual(job)

        runner.do = counted  # type: ignore[method-assign]
        while runner.run_once():
            pass

    together([lambda number=number: work(number) for number in range(8)])
    assert len(done) == 40
    assert set(done.values()) == {1}
    with reading() as session:
        cases = list(session.scalars(select(Case).where(Case.process_id == "late")))
    assert Counter(case.outcome for case in cases) == {"expired": 40}


def test_of_many_completions_of_one_job_one_counts_and_the_others_hear_it(anju_postgres: Installation) -> None:
    case_id = begin("pay", by_message("pay"))
    [job] = dispatch(ActivateJobs("pay.charge", "w", timedelta(minutes=1), 5), SYSTEM)
    found = together([lambda n=n: dispatch(CompleteJob(job.id, {"by": n}), SYSTEM) for n in range(6)])
    assert sum(one is None for one in found) == 1
    assert all(isinstance(one, NotFound) for one in found if one is not None)
    assert anju_postgres.case(case_id).state == "closed"
    whole(case_id)


def test_of_many_messages_with_one_key_one_begins_an_instance(anju_postgres: Installation) -> None:
    dispatch(DeployResources([("pay.bpmn", by_message("pay").encode())]), SYSTEM)
    together([lambda n=n: dispatch(PublishMessage("pay.begin", "k", f"m{n}", OFFICE), SYSTEM) for n in range(6)])
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Case).where(Case.process_id == "pay")) == 1


def test_a_hundred_people_sign_one_case_without_an_error_and_none_is_lost(anju_postgres: Installation) -> None:
    anju = anju_postgres
    case_id = begin("many", MANY, people=list(range(100)))
    with reading() as session:
        tasks = list(session.scalars(select(Task).where(Task.case_id == case_id)))
    assert len(tasks) == 100
    clerk = anju.staff("liuyang")
    people = [Actor("staff", clerk.id, f"人{n}", clerk.office_id, clerk.roles, clerk.offices) for n in range(100)]

    def sign(some: range) -> None:
        for n in some:
            dispatch(CompleteTask(tasks[n].id, {}, tasks[n].version), people[n])

    together([lambda some=range(start, 100, 20): sign(some) for start in range(20)])
    case = anju.case(case_id)
    assert (case.state, case.outcome) == ("closed", "done")
    with reading() as session:
        assert session.scalar(select(func.count()).where(Task.case_id == case_id, Task.state == "done")) == 100
    whole(case_id)


def test_looking_for_due_work_is_quick_with_a_hundred_thousand_waiting(anju_postgres: Installation) -> None:
    with db.engine().begin() as connection:
        connection.exec_driver_sql("""
            INSERT INTO job (id, kind, state, case_id, office_id, process_id, token, element_id, operation, party,
              listener, scopes, payload, created_at, due_at, priority, attempts, retries_left, worker, error_code,
              last_error)
            SELECT n, CASE WHEN mod(n, 2) = 0 THEN 'timer' ELSE 'call' END, 'ready', n, 0, '', 't' || n, '', 'op',
              '', '', '[]', '{}', now(), timestamptz '2030-01-01' + n * interval '1 minute', 0, 0, 3, '', '', ''
            FROM generate_series(1, 100000) AS n""")
        connection.exec_driver_sql("ANALYZE job")
    with transaction() as session:
        queue.enqueue(session, [{"kind": "timer", "case_id": 7, "token": "due", "due_at": clock.now()}])
    with reading() as session:
        assert queue.due_kinds(session) == ["timer"]
        plans = []
        for kind in ("timer", "call"):
            plan = text(
                "EXPLAIN SELECT id FROM job WHERE kind = :kind AND state = 'ready' AND due_at <= now() LIMIT 10"
            )
            plans.append("\n".join(session.scalars(plan, {"kind": kind})))
    assert all("Index" in plan and "Seq Scan" not in plan for plan in plans), plans
    with transaction() as session:
        assert [job.token for job in queue.claim(session, "w", 10, ["timer"])] == ["due"]
