"""Undoing what was done."""

from tests.engine.workflow.kit import (
    COMPENSATE,
    MESSAGE,
    Play,
    boundary,
    catch,
    chain,
    end,
    event_sub,
    faults,
    flow,
    gateway,
    io,
    job,
    loop,
    start,
    sub,
    throw,
    user,
)

HANDLER = '<association id="as" sourceRef="cb" targetRef="undo"/>'


def undo(id: str = "undo") -> str:
    return job(id).replace("<serviceTask", '<serviceTask isForCompensation="true"')


def test_a_completed_activity_is_undone_before_the_process_goes_on() -> None:
    play = Play(start(), user("a"), user("b"), boundary("cb", "a", COMPENSATE), undo(), HANDLER, throw("t", COMPENSATE),
                user("c"), chain("start", "a", "b", "t", "c"))  # fmt: skip

    play.do("a").do("b")
    assert play.at == ["undo:job"]

    assert play.do("undo").at == ["c:user"]


def test_nothing_is_undone_that_was_not_done() -> None:
    play = Play(start(), user("a"), boundary("cb", "a", COMPENSATE), undo(), HANDLER, throw("t", COMPENSATE),
                user("c"), chain("start", "t", "c", "a"))  # fmt: skip

    assert play.at == ["c:user"]


def test_what_a_completed_sub_process_did_is_undone_inside_it() -> None:
    body = sub("s", start("si"), user("a"), boundary("cb", "a", COMPENSATE), undo(), HANDLER, chain("si", "a"))
    play = Play(start(), body, end("e", COMPENSATE), chain("start", "s", "e"))

    play.do("a")
    assert play.at == ["undo:job"]

    assert play.do("undo").completed
    assert play.process.outcome == "e"


def test_a_loop_s_activity_is_undone_as_often_as_it_was_done() -> None:
    play = Play(start(), gateway("exclusive", "again"), user("a"), gateway("exclusive", "g", "g-t"),
                boundary("cb", "a", COMPENSATE), undo(), HANDLER, throw("t", COMPENSATE), end(),
                chain("start", "again", "a", "g", "t", "end"), flow("g", "again", "=n < 2", "back"),
                variables={"n": 0})  # fmt: skip

    play.do("a", n=1).do("a", n=2)
    assert play.at == ["undo:job", "undo:job"]

    assert play.do("undo").do("undo").completed


def test_one_handler_undoes_a_whole_multi_instance() -> None:
    play = Play(start(), user("a", more=loop()), boundary("cb", "a", COMPENSATE), undo(), HANDLER,
                throw("t", COMPENSATE), end(), chain("start", "a", "t", "end"),
                variables={"items": [1, 2, 3]})  # fmt: skip

    play.do("a").do("a").do("a")

    assert play.at == ["undo:job"]


def test_each_instance_of_a_multi_instance_sub_process_is_undone_with_the_variables_it_had() -> None:
    body = sub("s", start("si"), user("a"), boundary("cb", "a", COMPENSATE), undo(), HANDLER, chain("si", "a"),
               more=loop())  # fmt: skip
    play = Play(start(), body, user("b"), throw("t", COMPENSATE), end(), chain("start", "s", "b", "t", "end"),
                variables={"items": ["x", "y"]})  # fmt: skip

    play.do("a").do("a").do("b")

    assert play.at == ["undo:job", "undo:job"]
    assert sorted(play.process.context(wait.token)["item"] for wait in play.process.waits()) == ["x", "y"]
    assert play.do("undo").do("undo").completed
    assert set(play.process.save()[1]) == {"0"}


def test_a_sub_process_is_undone_by_its_own_handler_and_by_those_inside() -> None:
    inside = '<association id="ai" sourceRef="ci" targetRef="undo_inside"/>'
    body = sub(
        "s", start("si"), user("a"), boundary("ci", "a", COMPENSATE), undo("undo_inside"), inside, chain("si", "a")
    )
    play = Play(start(), body, boundary("cb", "s", COMPENSATE), undo(), HANDLER, throw("t", COMPENSATE), end(),
                chain("start", "s", "t", "end"))  # fmt: skip

    play.do("a")

    assert play.at == ["undo:job", "undo_inside:job"]
    assert play.do("undo").do("undo_inside").completed


def test_the_local_variables_of_a_completed_sub_process_are_there_when_it_is_undone() -> None:
    mapping = f"<extensionElements>{io(('input', '=booking', 'reserved'))}</extensionElements>"
    body = sub("s", mapping, start("si"), user("a"), boundary("cb", "a", COMPENSATE), undo(), HANDLER, chain("si", "a"))
    play = Play(start(), body, user("b"), throw("t", COMPENSATE), end(), chain("start", "s", "b", "t", "end"),
                variables={"booking": 7})  # fmt: skip

    play.do("a").do("b", booking=8)

    assert play.process.context(play.wait("undo").token)["reserved"] == 7
    assert play.do("undo").completed


