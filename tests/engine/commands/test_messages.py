"""Messages: to whoever waits, kept for whoever will wait, each one once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from engine.cases.work import BufferedMessage, Subscription
from engine.commands import dispatch
from engine.commands.messages import TIME_TO_LIVE, CorrelateMessage, PublishMessage, Sent
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading
from engine.core.errors import Forbidden, NotFound, Refused
from engine.workers import housekeeping
from tests.support.installation import Installation

PASS = {"review_result": "pass", "review_opinion": "同意上报"}
WITHDRAW = "rental_eligibility_application.withdraw"


def send(key: str, message_id: str = "m1", name: str = WITHDRAW, *, keep: bool = True, **variables: object) -> bool:
    """Whether somebody took it now, or it had come before."""
    sent: Sent = dispatch(PublishMessage(name, key, message_id, variables, keep), SYSTEM)
    return sent.is_repeat or bool(sent.case_id)


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
    version = anju.case(first.case_id).version
    assert send(first.number) is True
    assert anju.case(first.case_id).version == version
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(BufferedMessage)) == 1


def test_two_senders_may_number_their_messages_alike(anju: Installation) -> None:
    first = anju.apply()
    send("somebody else's", "1")
    assert send(first.number, "1") is True
    assert anju.case(first.case_id).outcome == "withdrawn"


def test_a_correlated_message_says_whose_it_was_and_is_refused_when_nobody_waits(anju_both: Installation) -> None:
    anju = anju_both
    started = anju.apply()
    sent = dispatch(CorrelateMessage(WITHDRAW, started.number, {"withdraw_reason": "不再需要"}), SYSTEM)
    assert sent.case_id == started.case_id
    assert anju.case(started.case_id).outcome == "withdrawn"
    with pytest.raises(NotFound) as refused:
        dispatch(CorrelateMessage(WITHDRAW, started.number), SYSTEM)
    assert refused.value.code == "nobody_waits"
    assert kept("") is None


def test_a_program_of_another_office_reaches_nobody_here(anju: Installation) -> None:
    started = anju.apply()
    stranger = Actor("staff", 1, "别处", 1, frozenset({"integrator"}), (1,))
    with pytest.raises(NotFound):
        dispatch(CorrelateMessage(WITHDRAW, started.number), stranger)
    assert not dispatch(PublishMessage(WITHDRAW, started.number), stranger).case_id
    assert anju.case(started.case_id).state == "open"


def test_a_caseworker_without_the_role_sends_nothing(anju: Installation) -> None:
    with pytest.raises(Forbidden):
        dispatch(PublishMessage(WITHDRAW, "x"), anju.staff("liuyang"))


@pytest.mark.parametrize("name", ["", "x" * 161, "a\0b"])
def test_a_name_that_no_row_could_hold_is_refused(anju: Installation, name: str) -> None:
    with pytest.raises(Refused):
        dispatch(PublishMessage(name, "k"), SYSTEM)


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
