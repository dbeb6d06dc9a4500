"""Messages: to whoever waits, kept for whoever will wait, each one once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from engine.cases.work import BufferedMessage, Subscription
from engine.commands import dispatch
from engine.commands.messages import TIME_TO_LIVE, PublishMessage
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.workers import housekeeping
from tests.support.installation import Installation

PASS = {"review_result": "pass", "review_opinion": "同意上报"}
WITHDRAW = "rental_eligibility_application.withdraw"


def send(key: str, message_id: str = "m1", name: str = WITHDRAW, *, keep: bool = True, **variables: object) -> bool:
    taken: bool = dispatch(PublishMessage(name, key, message_id, variables, keep), SYSTEM)
    return taken


def kept(message_id: str) -> BufferedMessage | None:
    with reading() as session:
        return session.scalar(select(BufferedMessage).where(BufferedMessage.message_id == message_id))


def test_a_message_reaches_the_case_that_waits_for_its_key(anju_both: Installation) -> None:
    anju = anju_both
    started = anju.apply()
    assert send("BZSQ-2026-999999", "other") is False
    assert anju.case(started.case_id).state == "open"
    assert send(started.number, withdraw_reason="不再需要") is True
    assert anju.case(started.case_id).outcome == "withdrawn"
    with reading() as session:
        assert not session.scalar(select(func.count()).where(Subscription.case_id == started.case_id))


def test_a_message_that_comes_first_waits_for_its_subscriber(anju_both: Installation) -> None:
    anju = anju_both
    assert send("BZSQ-2026-000001") is False
    started = anju.apply()
    assert started.number == "BZSQ-2026-000001"
    assert anju.case(started.case_id).outcome == "withdrawn"
    found = kept("m1")
    assert found is not None
    assert found.taken


def test_the_same_message_id_has_no_second_effect(anju: Installation) -> None:
    send("BZSQ-2026-000001")
    send("BZSQ-2026-000001")
    first = anju.apply()
    assert anju.case(first.case_id).outcome == "withdrawn"
    second = anju.apply()
    send(second.number, "m1")
    assert anju.case(second.case_id).state == "open"
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(BufferedMessage)) == 1


def test_a_message_not_to_be_kept_leaves_nothing_when_nobody_waits(anju: Installation) -> None:
    assert send("BZSQ-2026-000001", keep=False) is False
    assert kept("m1") is None
    assert anju.case(anju.apply().case_id).state == "open"


def test_a_message_past_its_time_is_taken_by_nobody_and_swept(anju: Installation) -> None:
    send("BZSQ-2026-000001")
    anju.move(TIME_TO_LIVE + timedelta(seconds=1))
    assert anju.case(anju.apply().case_id).state == "open"
    housekeeping.forget_expired()
    assert kept("m1") is None


def test_of_several_kept_messages_the_oldest_is_taken(anju: Installation) -> None:
    for number in (1, 2):
        send("BZSQ-2026-000001", f"m{number}", withdraw_reason=str(number))
        anju.move(timedelta(seconds=1))
    anju.apply()
    taken = [kept("m1"), kept("m2")]
    assert [one.taken for one in taken if one] == [True, False]


@pytest.mark.parametrize("state", ["closed"])
def test_a_closed_case_waits_for_nothing(anju: Installation, state: str) -> None:
    started = anju.apply()
    send(started.number)
    assert anju.case(started.case_id).state == state
    version = anju.case(started.case_id).version
    assert send(started.number, "m2") is False
    assert anju.case(started.case_id).version == version
