"""Operations before and after an element's own work."""

import pytest

from engine.core.errors import Refused
from engine.workflow import Answer
from tests.engine.workflow.kit import (
    ERROR,
    MESSAGE,
    House,
    Play,
    boundary,
    catch,
    chain,
    end,
    extension,
    flow,
    gateway,
    io,
    loop,
    start,
    sub,
    timer,
    user,
)


def execution(*listeners: tuple[str, str]) -> str:
    lines = "".join(f'<zeebe:executionListener eventType="{when}" type="{type}"/>' for when, type in listeners)
    return f"<zeebe:executionListeners>{lines}</zeebe:executionListeners>"


def tasks(*listeners: tuple[str, str]) -> str:
    lines = "".join(f'<zeebe:taskListener eventType="{when}" type="{type}"/>' for when, type in listeners)
    return f"<zeebe:taskListeners>{lines}</zeebe:taskListeners>"


def operation(play: Play) -> str:
    """The one job that stands."""
    [wait] = [wait for wait in play.process.waits() if wait.kind == "job"]
    return str(wait.attrs["type"])


def heard(play: Play, answer: Answer | None = None, **variables: object) -> str:
    """Do the one job that stands; its operation."""
    name = operation(play)
    [wait] = [wait for wait in play.process.waits() if wait.kind == "job"]
    play.act("complete", wait.token, variables, answer)
    return name


def test_listeners_are_jobs_before_and_after_the_work_in_the_order_of_the_model() -> None:
    listeners = execution(("start", "a.first"), ("end", "a.last"), ("start", "a.second")) + tasks(
        ("creating", "a.third"), ("completing", "a.final")
    )
    play = Play(start(), user("a", listeners), end(), chain("start", "a", "end"))

    seen = [heard(play), heard(play), heard(play)]
    assert play.at == ["a:user"]
    play.do("a")
    seen += [heard(play), heard(play)]

    assert seen == ["a.first", "a.second", "a.third", "a.final", "a.last"]
    assert play.completed
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


def test_what_a_listener_before_the_work_returns_stays_with_its_element_and_after_it_goes_outward() -> None:
    play = Play(start(), user("a", execution(("start", "x"), ("end", "y"))), user("b"), chain("start", "a", "b"))

    heard(play, local=1)
    assert play.process.context(play.wait("a").token)["local"] == 1
    play.do("a")
    heard(play, outer=2)

    assert play.variables == {"outer": 2}


def test_a_process_may_have_listeners() -> None:
    listeners = extension(execution(("start", "open"), ("start", "check"), ("end", "close")))
    play = Play(listeners, start(), user("a"), end(), chain("start", "a", "end"))

    assert heard(play, ready=True) == "open"
    assert heard(play) == "check"
    assert play.at == ["a:user"]
    play.do("a")
    assert (heard(play, done=True), play.completed) == ("close", True)
    assert play.variables == {"ready": True, "done": True}
    assert play.happened("completed") == ["start", "a", "end"]


def test_the_message_of_a_start_event_waits_for_the_listeners_of_its_process() -> None:
    mapping = extension(io(("output", "=name", "applicant")))
    begin = f'<startEvent id="m">{mapping}{MESSAGE}</startEvent>'
    play = Play(extension(execution(("start", "open"))), begin, user("a"), chain("m", "a"), variables={"name": "李"},
                start_event="m")  # fmt: skip

    assert play.process.context(play.process.waits()[0].token)["name"] == "李"
    heard(play)

    assert play.process.variables == {"applicant": "李"}


def test_a_called_process_may_have_listeners() -> None:
    called = extension('<zeebe:calledElement processId="q"/>')
    inner = extension(execution(("start", "open"), ("end", "close"))) + start("qs") + user("a") + chain("qs", "a")
    play = Play(start(), f'<callActivity id="call">{called}</callActivity>', user("b"), chain("start", "call", "b"),
                more=f'<process id="q" isExecutable="true">{inner}</process>')  # fmt: skip

    assert heard(play) == "open"
    assert play.do("a").at == ["q:job"]
    assert heard(play) == "close"
    assert play.at == ["b:user"]


def test_events_and_gateways_may_have_listeners() -> None:
    both = extension(execution(("start", "s"), ("end", "e")))
    split = gateway("parallel", "g").replace("/>", f">{extension(execution(('start', 'split')))}</parallelGateway>")
    begin = start().replace("/>", f">{extension(execution(('end', 'begun')))}</startEvent>")
    late = boundary("late", "b", extension(execution(("end", "too_late"))) + timer("timeDuration", "P1D"))
    play = Play(begin, split, catch("c", both + MESSAGE), user("b"), late, end("x", both),
                chain("start", "g", "c", "b", "x"), flow("late", "x"))  # fmt: skip

    seen = [heard(play), heard(play), heard(play)]
    assert play.at == ["c:message"]
    play.do("c")
    seen.append(heard(play))
    play.do("late")
    seen += [heard(play), heard(play), heard(play)]

    assert seen == ["begun", "split", "s", "e", "too_late", "s", "e"]
    assert play.completed


