"""The history is what the live diagram and the coverage of the scenarios are made of."""

from engine.workflow import instance_key
from tests.engine.workflow.kit import (
    MESSAGE,
    NOW,
    Play,
    boundary,
    chain,
    end,
    event_sub,
    flow,
    gateway,
    job,
    loop,
    start,
    sub,
    timer,
    user,
)


def told(play: Play) -> list[str]:
    return [f"{event.kind} {event.flow_id or event.element_id}" for event in play.events]


def test_elements_and_flows_are_told_in_the_order_they_happen() -> None:
    play = Play(start(), gateway("parallel", "g"), user("a"), user("b"), gateway("parallel", "j"), end(),
                chain("start", "g", "a", "j", "end"), chain("g", "b", "j"))  # fmt: skip
    play.do("a").do("b")

    assert told(play) == [
        "activated start", "completed start", "flow start-g", "activated g", "completed g", "flow g-a", "flow g-b",
        "activated a", "activated b", "completed a", "flow a-j", "completed b", "flow b-j", "activated j",
        "completed j", "flow j-end", "activated end", "completed end",
    ]  # fmt: skip
    assert {event.at for event in play.events} == {NOW}
    assert {event.process_id for event in play.events} == {"p"}


def test_every_flow_of_a_model_can_be_travelled_and_is_told() -> None:
    body = (
        start(), gateway("exclusive", "g", "d"), sub("s", start("si"), user("a"), end("se"), chain("si", "a", "se")),
        boundary("late", "s", timer("timeDuration", "P1D")), job("j"), end(),
        event_sub("es", MESSAGE, end("withdrawn"), chain("es_start", "withdrawn")),
        flow("start", "g"), flow("g", "s", "=slow"), flow("g", "j", id="d"), flow("s", "end"), flow("late", "j"),
        flow("j", "end"),
    )  # fmt: skip
    travelled: set[str] = set()
    for slow, steps in ((True, ["a"]), (True, ["late", "j"]), (False, ["j"]), (True, ["es_start"])):
        play = Play(*body, variables={"slow": slow})
        for step in steps:
            play.do(step)
        assert play.completed
        travelled |= set(play.happened("flow"))

    assert travelled == set(play.definitions.processes["p"].flows)


def test_the_body_of_a_multi_instance_is_told_apart_from_its_instances() -> None:
    play = Play(start(), user("a", more=loop()), chain("start", "a"), variables={"items": [1, 2]})

    types = [event.type for event in play.events if event.element_id == "a"]

    assert types == ["multiInstanceBody", "userTask", "userTask"]


def test_an_incident_and_its_retry_are_told_once() -> None:
    play = Play(start(), user("a", '<zeebe:priorityDefinition priority="=level"/>'), chain("start", "a"),
                variables={"level": "high"})  # fmt: skip
    play.act("set_variables", {"level": 3}).act("retry", play.wait("a").token)

    assert told(play)[3:] == ["activated a", "incident a"]
    assert play.wait("a").attrs["priority"] == 3


def test_each_element_tells_the_flow_that_brought_it_and_the_token_it_lives_in() -> None:
    inside = sub("s", start("si"), user("b"), end("se"), chain("si", "b", "se"))
    play = Play(start(), gateway("parallel", "g"), user("a"), inside, gateway("parallel", "j"), end(),
                chain("start", "g", "a", "j", "end"), chain("g", "s", "j"))  # fmt: skip
    play.do("a").do("b")
    entered = {event.element_id: event for event in play.events if event.kind == "activated"}

    ways = {name: event.via for name, event in entered.items()}
    assert ways == {"start": None, "g": "start-g", "a": "g-a", "s": "g-s", "si": None, "b": "si-b", "se": "b-se",
                    "j": "a-j s-j", "end": "j-end"}  # fmt: skip
    assert {name for name, event in entered.items() if event.parent == entered["s"].token} == {"si", "b", "se"}
    assert entered["a"].parent is None


def test_a_branch_that_is_ended_while_it_waits_at_a_join_still_tells_the_flow_it_came_by() -> None:
    play = Play(start(), gateway("parallel", "g"), user("a"), user("b"), gateway("parallel", "j"), end(),
                end("stop", "<terminateEventDefinition/>"), gateway("exclusive", "x", "x-j"),
                chain("start", "g", "a", "j", "end"), chain("g", "b", "x", "j"),
                 flow("x", "stop", "=enough"))  # fmt: skip
    play.do("a").do("b", enough=True)

    assert [event.via for event in play.events if event.kind == "cancelled"] == ["a-j"]


def test_the_number_of_a_token_is_known_also_of_one_from_before() -> None:
    assert instance_key("1234567890123456789") == 1234567890123456789
    assert 0 <= instance_key("f" * 32) < 2**63
