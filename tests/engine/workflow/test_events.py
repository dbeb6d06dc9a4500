"""Boundary events, event sub-processes, throws."""

import pytest

from engine.core.errors import Refused
from tests.engine.workflow.kit import (
    ERROR,
    ESCALATION,
    MESSAGE,
    SIGNAL,
    TERMINATE,
    Play,
    boundary,
    catch,
    chain,
    end,
    event_sub,
    flow,
    gateway,
    job,
    start,
    sub,
    throw,
    timer,
    user,
)

BASE = (start(), user("a"), user("b"), end("granted"), chain("start", "a", "b", "granted"))
IN_EVENT_SUB = (user("w"), end("withdrawn"), chain("es_start", "w", "withdrawn"))


def test_an_interrupting_boundary_event_cancels_its_activity() -> None:
    play = Play(start(), user("a"), boundary("late", "a", timer("timeDuration", "PT1H")), user("b"), user("x"),
                chain("start", "a", "b"), flow("late", "x"))  # fmt: skip
    assert play.wait("late").attrs == {"due": "2026-11-02T02:00:00+00:00", "attached_to": "a"}

    play.do("late")

    assert play.at == ["x:user"]
    assert play.happened("cancelled") == ["a"]


def test_a_completed_activity_takes_its_boundary_events_away() -> None:
    play = Play(start(), user("a"), boundary("late", "a", timer("timeDuration", "PT1H")), user("b"), user("x"),
                chain("start", "a", "b"), flow("late", "x"))  # fmt: skip

    assert play.do("a").at == ["b:user"]


def test_a_repeating_reminder_fires_as_often_as_it_says() -> None:
    play = Play(start(), user("a"), boundary("r", "a", timer("timeCycle", "R2/P1D"), interrupting=False), job("remind"),
                user("b"), chain("start", "a", "b"), flow("r", "remind"))  # fmt: skip
    assert play.wait("r").attrs["due"] == "2026-11-03T01:00:00+00:00"

    play.do("r")
    assert play.wait("r").attrs["due"] == "2026-11-04T01:00:00+00:00"
    play.do("r")
    assert play.at == ["a:user", "remind:job", "remind:job"]

    assert play.do("a").do("remind").do("remind").do("b").completed


def test_a_message_event_sub_process_withdraws_the_whole_case() -> None:
    play = Play(*BASE, event_sub("es", MESSAGE, *IN_EVENT_SUB))
    assert play.at == ["a:user", "es_start:message"]

    play.do("es_start", reason="改变主意")

    assert play.at == ["w:user"]
    assert play.variables == {"reason": "改变主意"}
    play.do("w")
    assert play.completed
    assert play.process.outcome == "withdrawn"


def test_a_listening_event_sub_process_does_not_hold_the_process_open() -> None:
    play = Play(*BASE, event_sub("es", MESSAGE, *IN_EVENT_SUB))

    assert play.do("a").do("b").completed
    assert play.process.outcome == "granted"


def test_a_non_interrupting_event_sub_process_may_run_several_times() -> None:
    play = Play(*BASE, event_sub("es", MESSAGE, *IN_EVENT_SUB, interrupting=False))

    play.do("es_start").do("es_start")
    assert play.at == ["a:user", "es_start:message", "w:user", "w:user"]
    play.do("w").do("a").do("b")
    assert not play.completed
    play.do("w")

    assert play.completed
    assert play.process.outcome == "granted"


def test_an_event_sub_process_with_a_cycle_counts_down() -> None:
    play = Play(*BASE, event_sub("es", timer("timeCycle", "R2/PT1H"), *IN_EVENT_SUB, interrupting=False))

    play.do("es_start").do("es_start")

    assert play.at == ["a:user", "w:user", "w:user"]


@pytest.mark.parametrize("definition", [SIGNAL, ERROR, ESCALATION])
def test_an_interrupting_event_sub_process_replaces_its_sub_process_only(definition: str) -> None:
    throws = {SIGNAL: "", ERROR: end("t", ERROR), ESCALATION: throw("t", ESCALATION)}[definition]
    after = chain("si", "i", "t") if throws else chain("si", "i")
    play = Play(start(), sub("s", start("si"), user("i"), throws, after, event_sub("es", definition, *IN_EVENT_SUB)),
                user("b"), chain("start", "s", "b"))  # fmt: skip

    play.do("es_start" if definition == SIGNAL else "i")
    assert play.at == ["w:user"]

    assert play.do("w").at == ["b:user"]
    assert play.process.outcome is None