def test_what_was_kept_for_undoing_is_forgotten_with_its_scope() -> None:
    mapping = f"<extensionElements>{io(('input', '=1', 'reserved'))}</extensionElements>"
    body = sub("s", mapping, start("si"), user("a"), boundary("cb", "a", COMPENSATE), undo(), HANDLER, chain("si", "a"))
    outer = sub("o", start("so"), body, chain("so", "s"))
    called = '<extensionElements><zeebe:calledElement processId="q"/></extensionElements>'
    more = f'<process id="q" isExecutable="true">{start("qs")}{outer}{chain("qs", "o")}</process>'
    play = Play(
        start(), f'<callActivity id="call">{called}</callActivity>', user("b"), chain("start", "call", "b"), more=more
    )

    play.do("a")

    assert play.at == ["b:user"]
    assert set(play.process.save()[1]) == {"0"}


def test_what_a_called_process_did_is_undone_only_inside_of_it() -> None:
    called = '<extensionElements><zeebe:calledElement processId="q"/></extensionElements>'
    inner = f"{start('qs')}{user('a')}{boundary('cb', 'a', COMPENSATE)}{undo()}{HANDLER}{chain('qs', 'a')}"
    outside = Play(start(), f'<callActivity id="call">{called}</callActivity>', throw("t", COMPENSATE), user("b"),
                   chain("start", "call", "t", "b"),
                   more=f'<process id="q" isExecutable="true">{inner}</process>')  # fmt: skip
    itself = f"{inner}{throw('qt', COMPENSATE)}{chain('a', 'qt')}"
    inside = Play(start(), f'<callActivity id="call">{called}</callActivity>', chain("start", "call"),
                  more=f'<process id="q" isExecutable="true">{itself}</process>')  # fmt: skip

    assert outside.do("a").at == ["b:user"]
    assert inside.do("a").at == ["undo:job"]
    assert inside.do("undo").completed


def test_a_withdrawal_undoes_what_was_done_around_its_event_sub_process() -> None:
    withdrawn = event_sub("es", MESSAGE, throw("t", COMPENSATE), end("withdrawn"), chain("es_start", "t", "withdrawn"))
    play = Play(start(), user("a"), boundary("cb", "a", COMPENSATE), undo(), HANDLER, user("b"), withdrawn,
                chain("start", "a", "b"))  # fmt: skip

    play.do("a").do("es_start")
    assert play.at == ["undo:job"]

    assert play.do("undo").completed
    assert play.process.outcome == "withdrawn"


def test_a_named_activity_alone_is_undone() -> None:
    other = '<association id="a2" sourceRef="cb2" targetRef="undo2"/>'
    play = Play(start(), user("a"), user("b"), boundary("cb", "a", COMPENSATE), boundary("cb2", "b", COMPENSATE),
                undo(), undo("undo2"), HANDLER, other, throw("t", '<compensateEventDefinition activityRef="b"/>'),
                end(),
                chain("start", "a", "b", "t", "end"))  # fmt: skip

    play.do("a").do("b")

    assert play.at == ["undo2:job"]
    assert play.do("undo2").completed


def test_an_event_sub_process_may_name_an_activity_around_it() -> None:
    named = '<compensateEventDefinition activityRef="a"/>'
    body = event_sub("es", MESSAGE, throw("t", named), chain("es_start", "t"))
    play = Play(
        start(), user("a"), boundary("cb", "a", COMPENSATE), undo(), HANDLER, user("b"), body, chain("start", "a", "b")
    )

    assert play.do("a").do("es_start").at == ["undo:job"]
    assert ("compensation_target", "t") in faults(
        start(), sub("s", start("si"), throw("t", named), chain("si", "t")), user("a"), chain("start", "a", "s")
    )


def test_an_interrupted_throw_takes_its_handlers_with_it() -> None:
    body = sub("s", start("si"), user("a"), boundary("cb", "a", COMPENSATE), undo(), HANDLER, throw("t", COMPENSATE),
               chain("si", "a", "t"))  # fmt: skip
    play = Play(start(), body, boundary("m", "s", MESSAGE), user("b"), catch("c", MESSAGE), chain("start", "s", "c"),
                flow("m", "b"))  # fmt: skip

    play.do("a").do("m")

    assert play.at == ["b:user"]
