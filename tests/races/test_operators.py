"""An operator and a caseworker at the same moment: one wins, the other hears why, the case is of one piece."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from engine.batches.migration_run import MigratedCase
from engine.cases.case import Case
from engine.cases.record import JournalEntry, verify
from engine.catalog import releases
from engine.commands import dispatch
from engine.commands.migrations import MigrateCase, PlanMigration, StartMigration
from engine.commands.operate import CancelCase, ModifyCase, SuspendCase
from engine.commands.publish import PublishItem
from engine.commands.tasks import CompleteTask
from engine.core.db import reading
from engine.workers.runner import Runner
from tests.races.test_at_once import at_once, codes
from tests.support.installation import ITEM, Installation

MODEL = "processes/rental/eligibility_application/eligibility_application.bpmn"
ACCEPTED = {"accept_result": "accepted"}


def publish(anju: Installation) -> tuple[int, int]:
    """A release whose first steps are called otherwise: (before, after)."""
    with reading() as session:
        before = releases.current_id(session, ITEM)
        files = dict(releases.view(session, before).files)
    files[MODEL] = files[MODEL].replace('id="accept" name="受理审查"'.encode(), 'id="accept" name="受理核对"'.encode())
    return before, int(dispatch(PublishItem(ITEM, files), anju.staff("sunqiang")).release_id)


def kinds(case_id: int) -> list[str]:
    with reading() as session:
        assert verify(session, case_id) is None
        query = select(JournalEntry.kind).where(JournalEntry.case_id == case_id).order_by(JournalEntry.seq)
        return list(session.scalars(query))


def test_a_migration_while_a_task_is_completed(anju_both: Installation) -> None:
    anju = anju_both
    case_id = anju.apply().case_id
    _, target = publish(anju)
    task = anju.tasks(case_id)["accept"]
    found = at_once(
        lambda: dispatch(CompleteTask(task.id, ACCEPTED, task.version), anju.staff("liuyang")),
        lambda: dispatch(MigrateCase(case_id, target, reason="换新版"), anju.staff("sunqiang")),
    )
    anju.drain()

    # Migrated first, the submit hears that its page is old; completed first, the case goes over from its next step.
    assert codes(found) in ({"done": 2}, {"done": 1, "task_changed": 1})
    assert anju.case(case_id).release_id == target
    said = kinds(case_id)
    assert said.count("migrated") == 1
    assert said.count("completed") == codes(found)["done"] - 1
    if "completed" not in said:
        anju.do(case_id, "accept", "liuyang", ACCEPTED)
    assert "first_review" in anju.tasks(case_id)


@pytest.mark.parametrize(
    ("make", "lost"),
    [
        (lambda case_id: CancelCase(case_id, "重复受理"), "task_already_done"),
        (lambda case_id: SuspendCase(case_id, "等待答复"), "task_already_done"),
        (lambda case_id: ModifyCase(case_id, "回避", move=(("accept", "first_review"),)), "task_already_done"),
    ],
)
def test_an_operator_and_a_caseworker_at_once(make: Any, lost: str, anju_postgres: Installation) -> None:
    anju = anju_postgres
    case_id = anju.apply().case_id
    task = anju.tasks(case_id)["accept"]
    found = at_once(
        lambda: dispatch(CompleteTask(task.id, ACCEPTED, task.version), anju.staff("liuyang")),
        lambda: dispatch(make(case_id), anju.staff("sunqiang")),
    )

    refused = codes(found) - codes([None, None])
    assert set(refused) <= {lost, "nothing_there"}
    assert codes(found)["done"] >= 1
    kinds(case_id)


def test_workers_share_a_run_and_migrate_each_case_once(anju_postgres: Installation) -> None:
    anju = anju_postgres
    case_id = anju.apply().case_id
    before, after = publish(anju)
    run_id = dispatch(PlanMigration(ITEM, before, after, reason="换新版"), anju.staff("sunqiang"))
    anju.drain()
    dispatch(StartMigration(run_id), anju.staff("sunqiang"))
    workers = [Runner(anju.parts.files, name=f"worker-{number}") for number in range(4)]
    at_once(*(worker.drain for worker in workers))

    with reading() as session:
        assert set(session.scalars(select(MigratedCase.state).where(MigratedCase.run_id == run_id))) == {"ok"}
        assert session.get_one(Case, case_id).release_id == after
    assert kinds(case_id).count("migrated") == 1
