"""History is deleted by the item's own rule; a line of what went stays, and the chain of the record holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from engine.cases import retention
from engine.cases.case import Case
from engine.cases.record import ElementInstance, JournalEntry, verify
from engine.cases.work import Task
from engine.catalog import releases
from engine.commands import dispatch
from engine.commands.operate import CancelCase, ResumeCase, SuspendCase
from engine.commands.publish import PublishItem
from engine.commands.retention import EraseCase
from engine.core import clock
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.core.errors import Forbidden, ModelFault, Refused
from engine.workers import housekeeping
from tests.support.installation import ITEM, Installation
from web.cli import data

YAML = "processes/rental/eligibility_application/item.yaml"


def publish(anju: Installation, lines: str) -> None:
    with reading() as session:
        files = dict(releases.view(session, releases.current_id(session, ITEM)).files)
    files[YAML] += f"\n{lines}\n".encode()
    dispatch(PublishItem(ITEM, files), anju.staff("sunqiang"))


def count(table: type, case_id: int) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(table.case_id == case_id)) or 0


def test_history_goes_when_its_years_are_over(anju_both: Installation) -> None:
    anju = anju_both
    publish(anju, "retention: {years: 10}")
    case_id = anju.apply().case_id
    dispatch(CancelCase(case_id, "重复受理"), anju.staff("sunqiang"))
    number = anju.case(case_id).number
    clock.move_frozen(clock.now() + timedelta(days=3651))
    assert housekeeping.erase_overdue() == 0
    clock.move_frozen(clock.now() + timedelta(days=3))
    with reading() as session:
        assert [one.number for one in retention.overdue(session, 10)] == [number]
    assert count(Task, case_id)
    assert housekeeping.erase_overdue() == 1

    assert (count(Task, case_id), count(ElementInstance, case_id)) == (0, 0)
    with reading() as session:
        lines = session.scalars(select(JournalEntry).where(JournalEntry.case_id == case_id).order_by(JournalEntry.seq))
        *before, last = lines
        assert all(line.payload is None for line in before)
        assert (last.kind, last.payload["任务"]) == ("erased", 1)
        assert verify(session, case_id) is None
        case = session.get_one(Case, case_id)
        assert (case.number, case.subject_name, case.subject_digest) == (number, "", "")
    assert housekeeping.erase_overdue() == 0


def test_without_a_rule_history_stays(anju: Installation) -> None:
    case_id = anju.apply().case_id
    dispatch(CancelCase(case_id, "重复受理"), anju.staff("sunqiang"))
    clock.move_frozen(clock.now() + timedelta(days=36500))

    assert housekeeping.erase_overdue() == 0
    assert count(Task, case_id)


def test_nobody_erases_by_hand_and_nothing_before_its_time(anju: Installation) -> None:
    publish(anju, "retention: {years: 10}")
    case_id = anju.apply().case_id
    with pytest.raises(Forbidden):
        dispatch(EraseCase(case_id), anju.staff("sunqiang"))
    for _ in range(2):
        with pytest.raises(Refused) as error:
            dispatch(EraseCase(case_id), SYSTEM)
        assert error.value.code == "still_kept"
        if anju.case(case_id).state == "open":
            dispatch(CancelCase(case_id, "重复受理"), anju.staff("sunqiang"))


@pytest.mark.parametrize("lines", ["retention: {years: 0}", "retention: {}", "suspension: {clock: maybe}"])
def test_a_rule_that_cannot_be_is_refused(lines: str, anju: Installation) -> None:
    with pytest.raises(ModelFault):
        publish(anju, lines)


@pytest.mark.parametrize(("rule", "days"), [("runs", 0), ("stops", 10)])
def test_the_clock_of_a_suspended_case_does_what_the_item_says(rule: str, days: int, anju: Installation) -> None:
    publish(anju, f"suspension: {{clock: {rule}}}")
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    due = anju.case(case_id).due_on
    dispatch(SuspendCase(case_id, "等待上级答复"), anju.staff("sunqiang"))
    assert (anju.case(case_id).clock_stopped_since is not None) == (rule == "stops")
    clock.move_frozen(clock.now() + timedelta(days=14))
    dispatch(ResumeCase(case_id), anju.staff("sunqiang"))

    after = anju.case(case_id).due_on
    assert due is not None
    assert after is not None
    assert (after - due).days == days + days // 5 * 2


def test_a_dry_run_says_what_would_go_and_leaves_it(anju: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(anju, "retention: {years: 10}")
    case_id = anju.apply().case_id
    dispatch(CancelCase(case_id, "重复受理"), anju.staff("sunqiang"))
    monkeypatch.setattr(data.application, "build", lambda: anju.parts)

    def said(*options: str) -> str:
        return CliRunner().invoke(data.retention, options, catch_exceptions=False).output

    assert "没有保存期限届满的办件" in said("--dry-run")
    clock.move_frozen(clock.now() + timedelta(days=3655))
    kept = count(Task, case_id)
    assert anju.case(case_id).number in said("--dry-run")
    assert count(Task, case_id) == kept
    assert "已删除 1 件" in said()
    assert count(Task, case_id) == 0
