"""Named views: who may make and change them, and that they hold what a plain look at all tasks finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from engine.cases import drafts, view_spec
from engine.cases.desk import InboxView, TaskSeen, sweep
from engine.cases.drafts import DraftElsewhere
from engine.cases.work import Task
from engine.commands import dispatch
from engine.commands.inbox import MOST_VIEWS, DeleteView, LookAtTask, SaveView, SetYellow
from engine.commands.tasks import ClaimTask, SaveDraft
from engine.core import clock
from engine.core.db import reading, transaction
from engine.core.errors import Forbidden, NotFound, Refused
from engine.queries import inbox, inbox_sql
from engine.queries.common import calendar
from tests.support.installation import Installation

STRANGER = {
    "name": "马晓燕",
    "marital_status": "10",
    "id_kind": "passport",
    "phone": "19900000021",
    "region": "330106",
    "residence": "local",
}


def three_cases(anju: Installation) -> list[int]:
    """At the counter; gives the ids of their tasks, oldest first."""
    for number in ("E12345671", "E12345672", "E12345673"):
        anju.apply(anju.staff("liuyang"), "counter", applicant={**STRANGER, "id_number": number}, co_applicants=[])
        anju.move(timedelta(days=1))
    with reading() as session:
        return list(session.scalars(select(Task.id).where(Task.state == "open").order_by(Task.id)))


def held(anju: Installation, login: str, view: int | str, words: str = "") -> list[int]:
    key = view if isinstance(view, str) else f"view-{view}"
    with reading() as session, calendar(session):
        return [one.id for one in inbox.tasks(session, anju.staff(login), key, words=words).lines]


def counted(anju: Installation, login: str) -> dict[str, str]:
    with reading() as session, calendar(session):
        found = inbox.counts(session, anju.staff(login))
        return {one.title: found.shown(one.key) for one in found.around.views}


ASKED: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({}, (0, 1, 2)),
    ({"item": ["rental/eligibility_application"], "channel": ["counter"]}, (0, 1, 2)),
    ({"channel": ["portal"]}, ()),
    ({"assignee": ["free"]}, (1, 2)),
    ({"assignee": ["me"]}, (0,)),
    ({"assignee": ["others"]}, ()),
    ({"assignee": ["me", "free"], "role": ["acceptance"], "step": ["accept"]}, (0, 1, 2)),
    ({"due": ["none"]}, (1, 2)),
    ({"due": ["late", "today"]}, (0,)),
    ({"due": ["soon", "later"]}, ()),
    ({"created": ["today"]}, ()),
    ({"created": ["older3"]}, (0,)),
    ({"created": ["week", "older30"]}, (0, 1, 2)),
    ({"priority": ["high"]}, (1,)),
    ({"priority": ["normal", "low"]}, (0, 2)),
    ({"mark": ["urged"]}, (2,)),
    ({"mark": ["unread"]}, (0, 2)),
    ({"mark": ["urged", "returned"], "priority": ["high"]}, ()),
]


def test_a_view_holds_and_counts_what_it_asks_for(anju: Installation) -> None:
    ids = three_cases(anju)
    clerk = anju.staff("liuyang")
    dispatch(ClaimTask(ids[0]), clerk)
    dispatch(LookAtTask(ids[1]), clerk)
    anju.move(timedelta(days=1))
    late = {"due_on": clock.today() - timedelta(days=1), "priority": 50, "urged": 0}
    plain = {"due_on": None, "priority": 50, "urged": 0}
    with transaction() as session:
        for number, values in zip(ids, (late, {**plain, "priority": 80}, {**plain, "urged": 1}), strict=True):
            session.execute(update(Task).where(Task.id == number).values(**values))
    view = dispatch(SaveView("试验", {}), clerk)
    for filters, expected in ASKED:
        dispatch(SaveView("试验", filters, view_id=view), clerk)
        wanted = [ids[at] for at in expected]
        assert sorted(held(anju, "liuyang", view)) == wanted, filters
        assert counted(anju, "liuyang") == {"试验": str(len(wanted))}, filters
        with reading() as session, calendar(session):
            following = inbox.next_task(session, clerk, f"view-{view}")
        assert following in wanted or (following is None and not wanted), filters


ORDERS = {"due": (2, 1, 0), "oldest": (0, 1, 2), "newest": (2, 1, 0), "priority": (1, 2, 0)}


def test_a_view_is_in_its_order_page_after_page(anju: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = three_cases(anju)
    with transaction() as session:
        for at, (days, priority) in enumerate(((9, 50), (5, 80), (1, 50))):
            changes = {"due_on": clock.today() + timedelta(days=days), "priority": priority}
            session.execute(update(Task).where(Task.id == ids[at]).values(**changes))
    clerk = anju.staff("liuyang")
    for name in ("inbox_sql.PAGE", "inbox.PAGE"):
        monkeypatch.setattr(f"engine.queries.{name}", 1)
    inbox_sql.page.cache_clear()
    view = dispatch(SaveView("次序"), clerk)
    for sort, order in ORDERS.items():
        dispatch(SaveView("次序", sort=sort, view_id=view), clerk)
        assert paged(anju, f"view-{view}") == [ids[at] for at in order], sort
    inbox_sql.page.cache_clear()


def paged(anju: Installation, view: str) -> list[int]:
    """The ids of a view's tasks, page after page."""
    found, after = [], ""
    with reading() as session, calendar(session):
        while True:
            page = inbox.tasks(session, anju.staff("liuyang"), view, after)
            found += [one.id for one in page.lines]
            after = page.following
            if not after:
                return found


