"""Warnings, escalation, extension and a changed calendar, on a running installation and on both databases."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from sqlalchemy import func, select

from engine.batches.calendar_change import CalendarChange
from engine.cases import lawful_clock
from engine.cases.case import Case
from engine.cases.colleagues import StaffMessage
from engine.cases.lawful_clock import CaseLimit, Extension
from engine.cases.record import JournalEntry
from engine.cases.work import Task
from engine.catalog import releases
from engine.commands import dispatch
from engine.commands.calendar import ImportCalendar, SetOfficeDay, SetSeason
from engine.commands.extension import AskExtension, DecideExtension
from engine.commands.operate import ResumeCase, SuspendCase
from engine.commands.publish import PublishItem
from engine.commands.tasks import ClaimTask
from engine.core import clock
from engine.core.db import reading
from engine.core.errors import AnjuError, Forbidden, NotFound, Refused
from engine.jobs.queue import Job
from engine.queries.clock import stop_paper
from tests.support.installation import ITEM, Installation


def at(day: date, hour: int = 9) -> datetime:
    return datetime.combine(day, time(hour), clock.SHANGHAI)


def accepted(anju: Installation) -> int:
    """A case in the reviews: accepted on Monday 2 March 2026, promised within ten working days."""
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    return case_id


def lines(case_id: int, kind: str) -> list[str]:
    with reading() as session:
        query = select(JournalEntry.title).where(JournalEntry.case_id == case_id, JournalEntry.kind == kind)
        return list(session.scalars(query.order_by(JournalEntry.seq)))


def messages(anju: Installation, login: str) -> list[str]:
    with reading() as session:
        mine = StaffMessage.to_key == anju.staff(login).key
        return list(session.scalars(select(StaffMessage.text).where(mine).order_by(StaffMessage.id)))


def bells(case_id: int) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).where(Job.case_id == case_id, Job.kind == "clock")) or 0


def limits(case_id: int) -> dict[str, date]:
    with reading() as session:
        rows = session.execute(
            select(CaseLimit.kind, CaseLimit.due_on).where(CaseLimit.case_id == case_id, CaseLimit.token == "")
        )
        return dict(rows.all())


def test_a_step_has_its_own_limit_and_the_case_the_promised_one(anju: Installation) -> None:
    case_id = anju.apply().case_id
    assert anju.tasks(case_id)["accept"].due_on == date(2026, 3, 5)
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    assert limits(case_id) == {"promised": date(2026, 3, 16), "statutory": date(2026, 3, 30)}
    assert {task.due_on for task in anju.tasks(case_id).values()} == {date(2026, 3, 16)}
    assert anju.case(case_id).due_on == date(2026, 3, 16)
    assert bells(case_id) == 1


def test_each_warning_is_given_once_and_a_late_case_goes_up(anju_both: Installation) -> None:
    anju = anju_both
    case_id = accepted(anju)
    [task] = anju.tasks(case_id).values()
    anju.move_to(at(date(2026, 3, 6)))
    assert lines(case_id, "warned") == []
    anju.move_to(at(date(2026, 3, 9)))
    assert lines(case_id, "warned") == ["期限预警：承诺时限将于 2026-03-16 到期"]
    assert [text for text in messages(anju, "sunqiang") if "承诺时限" in text]
    assert anju.tasks(case_id)[task.element_id].alarm == "yellow"
    anju.move_to(at(date(2026, 3, 9), 17))
    assert len(lines(case_id, "warned")) == 1
    anju.move_to(at(date(2026, 3, 17)))
    assert lines(case_id, "escalated") == ["逾期上报：承诺时限已于 2026-03-16 到期，尚未办结"]
    late = anju.tasks(case_id)[task.element_id]
    assert (late.alarm, late.priority) == ("red", 80)
    assert bells(case_id) == 1
    # What was warned of is never told again, however often the bell rings.
    told = len(messages(anju, "sunqiang"))
    anju.move_to(at(date(2026, 3, 18)))
    assert len(messages(anju, "sunqiang")) == told


def test_whoever_has_the_task_is_warned_too(anju: Installation) -> None:
    case_id = anju.apply().case_id
    task = anju.tasks(case_id)["accept"]
    dispatch(ClaimTask(task.id), anju.staff("liuyang"))
    anju.move_to(at(date(2026, 3, 4)))
    assert any("受理审查" in text for text in messages(anju, "liuyang"))
    assert messages(anju, "wangmin") == []


def test_a_stop_ends_by_itself_after_the_longest_time_and_names_its_paper(anju: Installation) -> None:
    boss = anju.staff("sunqiang")
    with reading() as session:
        files = dict(releases.view(session, releases.current_id(session, ITEM)).files)
    where = f"processes/{ITEM}/item.yaml"
    files[where] = files[where].replace(b"longest: 20 working days", b"longest: 2 working days")
    dispatch(PublishItem(ITEM, files), boss)
    case_id = anju.apply().case_id
    asked = {"accept_result": "supplement", "supplement_items": ["income_proof"], "supplement_note": "请补收入证明"}
    anju.do(case_id, "accept", "liuyang", asked)
    assert (anju.case(case_id).clock_reason, bells(case_id)) == ("补件", 1)
    assert anju.tasks(case_id)["supplement"].due_on is None
    anju.move_to(at(date(2026, 3, 5)))
    assert anju.case(case_id).clock_stopped_since is None
    assert lines(case_id, "clock_resumed") == ["「补件」停止计时已到最长期限，恢复计时"]
    with reading() as session:
        [stop] = lawful_clock.stops_of(session, case_id)
        paper = stop_paper(session, stop)
    assert stop.ended_at is not None
    assert clock.local(stop.ended_at) == at(date(2026, 3, 5), 0)
    assert paper is not None
    assert paper.title == "补正通知书"


def test_an_extension_is_asked_for_agreed_to_by_another_and_moves_every_limit(anju_both: Installation) -> None:
    anju = anju_both
    case_id = accepted(anju)
    [task] = anju.tasks(case_id).values()
    worker = {"verify": "wangmin", "first_review": "wangmin"}[task.element_id]
    approver = anju.staff("zhaoling")
    with pytest.raises(Forbidden):
        dispatch(AskExtension(case_id, 3, "等待回函"), approver)
    with pytest.raises(Refused, match="最多再延长"):
        dispatch(AskExtension(case_id, 6, "等待回函"), anju.staff(worker))
    asked = dispatch(AskExtension(case_id, 3, "等待回函"), anju.staff(worker))
    with pytest.raises(Refused, match="待批"):
        dispatch(AskExtension(case_id, 1, "等待回函"), anju.staff(worker))
    assert any("申请延长期限 3 个工作日" in text for text in messages(anju, "zhaoling"))
    with pytest.raises(Forbidden):
        dispatch(DecideExtension(asked, True), anju.staff(worker))
    dispatch(DecideExtension(asked, True, "同意"), approver)
    assert limits(case_id) == {"promised": date(2026, 3, 19), "statutory": date(2026, 4, 2)}
    assert anju.tasks(case_id)[task.element_id].due_on == date(2026, 3, 19)
    assert lines(case_id, "extension_decided") == ["同意延长期限 3 个工作日，到期日由 2026-03-16 变为 2026-03-19"]
    with pytest.raises(AnjuError):
        dispatch(DecideExtension(asked, True), approver)
    with pytest.raises(Refused, match="最多延长 1 次"):
        dispatch(AskExtension(case_id, 1, "再等"), anju.staff(worker))
    with reading() as session:
        assert session.get_one(Extension, asked).state == "granted"


def test_a_changed_calendar_counts_running_cases_anew_and_says_so(anju_both: Installation) -> None:
    anju = anju_both
    case_id = accepted(anju)
    boss = anju.staff("sunqiang")
    dispatch(SetOfficeDay(anju.office(), date(2026, 3, 11), False, "停电检修"), boss)
    anju.drain()
    assert limits(case_id)["promised"] == date(2026, 3, 17)
    assert {task.due_on for task in anju.tasks(case_id).values()} == {date(2026, 3, 17)}
    assert lines(case_id, "recounted") == ["工作日历调整，到期日由 2026-03-16 变为 2026-03-17"]
    with reading() as session:
        [change] = [one for one in session.scalars(select(CalendarChange)) if "停电" in one.title]
        assert (change.total, change.done, change.moved) == (1, 1, 1)
        assert change.ended_at is not None
    # Another office's closure is nothing to this case; taking the day back moves it back.
    dispatch(SetOfficeDay(anju.office("330105"), date(2026, 3, 12), False), boss)
    dispatch(SetOfficeDay(anju.office(), date(2026, 3, 11), None), boss)
    anju.drain()
    assert limits(case_id)["promised"] == date(2026, 3, 16)
    # An office below inherits what its parent says.
    dispatch(SetOfficeDay(anju.office("330000"), date(2026, 3, 13), False, "市中心停办"), boss)
    anju.drain()
    assert limits(case_id)["promised"] == date(2026, 3, 17)


def test_a_yearly_notice_replaces_its_year(anju: Installation) -> None:
    case_id = accepted(anju)
    boss = anju.staff("sunqiang")
    days = {date(2026, 3, 10): (False, "假日"), date(2026, 3, 14): (True, "调休")}
    dispatch(ImportCalendar(days, years=(2026,)), boss)
    anju.drain()
    # One day less, a Saturday more: the same day.
    assert limits(case_id) == {"promised": date(2026, 3, 16), "statutory": date(2026, 3, 30)}
    with pytest.raises(Forbidden):
        dispatch(ImportCalendar(days), anju.staff("liuyang"))


def test_who_may_not_change_a_calendar(anju: Installation) -> None:
    with pytest.raises(Forbidden):
        dispatch(SetSeason(anju.office(), date(2026, 7, 1), (("08:30", "12:00"),)), anju.staff("wangmin"))
    boss = anju.staff("sunqiang")
    with pytest.raises(Refused, match="由早到晚"):
        dispatch(SetSeason(anju.office(), date(2026, 7, 1), (("12:30", "12:00"),)), boss)
    with pytest.raises(Refused, match="09:00"):
        dispatch(SetOfficeDay(anju.office(), date(2026, 7, 1), True, "", (("早", "晚"),)), boss)
    with pytest.raises(NotFound):
        dispatch(SetOfficeDay(4711, date(2026, 7, 1), False), boss)


def test_a_suspended_case_is_still_warned_of(anju: Installation) -> None:
    case_id = accepted(anju)
    boss = anju.staff("sunqiang")
    dispatch(SuspendCase(case_id, "等待政策"), boss)
    anju.move_to(at(date(2026, 3, 9)))
    assert len(lines(case_id, "warned")) == 1
    dispatch(ResumeCase(case_id), boss)
    with reading() as session:
        states = set(session.scalars(select(Task.state).where(Task.case_id == case_id)))
        assert "suspended" not in states
        assert session.get_one(Case, case_id).due_on == date(2026, 3, 16)
