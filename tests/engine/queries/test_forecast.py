"""The path still ahead: told from the model, the present variables and what finished cases took."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine.core import clock
from engine.core.db import reading
from engine.core.errors import NotFound
from engine.queries import diagram
from engine.queries.forecast import Forecast, duration, forecast
from engine.queries.typical import percentile
from tests.support.installation import Installation

PASS = {"review_result": "pass", "review_opinion": "同意"}


def ahead(anju: Installation, case_id: int, login: str = "wangmin") -> Forecast:
    with reading() as session:
        found = forecast(session, anju.staff(login), case_id)
    assert found is not None
    return found


def to_first_review(anju: Installation, **changes: object) -> int:
    case_id = anju.apply(**changes).case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    return case_id


def test_what_depends_on_answers_still_to_come_is_only_possible(anju: Installation) -> None:
    case_id = to_first_review(anju)
    found = ahead(anju, case_id)
    steps = {one.element_id: one for one in found.steps}
    assert {"second_review", "approve", "publicity"} <= set(steps)
    assert not steps["second_review"].sure, "the first reviewer may say no"
    assert "first_review" not in steps or not steps["first_review"].sure
    assert "accept" not in steps, "what is over does not come again"
    assert {name for name, _ in found.ends} == {"准予", "不予"}
    assert not any(sure for _, sure in found.ends)


def test_before_acceptance_every_outcome_is_open_and_nobody_is_named_without_a_finished_case(
    anju: Installation,
) -> None:
    case_id = anju.apply().case_id
    found = ahead(anju, case_id, "liuyang")
    assert {name for name, _ in found.ends} >= {"准予", "不予", "不予受理"}
    assert found.cases == 0
    assert {one.who for one in found.steps if one.element_id == "first_review"} == {"初审岗"}
    assert all(not one.usual for one in found.steps)


def test_finished_cases_tell_who_and_how_long(anju: Installation) -> None:
    first = to_first_review(anju)
    for element, login in (("first_review", "wangmin"), ("second_review", "chenhao"), ("approve", "zhaoling")):
        anju.move(timedelta(hours=5))
        anju.do(first, element, login, PASS)
    while anju.case(first).state == "open":
        anju.move(timedelta(days=3))
        for element, task in anju.tasks(first).items():
            anju.do(first, element, "zhaoling", {"publicity_confirmed": True})
            assert task
        assert clock.today().year < 2027, anju.stuck(first)
    second = to_first_review(anju)
    found = {one.element_id: one for one in ahead(anju, second).steps}
    assert found["second_review"].who == "复审岗 陈浩"
    assert (found["second_review"].usual, found["second_review"].at_most) == ("5 小时", "5 小时")
    assert found["second_review"].share == 100
    with reading() as session:
        state = diagram.state(session, anju.staff("wangmin"), second, None)
        spent = diagram.state(session, anju.staff("wangmin"), first, None)["spent"]
    assert state["ahead"]["second_review"] is False
    assert spent["second_review"] == "5 小时"


def test_a_case_that_is_over_has_nothing_ahead_and_another_offices_case_is_not_told(anju: Installation) -> None:
    case_id = anju.apply().case_id
    with reading() as session, pytest.raises(NotFound):
        forecast(session, anju.staff("zhoujie"), case_id)
    anju.do(case_id, "accept", "liuyang", {"accept_result": "rejected", "not_accepted_reason": "不属于本机构受理范围"})
    assert anju.case(case_id).state == "closed"
    with reading() as session:
        assert forecast(session, anju.staff("liuyang"), case_id) is None


@given(some.lists(some.floats(0, 1e7), min_size=1).map(sorted), some.sampled_from([0.5, 0.9]))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(one <= found for one in values) >= share * len(values) - 1e-9
    assert sum(one < found for one in values) < share * len(values) + 1e-9


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(20, "不足 1 分钟"), (61, "1 分钟"), (3600, "1 小时"), (5400, "1 小时 30 分钟"), (90_000, "1 天 1 小时")],
)
def test_durations_are_told_by_their_two_largest_parts(seconds: float, told: str) -> None:
    assert duration(seconds) == told