def test_a_search_finds_open_tasks_by_number_name_document_and_phone(anju: Installation) -> None:
    started = anju.apply()
    (task,) = anju.tasks(started.case_id).values()
    for words in (started.number, started.number[:9], "林秋实", "330106198803121014", "19900000001"):
        assert held(anju, "liuyang", "mine", words) == [task.id], words
        assert held(anju, "zhoujie", "mine", words) == [], "the neighbouring office learns of it"
    for words in ("林秋", "33010619880312", "%", "_____", "\\", "BZSQ%"):
        assert held(anju, "liuyang", "mine", words) == [], words


def test_a_shared_view_is_seen_in_its_office_and_changed_by_its_maker_or_a_supervisor(anju: Installation) -> None:
    clerk, colleague = anju.staff("liuyang"), anju.staff("wangmin")
    own = dispatch(SaveView("自用", {}), clerk)
    shared = dispatch(SaveView("共用", {"due": ["late"]}, shared=True), clerk)
    assert set(counted(anju, "liuyang")) == {"自用", "共用"}
    assert set(counted(anju, "wangmin")) == {"共用"}
    assert counted(anju, "zhoujie") == {}
    with pytest.raises(Forbidden):
        dispatch(SaveView("改名", {}, view_id=shared), colleague)
    with pytest.raises(NotFound):
        dispatch(DeleteView(own), colleague)
    with pytest.raises(NotFound):
        dispatch(DeleteView(shared), anju.staff("zhoujie"))
    dispatch(SaveView("逾期", {"due": ["late"]}, shared=True, view_id=shared), clerk)
    assert set(counted(anju, "wangmin")) == {"逾期"}
    dispatch(DeleteView(shared), clerk)
    assert counted(anju, "wangmin") == {}


OUTSIDE: list[dict[str, Any]] = [
    {"filters": {"subject_name": ["林秋实"]}},
    {"filters": {"due": ["'; DROP TABLE task; --"]}},
    {"filters": {"office": ["x"]}},
    {"filters": {"assignee": ["citizen:1"]}},
    {"filters": {"item": [""]}},
    {"filters": {"step": [str(number) for number in range(view_spec.MOST_VALUES + 1)]}},
    {"columns": ("password_hash",)},
    {"sort": "random()"},
    {"colour": "red"},
    {"title": " "},
    {"title": "很" * 17},
]


def test_anything_outside_the_language_is_refused(anju: Installation) -> None:
    for asked in OUTSIDE:
        with pytest.raises(Refused):
            dispatch(SaveView(**{"title": "试验", **asked}), anju.staff("liuyang"))
    with reading() as session:
        assert session.scalars(select(InboxView)).all() == []


def test_a_person_makes_no_more_views_than_they_can_look_at(anju: Installation) -> None:
    clerk = anju.staff("liuyang")
    for number in range(MOST_VIEWS):
        dispatch(SaveView(f"视图{number}", {}), clerk)
    with pytest.raises(Refused, match="请先删除"):
        dispatch(SaveView("再一个", {}), clerk)


def test_an_office_says_itself_when_yellow_begins(anju: Installation) -> None:
    started = anju.apply()
    anju.do(started.case_id, "accept", "liuyang", {"accept_result": "accepted"})
    clerk = anju.staff("wangmin")
    with pytest.raises(Forbidden):
        dispatch(SetYellow(20), clerk)
    with reading() as session, calendar(session):
        (line,) = inbox.tasks(session, clerk, "role-first_review").lines
    assert line.tone == ""
    dispatch(SetYellow(20), replace(clerk, roles=clerk.roles | {"supervisor"}))
    with reading() as session, calendar(session):
        (line,) = inbox.tasks(session, clerk, "role-first_review").lines
    assert (line.tone, line.soon) == ("warn", 20)


def test_what_somebody_opened_is_read_for_them_alone_and_forgotten_with_the_task(anju: Installation) -> None:
    started = anju.apply()
    (task,) = anju.tasks(started.case_id).values()
    clerk = anju.staff("liuyang")
    dispatch(LookAtTask(task.id), clerk)
    dispatch(LookAtTask(task.id), clerk)
    with pytest.raises(NotFound):
        dispatch(LookAtTask(task.id), anju.staff("zhoujie"))
    with reading() as session, calendar(session):
        lines = [inbox.tasks(session, anju.staff(who), "role-acceptance").lines for who in ("liuyang", "sunqiang")]
    assert [one.unread for (one,) in lines] == [False, True]
    anju.do(started.case_id, "accept", "liuyang", {"accept_result": "accepted"})
    with transaction() as session:
        assert sweep(session) == 1
        assert session.scalars(select(TaskSeen)).all() == []


def test_a_second_page_is_told_of_a_newer_draft_and_a_lost_answer_is_no_second_page(anju: Installation) -> None:
    started = anju.apply()
    (task,) = anju.tasks(started.case_id).values()
    clerk, scope = anju.staff("liuyang"), f"task:{task.id}"
    assert dispatch(SaveDraft(scope, {"accept_opinion": "甲"}, "desk", 0), clerk).revision == 1
    assert dispatch(SaveDraft(scope, {"accept_opinion": "乙"}, "desk", 0), clerk).revision == 2, "its answer was lost"
    with pytest.raises(DraftElsewhere) as told:
        dispatch(SaveDraft(scope, {"accept_opinion": "丙"}, "phone", 0), clerk)
    assert told.value.revision == 2
    dispatch(SaveDraft(scope, {"accept_opinion": "丙"}, "phone", told.value.revision), clerk)
    with reading() as session:
        kept = drafts.find(session, clerk.key, scope)
    assert kept is not None
    assert (kept.answers, kept.revision) == ({"accept_opinion": "丙"}, 3)
