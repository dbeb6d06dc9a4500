"""Supervisors end, stop and steer a case; all of it stands in the record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from engine.cases.case import LiveKey
from engine.cases.record import JournalEntry, verify
from engine.cases.work import Subscription, Task
from engine.commands import dispatch
from engine.commands.cases import WithdrawCase
from engine.commands.messages import PublishMessage
from engine.commands.operate import CancelCase, ModifyCase, ResumeCase, SetVariables, SuspendCase
from engine.commands.tasks import ClaimTask, CompleteTask
from engine.core import clock
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.core.errors import Refused
from engine.jobs.queue import Job
from engine.workflow import Activation
from tests.support.installation import Installation

ACCEPTED = {"accept_result": "accepted"}
PASS = {"review_result": "pass", "review_opinion": "同意上报"}
SUPERVISOR = "sunqiang"


def refused(command: Any, anju: Installation, login: str = SUPERVISOR) -> str:
    with pytest.raises(Refused) as error:
        dispatch(command, anju.staff(login))
    return error.value.code


def count(table: type, *conditions: Any) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


def lines(case_id: int) -> list[str]:
    with reading() as session:
        assert verify(session, case_id) is None
        query = select(JournalEntry.kind).where(JournalEntry.case_id == case_id).order_by(JournalEntry.seq)
        return list(session.scalars(query))


# --- ending


def test_a_cancelled_case_leaves_nothing_to_do(anju_both: Installation) -> None:
    anju = anju_both
    case_id = anju.apply().case_id
    dispatch(CancelCase(case_id, "重复受理"), anju.staff(SUPERVISOR))

    case = anju.case(case_id)
    assert (case.state, case.outcome) == ("cancelled", "")
    assert case.closed_at == clock.now()
    assert not anju.tasks(case_id)
    for table in (Job, Subscription, LiveKey):
        assert count(table, table.case_id == case_id) == 0
    assert lines(case_id)[-2:] == ["terminated", "closed"]
    # The household may apply again.
    assert anju.apply().case_id != case_id


def test_a_suspended_case_can_be_cancelled(anju: Installation) -> None:
    case_id = anju.apply().case_id
    dispatch(SuspendCase(case_id, "等待上级答复"), anju.staff(SUPERVISOR))
    dispatch(CancelCase(case_id, "不再办理"), anju.staff(SUPERVISOR))

    assert anju.case(case_id).state == "cancelled"
    assert count(Task, Task.case_id == case_id, Task.state.in_(("open", "suspended"))) == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda case_id: CancelCase(case_id, "原因"),
        lambda case_id: SuspendCase(case_id, "原因"),
        lambda case_id: ModifyCase(case_id, "原因", move=(("accept", "first_review"),)),
        lambda case_id: SetVariables(case_id, {"x": 1}, "原因"),
    ],
)
def test_only_a_supervisor_of_the_office_may(make: Callable[[int], Any], anju: Installation) -> None:
    case_id = anju.apply().case_id

    assert refused(make(case_id), anju, "liuyang") == "forbidden"
    assert refused(make(1), anju) == "not_found"
    dispatch(CancelCase(case_id, "重复受理"), anju.staff(SUPERVISOR))
    assert refused(make(case_id), anju) == "case_over"


def test_a_reason_is_needed(anju: Installation) -> None:
    case_id = anju.apply().case_id

    assert refused(CancelCase(case_id, " "), anju) == "reason_missing"
    assert anju.case(case_id).state == "open"


# --- standing still


def test_a_suspended_case_stands_still_and_comes_back(anju: Installation) -> None:
    case_id = anju.apply().case_id
    anju.drain()
    task = anju.tasks(case_id)["accept"]
    dispatch(SuspendCase(case_id, "等待上级答复"), anju.staff(SUPERVISOR))

    assert not anju.tasks(case_id)
    assert refused(CompleteTask(task.id, ACCEPTED, task.version), anju, "liuyang") == "task_already_done"
    assert refused(ClaimTask(task.id), anju, "liuyang") == "task_already_done"
    assert refused(SuspendCase(case_id, "再次"), anju) == "case_suspended"
    assert refused(ModifyCase(case_id, "调整", terminate=("accept",)), anju) == "case_suspended"
    anju.move(timedelta(days=90))
    assert count(Job, Job.case_id == case_id, Job.state != "suspended") == 0

    dispatch(ResumeCase(case_id, "答复已到"), anju.staff(SUPERVISOR))
    assert refused(ResumeCase(case_id), anju) == "not_suspended"
    anju.drain()
    assert "accept" in anju.tasks(case_id)
    anju.do(case_id, "accept", "liuyang", ACCEPTED)
    assert "suspended" in lines(case_id)
    assert "resumed" in lines(case_id)


def test_calls_wait_until_the_case_goes_on(anju: Installation) -> None:
    case_id = anju.apply().case_id
    task = anju.tasks(case_id)["accept"]
    dispatch(CompleteTask(task.id, ACCEPTED, task.version), anju.staff("liuyang"))
    waiting = count(Job, Job.case_id == case_id, Job.kind == "call")
    assert waiting
    dispatch(SuspendCase(case_id, "系统维护"), anju.staff(SUPERVISOR))
    anju.drain()
    assert count(Job, Job.case_id == case_id, Job.kind == "call", Job.state == "suspended") == waiting

    dispatch(ResumeCase(case_id), anju.staff(SUPERVISOR))
    anju.drain()
    assert "first_review" in anju.tasks(case_id)


def test_a_message_that_comes_meanwhile_is_taken_afterwards(anju: Installation) -> None:
    case = anju.case(anju.apply().case_id)
    dispatch(SuspendCase(case.id, "系统维护"), anju.staff(SUPERVISOR))
    name = "rental_eligibility_application.withdraw"
    sent = dispatch(PublishMessage(name, case.number, "m-1", {"withdraw_reason": "不申请了"}), SYSTEM)
    assert not sent.case_id
    anju.drain()
    assert anju.case(case.id).state == "suspended"

    dispatch(ResumeCase(case.id), anju.staff(SUPERVISOR))
    anju.drain()
    closed = anju.case(case.id)
    assert (closed.state, closed.outcome) == ("closed", "withdrawn")


def test_a_citizen_cannot_withdraw_a_suspended_case(anju: Installation) -> None:
    case_id = anju.apply().case_id
    dispatch(SuspendCase(case_id, "系统维护"), anju.staff(SUPERVISOR))

    with pytest.raises(Refused, match="已挂起") as error:
        dispatch(WithdrawCase(case_id, "不申请了"), anju.citizen())
    assert error.value.code == "case_suspended"


# --- changing the course


def test_a_step_is_skipped_with_a_reason_in_the_record(anju: Installation) -> None:
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", ACCEPTED)
    before = anju.tasks(case_id)["first_review"]
    command = ModifyCase(case_id, "初审人员回避", move=(("first_review", "second_review"),), variables={"note": "回避"})
    dispatch(command, anju.staff(SUPERVISOR))

    assert list(anju.tasks(case_id)) == ["second_review"]
    with reading() as session:
        assert session.get_one(Task, before.id).state == "cancelled"
        entry = session.scalars(
            select(JournalEntry).where(JournalEntry.case_id == case_id, JournalEntry.kind == "modified")
        ).one()
    assert entry.payload["reason"] == "初审人员回避"
    assert entry.payload["variables"] == ["note"]
    anju.do(case_id, "second_review", "chenhao", PASS)


def test_a_page_that_is_out_of_date_changes_nothing(anju: Installation) -> None:
    case_id = anju.apply().case_id
    seen = anju.case(case_id).version
    anju.do(case_id, "accept", "liuyang", ACCEPTED)

    assert refused(ModifyCase(case_id, "调整", terminate=("first_review",), seen_version=seen), anju) == "case_changed"
    assert refused(ModifyCase(case_id, "调整", terminate=("accept",)), anju) == "nothing_there"
    assert refused(ModifyCase(case_id, "调整"), anju) == "nothing_to_do"
    assert "first_review" in anju.tasks(case_id)


def test_cancelling_the_last_step_ends_the_case(anju: Installation) -> None:
    case_id = anju.apply().case_id
    dispatch(ModifyCase(case_id, "误受理", terminate=("accept",)), anju.staff(SUPERVISOR))

    assert anju.case(case_id).state == "cancelled"


def test_a_step_can_be_begun_beside_the_others(anju: Installation) -> None:
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", ACCEPTED)
    dispatch(ModifyCase(case_id, "同时复审", activate=(Activation("second_review"),)), anju.staff(SUPERVISOR))

    assert sorted(anju.tasks(case_id)) == ["first_review", "second_review"]


def test_variables_are_set_and_told(anju: Installation) -> None:
    case_id = anju.apply().case_id
    dispatch(SetVariables(case_id, {"declared_income_fen": 1}, "录入有误"), anju.staff(SUPERVISOR))

    assert lines(case_id)[-1] == "variables_set"
    assert refused(SetVariables(case_id, {"x": 1}, "原因", scope="404"), anju) == "scope_not_found"
