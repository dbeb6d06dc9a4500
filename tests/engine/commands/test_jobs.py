"""What workers bring back: once, in order, with retries, incidents, refusals and answers that come later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from engine.cases.case import load_variables
from engine.commands import dispatch
from engine.commands.incidents import RetryIncident
from engine.commands.jobs import MOST_ASKED, FailCall, FinishCall, FireTimer, ReceiveLateAnswer
from engine.commands.tasks import CompleteTask
from engine.core import clock, operations
from engine.core.actor import SYSTEM
from engine.core.db import reading, transaction
from engine.core.errors import Forbidden, NotFound, OutsideFault, TaskAlreadyDone
from engine.core.operations import Answer, LateAnswer, Pending
from engine.jobs import queue
from engine.jobs.queue import LEASE, Job
from engine.outside.ledger import CallRecord, PendingAnswer
from tests.races.house import until
from tests.support.installation import Installation

FAMILY_HOMES = {"result": "pass", "facts": {"homes": [], "total_area": 0.0}, "summary": "名下没有不动产登记"}
CLERK = "330106198803121014"


def accept(anju: Installation) -> int:
    """A case whose checks were made."""
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    return case_id


def accept_only(anju: Installation) -> int:
    """A case whose checks are due and not made yet."""
    case_id = anju.apply().case_id
    task = anju.tasks(case_id)["accept"]
    dispatch(CompleteTask(task.id, {"accept_result": "accepted"}, task.version), anju.staff("liuyang"))
    while not jobs(case_id, "realestate.ownership"):
        assert anju.runner.run_once(), "the checks never became due"
    return case_id


def jobs(case_id: int, operation: str = "") -> list[Job]:
    with reading() as session:
        query = select(Job).where(Job.case_id == case_id).order_by(Job.id)
        return list(session.scalars(query.where(Job.operation == operation) if operation else query))


def outcomes(case_id: int, operation: str) -> list[str]:
    with reading() as session:
        return list(
            session.scalars(
                select(CallRecord.outcome)
                .where(CallRecord.case_id == case_id, CallRecord.operation == operation)
                .order_by(CallRecord.id)
            )
        )


def homes_answered(case_id: int) -> int:
    """How often the check of homes found its way into the case."""
    with reading() as session:
        results = load_variables(session, case_id)["0"].get("check_results") or []
    return sum("homes" in str(one) for one in results)


def late(key: str, message: str = "m1", **changes: Any) -> LateAnswer:
    return LateAnswer("realestate", key, message, Answer({**FAMILY_HOMES, **changes}, "pass"))


def parked(anju: Installation) -> tuple[int, str]:
    """A case whose registry answers later and whose callback is lost: (case, correlation)."""
    anju.simulators.state.switch("realestate", "*", "lost_callback")
    case_id = accept(anju)
    with reading() as session:
        return case_id, session.scalars(select(PendingAnswer.correlation).where(PendingAnswer.case_id == case_id)).one()


def test_a_finished_call_is_gone_and_a_second_answer_to_it_has_no_effect(anju: Installation) -> None:
    case_id = accept_only(anju)
    job = jobs(case_id, "realestate.ownership")[0]
    assert dispatch(FinishCall(job.id, Answer(FAMILY_HOMES, "pass"), 5), SYSTEM) is True
    version = anju.case(case_id).version
    assert dispatch(FinishCall(job.id, Answer(FAMILY_HOMES, "pass"), 5), SYSTEM) is False
    assert dispatch(FailCall(job.id, "unreachable", "晚了", 5), SYSTEM) is False
    assert anju.case(case_id).version == version
    assert outcomes(case_id, "realestate.ownership") == ["answered"]


def test_a_party_that_is_down_is_asked_again_then_becomes_an_incident_and_retry_resumes(
    anju_both: Installation,
) -> None:
    anju = anju_both
    anju.simulators.state.switch("realestate", "*", "outage")
    case_id = accept(anju)
    assert not anju.incidents(case_id)
    for _ in range(3):
        anju.move(timedelta(minutes=5))
    assert outcomes(case_id, "realestate.ownership") == ["unreachable"] * 3
    [incident] = anju.incidents(case_id)
    assert not jobs(case_id, "realestate.ownership")
    assert "first_review" not in anju.tasks(case_id)
    anju.move(timedelta(days=1))
    assert len(outcomes(case_id, "realestate.ownership")) == 3
    anju.simulators.state.switch("realestate", "*", "recovery")
    dispatch(RetryIncident(incident.id), anju.staff("sunqiang"))
    anju.drain()
    assert not anju.incidents(case_id)
    assert "first_review" in anju.tasks(case_id)
    assert outcomes(case_id, "realestate.ownership")[-1] == "answered"
    with pytest.raises(TaskAlreadyDone):
        dispatch(RetryIncident(incident.id), anju.staff("sunqiang"))


def test_only_a_supervisor_of_the_office_retries(anju: Installation) -> None:
    anju.simulators.state.switch("realestate", "*", "outage")
    case_id = accept(anju)
    for _ in range(3):
        anju.move(timedelta(minutes=5))
    [incident] = anju.incidents(case_id)
    with pytest.raises(Forbidden):
        dispatch(RetryIncident(incident.id), anju.staff("liuyang"))
    with pytest.raises(NotFound):
        dispatch(RetryIncident(1), anju.staff("sunqiang"))


def test_a_party_that_says_no_goes_the_way_the_model_drew(anju: Installation) -> None:
    anju.simulators.state.switch("sms", "*", "blacklist")
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "rejected", "not_accepted_reason": "不在受理范围"})
    assert outcomes(case_id, "sms.send") == ["declined"]
    assert not anju.incidents(case_id)
    assert anju.case(case_id).state == "closed"


def test_a_party_that_says_no_where_nothing_is_drawn_becomes_an_incident(anju: Installation) -> None:
    anju.simulators.state.switch("police", CLERK, "business_error")
    case_id = accept(anju)
    assert outcomes(case_id, "police.household").count("declined") == 1
    [incident] = anju.incidents(case_id)
    assert incident.code
    assert not jobs(case_id, "police.household")


def test_a_bug_in_an_operation_is_retried_and_named_without_what_it_said(
    anju: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> Answer:
        raise KeyError("330106198803121014")

    found = operations.find("realestate.ownership")
    monkeypatch.setitem(operations._operations, found.name, replace(found, run=broken))
    case_id = accept(anju)
    with reading() as session:
        [error] = session.scalars(select(CallRecord.error).where(CallRecord.operation == found.name))
    assert "内部出错（KeyError）" in error
    assert "330106198803121014" not in error
    assert jobs(case_id, found.name)[0].state == "ready"


def test_a_worker_that_died_loses_nothing_its_job_is_done_after_the_lease(anju: Installation) -> None:
    case_id = accept_only(anju)
    with transaction() as session:
        dead = {job.id for job in queue.claim(session, "dead", limit=100)}
    assert dead
    assert anju.drain() == 0
    anju.move(LEASE + timedelta(seconds=1))
    assert "first_review" in anju.tasks(case_id)
    assert set(outcomes(case_id, "realestate.ownership")) == {"answered"}


def test_an_answer_that_comes_later_is_taken_once(anju_both: Installation) -> None:
    anju = anju_both
    case_id, key = parked(anju)
    assert dispatch(ReceiveLateAnswer(late(key)), SYSTEM) is True
    version = anju.case(case_id).version
    assert dispatch(ReceiveLateAnswer(late(key)), SYSTEM) is False
    assert dispatch(ReceiveLateAnswer(late(key, "m2")), SYSTEM) is False
    assert anju.case(case_id).version == version
    anju.drain()
    assert outcomes(case_id, "realestate.ownership") == ["pending", "answered"]
    assert "first_review" in anju.tasks(case_id)


def test_an_answer_nobody_asked_for_is_refused(anju: Installation) -> None:
    with pytest.raises(NotFound):
        dispatch(ReceiveLateAnswer(late("never asked")), SYSTEM)
    _, key = parked(anju)
    with pytest.raises(NotFound):
        dispatch(ReceiveLateAnswer(LateAnswer("police", key, "m1", Answer(FAMILY_HOMES))), SYSTEM)


def test_a_late_answer_that_cannot_be_used_is_an_incident_and_the_next_one_counts(anju: Installation) -> None:
    case_id, key = parked(anju)
    wrong = OutsideFault("应答不合接口约定", code="unexpected_answer")
    broken = ReceiveLateAnswer(LateAnswer("realestate", key, "m1", None, fault=wrong))
    assert dispatch(broken, SYSTEM) is True
    assert dispatch(broken, SYSTEM) is False, "the same again finds nobody waiting"
    [incident] = anju.incidents(case_id)
    assert (incident.code, incident.party) == ("unexpected_answer", "realestate")
    dispatch(RetryIncident(incident.id), anju.staff("sunqiang"))

    def answered() -> bool:
        # The registry takes its time by the wall clock.
        anju.move(timedelta(minutes=1))
        return homes_answered(case_id) > 0

    until(answered, "the registry never answered")
    assert not anju.incidents(case_id)
    assert homes_answered(case_id) == 1


def test_an_answer_of_the_wrong_shape_is_not_let_into_the_case(anju: Installation) -> None:
    case_id, key = parked(anju)
    version = anju.case(case_id).version
    with pytest.raises(OutsideFault):
        dispatch(ReceiveLateAnswer(late(key, result="maybe")), SYSTEM)
    assert anju.case(case_id).version == version
    assert dispatch(ReceiveLateAnswer(late(key)), SYSTEM) is True


def test_an_answer_after_the_party_was_asked_again_is_not_counted_twice(anju: Installation) -> None:
    case_id, key = parked(anju)
    anju.simulators.state.timing.late = 0.0
    anju.move(timedelta(minutes=5))
    done = outcomes(case_id, "realestate.ownership")
    assert done[0] == "pending"
    assert len(done) >= 2
    before = anju.case(case_id).version
    taken = dispatch(ReceiveLateAnswer(late(key)), SYSTEM)
    assert taken is (done[-1] == "pending")
    assert (anju.case(case_id).version > before) is taken
    assert outcomes(case_id, "realestate.ownership").count("answered") == 1


def test_a_party_that_answers_later_is_asked_again_under_the_same_key(anju: Installation) -> None:
    anju.simulators.state.timing.late = 3  # no callback comes before the test has looked
    _, key = parked(anju)
    asked = anju.simulators.state.log("realestate")
    anju.move(timedelta(minutes=5))
    assert {one["request_id"] for one in anju.simulators.state.log("realestate")} == {
        one["request_id"] for one in asked
    }
    with reading() as session:
        assert session.scalar(select(func.count()).where(PendingAnswer.correlation == key)) == 1


def test_a_timer_fires_when_the_clock_is_moved_past_it_and_not_before(anju: Installation) -> None:
    case_id = anju.apply().case_id
    anju.do(
        case_id,
        "accept",
        "liuyang",
        {"accept_result": "supplement", "supplement_items": ["income_proof"], "supplement_note": "请补充收入证明"},
    )
    [timer] = [job for job in jobs(case_id) if job.kind == "timer"]
    anju.move_to(timer.due_at - timedelta(seconds=1))
    assert "supplement" in anju.tasks(case_id)
    anju.move_to(timer.due_at)
    assert "supplement" not in anju.tasks(case_id)
    assert not [job for job in jobs(case_id) if job.kind == "timer"]
    dispatch(FireTimer(timer.id), SYSTEM)
    assert anju.case(case_id).outcome == "expired"


def test_a_timer_whose_task_was_done_in_time_is_gone(anju: Installation) -> None:
    case_id = anju.apply().case_id
    supplement = {
        "accept_result": "supplement",
        "supplement_items": ["income_proof"],
        "supplement_note": "请补充收入证明",
    }
    anju.do(case_id, "accept", "liuyang", supplement)
    anju.do(case_id, "supplement", anju.citizen(), replies(anju))
    assert not [job for job in jobs(case_id) if job.kind == "timer"]
    anju.move(timedelta(days=60))
    assert anju.case(case_id).state == "open"


def replies(anju: Installation) -> dict[str, Any]:
    return {
        "supplement_reply": "已补齐",
        "material_income_proof": anju.upload(anju.citizen(), "income_proof"),
    }


def test_a_party_that_takes_every_request_and_never_answers_becomes_an_incident(anju: Installation) -> None:
    found = operations.find("realestate.ownership")

    def never(call: Any) -> Pending:
        return Pending(call.idempotency_key, clock.now() + timedelta(minutes=1))

    operations._operations[found.name] = replace(found, run=never)
    try:
        case_id = accept(anju)
        for _ in range(MOST_ASKED):
            assert not anju.incidents(case_id)
            anju.move(timedelta(minutes=2))
    finally:
        operations._operations[found.name] = found
    [incident] = anju.incidents(case_id)
    assert incident.code == "no_answer"
    assert not jobs(case_id, found.name)
    dispatch(RetryIncident(incident.id), anju.staff("sunqiang"))
    anju.drain()
    assert "first_review" in anju.tasks(case_id)
