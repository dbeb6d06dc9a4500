"""Who gets tasks: by rule, from a supervisor's hand, and all at once when somebody leaves."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine.cases import drafts
from engine.cases.record import JournalEntry
from engine.cases.work import Task
from engine.catalog.releases import Release
from engine.commands import dispatch
from engine.commands.accounts import hash_password
from engine.commands.assigning import AssignTask, in_turn
from engine.commands.deputies import DeclareRelative, NameDeputies, Share
from engine.commands.handover import HandedOver, HandOver
from engine.commands.publish import PublishItem, collect
from engine.commands.tasks import ClaimTask, ReleaseTask, SaveDraft
from engine.core import clock, ids
from engine.core.actor import SYSTEM
from engine.core.config import ROOT
from engine.core.db import reading, transaction
from engine.core.errors import Forbidden, Refused, TaskChanged
from engine.registers.offices import StaffUser
from tests.support.installation import FAMILY, ITEM, Installation

ACCEPTED = {"accept_result": "accepted", "accept_opinion": "材料齐全"}
WEEK = timedelta(days=7)


def hired(anju: Installation, login: str, *roles: str) -> int:
    """A further caseworker of the office."""
    with transaction() as session:
        user = StaffUser(
            id=ids.new(),
            office_id=anju.office(),
            login=login,
            name=f"同事{login}",
            password_hash=hash_password("x" * 12),
        )
        user.roles = list(roles)
        session.add(user)
    return user.id


def case_of(anju: Installation, number: int) -> int:
    """An application of a family of its own."""
    applicant = {**FAMILY["applicant"], "id_number": number_of(number)}
    return anju.apply(applicant=applicant, co_applicants=[]).case_id


def number_of(number: int) -> str:
    """A resident ID with the right check digit."""
    body = f"330106198803{10 + number:02d}10{number % 10}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(one) * weight for one, weight in zip(body, weights, strict=True)) % 11]


def rule(anju: Installation, **rules: str) -> None:
    """Publish the item with these rules of assignment."""
    files = dict(collect(ROOT, ITEM))
    name = next(path for path in files if path.endswith("item.yaml"))
    lines = "".join(f"  {element}: {found}\n" for element, found in rules.items())
    files[name] += f"\nassignment:\n{lines}".encode()
    dispatch(PublishItem(ITEM, files), SYSTEM)
    with reading() as session:
        assert session.scalar(select(Release.id).where(Release.item == ITEM, Release.current.is_(True)))


def test_turns_go_round_and_skip_whoever_is_away_or_related(anju_both: Installation) -> None:
    anju = anju_both
    rule(anju, accept="round_robin")
    away, related = hired(anju, "away", "acceptance"), hired(anju, "related", "acceptance")
    span = {"from_at": clock.now(), "until_at": clock.now() + WEEK, "leave": True}
    dispatch(NameDeputies(shares=(), principal_id=away, **span), anju.staff("sunqiang"))
    for number in range(3):
        dispatch(DeclareRelative("某某", number_of(number), "子女"), anju.staff("related"))
    got = Counter(anju.tasks(case_of(anju, number))["accept"].assignee for number in range(3))
    assert got == {anju.staff("liuyang").key: 2, anju.staff("sunqiang").key: 1} or got == {
        anju.staff("liuyang").key: 1,
        anju.staff("sunqiang").key: 2,
    }
    got = Counter(anju.tasks(case_of(anju, number))["accept"].assignee for number in range(3, 6))
    assert got == {anju.staff("liuyang").key: 1, anju.staff("sunqiang").key: 1, f"staff:{related}": 1}


def test_a_task_that_only_somebody_barred_could_have_waits_in_the_queue(anju: Installation) -> None:
    rule(anju, accept="by_office", first_review="least_loaded")
    dispatch(DeclareRelative("林秋实", FAMILY["applicant"]["id_number"], "子女"), anju.staff("wangmin"))
    case_id = anju.apply().case_id
    assert anju.tasks(case_id)["accept"].assignee == anju.staff("liuyang").key
    anju.do(case_id, "accept", "liuyang", ACCEPTED)
    assert anju.tasks(case_id)["first_review"].assignee == ""


def test_a_supervisor_hands_tasks_out_and_takes_them_back_row_by_row(anju: Installation) -> None:
    tasks = [anju.tasks(case_of(anju, number))["accept"] for number in range(3)]
    boss, clerk = anju.staff("sunqiang"), anju.staff("liuyang")
    with pytest.raises(Forbidden, match="主管"):
        dispatch(AssignTask(tasks[0].id, clerk.id), clerk)
    with pytest.raises(Refused, match="岗位"):
        dispatch(AssignTask(tasks[0].id, anju.staff("wangmin").id), boss)
    dispatch(DeclareRelative("某某", number_of(1), "配偶"), clerk)
    told = in_turn([AssignTask(task.id, clerk.id, "均衡") for task in tasks], boss)
    assert [one.ok for one in told] == [True, False, True]
    assert "回避" in told[1].message
    with reading() as session:
        lines = session.scalars(select(JournalEntry.title).where(JournalEntry.case_id == tasks[0].case_id)).all()
    assert "指派「受理审查」给刘洋：均衡" in lines
    told = in_turn([ReleaseTask(task.id) for task in tasks], boss)
    assert [one.ok for one in told] == [True, False, True]
    assert all(anju.tasks(task.case_id)["accept"].assignee == "" for task in tasks)


def test_whoever_leaves_hands_everything_over_in_one_reviewed_step(anju_both: Installation) -> None:
    anju = anju_both
    new = hired(anju, "new", "acceptance")
    tasks = [anju.tasks(case_of(anju, number))["accept"] for number in range(3)]
    gone, boss = anju.staff("liuyang"), anju.staff("sunqiang")
    for task in tasks:
        dispatch(ClaimTask(task.id), gone)
    dispatch(SaveDraft(f"task:{tasks[0].id}", {"accept_opinion": "材料齐"}), gone)
    until: dict[str, Any] = {"from_at": clock.now(), "until_at": clock.now() + WEEK}
    dispatch(NameDeputies(shares=(Share(gone.id),), **until), anju.staff("wangmin"))
    plan: HandedOver = dispatch(HandOver(gone.id, (new,)), boss)
    assert not plan.done
    assert Counter(row.kind for row in plan.rows) == {"task": 3, "draft": 1, "deputy": 1}
    dispatch(NameDeputies(shares=(Share(gone.id),), **until), anju.staff("chenhao"))
    with pytest.raises(TaskChanged):
        dispatch(HandOver(gone.id, (new,), "调离", plan.digest), boss)
    with pytest.raises(Refused, match="原因"):
        dispatch(HandOver(gone.id, (new,), "", plan.digest), boss)
    plan = dispatch(HandOver(gone.id, (new,)), boss)
    result: HandedOver = dispatch(HandOver(gone.id, (new,), "调离", plan.digest), boss)
    assert (result.done, result.rows) == (True, plan.rows)
    with reading() as session:
        key = f"staff:{new}"
        assert {session.get_one(Task, task.id).assignee for task in tasks} == {key}
        kept = drafts.find(session, key, f"task:{tasks[0].id}")
        assert kept is not None
        assert kept.answers == {"accept_opinion": "材料齐"}
    assert {one.name for one in anju.staff("new").principals} == {"王敏", "陈浩"}
    # Signed out at once: the session's account is looked up at every request.
    assert anju.client(gone).get("/inbox").status_code == 302


def test_what_nobody_of_the_receivers_may_do_returns_to_the_queue(anju: Installation) -> None:
    task = anju.tasks(case_of(anju, 0))["accept"]
    gone, boss = anju.staff("liuyang"), anju.staff("sunqiang")
    dispatch(ClaimTask(task.id), gone)
    to = (anju.staff("chenhao").id,)
    plan: HandedOver = dispatch(HandOver(gone.id, to), boss)
    assert [row.to for row in plan.rows] == ["放回岗位池"]
    dispatch(HandOver(gone.id, to, "离职", plan.digest), boss)
    assert anju.tasks(task.case_id)["accept"].assignee == ""
    with pytest.raises(Refused, match="停用"):
        dispatch(HandOver(gone.id, to), boss)
