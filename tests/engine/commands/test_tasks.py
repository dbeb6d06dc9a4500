"""What people do with tasks: claim, give back, complete; never twice, never another's, never over a change."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from engine.cases import drafts
from engine.cases.work import Task
from engine.commands import dispatch
from engine.commands.tasks import ClaimTask, CompleteTask, ReleaseTask, SaveDraft
from engine.core.db import engine, reading, transaction
from engine.core.errors import Forbidden, NotFound, TaskAlreadyDone, TaskChanged
from tests.support.installation import ITEM, Installation

ACCEPTED = {"accept_result": "accepted"}
PASS = {"review_result": "pass", "review_opinion": "同意上报"}


def opened(anju: Installation, element: str = "accept") -> tuple[int, Task]:
    case_id = anju.apply().case_id
    if element != "accept":
        anju.do(case_id, "accept", "liuyang", ACCEPTED)
    return case_id, anju.tasks(case_id)[element]


def test_a_task_claimed_is_mine_and_given_back_is_everybodys(anju: Installation) -> None:
    case_id, task = opened(anju)
    clerk = anju.staff("liuyang")
    dispatch(ClaimTask(task.id), clerk)
    assert anju.tasks(case_id)["accept"].assignee == clerk.key
    dispatch(ClaimTask(task.id), clerk)
    dispatch(ReleaseTask(task.id), clerk)
    assert anju.tasks(case_id)["accept"].assignee == ""
    with pytest.raises(Forbidden):
        dispatch(ReleaseTask(task.id), clerk)


def test_a_task_claimed_by_another_is_neither_claimed_nor_completed(anju: Installation) -> None:
    case_id, task = opened(anju)
    dispatch(ClaimTask(task.id), anju.staff("liuyang"))
    other = anju.staff("sunqiang")
    with pytest.raises(TaskChanged):
        dispatch(ClaimTask(task.id), other)
    with pytest.raises(TaskChanged):
        dispatch(CompleteTask(task.id, ACCEPTED, anju.tasks(case_id)["accept"].version), other)
    assert "accept" in anju.tasks(case_id)


def test_a_page_opened_before_a_change_is_not_taken(anju: Installation) -> None:
    _, task = opened(anju)
    clerk = anju.staff("liuyang")
    dispatch(ClaimTask(task.id), clerk)
    dispatch(ReleaseTask(task.id), clerk)
    with pytest.raises(TaskChanged) as changed:
        dispatch(CompleteTask(task.id, ACCEPTED, task.version), anju.staff("sunqiang"))
    assert "请核对后再提交" in changed.value.message


def test_ones_own_claim_does_not_make_ones_own_page_stale(anju: Installation) -> None:
    case_id, task = opened(anju)
    dispatch(ClaimTask(task.id), anju.staff("liuyang"))
    dispatch(CompleteTask(task.id, ACCEPTED, task.version), anju.staff("liuyang"))
    assert "accept" not in anju.tasks(case_id)


def test_a_task_is_completed_once_and_the_second_hears_who_did_it(anju: Installation) -> None:
    case_id, task = opened(anju)
    anju.do(case_id, "accept", "liuyang", ACCEPTED)
    version = anju.case(case_id).version
    with pytest.raises(TaskAlreadyDone) as done:
        dispatch(CompleteTask(task.id, {"accept_result": "rejected"}, task.version), anju.staff("sunqiang"))
    assert "刘洋" in done.value.message
    assert anju.case(case_id).version == version


def test_another_office_sees_nothing_of_the_task(anju: Installation) -> None:
    _, task = opened(anju)
    stranger = anju.staff("zhoujie")
    for command in (
        ClaimTask(task.id),
        ReleaseTask(task.id),
        CompleteTask(task.id, ACCEPTED, task.version),
        SaveDraft(f"task:{task.id}", {}),
    ):
        with pytest.raises(NotFound) as unseen:
            dispatch(command, stranger)
        assert unseen.value.message == "没有这项任务"
    with pytest.raises(NotFound) as unknown:
        dispatch(ClaimTask(1), stranger)
    assert unknown.value.message == "没有这项任务"


def test_the_office_above_sees_the_task(anju: Installation) -> None:
    _, task = opened(anju)
    dispatch(ClaimTask(task.id), anju.staff("sunqiang"))


def test_another_post_may_not_do_the_task(anju: Installation) -> None:
    _, task = opened(anju)
    with pytest.raises(Forbidden):
        dispatch(CompleteTask(task.id, ACCEPTED, task.version), anju.staff("wangmin"))


def test_whoever_reviewed_first_may_not_review_again(anju: Installation) -> None:
    case_id, task = opened(anju, "first_review")
    from dataclasses import replace

    both = replace(anju.staff("wangmin"), roles=frozenset({"first_review", "second_review"}))
    dispatch(CompleteTask(task.id, PASS, task.version), both)
    second = anju.tasks(case_id)["second_review"]
    with pytest.raises(Forbidden) as barred:
        dispatch(CompleteTask(second.id, PASS, second.version), both)
    assert "须由其他人办理" in barred.value.message
    with pytest.raises(Forbidden):
        dispatch(ClaimTask(second.id), both)


def test_a_draft_is_kept_for_its_writer_and_swept_when_the_task_is_done(anju: Installation) -> None:
    case_id, task = opened(anju)
    clerk = anju.staff("liuyang")
    dispatch(SaveDraft(f"task:{task.id}", {"accept_result": "accepted"}), clerk)
    with reading() as session:
        kept = drafts.find(session, clerk.key, f"task:{task.id}")
        assert kept is not None
        assert kept.answers == {"accept_result": "accepted"}
        assert drafts.find(session, anju.staff("sunqiang").key, f"task:{task.id}") is None
    dispatch(SaveDraft(f"apply:{ITEM}", {"consent": True}), clerk)
    with transaction() as session:
        assert drafts.sweep(session) == 0
    anju.do(case_id, "accept", "liuyang", ACCEPTED)
    with transaction() as session:
        assert drafts.sweep(session) == 1
        assert drafts.find(session, clerk.key, f"task:{task.id}") is None
        assert drafts.find(session, clerk.key, f"apply:{ITEM}") is not None
    with pytest.raises(TaskAlreadyDone):
        dispatch(SaveDraft(f"task:{task.id}", {}), clerk)


def test_a_task_that_only_changes_hands_costs_seven_statements(anju_both: Installation) -> None:
    anju = anju_both
    _, task = opened(anju, "first_review")
    reviewer = anju.staff("wangmin")
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    dispatch(CompleteTask(task.id, PASS, task.version), reviewer)
    event.remove(engine(), "before_cursor_execute", note)
    assert len(seen) <= 7, "\n".join(seen)