def test_an_error_goes_to_the_right_one_of_two_parallel_activities() -> None:
    play = Play(start(), gateway("parallel", "g"), job("j1"), job("j2"), boundary("b1", "j1", ERROR),
                boundary("b2", "j2", ERROR), user("u1"), user("u2"), chain("start", "g", "j1"), flow("g", "j2"),
                flow("b1", "u1"), flow("b2", "u2"))  # fmt: skip

    play.act("throw_error", play.wait("j2").token, "declined", "名额已满", {"why": "full"})

    assert play.at == ["j1:job", "u2:user"]
    assert play.variables == {"why": "full"}


def test_the_exact_code_is_preferred_to_the_event_that_catches_all() -> None:
    catch_all = "<errorEventDefinition/>"
    play = Play(start(), job("j"), boundary("any", "j", catch_all), boundary("one", "j", ERROR), user("x"), user("y"),
                chain("start", "j"), flow("any", "x"), flow("one", "y"))  # fmt: skip

    play.act("throw_error", play.wait("j").token, "declined")

    assert play.at == ["y:user"]


def test_an_error_travels_out_of_a_called_process() -> None:
    more = f'<process id="q" isExecutable="true">{start("qs")}{end("qe", ERROR)}{chain("qs", "qe")}</process>'
    called = '<extensionElements><zeebe:calledElement processId="q"/></extensionElements>'
    play = Play(start(), f'<callActivity id="call">{called}</callActivity>', boundary("b", "call", ERROR), user("x"),
                chain("start", "call"), flow("b", "x"), more=more)  # fmt: skip

    assert play.at == ["x:user"]


def test_an_error_nobody_catches_is_an_incident_on_the_job_and_the_job_can_be_done_again() -> None:
    play = Play(start(), job("j"), user("b"), chain("start", "j", "b"))

    play.act("throw_error", play.wait("j").token, "declined", "名额已满")
    assert play.wait("j").attrs["code"] == "error_not_caught"
    assert "：名额已满，" in play.wait("j").attrs["message"]
    play.act("retry", play.wait("j").token)

    assert play.do("j").at == ["b:user"]


def test_a_terminate_end_ends_its_own_level_at_once() -> None:
    body = sub("s", start("si"), gateway("parallel", "g"), user("a"), user("b"), end("t", TERMINATE),
               chain("si", "g", "a", "t"), flow("g", "b"))  # fmt: skip
    play = Play(start(), body, user("c"), chain("start", "s", "c"))

    play.do("a")

    assert play.at == ["c:user"]
    assert play.happened("cancelled") == ["b"]


def test_a_link_jumps() -> None:
    link = '<linkEventDefinition name="审批"/>'
    play = Play(start(), throw("t", link), catch("c", link), user("a"), chain("start", "t"), chain("c", "a"))

    assert play.at == ["a:user"]


def test_a_thrown_signal_is_left_for_the_command_to_broadcast() -> None:
    play = Play(start(), throw("t", SIGNAL, '<zeebe:ioMapping><zeebe:input source="=1" target="n"/></zeebe:ioMapping>'),
                end("e", SIGNAL), chain("start", "t", "e"))  # fmt: skip

    assert play.completed
    assert play.signals == [
        {"name": "policy_changed", "variables": {"n": 1}},
        {"name": "policy_changed", "variables": {}},
    ]


def test_an_escalation_may_be_caught_without_interrupting_or_by_nobody() -> None:
    inner = sub("s", start("si"), throw("t", ESCALATION), user("a"), chain("si", "t", "a"))
    caught = Play(start(), inner, boundary("b", "s", ESCALATION, interrupting=False), user("x"), user("y"),
                  chain("start", "s", "y"), flow("b", "x"))  # fmt: skip
    alone = Play(start(), throw("t", ESCALATION), user("a"), chain("start", "t", "a"))

    assert caught.at == ["a:user", "x:user"]
    assert alone.at == ["a:user"]


