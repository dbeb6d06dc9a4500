"""What an operator may change in a running process, after Camunda 8's rules."""

import pytest

from engine.core.errors import Refused
from engine.workflow import Activation
from tests.engine.workflow.kit import (
    MESSAGE,
    Play,
    adhoc,
    boundary,
    bpmn,
    catch,
    chain,
    end,
    event_sub,
    extension,
    flow,
    gateway,
    io,
    job,
    loop,
    start,
    sub,
    timer,
    user,
)

CALLED = extension('<zeebe:calledElement processId="q"/>')
LINE = (start(), user("a"), user("b"), user("c"), end(), chain("start", "a", "b", "c", "end"))
NESTED = (
    start(),
    user("a"),
    sub("outer", start("o1"), sub("inner", start("i1"), user("x"), user("y"), end("i2"), chain("i1", "x", "y", "i2")),
        end("o2"), chain("o1", "inner", "o2")),
    boundary("late", "outer", timer("timeDuration", "P1D"), interrupting=False), end("late_end"),
    end(), flow("late", "late_end"), chain("start", "a", "outer", "end"),
)  # fmt: skip


def modify(play: Play, **what: object) -> Play:
    return play.act("modify", **what)


def refused(play: Play, **what: object) -> str:
    with pytest.raises(Refused) as error:
        play.process.modify(**what)  # type: ignore[arg-type]
    return error.value.code


def test_a_step_is_skipped_by_moving_on() -> None:
    play = modify(Play(*LINE), move=[("a", "c")])

    assert play.at == ["c:user"]
    assert play.happened("cancelled") == ["a"]
    assert play.do("c").process.outcome == "end"


def test_a_step_is_done_again_without_losing_the_present_one() -> None:
    play = modify(Play(*LINE).do("a"), activate=[Activation("a")])

    assert play.at == ["a:user", "b:user"]


def test_cancelling_the_last_step_ends_the_process() -> None:
    play = Play(*LINE)
    effect = play.process.modify(terminate=["a"])

    assert effect.ends
    assert [one.element_id for one in effect.cancelled] == ["a"]
    assert play.process.completed
    assert play.process.cancelled
    assert play.process.outcome is None


def test_variables_are_there_before_the_step_begins() -> None:
    body = (start(), user("a"), user("b", io(("input", "=amount + 1", "more"))), end(), chain("start", "a", "b", "end"))
    play = modify(
        Play(*body), activate=[Activation("b", {"amount": 4}, local={"b": {"note": "本步"}})], terminate=["a"]
    )

    context = play.process.context(play.wait("b").token)
    assert (context["amount"], context["more"], context["note"]) == (4, 5, "本步")
    assert play.variables == {"amount": 4}


def test_enclosing_subprocesses_begin_with_their_boundary_events_but_without_their_start() -> None:
    play = modify(Play(*NESTED), activate=[Activation("y", local={"outer": {"kept": 1}})], terminate=["a"])

    assert play.at == ["late:timer", "y:user"]
    assert play.process.context(play.wait("y").token)["kept"] == 1
    play.do("y")
    assert play.completed
    assert "i1" not in play.happened("activated")


def test_an_open_subprocess_takes_a_second_step() -> None:
    play = modify(Play(*NESTED).do("a"), activate=[Activation("y")])

    assert play.at == ["late:timer", "x:user", "y:user"]
    assert play.happened("activated").count("outer") == 1


def test_the_last_step_of_nested_subprocesses_takes_them_along() -> None:
    play = modify(Play(*NESTED).do("a"), activate=[Activation("a")], terminate=["x"])

    assert play.at == ["a:user"]
    assert sorted(play.happened("cancelled")) == ["inner", "outer", "x"]


def test_a_scope_stays_when_something_is_activated_in_it() -> None:
    play = modify(Play(*NESTED).do("a"), activate=[Activation("y")], terminate=["x"])

    assert play.at == ["late:timer", "y:user"]


def test_an_event_subprocess_can_be_begun_by_hand() -> None:
    inside = event_sub("esp", MESSAGE, user("h"), end("h2"), chain("esp_start", "h", "h2"))
    play = Play(*LINE, inside)

    whole = modify(play, activate=[Activation("esp")])
    assert whole.at == ["a:user", "esp_start:message", "h:user"]
    part = modify(whole, activate=[Activation("h")], terminate=["a"])
    assert part.at == ["esp_start:message", "h:user", "h:user"]


def many(sequential: bool = False) -> Play:
    body = sub("each", start("s1"), user("x"), user("y"), end("s2"), chain("s1", "x", "y", "s2"),
               more=loop(output="=item", sequential=sequential))  # fmt: skip
    return Play(start(), body, user("z"), end(), chain("start", "each", "z", "end"), variables={"items": ["甲", "乙"]})


def bodies(play: Play) -> str:
    return next(event.token for event in play.events if event.type == "multiInstanceBody")


def test_inside_a_multi_instance_the_instance_must_be_named() -> None:
    play = many()
    first = play.process.context(play.wait("x").token)
    hosts = [event.token for event in play.events if event.element_id == "each" and event.type == "subProcess"]

    assert refused(play, activate=[Activation("y")]) == "ancestor_unclear"
    modify(play, activate=[Activation("y", ancestor=hosts[0])], terminate=[play.wait("x").token])
    assert play.at == ["x:user", "y:user"]
    assert play.process.context(play.wait("y").token)["item"] == first["item"]


