"""Insured months: counted once each, over pages and places, and never past what the party knows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.social.months import index, months_of, unbroken
from engine.core.errors import Declined, ModelFault
from engine.core.operations import Answer

from .conftest import World

WANDERER = {"name": "陈思远", "id_number": "330106198604161136"}


def insured(world: World, first: str, last: str, **more: object) -> Answer:
    asked = {"consent": True, **WANDERER, "from_month": first, "to_month": last, **more}
    answer = world.run("social.insured", **asked)
    assert isinstance(answer, Answer)
    return answer


def test_a_month_paid_by_two_units_counts_once_and_all_pages_are_read(world: World) -> None:
    found = insured(world, "2014-07", "2026-02").variables
    assert len(found["periods"]) == 5
    assert found["months"] == index("202601") - index("201407") + 1 - 2, "two months without a unit in 2021"
    assert {one["place"] for one in found["periods"]} == {"330106", "440802"}
    assert world.state.log("social")[-1]["request_id"] == "key-1-3", "three pages, each asked for under its own key"


def test_months_in_a_row_end_with_the_last_month_the_party_knows(world: World) -> None:
    found = insured(world, "2020-01", "2026-02").variables
    assert found["known_until"] == "2026-01"
    assert found["unbroken_months"] == index("202601") - index("202108") + 1
    assert found["unit"] == "安居市思远商贸有限公司"


def test_months_stay_paid_after_the_insurance_ended_and_none_are_while_it_rests(world: World) -> None:
    found = insured(world, "2024-01", "2026-01", name="郑海宁", id_number="330106197906301152").variables
    assert [one["state"] for one in found["periods"]] == ["终止", "暂停"]
    assert (found["months"], found["unbroken_months"], found["unit"]) == (18, 0, "安居市城建公司")


def test_nothing_paid_is_an_answer_and_an_unknown_person_is_none(world: World) -> None:
    nothing = insured(world, "2024-01", "2026-01", name="孙伯年", id_number="330106196511091117")
    assert (nothing.verdict, nothing.variables["months"]) == ("pass", 0)
    unknown = world.run(
        "social.insured",
        key="key-2",
        name="王五",
        id_number="330106200001011232",
        consent=True,
        from_month="2024-01",
        to_month="2026-01",
    )
    assert isinstance(unknown, Answer)
    assert (unknown.verdict, unknown.variables["months"]) == ("unknown", None)


def test_titles_are_told_with_their_number_and_day(world: World) -> None:
    answer = world.run("social.titles", name="林秋实", id_number="330106198803121014", consent="SQ-1")
    assert isinstance(answer, Answer)
    assert answer.variables["titles"] == [
        {"name": "中学一级教师", "level": "中级", "number": "ZJ2018003311", "issued_on": "2018-11-20"}
    ]


def test_the_evidence_holds_every_page(world: World) -> None:
    kept = insured(world, "2014-07", "2026-02").evidence
    assert kept is not None
    assert kept.request.count(b"\n") == 2
    assert "安居市海风电子厂".encode() in kept.response
    assert b"202403" in kept.response


def test_nobody_is_asked_about_without_consent(world: World) -> None:
    with pytest.raises(Declined) as raised:
        insured(world, "2024-01", "2026-01", consent=False)
    assert raised.value.code == "consent_missing"
    assert world.state.log("social") == []


@pytest.mark.parametrize(("first", "last"), [("2026-13", "2026-12"), ("202601", "2026-02"), ("2026-02", "2026-01")])
def test_a_model_that_asks_for_impossible_months_is_told_so(world: World, first: str, last: str) -> None:
    with pytest.raises(ModelFault):
        insured(world, first, last)


months = st.integers(index("201801"), index("202712")).map(lambda number: f"{number // 12}{number % 12 + 1:02d}")


@given(st.lists(st.tuples(months, months), max_size=6), months, months)
def test_counting_gives_what_looking_at_each_month_gives(periods: list[tuple[str, str]], first: str, last: str) -> None:
    covered = {
        number
        for number in range(index(first), index(last) + 1)
        if any(index(begin) <= number <= index(end) for begin, end in periods)
    }
    assert months_of(periods, first, last) == covered
    run = 0
    while index(last) - run in covered:
        run += 1
    assert unbroken(covered, last) == run
