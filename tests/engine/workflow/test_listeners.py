"""Operations before and after an element's own work."""

import pytest

from tests.engine.workflow.kit import ERROR, House, Play, boundary, chain, end, flow, io, start, sub, timer, user


def execution(*listeners: tuple[str, str]) -> str:
    lines = "".join(f'<zeebe:executionListener eventType="{when}" type="{type}"/>' for when, type in listeners)
    return f"<zeebe:executionListeners>{lines}</zeebe:executionListeners>"


def tasks(*listeners: tuple[str, str]) -> str:
    lines = "".join(f'<zeebe:taskListener eventType="{when}" type="{type}"/>' for when, type in listeners)
    return f"<zeebe:taskListeners>{lines}</zeebe:taskListeners>"


def operation(play: Play) -> str:
    [wait] = play.process.waits()
    return str(wait.attrs.get("type", wait.kind))


def test_listeners_are_jobs_before_and_after_the_work_in_the_order_of_the_model() -> None:
    listeners = execution(("start", "a.first"), ("end", "a.last"), ("start", "a.second")) + tasks(
        ("creating", "a.third"), ("completing", "a.final")
    )
    play = Play(start(), user("a", listeners), end(), chain("start", "a", "end"))

    seen = []
    while not play.completed:
        seen.append(operation(play))
        play.do("a")

    assert seen == ["a.first", "a.second", "a.third", "user", "a.last", "a.final"]
    assert play.happened("completed") == ["start", "a", "end"]
    assert play.happened("activated") == ["start", "a", "end"]


def test_a_listener_sees_and_changes_the_variables_of_its_element() -> None:
    mapping = io(("input", "=1", "n"), ("output", "=n", "kept"))
    play = Play(start(), user("a", execution(("start", "raise")) + mapping), user("b"), chain("start", "a", "b"))
    assert play.process.context(play.wait("a").token)["n"] == 1

    play.do("a", n=2).do("a")

    assert play.at == ["b:user"]
    assert play.variables == {"kept": 2}


def test_an_inside_listener_runs_at_once() -> None:
    house = House(operations={"stamp": lambda v: {"stamped": True}})
    play = Play(start(), user("a", execution(("start", "stamp"), ("end", "stamp"))), end(), chain("start", "a", "end"),
                house=house)  # fmt: skip

    assert play.at == ["a:user"]
    assert play.do("a").completed
    assert play.variables == {"stamped": True}


@pytest.mark.parametrize("done", [0, 2])
def test_an_interrupted_element_takes_its_listener_with_it(done: int) -> None:
    task = user("a", execution(("start", "x"), ("end", "y")))
    play = Play(start(), task, user("b"), user("c"), boundary("late", "a", timer("timeDuration", "P1D")),
                chain("start", "a", "b"), flow("late", "c"))  # fmt: skip
    for _ in range(done):
        play.do("a")
    assert operation_at(play, "a") == ("x" if done == 0 else "y")

    play.do("late")

    assert play.at == ["c:user"]


def operation_at(play: Play, element: str) -> str:
    return str(play.wait(element).attrs["type"])


def test_the_business_error_of_a_listener_is_caught_at_the_border_of_its_element() -> None:
    play = Play(start(), user("a", execution(("start", "x"))), boundary("b", "a", ERROR), user("c"),
                chain("start", "a"), flow("b", "c"))  # fmt: skip

    play.act("throw_error", play.wait("a").token, "declined")

    assert play.at == ["c:user"]


def test_a_sub_process_may_have_listeners() -> None:
    inside = f"<extensionElements>{execution(('start', 'open'), ('end', 'close'))}</extensionElements>"
    play = Play(start(), sub("s", inside, start("si"), user("a"), chain("si", "a")), end(), chain("start", "s", "end"))

    assert operation(play) == "open"
    assert play.do("s").at == ["a:user"]
    assert operation(play.do("a")) == "close"
    assert play.do("s").completed