def test_an_event_behind_an_event_gateway_begins_when_it_has_occurred() -> None:
    both = extension(execution(("start", "s"), ("end", "e")))
    play = Play(start(), gateway("eventBased", "g"), catch("m", both + MESSAGE),
                catch("t", timer("timeDuration", "P1D")), end(), chain("start", "g", "m", "end"),
                chain("g", "t", "end"))  # fmt: skip
    assert play.at == ["m:message", "t:timer"]

    play.do("m", n=1)

    assert [heard(play), heard(play)] == ["s", "e"]
    assert play.completed
    assert play.variables == {"n": 1}


def test_each_instance_has_its_listeners_and_before_all_gives_the_list() -> None:
    listeners = execution(("beforeAll", "collect"), ("start", "s"))
    play = Play(start(), user("a", listeners, loop(sequential=True)), end(), chain("start", "a", "end"))

    assert heard(play, items=["x", "y"]) == "collect"
    assert heard(play) == "s"
    play.do("a", result=1)
    assert heard(play) == "s"
    play.do("a", result=2)

    assert play.completed
    assert play.variables == {"results": [1, 2]}


def test_a_task_is_not_seen_until_its_creation_was_heard_and_may_be_corrected() -> None:
    zeebe = tasks(("creating", "c"), ("assigning", "a")) + '<zeebe:assignmentDefinition assignee="wang"/>'
    play = Play(start(), user("a", zeebe), chain("start", "a"))
    assert play.at == ["a:job"]
    assert play.wait("a").attrs["listener"] == "creating"
    assert play.wait("a").attrs["task"] == {"assignee": "wang"}

    heard(play, Answer(corrections={"priority": 80, "assignee": "li"}))
    assert play.at == ["a:job"]
    assert play.wait("a").attrs["task"]["assignee"] == "li"
    heard(play)

    assert play.at == ["a:user"]
    assert (play.wait("a").attrs["assignee"], play.wait("a").attrs["priority"]) == ("li", 80)


def test_a_listener_may_refuse_an_assignment_or_correct_it() -> None:
    play = Play(start(), user("a", tasks(("assigning", "c"), ("assigning", "d"))), chain("start", "a"))
    token = play.wait("a").token

    assert play.process.listen(token, "assigning", {"assignee": "li"})
    refused_with = (Answer(denied=True, reason="已满员"),)
    play.process.complete(job_of(play), {}, *refused_with)
    [no] = play.process.heard
    assert (no.token, no.phase, no.denied, no.reason, no.values) == (token, "assigning", True, "已满员", {})

    play.process.listen(token, "assigning", {"assignee": "li"})
    play.process.complete(job_of(play), {}, Answer(corrections={"assignee": "wang"}))
    play.process.complete(job_of(play), {})
    yes = play.process.heard[-1]
    assert (yes.denied, yes.values) == (False, {"assignee": "wang"})


def job_of(play: Play) -> str:
    return play.wait("a", "job").token


def test_nobody_listens_to_an_update_when_the_model_names_nobody() -> None:
    play = Play(start(), user("a"), chain("start", "a"))

    assert not play.process.listen(play.wait("a").token, "updating", {"priority": 1})


def test_a_completion_may_be_refused_and_is_then_as_if_it_had_not_been() -> None:
    play = Play(start(), user("a", tasks(("completing", "check"))), user("b"), chain("start", "a", "b"))
    token = play.wait("a").token

    play.act("complete", token, {"income": 1})
    assert play.at == ["a:job", "a:user"]
    assert play.process.context(job_of(play))["income"] == 1
    with pytest.raises(Refused, match="监听"):
        play.process.complete(token, {})
    heard(play, Answer(denied=True, reason="金额不符"))
    assert play.at == ["a:user"]
    assert play.variables == {}

    play.act("complete", token, {"income": 2})
    heard(play)
    assert play.at == ["b:user"]
    assert play.variables == {"income": 2}
    assert set(play.process.save()[1]) == {"0"}


def test_an_inside_listener_is_heard_at_once() -> None:
    house = House(operations={"log": lambda v: {}})
    play = Play(
        start(), user("a", tasks(("assigning", "log"), ("completing", "log"))), chain("start", "a"), house=house
    )

    assert play.process.listen(play.wait("a").token, "assigning", {"assignee": "li"})
    assert [one.values for one in play.process.heard] == [{"assignee": "li"}]
    assert play.do("a").completed


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(denied=True), "denial_not_possible"),
        (Answer(denied=True, corrections={"assignee": "x"}), "denial_not_possible"),
        (Answer(corrections={"name": "x"}), "correction_unknown"),
    ],
)
def test_an_answer_that_cannot_be_given_is_refused(answer: Answer, code: str) -> None:
    play = Play(start(), user("a", tasks(("creating", "c"))), chain("start", "a"))

    with pytest.raises(Refused) as caught:
        play.process.complete(job_of(play), {}, answer)
    assert caught.value.code == code


def test_an_interrupted_task_takes_what_it_was_asked_with_it() -> None:
    play = Play(start(), user("a", tasks(("completing", "check"))), user("c"),
                boundary("late", "a", timer("timeDuration", "P1D")), chain("start", "a"),
                flow("late", "c"))  # fmt: skip
    play.do("a", income=1).do("late")

    assert play.at == ["c:user"]
    assert set(play.process.save()[1]) == {"0"}
