"""What a list says of its rows to this very person: whose task it is, why to keep away, who called them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from engine.cases.work import Task
from engine.commands import dispatch
from engine.commands.approval.words import AddComment, CopyTo, MarkRead, Urge
from engine.commands.deputies import DeclareRelative, NameDeputies, RevokeDeputy, Share
from engine.commands.inbox import SaveView
from engine.commands.tasks import ClaimTask
from engine.core import clock
from engine.core.db import reading, transaction
from engine.queries import inbox
from engine.queries.common import calendar
from engine.queries.inbox_line import TaskLine
from tests.support.installation import FAMILY, ITEM, Installation

LONE = {**FAMILY["applicant"], "name": "孙伯年", "marital_status": "10", "id_number": "330106196511091117"}


def lines(anju: Installation, login: str, view: str) -> list[TaskLine]:
    with reading() as session, calendar(session):
        return inbox.tasks(session, anju.staff(login), view).lines


def counted(anju: Installation, login: str) -> dict[str, int]:
    with reading() as session:
        found = inbox.counts(session, anju.staff(login)).by_view
        return {view: number for view, number in found.items() if number}


def words(line: TaskLine) -> list[str]:
    return [text for text, _, _ in line.marks]


def two_cases(anju: Installation) -> tuple[Task, Task]:
    """One that a spouse and a child belong to, one of a lone man; gives their first tasks."""
    family = anju.apply().case_id
    lone = anju.apply(anju.staff("liuyang"), "counter", applicant=LONE, co_applicants=[]).case_id
    return anju.tasks(family)["accept"], anju.tasks(lone)["accept"]


def stands_in(anju: Installation, whose: str, deputy: str, **share: tuple[str, ...]) -> int:
    """For three days from now; gives the grant."""
    until = clock.now() + timedelta(days=3)
    granted = Share(anju.staff(deputy).id, **share)
    [row] = dispatch(NameDeputies(clock.now(), until, (granted,)), anju.staff(whose))
    return int(row)


def test_tasks_of_somebody_one_stands_in_for_are_listed_counted_and_marked(anju_both: Installation) -> None:
    anju = anju_both
    taken, free = two_cases(anju)
    dispatch(ClaimTask(taken.id), anju.staff("liuyang"))
    assert counted(anju, "wangmin") == {}
    grant = stands_in(anju, "liuyang", "wangmin", items=(ITEM,))
    assert counted(anju, "wangmin") == {"mine": 1, "deputy": 2}
    assert {one.id for one in lines(anju, "wangmin", "deputy")} == {taken.id, free.id}
    [held] = lines(anju, "wangmin", "mine")
    assert (held.id, words(held)) == (taken.id, ["代 刘洋"])
    with reading() as session:
        assert inbox.next_task(session, anju.staff("wangmin"), "deputy") in (taken.id, free.id)
        assert inbox.default_view(inbox.counts(session, anju.staff("wangmin"))) == "mine"
    page = anju.client(anju.staff("wangmin")).get("/inbox?view=deputy").get_data(as_text=True)
    assert "代理的" in page
    assert page.count("代 刘洋") == 2
    dispatch(RevokeDeputy(grant), anju.staff("liuyang"))
    assert counted(anju, "wangmin") == {}
    assert "代理的" not in anju.client(anju.staff("wangmin")).get("/inbox").get_data(as_text=True)


def test_a_grant_ends_at_its_hour_and_holds_for_its_items_alone(anju_both: Installation) -> None:
    anju = anju_both
    two_cases(anju)
    stands_in(anju, "liuyang", "wangmin", items=("rental/decision_review",))
    assert counted(anju, "wangmin") == {}
    stands_in(anju, "liuyang", "wangmin")
    assert counted(anju, "wangmin") == {"deputy": 2}, "both grants hold them, each is counted once"
    anju.move(timedelta(days=3, minutes=1))
    assert counted(anju, "wangmin") == {}


def test_what_is_in_ones_own_queue_is_not_a_deputys(anju_both: Installation) -> None:
    anju = anju_both
    two_cases(anju)
    with transaction() as session:
        theirs = select(Task.id).where(Task.state == "open")
        session.execute(update(Task).where(Task.id.in_(theirs)).values(role="first_review"))
    stands_in(anju, "liuyang", "wangmin")
    assert counted(anju, "wangmin") == {"role-first_review": 2}
    assert [words(one) for one in lines(anju, "wangmin", "role-first_review")] == [[], []]


def test_a_row_says_that_one_must_keep_away_and_cannot_be_picked(anju_both: Installation) -> None:
    anju = anju_both
    barred, other = two_cases(anju)
    spouse = FAMILY["co_applicants"][0]
    dispatch(DeclareRelative(spouse["name"], spouse["id_number"], "兄弟姐妹"), anju.staff("liuyang"))
    told = {one.id: (one.barred, words(one)) for one in lines(anju, "liuyang", "role-acceptance")}
    assert told == {barred.id: (True, ["需回避"]), other.id: (False, [])}
    with reading() as session:
        assert inbox.next_task(session, anju.staff("liuyang"), "role-acceptance") == other.id
    page = anju.client(anju.staff("liuyang")).get("/inbox?view=role-acceptance").get_data(as_text=True)
    assert f'value="{other.id}" form="bulk"' in page
    assert f'value="{barred.id}" form="bulk"' not in page
    # A colleague without such a relative sees nothing of it.
    assert [words(one) for one in lines(anju, "sunqiang", "role-acceptance")] == [[], []]


def test_a_row_says_who_called_and_what_the_clock_said(anju_both: Installation) -> None:
    anju = anju_both
    first, second = two_cases(anju)
    clerk, boss = anju.staff("liuyang"), anju.staff("sunqiang")
    dispatch(AddComment(first.case_id, "@刘洋 请核对收入"), boss)
    dispatch(CopyTo(second.case_id, (clerk.id,)), boss)
    dispatch(Urge(second.id), boss)
    with transaction() as session:
        session.execute(update(Task).where(Task.id == first.id).values(alarm="yellow"))
        session.execute(update(Task).where(Task.id == second.id).values(alarm="red"))
    told = {one.id: words(one) for one in lines(anju, "liuyang", "role-acceptance")}
    assert told == {first.id: ["@我", "预警"], second.id: ["抄送我", "逾期已报", "催办"]}
    by_mark = {mark: dispatch(SaveView(mark, {"mark": [mark]}), clerk) for mark in ("mention", "copied", "warned")}
    held = {mark: {one.id for one in lines(anju, "liuyang", f"view-{view}")} for mark, view in by_mark.items()}
    assert held == {"mention": {first.id}, "copied": {second.id}, "warned": {first.id, second.id}}
    assert [counted(anju, "liuyang")[f"view-{view}"] for view in by_mark.values()] == [1, 1, 2]
    dispatch(MarkRead(), clerk)
    told = {one.id: words(one) for one in lines(anju, "liuyang", "role-acceptance")}
    assert told == {first.id: ["预警"], second.id: ["逾期已报", "催办"]}
