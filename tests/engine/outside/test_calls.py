"""Cases and the parties they ask: consent first, patience while a party is down, nothing lost when it is back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from engine.cases.record import JournalEntry
from engine.commands import dispatch
from engine.commands.outside import ResetBreaker, WithdrawConsent
from engine.core import db, parties
from engine.core.actor import SYSTEM
from engine.core.db import reading, transaction
from engine.core.errors import Forbidden, NotFound, TaskAlreadyDone
from engine.core.parties import BreakerRules
from engine.jobs.queue import Job
from engine.outside import consent
from engine.outside.breaker import Breaker
from engine.outside.ledger import CallRecord, is_untouched
from tests.support.installation import Installation

RULES = BreakerRules(failures=2, cool_down_seconds=60, probes=1, release_per_second=2)


@pytest.fixture
def touchy(anju_both: Installation) -> Iterator[Installation]:
    """A registry whose breaker opens after two failures."""
    before = parties.party("realestate")
    parties.register(replace(before, breaker=RULES))
    yield anju_both
    parties.register(before)


def accepted(anju: Installation, **changes: object) -> int:
    case_id = anju.apply(**changes).case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    return case_id


def calls(party: str) -> list[CallRecord]:
    with reading() as session:
        return list(session.scalars(select(CallRecord).where(CallRecord.party == party).order_by(CallRecord.id)))


def jobs(party: str) -> dict[str, int]:
    with reading() as session:
        query = select(Job.state, func.count()).where(Job.party == party).group_by(Job.state)
        return dict(map(tuple, session.execute(query).all()))


# --- consent ------------------------------------------------------------------------------------------------------


def test_the_police_are_asked_on_the_consent_of_the_form(anju_both: Installation) -> None:
    case_id = accepted(anju_both)
    number = anju_both.case(case_id).number
    with reading() as session:
        assert consent.standing(session, case_id) == f"申请表 {number}"
        kinds = session.scalars(select(JournalEntry.kind).where(JournalEntry.case_id == case_id)).all()
    assert kinds.count("consented") == 1
    assert {one.consent for one in calls("police")} == {f"申请表 {number}"}
    assert {one.consent for one in calls("tax")} == {""}


def test_who_took_the_consent_back_is_not_asked_about(anju: Installation) -> None:
    case_id = anju.apply().case_id
    with transaction() as session:
        consent.add(session, case_id, "paper", "授权书 2026-001")
    dispatch(WithdrawConsent(case_id, "本人来电"), SYSTEM)
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    assert anju.simulators.state.log("police") == []
    told = [one for one in anju.incidents(case_id) if one.code == "consent_missing"]
    assert len(told) == 4
    assert "须经本人授权才能查询，授权已被撤回" in told[0].message
    with pytest.raises(NotFound):
        dispatch(WithdrawConsent(case_id, "再次"), SYSTEM)


# --- evidence -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    ["verdict = 'fail'", "latency_ms = latency_ms + 1", "cost_fen = 7", "summary = subject", "response = request"],
)
def test_whoever_changes_a_line_of_the_ledger_is_found_out(anju: Installation, change: str) -> None:
    accepted(anju)
    assert all(is_untouched(one) for party in ("police", "tax", "realestate") for one in calls(party))
    with db.engine().begin() as connection:
        connection.execute(text(f"UPDATE call_record SET {change} WHERE party = 'tax'"))  # noqa: S608 - our own text
    assert not any(is_untouched(one) for one in calls("tax"))
    assert all(is_untouched(one) for one in calls("police"))


# --- the breaker --------------------------------------------------------------------------------------------------


def test_cases_wait_for_a_party_that_is_down_and_go_on_when_it_is_back(touchy: Installation) -> None:
    touchy.simulators.state.switch("realestate", "*", "outage")
    people = [("林秋实", "330106198803121014", "19900000001"), ("孙伯年", "330106196511091117", "19900000002")]
    cases = [accepted(touchy), *(accepted_alone(touchy, *who) for who in people[1:])]
    for _ in range(5):
        touchy.move(timedelta(seconds=20))
    assert jobs("realestate") == {"parked": 2}
    assert [touchy.incidents(case_id) for case_id in cases] == [[], []]
    for _ in range(60):
        touchy.move(timedelta(minutes=1))
    assert len(calls("realestate")) <= RULES.failures + 62 * RULES.probes
    assert [touchy.incidents(case_id) for case_id in cases] == [[], []]
    touchy.simulators.state.switch("realestate", "*", "recovery")
    for _ in range(4):
        touchy.move(timedelta(minutes=1))
    assert jobs("realestate") == {}
    with reading() as session:
        row = session.get_one(Breaker, "realestate")
    assert (row.state, row.failures, row.trips) == ("closed", 0, 62)
    assert {one.outcome for one in calls("realestate")} == {"unreachable", "answered"}


def accepted_alone(anju: Installation, name: str, number: str, phone: str) -> int:
    applicant = {"name": name, "id_number": number, "phone": phone}
    base = anju.family(anju.citizen())["applicant"]
    return accepted(anju, applicant={**base, **applicant, "marital_status": "10"}, co_applicants=[])


def test_a_supervisor_calls_again_before_the_time(touchy: Installation) -> None:
    touchy.simulators.state.switch("realestate", "*", "outage")
    accepted(touchy)
    touchy.move(timedelta(seconds=20))
    assert jobs("realestate") == {"parked": 1}
    touchy.simulators.state.switch("realestate", "*", "recovery")
    with pytest.raises(Forbidden):
        dispatch(ResetBreaker("realestate"), touchy.staff("liuyang"))
    dispatch(ResetBreaker("realestate"), SYSTEM)
    touchy.drain()
    assert jobs("realestate") == {}
    with pytest.raises(TaskAlreadyDone):
        dispatch(ResetBreaker("realestate"), SYSTEM)
