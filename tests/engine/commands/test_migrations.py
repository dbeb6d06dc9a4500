"""Running cases go over to another release: looked at first, then one by one, and back until they move on."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from engine.batches.migration_run import MigratedCase, MigrationRun
from engine.cases import drafts
from engine.cases.case import Case, load_variables
from engine.cases.record import ElementInstance, verify
from engine.catalog import releases
from engine.catalog.releases import Release
from engine.commands import dispatch
from engine.commands.migrations import (
    CancelMigration,
    MigrateCase,
    PauseMigration,
    PlanMigration,
    StartMigration,
    UndoMigration,
)
from engine.commands.operate import SuspendCase
from engine.commands.publish import PublishItem
from engine.commands.tasks import ClaimTask, CompleteTask, SaveDraft
from engine.core.db import reading, transaction
from engine.core.errors import Refused
from engine.jobs.queue import Job
from tests.support.installation import ITEM, Installation

ACCEPTED = {"accept_result": "accepted"}
PASS = {"review_result": "pass", "review_opinion": "同意上报"}
MODEL = "processes/rental/eligibility_application/eligibility_application.bpmn"
OTHER = "19900000005"


def current(anju: Installation) -> int:
    with reading() as session:
        return releases.current_id(session, ITEM)


def publish(anju: Installation, *changes: tuple[str, str]) -> int:
    """Publish the item with its model changed; gives the release."""
    with reading() as session:
        files = dict(releases.view(session, releases.current_id(session, ITEM)).files)
    text = files[MODEL].decode()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return int(dispatch(PublishItem(ITEM, files | {MODEL: text.encode()}), anju.staff("sunqiang")).release_id)


RENAMED = (
    ('id="first_review" name="初审"', 'id="review_one" name="首审"'),
    ('Ref="first_review"', 'Ref="review_one"'),
    (">first_review<", ">review_one<"),
    ('bpmnElement="first_review"', 'bpmnElement="review_one"'),
    ("accept,verify,first_review", "accept,verify,review_one"),
)
RETITLED = (('id="second_review" name="复审"', 'id="second_review" name="再审"'),)


def plan(anju: Installation, source: int, target: int, **more: Any) -> int:
    run_id = dispatch(PlanMigration(ITEM, source, target, reason="换新版", **more), anju.staff("sunqiang"))
    anju.drain()
    return int(run_id)


def rows(run_id: int) -> list[MigratedCase]:
    with reading() as session:
        return list(
            session.scalars(select(MigratedCase).where(MigratedCase.run_id == run_id).order_by(MigratedCase.id))
        )


def state(run_id: int) -> str:
    with reading() as session:
        return session.get_one(MigrationRun, run_id).state


def start(anju: Installation, run_id: int) -> None:
    dispatch(StartMigration(run_id), anju.staff("sunqiang"))
    anju.drain()


def refused(command: Any, anju: Installation, login: str = "sunqiang") -> str:
    with pytest.raises(Refused) as error:
        dispatch(command, anju.staff(login))
    return error.value.code


def reviewed(anju: Installation) -> int:
    """A case that stands at the first review."""
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", ACCEPTED)
    return case_id


def test_a_case_goes_on_in_the_new_release_with_the_same_task(anju: Installation) -> None:
    case_id, source = reviewed(anju), current(anju)
    task = anju.tasks(case_id)["first_review"]
    dispatch(ClaimTask(task.id), anju.staff("wangmin"))
    dispatch(SaveDraft(f"task:{task.id}", {"review_opinion": "写了一半"}), anju.staff("wangmin"))
    target = publish(anju, *RENAMED)
    run_id = plan(anju, source, target, mapping={"first_review": "review_one"})

    assert state(run_id) == "planned"
    [row] = rows(run_id)
    assert (row.state, row.number) == ("planned", anju.case(case_id).number)
    assert any(one[0] == "moved" and one[2] == "review_one" for one in row.findings)
    assert anju.case(case_id).release_id == source
    start(anju, run_id)

    assert state(run_id) == "done"
    assert [row.state for row in rows(run_id)] == ["ok"]
    case, moved = anju.case(case_id), anju.tasks(case_id)["review_one"]
    assert case.release_id == target
    assert (moved.id, moved.assignee, moved.token) == (task.id, anju.staff("wangmin").key, task.token)
    with reading() as session:
        assert drafts.find(session, anju.staff("wangmin").key, f"task:{task.id}") is not None
        element = select(ElementInstance.element_id).where(ElementInstance.id == int(task.token))
        assert session.scalar(element) == "review_one"
        assert verify(session, case_id) is None
    anju.do(case_id, "review_one", "wangmin", PASS)
    anju.do(case_id, "second_review", "chenhao", PASS)


def test_a_case_that_cannot_go_over_says_why_and_stays(anju: Installation) -> None:
    case_id, source = reviewed(anju), current(anju)
    run_id = plan(anju, source, publish(anju, *RENAMED))
    [row] = rows(run_id)

    assert row.state == "refused"
    assert "没有对应的环节" in row.message
    start(anju, run_id)
    assert (state(run_id), anju.case(case_id).release_id) == ("done", source)
    anju.do(case_id, "first_review", "wangmin", PASS)


def test_a_case_that_moved_on_after_the_look_is_looked_at_again(anju: Installation) -> None:
    case_id, source = reviewed(anju), current(anju)
    run_id = plan(anju, source, publish(anju, *RETITLED))
    anju.do(case_id, "first_review", "wangmin", PASS)
    start(anju, run_id)

    assert [row.state for row in rows(run_id)] == ["ok"]
    assert anju.tasks(case_id)["second_review"].name == "再审"


def test_an_undo_brings_everything_back_until_the_case_moves_on(anju_both: Installation) -> None:
    anju = anju_both
    case_id, source = reviewed(anju), current(anju)
    with reading() as session:
        before = anju.case(case_id).tokens, load_variables(session, case_id)
        jobs = set(session.scalars(select(Job.token).where(Job.case_id == case_id)))
    run_id = plan(anju, source, publish(anju, *RENAMED), mapping={"first_review": "review_one"})
    start(anju, run_id)
    [row] = rows(run_id)
    dispatch(UndoMigration(row.id), anju.staff("sunqiang"))

    case = anju.case(case_id)
    assert (case.release_id, list(anju.tasks(case_id))) == (source, ["first_review"])
    with reading() as session:
        assert (case.tokens, load_variables(session, case_id)) == before
        assert set(session.scalars(select(Job.token).where(Job.case_id == case_id))) == jobs
    [row] = rows(run_id)
    assert (row.state, row.tokens, row.variables) == ("undone", b"", None)
    assert refused(UndoMigration(row.id), anju) == "not_migrated"
    anju.do(case_id, "first_review", "wangmin", PASS)


def test_a_case_that_moved_on_is_not_undone(anju: Installation) -> None:
    case_id, source = reviewed(anju), current(anju)
    run_id = plan(anju, source, publish(anju, *RETITLED))
    start(anju, run_id)
    anju.do(case_id, "first_review", "wangmin", PASS)

    assert refused(UndoMigration(rows(run_id)[0].id), anju) == "moved_on"


def test_a_run_is_paused_goes_on_and_is_cancelled(anju: Installation) -> None:
    first, second = both(anju)
    source = current(anju)
    run_id = plan(anju, source, publish(anju, *RETITLED))
    dispatch(StartMigration(run_id), anju.staff("sunqiang"))
    anju.runner.run_once()
    dispatch(PauseMigration(run_id), anju.staff("sunqiang"))
    anju.drain()

    assert sorted(row.state for row in rows(run_id)) == ["ok", "planned"]
    assert refused(PauseMigration(run_id), anju) == "run_state"
    dispatch(CancelMigration(run_id), anju.staff("sunqiang"))
    assert refused(StartMigration(run_id), anju) == "run_state"
    assert sorted(row.state for row in rows(run_id)) == ["ok", "skipped"]
    assert {anju.case(one).release_id for one in (first, second)} == {source, current(anju)}


def both(anju: Installation) -> tuple[int, int]:
    """Two households, each at the first review."""
    first = reviewed(anju)
    alone = {"name": "孙伯年", "id_number": "330106196511091117", "phone": OTHER}
    answers = anju.family(anju.citizen(OTHER), co_applicants=[])["applicant"] | alone
    second = anju.apply(anju.citizen(OTHER), co_applicants=[], applicant=answers).case_id
    return first, second


@pytest.mark.parametrize("at", ["looking", "migrating"])
def test_a_bug_in_one_case_is_told_and_does_not_hold_the_others_up(anju: Installation, at: str) -> None:
    broken, sound = both(anju)
    source, target = current(anju), publish(anju, *RETITLED)
    if at == "looking":
        spoil(broken)
    run_id = plan(anju, source, target)
    assert state(run_id) == "planned"
    spoil(broken)
    start(anju, run_id)

    assert state(run_id) == "done"
    found = {row.case_id: row for row in rows(run_id)}
    assert (found[broken].state, found[sound].state) == ("failed", "ok")
    assert "程序出错" in found[broken].message
    assert (anju.case(broken).release_id, anju.case(sound).release_id) == (source, target)
    with reading() as session:
        assert verify(session, broken) is None
        assert session.scalar(select(func.count()).select_from(Job).where(Job.kind == "run")) == 0


def spoil(case_id: int) -> None:
    """Its state cannot be read any more."""
    with transaction() as session:
        session.get_one(Case, case_id).tokens = b"spoilt"


def test_a_suspended_case_goes_over_and_stays_suspended(anju: Installation) -> None:
    case_id, source = reviewed(anju), current(anju)
    dispatch(SuspendCase(case_id, "等待"), anju.staff("sunqiang"))
    run_id = plan(anju, source, publish(anju, *RENAMED), mapping={"first_review": "review_one"})
    start(anju, run_id)

    assert [row.state for row in rows(run_id)] == ["ok"]
    assert anju.case(case_id).state == "suspended"
    assert not anju.tasks(case_id)
    with reading() as session:
        # The lawful clock goes on, as this item says; nothing else does.
        ready = select(Job.kind).where(Job.case_id == case_id, Job.state == "ready")
        assert session.scalars(ready).all() == ["clock"]


def test_one_case_is_migrated_by_itself(anju: Installation) -> None:
    case_id = reviewed(anju)
    target = publish(anju, *RENAMED)

    assert refused(MigrateCase(case_id, target), anju) == "migration_refused"
    assert refused(MigrateCase(case_id, target), anju, "wangmin") == "forbidden"
    dispatch(MigrateCase(case_id, target, {"first_review": "review_one"}), anju.staff("sunqiang"))
    assert list(anju.tasks(case_id)) == ["review_one"]


def test_what_was_open_on_an_old_page_is_told_of_the_change(anju: Installation) -> None:
    case_id = reviewed(anju)
    task = anju.tasks(case_id)["first_review"]
    target = publish(anju, *RENAMED)
    dispatch(MigrateCase(case_id, target, {"first_review": "review_one"}), anju.staff("sunqiang"))

    assert refused(CompleteTask(task.id, PASS, task.version), anju, "wangmin") == "task_changed"


def test_a_run_needs_two_releases_cases_and_a_supervisor(anju: Installation) -> None:
    source = current(anju)
    target = publish(anju, *RETITLED)

    assert refused(PlanMigration(ITEM, source, target), anju, "wangmin") == "forbidden"
    assert refused(PlanMigration(ITEM, source, source), anju) == "same_release"
    assert refused(PlanMigration(ITEM, source, 1), anju) == "not_found"
    assert refused(PlanMigration(ITEM, source, target), anju) == "no_cases"
    case_id = anju.apply().case_id
    assert anju.case(case_id).release_id == target
    assert refused(PlanMigration(ITEM, target, source, {"nowhere": "accept"}), anju) == "element_not_found"
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Release).where(Release.item == ITEM)) == 2
