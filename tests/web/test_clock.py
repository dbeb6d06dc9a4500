"""The calendar page, the red and yellow lists, one case's time and its extension, as people use them."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from flask.testing import FlaskClient

from engine.core import clock
from engine.core.db import reading
from engine.registers.calendars import calendars
from tests.support.installation import Installation

TOKEN = {"csrf_token": "token"}
NOTICE = """2027年安排
一、元旦：2027年1月1日（周五）放假。
二、春节：2月5日（周五）至11日（周四）放假调休。2月14日（周日）上班。"""


def text(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def reviewed(anju: Installation) -> int:
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    return case_id


def test_an_administrator_closes_a_day_and_sees_the_cases_counted_anew(anju: Installation) -> None:
    case_id = reviewed(anju)
    client, office = anju.client(anju.staff("sunqiang")), anju.office()
    page = text(client, f"/calendar?office={office}&month=2026-03")
    assert "西湖区住房保障所" in page
    assert "22 个工作日" in page
    assert "1 件到期" in page
    assert "恢复通常安排" in text(client, f"/calendar?office={office}&month=2026-03&day=2026-03-11")
    form = {**TOKEN, "office": office, "month": "2026-03", "day": "2026-03-11", "works": "closed", "name": "停电检修"}
    answer = client.post("/calendar/day", data=form)
    assert answer.status_code == 303
    assert "正在重算" in text(client, answer.headers["Location"])
    anju.drain()
    page = text(client, answer.headers["Location"])
    assert "已重算 1 件，1 件到期日变动" in page
    assert "停电检修" in page
    assert "21 个工作日" in page
    assert anju.case(case_id).due_on == date(2026, 3, 17)
    wrong = client.post("/calendar/day", data={**form, "works": "works", "hours": "九点"})
    assert (wrong.status_code, "时间应写作" in wrong.get_data(as_text=True)) == (422, True)


def test_a_notice_is_previewed_before_it_is_imported(anju: Installation) -> None:
    client = anju.client(anju.staff("sunqiang"))
    form = {**TOKEN, "office": "0", "notice": NOTICE}
    shown = client.post("/calendar/import", data=form).get_data(as_text=True)
    assert "导入前核对" in shown
    assert "2027-02-05" in shown
    lines = re.search(r'name="notice" value="([^"]*)"', shown)
    assert lines is not None
    with reading() as session:
        assert calendars(session).common.works(date(2027, 1, 1))
    answer = client.post("/calendar/import", data={**form, "notice": lines[1], "confirmed": "1"})
    assert answer.status_code == 303
    with reading() as session:
        common = calendars(session).common
    assert not common.works(date(2027, 1, 1))
    assert common.works(date(2027, 2, 14))
    again = client.post("/calendar/import", data=form).get_data(as_text=True)
    assert "完全一致" in again
    empty = client.post("/calendar/import", data={**form, "notice": "你好"})
    assert (empty.status_code, "没有写明年份" in empty.get_data(as_text=True)) == (422, True)


def test_seasonal_hours_are_set_and_taken_back(anju: Installation) -> None:
    client, office = anju.client(anju.staff("sunqiang")), anju.office()
    form = {**TOKEN, "office": office, "day": "2026-07-01", "hours": "08:30-12:00、14:00-17:30"}
    assert client.post("/calendar/season", data=form).status_code == 303
    with reading() as session:
        assert calendars(session).of(office).hours_of(date(2026, 7, 2))[0] == (time(8, 30), time(12))
    assert "08:30-12:00" in text(client, f"/calendar?office={office}&month=2026-07")
    client.post("/calendar/season", data={**form, "hours": ""})
    with reading() as session:
        assert calendars(session).of(office).hours_of(date(2026, 7, 2))[0] == (time(9), time(12))


def test_a_caseworker_reads_the_calendar_and_changes_nothing(anju: Installation) -> None:
    client = anju.client(anju.staff("wangmin"))
    page = text(client, "/calendar?month=2026-10")
    assert "国庆" in page or "节假日" in page
    assert "确认导入" not in page
    assert "核对差异" not in page
    form = {**TOKEN, "office": anju.office(), "day": "2026-03-11", "works": "closed"}
    assert client.post("/calendar/day", data=form).status_code == 403
    assert client.get("/deadlines").status_code == 403


def test_the_yellow_and_the_red_list_count_by_item_step_and_person(anju: Installation) -> None:
    case_id = reviewed(anju)
    number = anju.case(case_id).number
    [task] = anju.tasks(case_id).values()
    client = anju.client(anju.staff("sunqiang"))
    assert "没有逾期的办件" in text(client, "/deadlines")
    anju.move_to(datetime(2026, 3, 9, 10, tzinfo=clock.SHANGHAI))
    page = text(client, "/deadlines?colour=yellow")
    assert number in page
    assert "承诺时限" in page
    assert task.name in page
    assert "待领取" in page
    assert number not in text(client, "/deadlines")
    anju.move_to(datetime(2026, 3, 17, 10, tzinfo=clock.SHANGHAI))
    page = text(client, "/deadlines?colour=red")
    assert number in page
    assert "超时" in page
    assert number in text(client, f"/deadlines?colour=red&step={task.element_id}&person=-")
    assert number not in text(client, "/deadlines?colour=red&step=nothing")
    table = client.get("/deadlines.csv?colour=red")
    assert table.mimetype == "text/csv"
    rows = table.get_data(as_text=True).splitlines()
    assert rows[0].endswith("剩余工作日")
    assert [row.split(",")[0] for row in rows[1:]] == [number]


def test_an_extension_is_asked_for_and_agreed_to_on_the_page(anju: Installation) -> None:
    case_id = reviewed(anju)
    worker, approver = anju.client(anju.staff("wangmin")), anju.client(anju.staff("zhaoling"))
    at = f"/cases/{case_id}/clock"
    assert "2026年3月16日" in text(worker, at)
    refused = worker.post(f"{at}/extension", data={**TOKEN, "amount": "9", "reason": "等待回函"})
    assert (refused.status_code, "最多再延长" in refused.get_data(as_text=True)) == (422, True)
    assert worker.post(f"{at}/extension", data={**TOKEN, "amount": "3", "reason": "等待回函"}).status_code == 303
    assert "同意延长" not in text(worker, at)
    page = text(approver, at)
    decide = re.search(r'action="(/cases/\d+/clock/extension/\d+)"', page)
    assert decide is not None
    silent = approver.post(decide[1], data={**TOKEN, "decision": "refused"})
    assert silent.status_code == 422
    assert approver.post(decide[1], data={**TOKEN, "decision": "granted", "opinion": "同意"}).status_code == 303
    page = text(worker, at)
    assert "2026年3月19日" in page
    assert "延长" in page
    assert anju.client(anju.staff("zhoujie")).get(at).status_code == 404


def test_each_stop_stands_with_its_paper(anju: Installation) -> None:
    case_id = anju.apply().case_id
    asked = {"accept_result": "supplement", "supplement_items": ["income_proof"], "supplement_note": "请补收入证明"}
    anju.do(case_id, "accept", "liuyang", asked)
    page = text(anju.client(anju.staff("liuyang")), f"/cases/{case_id}/clock")
    assert "补件" in page
    assert "《补正通知书》" in page
    assert "最长至" in page


def test_an_extension_is_opened_from_the_inbox_looked_at_and_answered(anju: Installation) -> None:
    case_id = reviewed(anju)
    worker, approver = anju.client(anju.staff("wangmin")), anju.client(anju.staff("zhaoling"))
    asked = {**TOKEN, "amount": "3", "reason": "等待外地回函"}
    assert worker.post(f"/cases/{case_id}/clock/extension", data=asked).status_code == 303
    listed = text(approver, "/inbox?view=role-approval")
    assert "延长期限审批" in listed
    link = re.search(r'href="(/tasks/\d+[^"]*)"', listed)
    assert link is not None
    opened = approver.get(link[1].replace("&amp;", "&"))
    assert opened.status_code == 302
    at = opened.headers["Location"]
    page = text(approver, at)
    for said in ("等待外地回函", "2026年3月16日", "2026年3月19日", "同意后到期", "领取", 'aria-current="true"'):
        assert said in page, said
    assert "其他岗位办理" in text(worker, at)
    path = at.partition("?")[0]
    silent = approver.post(path, data={**TOKEN, "decision": "refused", "view": "role-approval"})
    assert (silent.status_code, "请写明意见" in silent.get_data(as_text=True)) == (422, True)
    task = anju.tasks(case_id)["anju:extension"]
    claimed = approver.post(f"/tasks/{task.id}/claim", data=TOKEN)
    assert "放回岗位池" in approver.get(claimed.headers["Location"], follow_redirects=True).get_data(as_text=True)
    done = approver.post(path, data={**TOKEN, "decision": "granted", "opinion": "情况属实", "view": "role-approval"})
    assert done.status_code == 303
    after = text(approver, path)
    assert "情况属实" in after
    assert "批复意见" not in after
    assert "延长期限审批" not in text(approver, "/inbox?view=role-approval")
    assert "办结" in text(approver, f"/tasks/{task.id}")
    assert anju.case(case_id).due_on == date(2026, 3, 19)
    assert approver.get("/extensions/1").status_code == 404
