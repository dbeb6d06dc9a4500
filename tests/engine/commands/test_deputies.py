"""代理, 请假, 回避: who may work for whom, that the record says so, and who must keep away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine.cases import record
from engine.cases.record import JournalEntry
from engine.cases.work import Task
from engine.commands import dispatch
from engine.commands.deputies import (
    DeclareRelative,
    DeclareSelf,
    NameDeputies,
    RevokeDeputy,
    Share,
    WithdrawRelative,
)
from engine.commands.tasks import ClaimTask, CompleteTask
from engine.core import clock
from engine.core.actor import Actor
from engine.core.db import reading
from engine.core.errors import Forbidden, NotFound, Refused
from engine.queries import deputies
from engine.queries.common import calendar
from engine.queries.task_page import open_task
from tests.support.installation import FAMILY, ITEM, Installation

ACCEPTED = {"accept_result": "accepted", "accept_opinion": "材料齐全"}
PASS = {"review_result": "pass", "review_opinion": "同意上报"}
DAY = timedelta(days=1)


def names(anju: Installation, who: str, deputy: str, **more: Any) -> list[int]:
    """``who`` names ``deputy`` from now on for a week."""
    scope = {name: more.pop(name) for name in ("items", "roles") if name in more}
    share = Share(anju.staff(deputy).id, **scope)
    span = {"from_at": clock.now(), "until_at": clock.now() + 7 * DAY, **more}
    found: list[int] = dispatch(NameDeputies(shares=(share,), **span), anju.staff(who))
    return found


def complete(anju: Installation, task: Task, who: Actor, answers: dict[str, Any]) -> None:
    dispatch(CompleteTask(task.id, answers, task.version), who)
    anju.drain()


def done(task_id: int) -> Task:
    with reading() as session:
        return session.get_one(Task, task_id)


def test_a_deputy_works_for_the_principal_and_every_record_says_so(anju_both: Installation) -> None:
    anju = anju_both
    case_id = anju.apply().case_id
    task = anju.tasks(case_id)["accept"]
    with pytest.raises(Forbidden):
        complete(anju, task, anju.staff("wangmin"), ACCEPTED)
    names(anju, "liuyang", "wangmin")
    deputy, principal = anju.staff("wangmin"), anju.staff("liuyang")
    complete(anju, task, deputy, ACCEPTED)
    assert (done(task.id).done_by, done(task.id).done_by_name) == (deputy.key, "王敏（代 刘洋）")
    with reading() as session:
        line = session.scalars(select(JournalEntry).where(JournalEntry.task_id == task.id)).one()
        assert (line.actor_key, line.for_key, line.actor_name) == (deputy.key, principal.key, "王敏（代 刘洋）")
        assert record.verify(session, case_id) is None


def test_who_did_a_step_for_somebody_bars_both_from_the_next(anju: Installation) -> None:
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", ACCEPTED)
    names(anju, "wangmin", "zhaoling")
    anju.do(case_id, "first_review", "zhaoling", PASS)
    task = anju.tasks(case_id)["second_review"]
    for other in ("wangmin", "zhaoling"):
        names(anju, "chenhao", other)
        with pytest.raises(Forbidden, match="前一审核环节"):
            complete(anju, task, anju.staff(other), PASS)
    complete(anju, task, anju.staff("chenhao"), PASS)
    assert done(task.id).done_by_name == "陈浩"


def test_the_time_window_the_items_and_the_roles_of_a_grant_are_its_borders(anju: Installation) -> None:
    task = anju.tasks(anju.apply().case_id)["accept"]
    names(anju, "liuyang", "wangmin", from_at=clock.now() + DAY)
    with pytest.raises(Forbidden):
        dispatch(ClaimTask(task.id), anju.staff("wangmin"))
    anju.move(2 * DAY)
    dispatch(ClaimTask(task.id), anju.staff("wangmin"))
    assert done(task.id).assignee == anju.staff("wangmin").key
    anju.move(8 * DAY)
    with pytest.raises(Forbidden):
        complete(anju, done(task.id), anju.staff("wangmin"), ACCEPTED)
    with pytest.raises(Refused, match="事项"):
        names(anju, "liuyang", "chenhao", items=("rental/nothing",))
    with pytest.raises(Refused, match="岗位"):
        names(anju, "liuyang", "chenhao", roles=("approval",))
    names(anju, "liuyang", "chenhao", items=(ITEM,), roles=("acceptance",))
    assert [one.items for one in anju.staff("chenhao").principals] == [(ITEM,)]


def test_a_grant_revoked_since_the_page_was_opened_counts_no_more(anju: Installation) -> None:
    task = anju.tasks(anju.apply().case_id)["accept"]
    [grant] = names(anju, "liuyang", "wangmin")
    opened_before = anju.staff("wangmin")
    dispatch(RevokeDeputy(grant), anju.staff("liuyang"))
    with pytest.raises(Forbidden, match="收回"):
        complete(anju, task, opened_before, ACCEPTED)
    with pytest.raises(Refused, match="已经结束"):
        dispatch(RevokeDeputy(grant), anju.staff("liuyang"))


def test_strangers_name_no_deputy_for_others_and_end_none(anju: Installation) -> None:
    [grant] = names(anju, "liuyang", "wangmin")
    with pytest.raises(NotFound):
        dispatch(RevokeDeputy(grant), anju.staff("zhoujie"))
    with pytest.raises(Forbidden):
        names(anju, "wangmin", "chenhao", principal_id=anju.staff("liuyang").id)
    with pytest.raises(Refused, match="本机构"):
        names(anju, "liuyang", "zhoujie")
    with pytest.raises(Refused, match="本人"):
        names(anju, "liuyang", "liuyang")
    names(anju, "sunqiang", "chenhao", principal_id=anju.staff("liuyang").id)
    assert [one.name for one in anju.staff("chenhao").principals] == ["刘洋"]


def test_the_pages_tell_ones_own_the_offices_and_who_is_away(anju: Installation) -> None:
    names(anju, "liuyang", "wangmin", leave=True, reason="年休假")
    with reading() as session:
        mine = deputies.own(session, anju.staff("liuyang"))
        held = deputies.own(session, anju.staff("wangmin")).held
        [row] = deputies.of_office(session, anju.staff("sunqiang"))
        absences = deputies.leave_calendar(session, anju.staff("sunqiang"), clock.today(), 10)
    assert [(one.deputy, one.leave, one.state) for one in mine.given] == [("王敏", True, "now")]
    assert [one.principal for one in held] == ["刘洋"]
    assert (row.principal, row.deputy, row.scope) == ("刘洋", "王敏", "全部岗位 · 全部事项")
    assert [(one.name, [day.away for day in one.days]) for one in absences] == [("刘洋", [True] * 8 + [False] * 2)]


def test_the_own_case_and_that_of_a_declared_relative_are_barred_and_say_so(anju: Installation) -> None:
    case_id = anju.apply().case_id
    task = anju.tasks(case_id)["accept"]
    wife = FAMILY["co_applicants"][0]
    relative = dispatch(DeclareRelative("周雨桐", wife["id_number"], "兄弟姐妹"), anju.staff("liuyang"))
    barred = anju.staff("liuyang")
    for command in (ClaimTask(task.id), CompleteTask(task.id, ACCEPTED, task.version)):
        with pytest.raises(Forbidden, match="回避"):
            dispatch(command, barred)
    with reading() as session, calendar(session):
        permit = open_task(session, barred, task.id).permit
        assert not permit.work
        assert "回避" in permit.why_not
    with pytest.raises(NotFound):
        dispatch(WithdrawRelative(relative, "填错"), anju.staff("liuyang"))
    dispatch(WithdrawRelative(relative, "填错"), anju.staff("sunqiang"))
    dispatch(DeclareSelf(FAMILY["applicant"]["id_number"]), anju.staff("sunqiang"))
    with pytest.raises(Forbidden, match="回避"):
        dispatch(ClaimTask(task.id), anju.staff("sunqiang"))
    dispatch(ClaimTask(task.id), anju.staff("liuyang"))


def test_a_deputy_is_barred_by_their_own_relatives(anju: Installation) -> None:
    task = anju.tasks(anju.apply().case_id)["accept"]
    names(anju, "liuyang", "wangmin")
    dispatch(DeclareRelative("林秋实", FAMILY["applicant"]["id_number"], "其他近亲属"), anju.staff("wangmin"))
    with pytest.raises(Forbidden, match="回避"):
        dispatch(ClaimTask(task.id), anju.staff("wangmin"))
