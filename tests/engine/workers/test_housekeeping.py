"""What runs by the clock: what expired goes, what was missed is made good, files nobody names are swept."""

from __future__ import annotations

import os
from datetime import timedelta

from sqlalchemy import func, select

from engine.cases.work import BufferedMessage, Subscription
from engine.commands import dispatch
from engine.commands.accounts import RequestCode
from engine.commands.messages import DeliverKept, PublishMessage
from engine.core.actor import SYSTEM
from engine.core.db import reading, transaction
from engine.registers.accounts import SmsCode
from engine.workers import housekeeping, scheduler
from tests.support.installation import Installation

WITHDRAW = "rental_eligibility_application.withdraw"


def missed(anju: Installation) -> tuple[int, int]:
    """A message kept although its subscription stands: (case, message). Both were written at the same moment."""
    started = anju.apply()
    with transaction() as session:
        found = session.scalars(select(Subscription).where(Subscription.name == WITHDRAW)).one()
        found.key = "not yet to be seen"
    dispatch(PublishMessage(WITHDRAW, started.number, "m1", {}), SYSTEM)
    with transaction() as session:
        session.scalars(select(Subscription).where(Subscription.name == WITHDRAW)).one().key = started.number
        return started.case_id, session.scalars(select(BufferedMessage.id)).one()


def test_a_message_and_its_subscription_of_the_same_moment_find_each_other(anju_both: Installation) -> None:
    case_id, _ = missed(anju_both)
    assert housekeeping.deliver_kept_messages() == 1
    assert anju_both.case(case_id).outcome == "withdrawn"
    assert housekeeping.deliver_kept_messages() == 0


def test_a_missed_message_is_delivered_once(anju: Installation) -> None:
    case_id, row_id = missed(anju)
    assert dispatch(DeliverKept(row_id), SYSTEM) is True
    version = anju.case(case_id).version
    assert dispatch(DeliverKept(row_id), SYSTEM) is False
    assert anju.case(case_id).version == version


def test_a_kept_message_nobody_waits_for_stays(anju: Installation) -> None:
    dispatch(PublishMessage(WITHDRAW, "BZSQ-2026-000009", "m1", {}), SYSTEM)
    assert housekeeping.deliver_kept_messages() == 0
    with reading() as session:
        row_id = session.scalars(select(BufferedMessage.id)).one()
    assert dispatch(DeliverKept(row_id), SYSTEM) is False
    with reading() as session:
        assert session.scalars(select(BufferedMessage.taken)).one() is False


def test_codes_are_forgotten_a_day_after_they_ran_out(anju: Installation) -> None:
    dispatch(RequestCode("19900000001"), SYSTEM)
    anju.move(timedelta(hours=23))
    housekeeping.forget_expired()
    anju.move(timedelta(hours=2))
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(SmsCode)) == 1
    housekeeping.forget_expired()
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(SmsCode)) == 0


def test_a_file_no_row_names_is_swept_and_every_other_stays(anju: Installation) -> None:
    anju.apply()
    orphan = anju.parts.store.put(b"nobody names this")
    for path in (anju.parts.config.data / "files").rglob("*"):
        if path.is_file():
            os.utime(path, (0, 0))
    assert housekeeping.sweep_files(anju.parts.store) == [orphan]


def test_the_scheduler_knows_its_work_and_is_not_started_by_being_built(anju: Installation) -> None:
    built = scheduler.build(anju.parts.store)
    assert {job.id for job in built.get_jobs()} == {
        *("forget_expired", "forget_undo", "deliver_kept", "sweep_files", "erase_overdue", "collect", "reconcile"),
        "send_batches",
        "payments",
        "invoices",
    }
    assert not built.running
