"""Task listeners: what is asked of a task waits for them, and whoever asked is told what they said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine.cases import drafts
from engine.cases.case import load_variables
from engine.cases.record import JournalEntry, verify
from engine.cases.work import REFUSAL, Task
from engine.commands import dispatch
from engine.commands.deploy import DeployResources
from engine.commands.external import ActivateJobs, CompleteJob
from engine.commands.instances import CreateInstance
from engine.commands.operate import CancelCase
from engine.commands.tasks import ClaimTask, CompleteTask, ReleaseTask
from engine.commands.user_tasks import AssignUserTask, CompleteUserTask, UpdateUserTask
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading, transaction
from engine.core.errors import Refused, TaskAlreadyDone
from engine.jobs.external import Activated
from engine.workflow import Answer
from tests.support.installation import Installation

CLERK, OTHER = "wangmin", "liuyang"


def model(*phases: str) -> bytes:
    heard = "".join(f'<zeebe:taskListener eventType="{one}" type="check.{one}"/>' for one in phases)
    return f"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t"><process id="heard" isExecutable="true">
<startEvent id="start"/><userTask id="review" name="核对"><extensionElements><zeebe:userTask/>
<zeebe:taskListeners>{heard}</zeebe:taskListeners></extensionElements></userTask><endEvent id="end"/>
<sequenceFlow id="f1" sourceRef="start" targetRef="review"/><sequenceFlow id="f2" sourceRef="review" targetRef="end"/>
</process></definitions>""".encode()


class Desk:
    """A caseworker before one task of a deployment whose listeners are workers over the API."""

    def __init__(self, anju: Installation, *phases: str) -> None:
        self.anju = anju
        self.clerk = anju.staff(CLERK)
        dispatch(DeployResources([("heard.bpmn", model(*phases))]), SYSTEM)
        starter = Actor("system", 0, "测试", office_id=self.clerk.office_id, offices=self.clerk.offices)
        self.case_id = dispatch(CreateInstance(process_id="heard"), starter).case_id

    @property
    def task(self) -> Task:
        with reading() as session:
            return session.scalars(select(Task).where(Task.case_id == self.case_id)).one()

    def complete(self, **answers: Any) -> Any:
        task = self.task
        return dispatch(CompleteTask(task.id, answers, task.version), self.clerk)

    def heard(self, phase: str) -> Activated:
        [job] = dispatch(ActivateJobs(f"check.{phase}", "w", timedelta(minutes=1), 5), SYSTEM)
        return job

    def say(self, phase: str, answer: Answer | None = None) -> Activated:
        job = self.heard(phase)
        dispatch(CompleteJob(job.id, {}, answer), SYSTEM)
        return job

    def lines(self) -> list[tuple[str, str]]:
        with reading() as session:
            assert verify(session, self.case_id) is None
            ours = select(JournalEntry).where(JournalEntry.case_id == self.case_id).order_by(JournalEntry.seq)
            return [(one.kind, one.actor_name) for one in session.scalars(ours)]


def test_a_task_is_done_when_those_who_listen_have_said_yes(anju_both: Installation) -> None:
    desk = Desk(anju_both, "completing")
    done = desk.complete(income=900)
    assert done.is_checked
    task = desk.task
    assert (task.state, task.done_at, task.done_by) == ("completing", None, desk.clerk.key)
    with reading() as session:
        assert load_variables(session, desk.case_id)["0"] == {}
    with pytest.raises(TaskAlreadyDone, match="正在校验"):
        desk.complete(income=1)

    job = desk.say("completing")

    assert job.task is not None
    assert (job.listener, job.task["user_task_key"], job.task["assignee"]) == ("completing", task.id, CLERK)
    assert (desk.task.state, desk.task.done_by) == ("done", desk.clerk.key)
    assert desk.task.done_at is not None
    assert anju_both.case(desk.case_id).state == "closed"
    kinds = desk.lines()
    assert ("submitted", desk.clerk.name) in kinds
    assert ("completed", desk.clerk.name) in kinds
    with reading() as session:
        answers = select(JournalEntry.payload).where(JournalEntry.task_id == task.id)
        assert session.scalars(answers).one() == {"income": 900}


