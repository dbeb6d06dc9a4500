"""To which earlier step a task may be returned, what that cancels, and taking a finished step back."""

import pytest

from engine.core.errors import Refused
from engine.workflow import Earlier, Passed
from tests.engine.workflow.kit import (
    Play,
    chain,
    end,
    extension,
    flow,
    gateway,
    job,
    loop,
    start,
    sub,
    user,
)

LINE = (start(), user("a"), user("b"), user("c"), end(), chain("start", "a", "b", "c", "end"))
FORKED = (
    start(), user("a"), gateway("parallel", "fork"), user("b"), user("b2"), user("c"), gateway("parallel", "join"),
    user("d"), end(), chain("start", "a", "fork", "b", "b2", "join", "d", "end"), chain("fork", "c", "join"),
)  # fmt: skip


def passed(play: Play) -> list[Passed]:
    """The history as rows would give it."""
    state = {"activated": False, "completed": True}
    return [
        Passed(one.element_id, one.parent or "", one.via or "", state[one.kind])
        for one in play.events
        if one.kind in state
    ]


def earlier(play: Play, element: str) -> list[Earlier]:
    return play.process.earlier(play.wait(element).token, passed(play))


def ids(found: list[Earlier]) -> list[str]:
    return [one.element_id for one in found]


def returned(play: Play, element: str, to: str, straight: bool = False) -> Play:
    target = next(one for one in earlier(play, element) if one.element_id == to)
    chosen = Earlier(target.element_id, target.name, target.scope, straight and target.straight)
    return play.act("send_back", play.wait(element).token, chosen)


def test_every_step_done_before_may_be_chosen_nearest_first() -> None:
    play = Play(*LINE).do("a").do("b")

    assert ids(earlier(play, "c")) == ["b", "a"]


def test_the_way_is_walked_again_after_a_return() -> None:
    play = returned(Play(*LINE).do("a").do("b"), "c", "a")

    assert play.at == ["a:user"]
    assert play.do("a").at == ["b:user"]
    assert play.do("b").do("c").process.outcome == "end"


def test_a_return_may_come_straight_back_to_the_sender() -> None:
    play = returned(Play(*LINE).do("a").do("b"), "c", "a", straight=True)

    assert play.do("a").at == ["c:user"]
    assert play.do("c").process.outcome == "end"


def test_a_step_returned_to_knows_its_own_earlier_steps() -> None:
    play = returned(Play(*LINE).do("a").do("b"), "c", "b")

    assert ids(earlier(play, "b")) == ["a"]


def test_in_a_branch_only_its_own_steps_may_be_chosen() -> None:
    play = Play(*FORKED).do("a").do("b")

    assert ids(earlier(play, "b2")) == ["b"]
    assert ids(earlier(play, "c")) == []
    assert returned(play, "b2", "b").at == ["b:user", "c:user"]


def test_behind_a_join_the_steps_in_its_branches_are_passed_over() -> None:
    play = Play(*FORKED).do("a").do("b").do("b2").do("c")

    assert ids(earlier(play, "d")) == ["a"]
    again = returned(play, "d", "a").do("a")
    assert again.at == ["b:user", "c:user"]
    assert again.do("c").do("b").do("b2").do("d").process.outcome == "end"


def test_a_branch_that_was_not_joined_ends_the_way_back() -> None:
    play = Play(
        start(), user("a"), gateway("parallel", "fork"), user("b"), user("c"), gateway("parallel", "join"), user("d"),
        user("alone"), end(), end("end2"), chain("start", "a", "fork", "b", "join", "d", "end"),
        chain("fork", "c", "join"), chain("fork", "alone", "end2"),
    ).do("a").do("b").do("c")  # fmt: skip

    assert ids(earlier(play, "d")) == []
    assert ids(earlier(play.do("alone"), "d")) == ["a"]


def test_out_of_a_sub_process_everything_in_it_is_cancelled() -> None:
    inside = sub("s", start("s1"), gateway("parallel", "f"), user("x"), user("y"), end("s2"), end("s3"),
                 chain("s1", "f", "x", "s2"), chain("f", "y", "s3"))  # fmt: skip
    play = Play(start(), user("a"), inside, end(), chain("start", "a", "s", "end")).do("a")

    assert [(one.element_id, one.straight) for one in earlier(play, "x")] == [("a", False)]
    play = returned(play, "x", "a")
    assert play.at == ["a:user"]
    assert play.do("a").do("x").do("y").completed


