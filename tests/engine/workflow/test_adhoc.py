"""Ad-hoc sub-processes: what is done in them is decided case by case."""

import pytest

from engine.core.errors import Refused
from tests.engine.workflow.kit import (
    COMPENSATE,
    Play,
    adhoc,
    boundary,
    chain,
    end,
    event_sub,
    faults,
    flow,
    io,
    job,
    loop,
    start,
    sub,
    throw,
    timer,
    user,
)

CHECKS = (user("visit"), user("photo"), job("tax"))


def play_of(*body: str, **variables: object) -> Play:
    return Play(start(), *body, user("b"), chain("start", "x", "b"), variables=variables)


def test_the_listed_activities_are_begun_and_the_last_one_ends_it() -> None:
    play = play_of(adhoc("x", *CHECKS, begin="=wanted"), wanted=["visit", "tax"])
    assert play.at == ["tax:job", "visit:user", "x:adhoc"]

    play.do("tax").do("visit")

    assert play.at == ["b:user"]
    assert set(play.process.save()[1]) == {"0"}


def test_without_a_list_it_stands_open_until_somebody_begins_something() -> None:
    play = play_of(adhoc("x", *CHECKS))
    assert play.at == ["x:adhoc"]
    assert [one["id"] for one in play.wait("x").attrs["elements"]] == ["visit", "photo", "tax"]

    play.act("activate_adhoc", play.wait("x").token, [("visit", {"room": 3}), ("visit", {"room": 4})])
    visits = [wait for wait in play.process.waits() if wait.element_id == "visit"]

    assert [play.process.context(wait.token)["room"] for wait in visits] == [3, 4]
    assert play.do("visit").do("visit").at == ["b:user"]
    assert "room" not in play.variables


def test_its_condition_decides_and_the_rest_is_cancelled() -> None:
    play = play_of(adhoc("x", *CHECKS, begin='=["visit", "photo"]', until="=enough = true"), enough=False)

    play.do("visit", enough=True)

    assert play.at == ["b:user"]
    assert play.happened("cancelled") == ["x", "photo"]


def test_the_rest_may_be_finished_first() -> None:
    body = adhoc("x", *CHECKS, begin='=["visit", "photo"]', until="=enough",
                 attributes='cancelRemainingInstances="false"')  # fmt: skip
    play = play_of(body, enough=True)

    assert play.do("visit").at == ["photo:user", "x:adhoc"]
    assert play.do("photo").at == ["b:user"]


def test_a_condition_that_does_not_hold_keeps_it_open_for_more() -> None:
    play = play_of(adhoc("x", *CHECKS, begin='=["visit"]', until="=enough"), enough=False)

    assert play.do("visit").at == ["x:adhoc"]
    play.act("activate_adhoc", play.wait("x").token, [("photo", {})])

    assert play.do("photo", enough=True).at == ["b:user"]


def test_it_can_be_ended_from_outside_and_what_was_begun_replaced() -> None:
    play = play_of(adhoc("x", *CHECKS, begin='=["visit"]', until="=false"))

    play.act("activate_adhoc", play.wait("x").token, [("tax", {})], cancel_remaining=True)
    assert play.at == ["tax:job", "x:adhoc"]
    play.act("activate_adhoc", play.wait("x").token, [], cancel_remaining=True)

    assert play.at == ["b:user"]


def test_a_path_inside_is_followed_to_its_end() -> None:
    play = play_of(adhoc("x", *CHECKS, chain("visit", "photo"), begin='=["visit"]'))
    assert [one["id"] for one in play.wait("x").attrs["elements"]] == ["visit", "tax"]

    assert play.do("visit").at == ["photo:user", "x:adhoc"]
    assert play.do("photo").at == ["b:user"]


