"""The engine's figures by counting, not by the clock: calls a step makes, bytes a case keeps."""

import sys
from collections.abc import Callable

from engine.workflow import parse
from web import bench_engine as bench

PEOPLE = {"people": [f"u{number}" for number in range(120)]}


def calls_of(work: Callable[[], object]) -> int:
    """How many Python functions are called."""
    seen = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal seen
        seen += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return seen


def step_costs(case: bench.Stored, steps: int) -> list[int]:
    costs = []
    for _ in range(steps):
        token = case.tokens()[0]
        costs.append(calls_of(lambda: case.step(token, {"agreed": True})))  # noqa: B023  called at once
    return costs


def test_the_hundredth_round_of_a_loop_does_as_much_as_the_tenth() -> None:
    costs = step_costs(bench.Stored(bench.looping(), bench.variables()), 110)

    assert costs[100] == costs[10]


def test_the_hundredth_of_many_in_a_row_does_as_much_as_the_tenth() -> None:
    costs = step_costs(bench.Stored(bench.instances(sequential=True), PEOPLE), 110)

    assert costs[100] == costs[10]


def test_the_hundredth_of_many_at_once_does_less_than_the_tenth_and_each_open_one_costs_few_calls() -> None:
    costs = step_costs(bench.Stored(bench.instances(sequential=False), PEOPLE), 110)

    assert costs[100] < costs[10]
    assert costs[10] - costs[100] < 5 * 90


def test_a_case_in_the_middle_of_fifteen_steps_keeps_little_beside_its_variables() -> None:
    assert bench.state_bytes(parse({"m.bpmn": bench.fifteen_steps(True)})) <= bench.STATE_AIM // 4
