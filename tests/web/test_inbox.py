"""The inbox: who sees which task, what is urgent, what comes next."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, update

from engine.commands import dispatch
from engine.commands.tasks import ClaimTask
from engine.core import db
from engine.core.db import reading, transaction
from engine.queries import inbox
from engine.queries.common import calendar
from engine.registers.offices import StaffUser
from engine.workflow import Process
from tests.support.installation import Installation

SUPPLEMENT = {
    "accept_result": "supplement",
    "supplement_items": ["income_proof"],
    "supplement_note": "收入证明未盖单位公章，请补盖后重新提交",
}
LONE = {
    "name": "孙伯年",
    "marital_status": "10",
    "id_kind": "resident_id",
    "id_number": "330106196511091117",
    "phone": "19900000005",
    "region": "330106",
    "residence": "local",
}


def counted(anju: Installation, login: str) -> dict[str, int]:
    """The views of a caseworker that hold something."""
    with reading() as session:
        return {view: number for view, number in inbox.counts(session, anju.staff(login)).by_view.items() if number}


def listed(anju: Installation, login: str, view: str) -> list[str]:
    """Case numbers in a view."""
    with reading() as session, calendar(session):
        return [line.number for line in inbox.tasks(session, anju.staff(login), view).lines]


def page(anju: Installation, login: str, path: str = "/inbox") -> str:
    return anju.client(anju.staff(login)).get(path).get_data(as_text=True)


def test_a_new_application_waits_in_the_queue_of_its_role_and_office(anju: Installation) -> None:
    started = anju.apply()
    assert counted(anju, "liuyang") == {"role-acceptance": 1}
    assert counted(anju, "wangmin") == {}
    assert counted(anju, "zhoujie") == {}, "the neighbouring office knows nothing of it"
    assert counted(anju, "sunqiang") == {"role-acceptance": 1}, "the office above sees what lies below"
    assert started.number in page(anju, "liuyang")
    assert started.number not in page(anju, "zhoujie", "/inbox?view=role-acceptance")


def test_the_inbox_opens_where_there_is_work(anju: Installation) -> None:
    started = anju.apply()
    assert "<h1>受理</h1>" in page(anju, "liuyang")
    dispatch(ClaimTask(anju.tasks(started.case_id)["accept"].id), anju.staff("liuyang"))
    assert "<h1>待我办理</h1>" in page(anju, "liuyang")


def test_a_claimed_task_leaves_the_queue_for_the_desk_of_whoever_claimed_it(anju: Installation) -> None:
    started = anju.apply()
    dispatch(ClaimTask(anju.tasks(started.case_id)["accept"].id), anju.staff("sunqiang"))
    assert counted(anju, "sunqiang") == {"mine": 1}
    assert counted(anju, "liuyang") == {}
    assert listed(anju, "sunqiang", "mine") == [started.number]


def test_the_name_on_the_list_is_masked(anju: Installation) -> None:
    anju.apply()
    told = page(anju, "liuyang")
    assert "林*实" in told
    assert "林秋实" not in told


def test_a_finished_task_is_counted_for_today_and_for_the_month(anju: Installation) -> None:
    started = anju.apply()
    done = anju.tasks(started.case_id)["accept"].id
    anju.do(started.case_id, "accept", "liuyang", {"accept_result": "accepted"})
    assert counted(anju, "liuyang") == {"done-today": 1, "done-month": 1}
    assert f'href="/tasks/{done}"' in page(anju, "liuyang", "/inbox?view=done-today"), "there it can be taken back"
    anju.move(timedelta(days=1))
    assert counted(anju, "liuyang") == {"done-month": 1}
    anju.move(timedelta(days=31))
    assert counted(anju, "liuyang") == {}


def test_a_task_past_its_day_counts_as_late_and_one_of_today_as_due(anju: Installation) -> None:
    started = anju.apply()
    anju.do(started.case_id, "accept", "liuyang", {"accept_result": "accepted"})
    assert "剩 10 工作日" in page(anju, "wangmin")
    anju.move(timedelta(days=14))
    assert counted(anju, "wangmin") == {"role-first_review": 1, "today": 1}
    assert "今日到期" in page(anju, "wangmin", "/inbox?view=today")
    anju.move(timedelta(days=1))
    assert counted(anju, "wangmin") == {"role-first_review": 1, "late": 1}
    assert listed(anju, "wangmin", "late") == [started.number]
    assert "超时 1 工作日" in page(anju, "wangmin", "/inbox?view=late")


def test_a_case_that_waits_for_papers_stands_under_supplements_with_its_clock_at_rest(anju: Installation) -> None:
    started = anju.apply()
    anju.do(started.case_id, "accept", "liuyang", SUPPLEMENT)
    assert counted(anju, "wangmin") == {"supplement": 1}
    told = page(anju, "liuyang", "/inbox?view=supplement")
    assert started.number in told
    assert "计时暂停 · 补件" in told


def test_the_most_urgent_case_comes_first(anju: Installation) -> None:
    early = anju.apply()
    anju.do(early.case_id, "accept", "liuyang", {"accept_result": "accepted"})
    anju.move(timedelta(days=1))
    late = anju.apply(
        anju.citizen("19900000005"),
        applicant=LONE,
        co_applicants=[],
    )
    anju.do(late.case_id, "accept", "liuyang", {"accept_result": "accepted"})
    assert listed(anju, "wangmin", "role-first_review") == [early.number, late.number]
    with reading() as session:
        following = inbox.next_task(session, anju.staff("wangmin"), "role-first_review")
    assert following == anju.tasks(early.case_id)["first_review"].id


def test_a_caseworker_without_a_role_is_told_so(anju: Installation) -> None:
    with transaction() as session:
        session.execute(update(StaffUser).where(StaffUser.login == "liuyang").values(roles=[]))
    anju.apply()
    told = page(anju, "liuyang")
    assert "还没有分配岗位" in told
    assert "窗口受理" not in told


def test_an_unknown_view_shows_ones_own_list(anju: Installation) -> None:
    anju.apply()
    assert "没有待我办理的任务" in page(anju, "liuyang", "/inbox?view=role-nobody&page=x")


def test_the_inbox_never_loads_a_process_and_asks_few_questions(
    anju: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in ("E12345671", "E12345672", "E12345673"):
        stranger = {**LONE, "name": "马晓燕", "id_kind": "passport", "id_number": number}
        anju.apply(anju.staff("liuyang"), "counter", applicant=stranger, co_applicants=[])
    client = anju.client(anju.staff("liuyang"))
    client.get("/inbox")
    monkeypatch.setattr(Process, "load", None)
    asked: list[str] = []
    event.listen(db.engine(), "before_cursor_execute", lambda *args: asked.append(args[2]))
    assert client.get("/inbox").status_code == 200
    statements = [text for text in asked if text.startswith("SELECT")]
    assert len(statements) <= 12, "\n".join(statements)


def test_many_tasks_at_once_are_told_of_row_by_row_without_a_script_too(anju: Installation) -> None:
    first, second = anju.apply(), anju.apply(anju.citizen("19900000005"), applicant=LONE, co_applicants=[])
    ids = [anju.tasks(one.case_id)["accept"].id for one in (first, second)]
    dispatch(ClaimTask(ids[1]), anju.staff("sunqiang"))
    clerk = anju.client(anju.staff("liuyang"))
    form = {"csrf_token": "token", "action": "claim", "task": ids}
    told = clerk.post("/inbox/bulk", data=form).get_data(as_text=True)
    assert "批量领取：成功 1 件，共 2 件" in told
    assert "已被他人认领" in told
    assert listed(anju, "liuyang", "mine") == [first.number]
    answer = clerk.post("/inbox/bulk", data={**form, "action": "urge"}, headers={"Accept": "application/json"})
    assert [set(one) for one in answer.get_json()["results"]] == [{"id", "title", "ok", "text"}] * 2
    for wrong in ({"task": []}, {"action": "erase"}, {"task": [2**70]}, {"task": list(range(1, 60))}):
        assert 400 <= clerk.post("/inbox/bulk", data={**form, **wrong}).status_code < 500, wrong


def test_an_open_list_asks_how_things_stand_and_gets_the_same_rows(anju: Installation) -> None:
    started = anju.apply()
    client = anju.client(anju.staff("liuyang"))
    told = client.get("/inbox/live?view=role-acceptance").get_data(as_text=True)
    assert started.number in told
    assert "<html" not in told
    assert anju.client().get("/inbox/live", headers={"HX-Request": "true"}).status_code == 401


def test_the_door_leads_each_to_their_own_side(anju: Installation) -> None:
    assert anju.client(anju.staff("liuyang")).get("/").location == "/inbox"
    assert anju.client(anju.citizen()).get("/").location.startswith("/portal")
    assert "/login" in anju.client().get("/inbox").location
    assert "/login" in anju.client(anju.citizen()).get("/inbox").location