def test_a_conditional_boundary_event_fires_when_another_branch_changes_the_variable() -> None:
    condition = "<conditionalEventDefinition><condition>=income &gt; 9000</condition></conditionalEventDefinition>"
    play = Play(start(), gateway("parallel", "g"), user("a"), user("b"), user("x"), boundary("c", "a", condition),
                chain("start", "g", "a"), flow("g", "b"), flow("c", "x"), variables={"income": 1})  # fmt: skip
    assert play.at == ["a:user", "b:user", "c:condition"]

    play.do("b", income=10000)

    assert play.at == ["x:user"]


def test_a_non_interrupting_condition_that_stays_true_fires_once_until_it_was_false_again() -> None:
    condition = "<conditionalEventDefinition><condition>=n &gt; 3</condition></conditionalEventDefinition>"
    play = Play(start(), user("a"), user("x"), boundary("c", "a", condition, interrupting=False),
                chain("start", "a"), flow("c", "x"), variables={"n": 5})  # fmt: skip
    assert play.at == ["a:user", "c:condition", "x:user"]

    play.act("set_variables", {"n": 6})
    assert play.at.count("x:user") == 1
    play.act("set_variables", {"n": 1}).act("set_variables", {"n": 7})

    assert play.at.count("x:user") == 2


def test_an_error_boundary_is_no_row_and_a_task_cannot_be_fired() -> None:
    play = Play(start(), user("a"), boundary("b", "a", ERROR), user("x"), chain("start", "a"), flow("b", "x"))

    assert play.at == ["a:user"]
    with pytest.raises(Refused):
        play.process.fire(play.wait("a").token)


def test_a_receive_task_waits_for_its_message_and_a_null_key_is_an_incident() -> None:
    receive = '<receiveTask id="r" messageRef="M"/>'
    play = Play(start(), receive, user("b"), chain("start", "r", "b"))
    assert play.wait("r").attrs == {"name": "objection", "key": "BZSQ-1"}
    assert play.do("r", objection_id=7).variables == {"objection_id": 7}

    unkeyed = Play(start(), receive, user("b"), chain("start", "r", "b"), variables={"number": None})
    assert unkeyed.wait("r").attrs["code"] == "correlation_key_missing"


def test_a_message_start_maps_what_came_with_the_message() -> None:
    mapping = '<zeebe:ioMapping><zeebe:output source="=name" target="applicant"/></zeebe:ioMapping>'
    begin = f'<startEvent id="m"><extensionElements>{mapping}</extensionElements>{MESSAGE}</startEvent>'
    play = Play(
        start(), begin, user("a"), chain("start", "a"), flow("m", "a"), variables={"name": "李"}, start_event="m"
    )

    assert play.at == ["a:user"]
    assert play.process.variables == {"applicant": "李"}
    assert play.definitions.processes["p"].starts["m"].name == "objection"


def test_the_code_of_a_thrown_error_may_be_feel() -> None:
    more = '<bpmn:error id="EF" name="动态" errorCode="=reason"/>'
    ending = end("t", '<errorEventDefinition errorRef="EF"/>')
    play = Play(start(), sub("s", start("si"), ending, chain("si", "t")), boundary("b", "s", ERROR), user("x"),
                chain("start", "s"), flow("b", "x"), more=more, variables={"reason": "declined"})  # fmt: skip

    assert play.at == ["x:user"]


def test_an_error_with_an_unknown_code_names_no_code_and_stays_an_incident() -> None:
    more = '<bpmn:error id="EF" name="动态" errorCode="=reason"/>'
    play = Play(start(), end("t", '<errorEventDefinition errorRef="EF"/>'), chain("start", "t"), more=more)

    assert play.wait("t").attrs["code"] == "code_missing"


def test_an_event_for_another_code_does_not_catch_but_one_without_code_does() -> None:
    other = '<errorEventDefinition errorRef="E2"/>'
    inner = sub("s", start("si"), job("j"), boundary("no", "j", other), user("x"), chain("si", "j"), flow("no", "x"))
    play = Play(start(), inner, boundary("any", "s", "<errorEventDefinition/>"), user("y"), chain("start", "s"),
                flow("any", "y"))  # fmt: skip

    play.act("throw_error", play.wait("j").token, "declined")

    assert play.at == ["y:user"]