def test_results_are_collected_in_the_order_they_came() -> None:
    zeebe = 'outputCollection="found" outputElement="=verdict"'
    play = play_of(adhoc("x", *CHECKS, begin='=["visit", "photo"]', until="=count(found) = 2", zeebe=zeebe))

    play.do("photo", verdict="good").do("visit", verdict="bad")

    assert play.variables["found"] == ["good", "bad"]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("visit", "adhoc_not_a_list"),
        ([1], "adhoc_not_a_list"),
        (["b"], "adhoc_unknown_element"),
        (None, "adhoc_not_a_list"),
    ],
)
def test_a_list_that_names_what_cannot_be_begun_is_an_incident(wanted: object, code: str) -> None:
    play = play_of(adhoc("x", *CHECKS, begin="=wanted"), wanted=wanted)
    assert play.wait("x").attrs["code"] == code

    play.act("set_variables", {"wanted": ["tax"]}).act("retry", play.wait("x").token)

    assert play.at == ["tax:job", "x:adhoc"]


def test_what_is_not_in_it_cannot_be_begun_from_outside() -> None:
    play = play_of(adhoc("x", *CHECKS))

    with pytest.raises(Refused, match="没有可启动的活动"):
        play.process.activate_adhoc(play.wait("x").token, [("b", {})])
    with pytest.raises(Refused):
        play_of(user("x")).process.activate_adhoc(play_of(user("x")).wait("x").token, [])


def test_it_may_be_interrupted_and_repeated_for_each_item() -> None:
    late = boundary("late", "x", timer("timeDuration", "P1D"))
    play = Play(start(), adhoc("x", *CHECKS, begin='=["visit"]', more=loop()), late, user("b"), user("c"),
                chain("start", "x", "b"), flow("late", "c"), variables={"items": [1, 2]})  # fmt: skip
    assert play.at == ["late:timer", "visit:user", "visit:user", "x:adhoc", "x:adhoc"]

    assert play.do("visit").do("late").at == ["c:user"]
    assert set(play.process.save()[1]) == {"0"}


def test_what_was_done_in_it_can_be_undone() -> None:
    undo = job("undo").replace("<serviceTask", '<serviceTask isForCompensation="true"')
    link = '<association id="as" sourceRef="cb" targetRef="undo"/>'
    body = adhoc("x", user("visit"), boundary("cb", "visit", COMPENSATE), undo, link, begin='=["visit", "visit"]')
    play = Play(start(), body, throw("t", COMPENSATE), end(), chain("start", "x", "t", "end"))

    play.do("visit").do("visit")
    assert play.at == ["undo:job", "undo:job"]

    assert play.do("undo").do("undo").completed
    assert set(play.process.save()[1]) == {"0"}


def test_its_inputs_and_outputs_are_mapped() -> None:
    mapping = io(("input", '=["tax"]', "wanted"), ("output", "=paid", "settled"))
    body = adhoc("x", *CHECKS, begin="=wanted").replace("<extensionElements>", f"<extensionElements>{mapping}", 1)
    play = play_of(body)

    play.do("tax", paid=5)

    assert play.variables == {"paid": 5, "settled": 5}


AGENT = '<zeebe:taskDefinition type="agent"/><zeebe:adHoc'
REFUSED = {
    "adhoc_empty": ("x", adhoc("x", throw("t"))),
    "adhoc_event": ("si", adhoc("x", start("si"), *CHECKS, chain("si", "visit"))),
    "adhoc_event_subprocess": ("es", adhoc("x", *CHECKS, event_sub("es", timer("timeDuration", "P1D")))),
    "adhoc_by_job": (
        "x",
        adhoc("x", *CHECKS).replace("<zeebe:adHoc", '<zeebe:taskDefinition type="agent"/><zeebe:adHoc'),
    ),
    "loop_output_incomplete": ("x", adhoc("x", *CHECKS, zeebe='outputCollection="o"')),
}


@pytest.mark.parametrize("code", REFUSED)
def test_is_refused(code: str) -> None:
    element, body = REFUSED[code]

    assert (code, element) in faults(start(), body, chain("start", "x"))


def test_it_may_stand_in_a_sub_process() -> None:
    play = Play(start(), sub("s", start("si"), adhoc("x", *CHECKS, begin='=["tax"]'), chain("si", "x")), end(),
                chain("start", "s", "end"))  # fmt: skip

    assert play.do("tax").completed