def test_out_of_a_called_process_its_call_is_cancelled() -> None:
    called = extension('<zeebe:calledElement processId="q"/>')
    body = start("q1") + user("x") + user("y") + end("q2") + chain("q1", "x", "y", "q2")
    inner = f'<process id="q" name="被调用" isExecutable="true">{body}</process>'
    call = f'<callActivity id="call" name="调用">{called}</callActivity>'
    play = Play(start(), user("a"), call, end(), chain("start", "a", "call", "end"), more=inner).do("a").do("x")

    assert ids(earlier(play, "y")) == ["x", "a"]
    assert returned(play, "y", "x").at == ["x:user"]
    play = returned(play, "x", "a")
    assert play.do("a").do("x").do("y").process.outcome == "end"


def test_one_of_several_who_sign_returns_for_all_of_them() -> None:
    signs = user("sign", more=loop())
    play = Play(start(), user("a"), signs, end(), chain("start", "a", "sign", "end"), variables={"items": [1, 2, 3]})
    play.do("a").do("sign", result="yes")

    assert ids(earlier(play, "sign")) == ["a"]
    play = returned(play, "sign", "a", straight=True)
    assert play.at == ["a:user"]
    assert play.do("a").at == ["sign:user"] * 3
    assert play.do("sign", result=1).do("sign", result=2).do("sign", result=3).variables["results"] == [1, 2, 3]


def test_a_signing_that_was_done_may_be_returned_to_as_a_whole() -> None:
    signs = user("sign", more=loop())
    play = Play(start(), signs, user("b"), end(), chain("start", "sign", "b", "end"), variables={"items": [1, 2]})
    play.do("sign").do("sign")

    assert returned(play, "b", "sign").at == ["sign:user", "sign:user"]


def test_round_a_loop_the_way_back_ends() -> None:
    play = Play(
        start(), gateway("exclusive", "again"), user("a"), user("b"), gateway("exclusive", "ok", default="ok-end"),
        end(), chain("start", "again", "a", "b", "ok", "end"), flow("ok", "again", "=redo = true"),
    ).do("a").do("b", redo=True).do("a")  # fmt: skip

    assert ids(earlier(play, "b")) == ["a"]


# --- taking back


def completed(play: Play, element: str) -> tuple[str, object]:
    token = play.wait(element).token
    place = play.process.place_of(token)
    play.process.complete(token)
    what = play.process.followed(place)
    play._turn()
    return element, what


def test_a_finished_step_is_taken_back_in_place_of_what_it_brought() -> None:
    play = Play(*FORKED)
    what = completed(play, "a")

    assert play.at == ["b:user", "c:user"]
    assert play.act("take_back", *what).at == ["a:user"]


def test_one_that_waits_at_a_join_is_taken_back_from_there() -> None:
    play = Play(*FORKED).do("a").do("b")
    what = completed(play, "b2")
    play.act("take_back", *what)

    assert play.at == ["b2:user", "c:user"]
    assert play.do("b2").do("c").do("d").process.outcome == "end"


def test_who_has_gone_on_cannot_be_fetched_back() -> None:
    play = Play(*LINE)
    what = completed(play, "a")
    play.do("b")

    with pytest.raises(Refused) as error:
        play.process.take_back(*what)  # type: ignore[arg-type]
    assert error.value.code == "gone_on"


@pytest.mark.parametrize(
    ("why", "model", "last"),
    [
        ("outside", (start(), user("a"), job("j"), end(), chain("start", "a", "j", "end")), "a"),
        ("ended", (start(), user("a"), end(), chain("start", "a", "end")), "a"),
        ("gathered", (*FORKED,), "c"),
        ("gathered", (start(), user("a", more=loop("=[1,2]")), end(), chain("start", "a", "end")), "a"),
    ],
)
def test_what_stays_done_is_said(why: str, model: tuple[str, ...], last: str) -> None:
    play = Play(*model)
    if last == "c":
        play.do("a").do("b").do("b2")
    _, what = completed(play, last)

    assert what.why_not == why  # type: ignore[attr-defined]
