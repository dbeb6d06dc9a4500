"""The rules by which a task finds somebody: fair within one, and never somebody who may not have it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.cases.assignment import RULES, TITLES, Candidate, choose

candidates = st.builds(
    Candidate,
    id=st.integers(1, 12),
    load=st.integers(0, 5),
    turn=st.integers(0, 9),
    distance=st.integers(0, 3),
    before=st.booleans(),
    away=st.booleans(),
    barred=st.booleans(),
)
people = st.lists(candidates, max_size=8, unique_by=lambda one: one.id)


def may(one: Candidate) -> bool:
    return not one.away and not one.barred


@given(st.sampled_from(sorted(RULES)), people)
def test_nobody_barred_or_away_is_chosen_and_somebody_is_where_anybody_may(rule: str, found: list[Candidate]) -> None:
    chosen = choose(rule, found)
    assert (chosen is None) == (not any(may(one) for one in found))
    assert chosen is None or may(chosen)


@given(st.sampled_from(sorted(RULES)), people, st.randoms())
def test_the_choice_does_not_hang_on_the_order_people_come_in(
    rule: str, found: list[Candidate], random: object
) -> None:
    mixed = list(found)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert choose(rule, mixed) == choose(rule, found)


@given(people, st.integers(1, 40))
def test_turns_and_loads_are_fair_within_one(found: list[Candidate], tasks: int) -> None:
    for rule in ("round_robin", "least_loaded"):
        now = {one.id: replace(one, load=0, turn=0) for one in found}
        for number in range(1, tasks + 1):
            chosen = choose(rule, now.values())
            if chosen is not None:
                now[chosen.id] = replace(chosen, load=chosen.load + 1, turn=number)
        given_to = [one.load for one in now.values() if may(one)]
        assert not given_to or max(given_to) - min(given_to) <= 1
        assert all(one.load == 0 for one in now.values() if not may(one))


@given(people)
def test_who_knows_the_case_and_the_nearest_office_come_first(found: list[Candidate]) -> None:
    free = [one for one in found if may(one)]
    known, near = choose("same_handler", found), choose("by_office", found)
    assert known is None or known.before or not any(one.before for one in free)
    assert near is None or near.distance == min(one.distance for one in free)


def test_every_rule_has_a_name_for_people() -> None:
    assert RULES.keys() == TITLES.keys()