def test_a_multi_instance_gets_another_instance() -> None:
    play = many()
    modify(play, activate=[Activation("y", ancestor=bodies(play), local={"each": {"item": "丙"}})])

    assert play.at == ["x:user", "x:user", "y:user"]
    for element in ("y", "x", "x", "y", "y"):
        play.do(element)
    assert play.at == ["z:user"]
    assert sorted(play.variables["results"]) == sorted(["甲", "乙", "丙"])


def test_a_cancelled_instance_is_not_waited_for() -> None:
    play = many()
    modify(play, terminate=[play.wait("x").token])
    play.do("x").do("y")

    assert play.at == ["z:user"]
    assert play.variables["results"] == [None, "乙"]


def test_the_last_instance_takes_the_body_along() -> None:
    play = many()
    modify(play, activate=[Activation("z")], terminate=["x"])

    assert play.at == ["z:user"]
    assert "results" not in play.variables


def test_a_multi_instance_that_does_not_run_is_started_as_a_whole() -> None:
    play = many().do("x").do("x").do("y").do("y")

    assert refused(play, activate=[Activation("y")]) == "body_not_active"
    assert modify(play, activate=[Activation("each")], terminate=["z"]).at == ["x:user", "x:user"]


def test_a_sequential_multi_instance_takes_no_second_instance() -> None:
    play = many(sequential=True)

    assert refused(play, activate=[Activation("y", ancestor=bodies(play))]) == "sequential_not_extended"


def test_moving_stays_in_its_own_instance() -> None:
    play = modify(many(), move=[("x", "y")])

    assert play.at == ["y:user", "y:user"]
    play.do("y").do("y")
    assert play.variables["results"] == ["甲", "乙"]


def test_a_join_that_is_activated_goes_on_at_once() -> None:
    body = (start(), gateway("parallel", "split"), user("a"), user("b"), gateway("parallel", "join"), user("c"), end(),
            chain("start", "split", "a", "join", "c", "end"), flow("split", "b"), flow("b", "join"))  # fmt: skip
    play = Play(*body).do("a")

    assert modify(play, activate=[Activation("join")], terminate=["b", "join"]).at == ["c:user"]


def test_an_element_of_a_running_called_process_is_reached() -> None:
    called = f'<callActivity id="call" name="公示">{CALLED}</callActivity>'
    other = bpmn(start("q1"), user("x"), user("y"), end("q2"), chain("q1", "x", "y", "q2"), process_id="q").decode()
    more = other[other.index("<bpmn:process") : other.index("</bpmn:definitions>")]
    play = Play(start(), user("a"), called, end(), chain("start", "a", "call", "end"), more=more)

    assert refused(play, activate=[Activation("y")]) == "element_not_found"
    assert modify(play.do("a"), move=[("x", "y")]).at == ["y:user"]
    assert play.do("y").completed


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("start", "start_event_not_activated"),
        ("late", "boundary_not_activated"),
        ("m", "behind_event_gateway"),
        ("nowhere", "element_not_found"),
    ],
)
def test_what_cannot_be_activated_is_refused(target: str, code: str) -> None:
    body = (start(), user("a"), boundary("late", "a", timer("timeDuration", "P1D")), end("late_end"),
            gateway("eventBased", "g"), catch("m", MESSAGE), catch("t", timer("timeDuration", "P1D")), end(), end("e2"),
            chain("start", "a", "g", "m", "end"), chain("g", "t", "e2"), flow("late", "late_end"))  # fmt: skip
    play = Play(*body)

    assert refused(play, activate=[Activation(target)]) == code


def test_what_cannot_be_cancelled_is_refused() -> None:
    play = Play(*NESTED).do("a")

    assert refused(play, terminate=["late"]) == "boundary_not_cancelled"
    assert refused(play, terminate=["c"]) == "nothing_there"
    assert refused(play, activate=[Activation("y", local={"a": {"v": 1}})]) == "scope_not_around"
    assert refused(play, activate=[Activation("y", ancestor="404")]) == "ancestor_not_found"
    assert refused(play, activate=[Activation("y", ancestor=play.wait("x").token)]) == "ancestor_not_around"


def test_an_adhoc_subprocess_is_begun_as_a_whole() -> None:
    play = Play(start(), user("a"), adhoc("x", user("visit")), end(), chain("start", "a", "x", "end"))

    assert refused(play, activate=[Activation("visit")]) == "adhoc_not_active"
    assert modify(play, activate=[Activation("x")], terminate=["a"]).at == ["x:adhoc"]


def test_an_ended_process_is_not_modified() -> None:
    play = Play(*LINE).do("a").do("b").do("c")

    assert refused(play, activate=[Activation("a")]) == "process_completed"


def test_a_scope_that_cannot_begin_is_refused_as_a_whole() -> None:
    watch = event_sub("esp", MESSAGE, end("h2"), chain("esp_start", "h2"))
    body = sub("s", start("s1"), user("x"), end("s2"), chain("s1", "x", "s2"), watch)
    play = Play(start(), user("a"), body, end(), chain("start", "a", "s", "end"), variables={"number": ["两个"]})

    assert refused(play, activate=[Activation("x")]) == "correlation_key_missing"


def test_an_incident_can_be_passed_over() -> None:
    play = Play(start(), job("a"), user("b"), end(), chain("start", "a", "b", "end"))
    play.act("raise_incident", play.wait("a").token, "spent", "对方没有答复")

    assert modify(play, move=[("a", "b")]).at == ["b:user"]


def test_a_preview_changes_nothing_but_tells_what_would_happen() -> None:
    play = Play(*NESTED).do("a")
    effect = play.process.modify(move=[("x", "a")], rest=True)

    assert [one.element_id for one in effect.activated] == ["a"]
    assert {one.element_id for one in effect.cancelled} == {"x", "inner", "outer"}
    assert not effect.ends
