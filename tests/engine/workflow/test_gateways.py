"""Gateways: which way, and who waits for whom."""

from tests.engine.workflow.kit import MESSAGE, Play, boundary, catch, chain, end, flow, gateway, start, timer, user


def test_an_exclusive_gateway_takes_the_first_true_way() -> None:
    play = Play(
        start(), gateway("exclusive", "g", default="d"), user("low"), user("high"), user("other"),
        flow("start", "g"), flow("g", "low", "=income < 3000"), flow("g", "high", "=income < 9000"),
        flow("g", "other", id="d"), variables={"income": 2000},
    )  # fmt: skip

    assert play.at == ["low:user"]
    assert play.happened("flow") == ["start-g", "g-low"]


def test_an_exclusive_gateway_falls_back_to_its_default() -> None:
    play = Play(
        start(), gateway("exclusive", "g", default="d"), user("low"), user("other"),
        flow("start", "g"), flow("g", "low", "=income < 3000"), flow("g", "other", id="d"), variables={"income": 5000},
    )  # fmt: skip

    assert play.at == ["other:user"]


def test_a_gateway_without_a_true_way_becomes_an_incident_and_goes_on_after_the_variable_is_mended() -> None:
    play = Play(
        start(), gateway("exclusive", "g"), user("a"), user("b"),
        flow("start", "g"), flow("g", "a", "=n = 1"), flow("g", "b", "=n = 2"), variables={"n": 3},
    )  # fmt: skip
    assert play.at == ["g:incident"]
    assert play.wait("g").attrs["code"] == "no_way_out"

    play.act("set_variables", {"n": 2}).act("retry", play.wait("g").token)

    assert play.at == ["b:user"]


def test_an_unknown_value_in_a_condition_is_an_incident_not_a_no() -> None:
    play = Play(
        start(), gateway("exclusive", "g", default="d"), user("a"), user("b"),
        flow("start", "g"), flow("g", "a", "=income < 3000"), flow("g", "b", id="d"),
    )  # fmt: skip

    assert play.at == ["g:incident"]
    assert play.wait("g").attrs["code"] == "condition_not_boolean"


def test_a_parallel_join_waits_for_every_branch_and_loses_no_write() -> None:
    play = Play(
        start(), gateway("parallel", "g"), user("a"), user("b"), gateway("parallel", "j"), user("c"),
        chain("start", "g", "a", "j", "c"), chain("g", "b", "j"), variables={"k": "old", "list": [1, 2]},
    )  # fmt: skip

    play.do("b", k="new", list=[3])
    assert play.at == ["a:user"]
    play.do("a")

    assert play.at == ["c:user"]
    assert play.variables == {"k": "new", "list": [3]}


def test_a_second_token_on_the_same_flow_does_not_open_a_parallel_join() -> None:
    play = Play(
        start(), user("a"), user("b"), user("c"), gateway("exclusive", "x"), gateway("parallel", "j"), user("d"),
        chain("start", "a", "x", "j", "d"), flow("start", "b"), chain("b", "x"), flow("start", "c"), flow("c", "j"),
    )  # fmt: skip

    play.do("a").do("b")
    assert play.at == ["c:user"]
    play.do("c")

    assert play.at == ["d:user"]


def test_an_inclusive_join_waits_for_the_branches_that_were_taken() -> None:
    play = Play(
        start(), gateway("inclusive", "g", default="d"), user("a"), user("b"), user("c"), gateway("inclusive", "j"),
        user("after"), end(), flow("start", "g"), flow("g", "a", "=x > 1"), flow("g", "b", "=x > 2"),
        flow("g", "c", id="d"), flow("a", "j"), flow("b", "j"), flow("c", "j"), chain("j", "after", "end"),
        variables={"x": 5},
    )  # fmt: skip
    assert play.at == ["a:user", "b:user"]

    play.do("a")
    assert play.at == ["b:user"]
    play.do("b")

    assert play.at == ["after:user"]
    assert play.do("after").completed


def test_an_inclusive_join_waits_for_what_a_boundary_event_may_still_send() -> None:
    play = Play(
        start(), gateway("parallel", "g"), user("a"), user("b"), boundary("late", "b", timer("timeDuration", "P1D")),
        gateway("inclusive", "j"), user("c"), chain("start", "g", "a", "j", "c"), chain("g", "b"), flow("late", "j"),
    )  # fmt: skip

    play.do("a")
    assert play.at == ["b:user", "late:timer"]
    play.do("late")

    assert play.at == ["c:user"]


def test_behind_an_event_gateway_the_first_event_wins() -> None:
    play = Play(
        start(), gateway("eventBased", "g"), catch("objection", MESSAGE),
        catch("over", timer("timeDuration", "=days")), user("investigate"), user("confirm"),
        chain("start", "g", "objection", "investigate"), chain("g", "over", "confirm"), variables={"days": "P10D"},
    )  # fmt: skip
    assert play.at == ["objection:message", "over:timer"]
    assert play.wait("objection").attrs == {"name": "objection", "key": "BZSQ-1"}
    assert play.wait("over").attrs["due"] == "2026-11-12T01:00:00+00:00"

    play.do("over")

    assert play.at == ["confirm:user"]
    assert play.happened("cancelled") == ["objection"]


def test_several_flows_out_of_an_activity_are_taken_together() -> None:
    play = Play(start(), user("a"), user("b"), user("c"), chain("start", "a", "b"), flow("a", "c"))

    play.do("a")

    assert play.at == ["b:user", "c:user"]


def test_a_gateway_that_leads_nowhere_ends_its_branch() -> None:
    play = Play(start(), gateway("parallel", "g"), gateway("exclusive", "x"), gateway("inclusive", "i"),
                chain("start", "g", "x"), flow("g", "i"))  # fmt: skip

    assert play.completed


def test_an_inclusive_join_in_one_branch_of_a_loop_does_not_wait_for_the_next_round() -> None:
    play = Play(start(), gateway("exclusive", "in"), gateway("parallel", "s"), gateway("inclusive", "o", "o-d"),
                user("a"), user("b"), gateway("inclusive", "oj"), user("c"), gateway("parallel", "j"),
                gateway("exclusive", "x", "x-end"), end(), chain("start", "in", "s", "o"), flow("o", "a", "=true"),
                flow("o", "b", "=true"), flow("o", "oj", id="o-d"), chain("a", "oj", "j", "x"), flow("b", "oj"),
                flow("s", "c"), flow("c", "j"), flow("x", "in", "=again"), flow("x", "end", id="x-end"),
                variables={"again": True})  # fmt: skip

    play.do("a").do("b")
    assert play.at == ["c:user"]
    play.do("c").do("c", again=False).do("b").do("a")

    assert play.completed
