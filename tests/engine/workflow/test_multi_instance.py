"""会签, 或签 and lists of checks."""

import pytest

from tests.engine.workflow.kit import Play, boundary, chain, end, flow, io, job, loop, start, sub, timer, user


def with_item(play: Play, element: str, item: object) -> str:
    """The token of the instance that has an item."""
    return next(
        wait.token
        for wait in play.process.waits()
        if wait.element_id == element and play.process.context(wait.token)["item"] == item
    )


def test_parallel_instances_keep_the_order_of_their_items() -> None:
    play = Play(start(), job("a", more=loop()), user("b"), chain("start", "a", "b"), variables={"items": [1, 2, 3]})

    for item in (3, 1, 2):
        play.act("complete", with_item(play, "a", item), {"result": item * 10})

    assert play.at == ["b:user"]
    assert play.variables == {"items": [1, 2, 3], "results": [10, 20, 30]}


def test_sequential_instances_come_one_after_the_other_until_somebody_says_no() -> None:
    play = Play(start(), user("a", more=loop(sequential=True, until='=result = "no"')), end(),
                chain("start", "a", "end"), variables={"items": ["x", "y", "z"]})  # fmt: skip
    assert play.at == ["a:user"]

    play.do("a", result="yes")
    assert play.process.context(play.wait("a").token)["loopCounter"] == 2
    play.do("a", result="no")

    assert play.completed
    assert play.variables["results"] == ["yes", "no", None]


def test_half_of_the_votes_may_be_enough() -> None:
    half = "=numberOfCompletedInstances / numberOfInstances >= 0.5"
    play = Play(start(), user("a", more=loop(until=half)), user("b"), chain("start", "a", "b"),
                variables={"items": [1, 2, 3, 4]})  # fmt: skip

    play.do("a", result=1).do("a", result=2)

    assert play.at == ["b:user"]
    assert play.happened("cancelled") == ["a", "a"]


def test_an_empty_list_is_done_at_once() -> None:
    play = Play(start(), user("a", more=loop()), user("b"), chain("start", "a", "b"), variables={"items": []})

    assert play.at == ["b:user"]
    assert play.variables["results"] == []


def test_a_collection_that_is_no_list_is_an_incident() -> None:
    play = Play(start(), user("a", more=loop()), user("b"), chain("start", "a", "b"))
    assert play.wait("a").attrs["code"] == "collection_not_a_list"

    play.act("set_variables", {"items": [1]}).act("retry", play.wait("a").token)

    assert play.at == ["a:user"]


def test_a_sub_process_per_item_can_be_interrupted_as_a_whole() -> None:
    body = sub("s", start("si"), user("a"), chain("si", "a"), more=loop())
    play = Play(start(), body, boundary("late", "s", timer("timeDuration", "P1D")), user("x"), user("y"),
                chain("start", "s", "y"), flow("late", "x"), variables={"items": [1, 2, 3]})  # fmt: skip
    assert play.at == ["a:user", "a:user", "a:user", "late:timer"]

    play.do("a", result=1).do("late")

    assert play.at == ["x:user"]
    assert set(play.process.save()[1]) == {"0"}


def test_lists_inside_lists() -> None:
    inner = user("a", more=loop("=item.members", out="inner").replace('inputElement="item"', 'inputElement="member"'))
    body = sub("s", start("si"), inner, chain("si", "a"), more=loop(output="=inner"))
    play = Play(start(), body, end(), chain("start", "s", "end"),
                variables={"items": [{"members": [1, 2]}, {"members": [3]}]})  # fmt: skip

    while not play.completed:
        token = play.process.waits()[-1].token
        play.act("complete", token, {"result": play.process.context(token)["member"] * 10})

    assert play.variables["results"] == [[10, 20], [30]]


def test_a_result_that_cannot_be_collected_holds_only_its_own_instance() -> None:
    play = Play(start(), job("a", more=loop(output="=assert(result, result != null)")), user("b"),
                chain("start", "a", "b"), variables={"items": [1, 2]})  # fmt: skip

    play.act("complete", with_item(play, "a", 1), {})
    assert play.at == ["a:incident", "a:job"]
    play.act("complete", with_item(play, "a", 2), {"result": 5})
    token = play.wait("a", "incident").token
    play.act("set_variables", {"result": 4}, token).act("retry", token)

    assert play.at == ["b:user"]
    assert play.variables["results"] == [4, 5]


def test_an_output_mapping_of_an_instance_feeds_its_own_result() -> None:
    mapping = io(("output", "=answer.verdict", "result"))
    play = Play(
        start(), job("a", mapping, more=loop()), user("b"), chain("start", "a", "b"), variables={"items": [1, 2]}
    )

    play.act("complete", with_item(play, "a", 2), {"answer": {"verdict": "fail"}})
    play.act("complete", with_item(play, "a", 1), {"answer": {"verdict": "pass"}})

    assert play.variables == {"items": [1, 2], "results": ["pass", "fail"]}


def test_more_instances_than_people_there_are_is_an_incident() -> None:
    play = Play(start(), user("a", more=loop("=for i in 1..10001 return i")), chain("start", "a"))

    assert play.wait("a").attrs["code"] == "too_many_instances"


VOTES = {
    # Who votes how, one after the other → after how many votes it is decided.
    "all must agree 会签": ("=numberOfCompletedInstances = numberOfInstances", [True, True, True], 3),
    "one no is enough 一票否决": ("=not(result)", [True, False, True], 2),
    "anyone decides 或签": ("=numberOfCompletedInstances >= 1", [False, True, True], 1),
    "two thirds of all 比例": ("=numberOfCompletedInstances / numberOfInstances > 0.6", [True, True, False], 2),
    "as many yes as are needed": ("=count(results[item = true]) >= 2", [True, False, True], 3),
    "half are still at it": ("=numberOfActiveInstances <= 1", [True, True, True], 2),
    "nobody was sent away": ("=numberOfTerminatedInstances > 0", [True, True, True], 3),
}


@pytest.mark.parametrize("what", VOTES)
def test_votes(what: str) -> None:
    until, votes, decided = VOTES[what]
    play = Play(start(), user("a", more=loop(until=until)), user("b"), chain("start", "a", "b"),
                variables={"items": ["x", "y", "z"]})  # fmt: skip

    for number, vote in enumerate(votes[:decided]):
        assert play.at == ["a:user"] * (3 - number)
        play.do("a", result=vote)

    assert play.at == ["b:user"]
    assert [one for one in play.variables["results"] if one is not None] == votes[:decided]


def test_the_counts_are_seen_by_the_condition_alone() -> None:
    play = Play(start(), user("a", more=loop(until="=false")), chain("start", "a"), variables={"items": [1]})

    assert {"loopCounter", "item"} <= set(play.process.context(play.wait("a").token))
    assert "numberOfInstances" not in play.process.context(play.wait("a").token)