def test_who_is_refused_finds_the_task_as_it_was_and_why(anju_both: Installation) -> None:
    desk = Desk(anju_both, "completing")
    desk.complete(income=900)
    desk.say("completing", Answer(denied=True, reason="收入与税务数据不符"))

    task = desk.task
    assert (task.state, task.assignee, task.done_by) == ("open", desk.clerk.key, "")
    assert task.properties[REFUSAL] == "提交的内容未通过校验：收入与税务数据不符"
    assert desk.lines()[-2][0] == "denied" or desk.lines()[-1][0] == "denied"
    with transaction() as session:
        drafts.sweep(session)
        kept = drafts.find(session, desk.clerk.key, f"task:{task.id}")
        assert kept is not None
        assert kept.answers == {"income": 900}

    desk.complete(income=1200)
    desk.say("completing", Answer(corrections={"priority": 90}))
    assert desk.task.state == "done"
    assert REFUSAL not in desk.task.properties
    assert [kind for kind, _ in desk.lines()].count("completed") == 1


def test_a_claim_is_asked_about_refused_corrected_and_given_back(anju_both: Installation) -> None:
    desk = Desk(anju_both, "assigning")
    key = desk.task.id
    dispatch(ClaimTask(key), desk.clerk)
    assert (desk.task.state, desk.task.assignee) == ("assigning", "")
    with pytest.raises(TaskAlreadyDone, match="正在校验"):
        dispatch(ClaimTask(key), desk.clerk)
    job = desk.say("assigning", Answer(denied=True, reason="今日已满"))
    assert job.task is not None
    assert (job.task["assignee"], job.task["changed_attributes"]) == (CLERK, ["assignee"])
    assert (desk.task.state, desk.task.assignee) == ("open", "")
    assert "今日已满" in desk.task.properties[REFUSAL]

    dispatch(ClaimTask(key), desk.clerk)
    desk.say("assigning", Answer(corrections={"assignee": OTHER}))
    assert desk.task.assignee == desk.anju.staff(OTHER).key
    dispatch(ReleaseTask(key), desk.anju.staff(OTHER))
    desk.say("assigning")
    assert (desk.task.state, desk.task.assignee) == ("open", "")


def test_handing_over_and_changing_over_the_api_are_asked_about_too(anju: Installation) -> None:
    desk = Desk(anju, "assigning", "updating")
    key = desk.task.id
    dispatch(AssignUserTask(key, OTHER), SYSTEM)
    desk.say("assigning")
    assert desk.task.assignee == anju.staff(OTHER).key
    dispatch(UpdateUserTask(key, {"priority": 80, "candidate_users": ["a"]}), SYSTEM)
    assert (desk.task.state, desk.task.priority) == ("updating", 50)
    desk.say("updating", Answer(corrections={"due_date": "2026-04-01T00:00:00+08:00"}))
    task = desk.task
    assert (task.state, task.priority, task.candidate_users) == ("open", 80, ["a"])
    assert task.due_at is not None


def test_a_program_completes_a_task_that_is_listened_to(anju: Installation) -> None:
    desk = Desk(anju, "completing")
    dispatch(CompleteUserTask(desk.task.id, {"n": 1}), SYSTEM)
    assert desk.task.state == "completing"
    desk.say("completing")
    assert anju.case(desk.case_id).state == "closed"


def test_what_is_being_checked_goes_with_its_case(anju: Installation) -> None:
    desk = Desk(anju, "completing")
    desk.complete()
    dispatch(CancelCase(desk.case_id, "不再办理"), SYSTEM)
    assert desk.task.state == "cancelled"
    assert dispatch(ActivateJobs("check.completing", "w", timedelta(minutes=1), 5), SYSTEM) == []


def test_nobody_but_a_listener_may_refuse(anju: Installation) -> None:
    desk = Desk(anju, "creating")
    with reading() as session:
        assert session.scalar(select(Task.id).where(Task.case_id == desk.case_id)) is None
    job = desk.heard("creating")
    with pytest.raises(Refused) as refused:
        dispatch(CompleteJob(job.id, {}, Answer(denied=True)), SYSTEM)
    assert refused.value.code == "denial_not_possible"
    dispatch(CompleteJob(job.id, {}, Answer(corrections={"priority": 70})), SYSTEM)
    assert desk.task.priority == 70
