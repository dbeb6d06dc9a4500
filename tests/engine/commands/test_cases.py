"""Applications begin, are withdrawn, are objected to: by whom, when, and once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from engine.cases.case import Case, LiveKey
from engine.cases.record import JournalEntry
from engine.commands import dispatch
from engine.commands.cases import CloseNoticeEarly, FileObjection, StartCase, WithdrawCase
from engine.commands.tasks import CompleteTask
from engine.core.db import reading
from engine.core.errors import Duplicate, Forbidden, NotFound, Refused
from engine.registers.notices import Notice, Objection
from tests.support.installation import ITEM, Installation

PASS = {"review_result": "pass", "review_opinion": "同意上报"}
# Of the neighbours, who pass nothing on to the family.
OTHER = "19900000005"


def published(anju: Installation) -> tuple[int, int]:
    """A case in its public notice: (case, notice)."""
    case_id = anju.apply().case_id
    for element, who, answers in (
        ("accept", "liuyang", {"accept_result": "accepted"}),
        ("first_review", "wangmin", PASS),
        ("second_review", "chenhao", PASS),
        ("approve", "zhaoling", PASS),
    ):
        anju.do(case_id, element, who, answers)
    with reading() as session:
        return case_id, session.scalars(select(Notice.id).where(Notice.case_id == case_id)).one()


def test_numbers_run_without_gap(anju_both: Installation) -> None:
    anju = anju_both
    first = anju.apply().number
    with pytest.raises(Duplicate):
        anju.apply()
    alone = {"name": "孙伯年", "id_number": "330106196511091117", "phone": OTHER}
    answers = anju.family(anju.citizen(OTHER), co_applicants=[])
    answers["applicant"].update(alone)
    second = dispatch(StartCase(ITEM, answers, "portal", anju.office()), anju.citizen(OTHER)).number
    assert (first, second) == ("BZSQ-2026-000001", "BZSQ-2026-000002")


def test_a_household_has_one_live_application_whoever_of_it_applies(anju: Installation) -> None:
    started = anju.apply()
    answers = anju.family(anju.staff("liuyang"))
    answers["applicant"], answers["co_applicants"] = (
        {**answers["applicant"], "name": "周雨桐", "id_number": "330106199007251023"},
        [],
    )
    with pytest.raises(Duplicate) as twice:
        dispatch(StartCase(ITEM, answers, "counter", anju.office()), anju.staff("liuyang"))
    assert started.number in twice.value.message


def test_after_the_case_is_closed_the_household_may_apply_again(anju: Installation) -> None:
    first = anju.apply()
    dispatch(WithdrawCase(first.case_id), anju.citizen())
    assert anju.case(first.case_id).outcome == "withdrawn"
    with reading() as session:
        assert not session.scalars(select(LiveKey)).all()
    assert anju.apply().case_id != first.case_id


def test_the_same_person_twice_in_one_household_is_refused(anju: Installation) -> None:
    with pytest.raises(Refused) as twice:
        anju.apply(
            co_applicants=[
                {"name": "林秋实", "relation": "spouse", "id_kind": "resident_id", "id_number": "330106198803121014"}
            ]
        )
    assert twice.value.code == "member_twice"


def test_a_clerk_without_the_post_or_of_another_office_takes_no_application(anju: Installation) -> None:
    with pytest.raises(Forbidden):
        anju.apply(anju.staff("wangmin"), "counter")
    with pytest.raises(NotFound):
        anju.apply(anju.staff("zhoujie"), "counter")


def test_a_citizen_withdraws_their_own_case_and_no_other(anju: Installation) -> None:
    case_id = anju.apply().case_id
    with pytest.raises(NotFound):
        dispatch(WithdrawCase(case_id), anju.citizen(OTHER))
    with pytest.raises(NotFound):
        dispatch(WithdrawCase(case_id), anju.staff("zhoujie"))
    with pytest.raises(Forbidden):
        dispatch(WithdrawCase(case_id), anju.staff("wangmin"))
    dispatch(WithdrawCase(case_id, "已购房"), anju.citizen())
    case = anju.case(case_id)
    assert (case.state, case.outcome) == ("closed", "withdrawn")
    assert not anju.tasks(case_id)


def test_a_second_withdrawal_is_refused_and_leaves_no_line(anju: Installation) -> None:
    case_id = anju.apply().case_id
    dispatch(WithdrawCase(case_id), anju.citizen())
    lines = anju.case(case_id).journal_seq
    with pytest.raises(Refused) as late:
        dispatch(WithdrawCase(case_id), anju.citizen())
    assert late.value.code == "too_late"
    assert anju.case(case_id).journal_seq == lines


def test_after_the_decision_nobody_withdraws(anju: Installation) -> None:
    case_id, _ = published(anju)
    anju.move(timedelta(days=30))
    anju.do(case_id, "confirm", "zhaoling", {"publicity_confirmed": True})
    assert anju.case(case_id).outcome == "granted"
    with pytest.raises(Refused) as late:
        dispatch(WithdrawCase(case_id), anju.citizen())
    assert late.value.code == "too_late"
    with reading() as session:
        told = session.scalar(
            select(func.count()).where(JournalEntry.case_id == case_id, JournalEntry.kind == "withdrawn")
        )
    assert told == 0


def test_a_citizen_does_tasks_of_their_own_case_only(anju: Installation) -> None:
    case_id = anju.apply().case_id
    accept = anju.tasks(case_id)["accept"]
    anju.do(
        case_id,
        "accept",
        "liuyang",
        {"accept_result": "supplement", "supplement_items": ["income_proof"], "supplement_note": "请补充收入证明"},
    )
    task = anju.tasks(case_id)["supplement"]
    assert task.assignee == anju.citizen().key
    with pytest.raises(NotFound):
        dispatch(CompleteTask(task.id, {}, task.version), anju.citizen(OTHER))
    with pytest.raises(NotFound):
        dispatch(CompleteTask(accept.id, {}, accept.version), anju.citizen())


def test_an_objection_is_taken_once_a_person_and_while_the_notice_is_open(anju: Installation) -> None:
    case_id, notice_id = published(anju)
    objection = FileObjection(notice_id, "孙伯年", OTHER, "申请人另有住房")
    with pytest.raises(Forbidden):
        dispatch(objection, anju.staff("liuyang"))
    dispatch(objection, anju.citizen(OTHER))
    assert "investigate" in anju.tasks(case_id)
    with pytest.raises(Refused):  # paused: nothing more is taken
        dispatch(objection, anju.citizen(OTHER))
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Objection)) == 1


def test_a_notice_whose_days_are_over_takes_no_objection(anju: Installation) -> None:
    _, notice_id = published(anju)
    anju.move(timedelta(days=30))
    with pytest.raises(Refused) as closed:
        dispatch(FileObjection(notice_id, "孙伯年", OTHER, "申请人另有住房"), anju.citizen(OTHER))
    assert closed.value.code == "notice_closed"


def test_only_an_approver_of_the_office_ends_a_notice_early(anju: Installation) -> None:
    _, notice_id = published(anju)
    with pytest.raises(Forbidden):
        dispatch(CloseNoticeEarly(notice_id), anju.staff("liuyang"))
    dispatch(CloseNoticeEarly(notice_id), anju.staff("zhaoling"))
    with reading() as session:
        assert session.get_one(Notice, notice_id).state != "paused"
        assert session.scalars(select(Case.state)).one() == "open"
