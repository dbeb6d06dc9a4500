"""Every kind of event in every place where it may stand, interrupting and not."""

import pytest

from tests.engine.workflow.kit import (
    ERROR,
    ESCALATION,
    MESSAGE,
    SIGNAL,
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

CONDITION = "<conditionalEventDefinition><condition>=ready</condition></conditionalEventDefinition>"
WAITED_FOR = {
    "message": MESSAGE,
    "signal": SIGNAL,
    "date": timer("timeDate", "2026-12-01T09:00:00+08:00"),
    "duration": timer("timeDuration", "P3D"),
    "cycle": timer("timeCycle", "R3/P1D"),
    "condition": CONDITION,
}
THROWN = {"error": (ERROR, "a"), "escalation": (ESCALATION, "t")}


def occurs(play: Play, kind: str, event: str) -> Play:
    """Let the event come."""
    if kind == "condition":
        return play.act("set_variables", {"ready": True})
    if kind == "error":
        return play.act("throw_error", play.wait("a").token, "declined")
    return play.do("a") if kind == "escalation" else play.do(event)


@pytest.mark.parametrize("kind", [kind for kind in WAITED_FOR if kind != "cycle"])
def test_an_intermediate_event_is_waited_for(kind: str) -> None:
    play = Play(start(), catch("c", WAITED_FOR[kind]), user("b"), chain("start", "c", "b"), variables={"ready": False})
    assert [wait.element_id for wait in play.process.waits()] == ["c"]

    assert occurs(play, kind, "c").at == ["b:user"]


@pytest.mark.parametrize("interrupting", [True, False])
@pytest.mark.parametrize("kind", [*WAITED_FOR, *THROWN])
def test_a_boundary_event(kind: str, interrupting: bool) -> None:
    if kind == "error" and not interrupting:
        return
    definition = WAITED_FOR.get(kind) or THROWN[kind][0]
    inside = sub("s", start("si"), job("a"), throw("t", ESCALATION), user("z"), chain("si", "a", "t", "z"))
    play = Play(start(), inside, boundary("b", "s", definition, interrupting), user("x"), chain("start", "s"),
                flow("b", "x"), variables={"ready": False})  # fmt: skip

    occurs(play, kind, "b")

    assert "x:user" in play.at
    assert any(at in play.at for at in ("a:job", "z:user")) != interrupting


@pytest.mark.parametrize("interrupting", [True, False])
@pytest.mark.parametrize("kind", [*WAITED_FOR, *THROWN])
def test_an_event_sub_process(kind: str, interrupting: bool) -> None:
    if kind == "error" and not interrupting:
        return
    definition = WAITED_FOR.get(kind) or THROWN[kind][0]
    body = event_sub("es", definition, user("x"), end("es_end"), chain("es_start", "x", "es_end"),
                     interrupting=interrupting)  # fmt: skip
    play = Play(start(), job("a"), throw("t", ESCALATION), user("z"), end(), body,
                chain("start", "a", "t", "z", "end"), variables={"ready": False})  # fmt: skip

    occurs(play, kind, "es_start")

    assert "x:user" in play.at
    assert any(at in play.at for at in ("a:job", "z:user")) != interrupting
    play.do("x")
    if interrupting:
        assert play.completed
        assert play.process.outcome == "es_end"


def test_an_escalation_may_end_a_sub_process() -> None:
    inside = sub("s", start("si"), end("e", ESCALATION), chain("si", "e"))
    play = Play(start(), inside, boundary("b", "s", ESCALATION, False), user("x"), user("y"), chain("start", "s", "y"),
                flow("b", "x"))  # fmt: skip

    assert play.at == ["x:user", "y:user"]


def test_receive_tasks_may_stand_behind_an_event_gateway() -> None:
    receive = '<receiveTask id="r" messageRef="M"/>'
    play = Play(start(), gateway("eventBased", "g"), receive, catch("t", timer("timeDuration", "P1D")), user("a"),
                user("b"), chain("start", "g", "r", "a"), chain("g", "t", "b"))  # fmt: skip
    assert play.at == ["r:message", "t:timer"]

    assert play.do("r", n=1).at == ["a:user"]
    assert play.variables == {"n": 1}


def test_the_message_of_an_event_sub_process_goes_to_who_knows_its_names() -> None:
    mapping = '<extensionElements><zeebe:ioMapping><zeebe:input source="=0" target="n"/></zeebe:ioMapping>'
    body = event_sub("es", MESSAGE, user("x"), chain("es_start", "x"), interrupting=False)
    play = Play(start(), sub("s", f"{mapping}</extensionElements>", start("si"), user("a"), body, chain("si", "a")),
                chain("start", "s"))  # fmt: skip

    play.do("es_start", n=5, reason="改变主意")

    assert play.process.context(play.wait("a").token)["n"] == 5
    assert play.variables == {"reason": "改变主意"}


def test_a_boundary_event_maps_what_came_with_its_message() -> None:
    mapping = '<extensionElements><zeebe:ioMapping><zeebe:output source="=name" target="who"/></zeebe:ioMapping>'
    play = Play(start(), user("a"), boundary("b", "a", f"{mapping}</extensionElements>{MESSAGE}"), user("x"),
                chain("start", "a"), flow("b", "x"))  # fmt: skip

    assert play.do("b", name="李", other=1).variables == {"who": "李"}
