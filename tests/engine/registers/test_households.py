"""Households, eligibilities and the waiting list: what an application writes, and what two at once may not."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from engine.core import clock, ids, operations
from engine.core.db import reading, transaction
from engine.core.errors import Refused
from engine.core.operations import Call
from engine.registers.households import Eligibility, Household, HouseholdMember, WaitingEntry
from engine.registers.offices import offices_below
from tests.support.installation import Installation

LIN = {"name": "林秋实", "id_kind": "resident_id", "id_number": "330106198803121014", "phone": "19900000001"}
ZHOU = {"name": "周雨桐", "id_kind": "resident_id", "id_number": "330106199007251023", "relation": "spouse"}
SUN = {"name": "孙伯年", "id_kind": "resident_id", "id_number": "330106196511091117"}


def run(anju: Installation, name: str, **inputs: Any) -> dict[str, Any]:
    """One inside operation in a transaction of its own."""
    found = operations.find(name)
    with transaction() as session:
        call = Call(
            case_id=ids.new(),
            case_number="BZSQ-2026-000001",
            item="rental/eligibility_application",
            office_id=anju.office(),
            token="t",
            element_id="e",
            idempotency_key="k",
            inputs=found.load_inputs(inputs, {}),
            session=session,
        )
        return found.check_outputs(dict(found.run(call)))  # type: ignore[arg-type]


def register(anju: Installation, applicant: dict[str, str], *others: dict[str, str]) -> int:
    made = run(anju, "household.register", applicant=applicant, co_applicants=list(others), housing={"homes": []})
    household_id: int = made["household_id"]
    return household_id


def test_a_household_known_already_is_brought_up_to_date(anju_both: Installation) -> None:
    anju = anju_both
    first = register(anju, LIN)
    assert register(anju, LIN, ZHOU) == first
    with reading() as session:
        assert session.scalars(select(Household.size)).one() == 2
        members = {one.name: one.relation for one in session.scalars(select(HouseholdMember))}
    assert members == {"林秋实": "本人", "周雨桐": "spouse"}


def test_a_member_of_another_household_is_refused_with_the_way_out(anju: Installation) -> None:
    register(anju, LIN, ZHOU)
    with pytest.raises(Refused) as taken:
        register(anju, SUN, ZHOU)
    assert taken.value.code == "member_in_other_household"
    with reading() as session:
        assert len(session.scalars(select(Household)).all()) == 1


def grant(anju: Installation, household_id: int, years: int = 3) -> dict[str, Any]:
    return run(
        anju, "eligibility.grant", household_id=household_id, support_mode="public_rental", valid_years=years, basis={}
    )


def test_a_new_eligibility_replaces_the_older_one_of_the_household(anju: Installation) -> None:
    household = register(anju, LIN)
    grant(anju, household)
    second = grant(anju, household)
    assert second["valid_until"] == "2029-03-02"
    with reading() as session:
        states = session.execute(select(Eligibility.id, Eligibility.state).order_by(Eligibility.id)).all()
    assert [state for _, state in states] == ["replaced", "active"]
    assert states[1][0] == second["eligibility_id"]


def test_a_leap_day_ends_on_the_last_of_february(anju: Installation) -> None:
    clock.move_frozen(clock.now().replace(year=2028, month=2, day=29))
    assert clock.today() == date(2028, 2, 29)
    assert grant(anju, register(anju, LIN), years=1)["valid_until"] == "2029-02-28"


def test_places_given_at_the_same_moment_are_different_and_without_gap(anju_both: Installation) -> None:
    anju = anju_both
    eligible = [grant(anju, register(anju, person))["eligibility_id"] for person in (LIN, SUN, ZHOU)]
    line, found = threading.Barrier(3), []

    def enter(eligibility_id: int) -> None:
        line.wait()
        place = run(anju, "waiting.enter", eligibility_id=eligibility_id, support_mode="public_rental")
        found.append(place["waiting_number"])

    threads = [threading.Thread(target=enter, args=(one,)) for one in eligible]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(found) == [1, 2, 3]
    with reading() as session:
        assert sorted(session.scalars(select(WaitingEntry.number))) == [1, 2, 3]


def test_every_support_mode_has_a_list_of_its_own(anju: Installation) -> None:
    first, second = (grant(anju, register(anju, person))["eligibility_id"] for person in (LIN, SUN))
    for eligibility_id, mode in ((first, "public_rental"), (second, "rent_subsidy")):
        assert run(anju, "waiting.enter", eligibility_id=eligibility_id, support_mode=mode)["waiting_number"] == 1


def test_an_office_sees_itself_and_what_is_below_and_nothing_beside(anju: Installation) -> None:
    above, here, beside = (anju.office(code) for code in ("330000", "330106", "330105"))
    with reading() as session:
        assert set(offices_below(session, above)) == {above, here, beside}
        assert offices_below(session, here) == (here,)
        assert offices_below(session, 1) == ()
