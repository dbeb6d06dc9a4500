"""Undoing what was done."""

from tests.engine.workflow.kit import COMPENSATE, Play, boundary, chain, end, job, start, sub, throw, user

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
