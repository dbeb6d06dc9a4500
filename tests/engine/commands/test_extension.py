"""A question for longer (延长) is a task of whoever decides, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from engine.cases.lawful_clock import Extension
from engine.cases.work import EXTENSION, Task
from engine.commands import dispatch
from engine.commands.approval.passing import TransferTask
from engine.commands.approval.words import Urge
from engine.commands.deputies import NameDeputies, Share
from engine.commands.extension import AskExtension, DecideExtension
from engine.commands.operate import CancelCase, ResumeCase, SuspendCase
from engine.commands.tasks import ClaimTask, CompleteTask, ReleaseTask
from engine.core import clock
from engine.core.db import reading
from engine.core.errors import Forbidden, Refused, TaskChanged
from engine.queries import inbox
from engine.queries.common import calendar
from tests.support.installation import Installation


def asked(anju: Installation) -> tuple[int, int, Task]:
    """王敏 has asked for three days more; gives the case, the question and its task."""
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    number = dispatch(AskExtension(case_id, 3, "等待外地回函"), anju.staff("wangmin"))
    return case_id, number, anju.tasks(case_id)[EXTENSION]


def listed(anju: Installation, login: str, view: str) -> list[int]:
    with reading() as session, calendar(session):
        return [one.id for one in inbox.tasks(session, anju.staff(login), view).lines]


def state_of(task: Task) -> str:
    with reading() as session:
        return session.scalars(select(Task.state).where(Task.id == task.id)).one()


def test_the_question_lies_in_the_queue_of_whoever_decides_until_it_is_answered(anju_both: Installation) -> None:
    anju = anju_both
    case_id, number, task = asked(anju)
    assert (task.role, task.due_on, task.token) == ("approval", anju.case(case_id).due_on, "")
    assert listed(anju, "zhaoling", "role-approval") == [task.id]
    assert task.id not in listed(anju, "wangmin", "role-first_review")
    dispatch(Urge(task.id), anju.staff("wangmin"))
    dispatch(ClaimTask(task.id), anju.staff("zhaoling"))
    dispatch(ReleaseTask(task.id), anju.staff("zhaoling"))
    dispatch(ClaimTask(task.id), anju.staff("zhaoling"))
    assert listed(anju, "zhaoling", "mine") == [task.id]
    dispatch(DecideExtension(number, True, "同意"), anju.staff("zhaoling"))
    assert listed(anju, "zhaoling", "mine") == []
    assert listed(anju, "zhaoling", "done-today") == [task.id]
    assert EXTENSION not in anju.tasks(case_id)
    # The case itself goes on as it would have.
    anju.do(case_id, "first_review", "wangmin", {"review_result": "pass", "review_opinion": "同意"})
    assert "second_review" in anju.tasks(case_id), anju.stuck(case_id)


def test_it_can_neither_be_handed_in_like_a_form_nor_passed_on(anju: Installation) -> None:
    _, _, task = asked(anju)
    with pytest.raises(Refused, match="延长申请请打开任务"):
        dispatch(CompleteTask(task.id, {}, task.version), anju.staff("zhaoling"))
    with pytest.raises(Refused, match="不允许"):
        dispatch(TransferTask(task.id, anju.staff("chenhao").id, "请代看"), anju.staff("zhaoling"))
    assert state_of(task) == "open"


def test_a_deputy_of_whoever_decides_may_and_whoever_asked_may_not(anju_both: Installation) -> None:
    anju = anju_both
    _, number, task = asked(anju)
    share = Share(anju.staff("chenhao").id)
    with pytest.raises(Forbidden):
        dispatch(DecideExtension(number, True), anju.staff("chenhao"))
    for deputy in (share, Share(anju.staff("wangmin").id)):
        until = clock.now() + timedelta(days=2)
        dispatch(NameDeputies(clock.now(), until, (deputy,)), anju.staff("zhaoling"))
    with pytest.raises(Forbidden, match="其他人审批"):
        dispatch(DecideExtension(number, True), anju.staff("wangmin"))
    assert listed(anju, "chenhao", "deputy") == [task.id]
    dispatch(DecideExtension(number, False, "理由不足"), anju.staff("chenhao"))
    with reading() as session:
        one = session.get_one(Extension, number)
        assert (one.state, one.decided_by_name) == ("refused", "陈浩（代 赵玲）")


def test_what_somebody_has_taken_is_not_decided_by_another_in_passing(anju: Installation) -> None:
    _, number, task = asked(anju)
    shares = tuple(Share(anju.staff(login).id) for login in ("chenhao", "liuyang"))
    dispatch(NameDeputies(clock.now(), clock.now() + timedelta(days=2), shares), anju.staff("zhaoling"))
    dispatch(ClaimTask(task.id), anju.staff("chenhao"))
    with pytest.raises(TaskChanged, match="已被他人认领"):
        dispatch(DecideExtension(number, True), anju.staff("liuyang"))
    dispatch(DecideExtension(number, True), anju.staff("chenhao"))


def test_it_stands_still_with_its_case_and_ends_with_it(anju_both: Installation) -> None:
    anju = anju_both
    case_id, number, task = asked(anju)
    boss = anju.staff("sunqiang")
    dispatch(SuspendCase(case_id, "等待上级答复"), boss)
    assert (state_of(task), listed(anju, "zhaoling", "role-approval")) == ("suspended", [])
    dispatch(ResumeCase(case_id, "已有答复"), boss)
    assert listed(anju, "zhaoling", "role-approval") == [task.id]
    dispatch(CancelCase(case_id, "重复申请"), boss)
    assert (state_of(task), listed(anju, "zhaoling", "role-approval")) == ("cancelled", [])
    with reading() as session:
        assert session.get_one(Extension, number).state == "over"
