"""Where variables live: Camunda 8's scopes."""

from tests.engine.workflow.kit import Play, boundary, chain, end, flow, io, job, start, sub, timer, user

CALLED = '<process id="q" isExecutable="true">{}</process>'


def call(process_id: str = "q", attributes: str = "", zeebe: str = "") -> str:
    called = f'<zeebe:calledElement processId="{process_id}" {attributes}/>{zeebe}'
    return f'<callActivity id="call" name="公示"><extensionElements>{called}</extensionElements></callActivity>'


def test_an_input_makes_a_local_variable_that_is_gone_afterwards() -> None:
    play = Play(start(), user("a", io(("input", "=income * 2", "doubled"))), user("b"), chain("start", "a", "b"),
                variables={"income": 10})  # fmt: skip
    assert play.process.context(play.wait("a").token)["doubled"] == 20

    play.do("a", doubled=5, extra=1)

    assert play.variables == {"income": 10, "extra": 1}


def test_an_output_mapping_stops_the_other_variables_of_a_job() -> None:
    play = Play(start(), job("a", io(("output", "=answer.result", "check.police"))), user("b"),
                chain("start", "a", "b"), variables={"check": {"tax": "pass"}})  # fmt: skip

    play.do("a", answer={"result": "fail"}, secret="x")

    assert play.variables == {"check": {"tax": "pass", "police": "fail"}}


def test_a_later_input_and_output_see_the_earlier_ones() -> None:
    mapping = io(("input", "=2", "x"), ("input", "=x + 1", "y"), ("output", "=y", "a"), ("output", "=a + 1", "b"))
    play = Play(start(), user("t", mapping), user("u"), chain("start", "t", "u"))

    play.do("t")

    assert play.variables == {"a": 3, "b": 4}


def test_a_variable_of_a_sub_process_stays_in_it() -> None:
    mapping = io(("input", "=0", "round"), ("output", "=round", "rounds"))
    play = Play(start(), sub("s", f"<extensionElements>{mapping}</extensionElements>", start("si"), user("a"),
                             chain("si", "a")), user("b"), chain("start", "s", "b"))  # fmt: skip

    play.do("a", round=7, found=True)

    assert play.variables == {"found": True, "rounds": 7}


def test_a_value_set_from_outside_lands_in_the_scope_that_was_named() -> None:
    play = Play(start(), user("a", io(("input", "=1", "n"))), user("b"), chain("start", "a", "b"))
    token = play.wait("a").token

    play.act("set_variables", {"n": 2}, token).act("set_variables", {"m": 3})

    assert play.process.context(token) == {"number": "BZSQ-1", "n": 2, "m": 3}
    assert play.variables == {"m": 3}


def test_a_call_activity_has_a_scope_of_its_own_and_gives_everything_back_by_default() -> None:
    more = CALLED.format(start("qs") + user("qa") + chain("qs", "qa"))
    play = Play(start(), call(), user("b"), chain("start", "call", "b"), more=more, variables={"k": 1})

    wait = play.wait("qa")
    assert (wait.process_id, wait.called_from) == ("q", ("call",))
    play.do("qa", k=2, found=3)

    assert play.variables == {"k": 2, "found": 3}


def test_a_call_activity_may_give_and_take_only_what_is_mapped() -> None:
    more = CALLED.format(start("qs") + user("qa") + chain("qs", "qa"))
    narrow = 'propagateAllParentVariables="false" propagateAllChildVariables="false"'
    mapping = io(("input", "=k", "given"), ("output", "=result", "back"))
    play = Play(start(), call(attributes=narrow, zeebe=mapping), user("b"), chain("start", "call", "b"), more=more,
                variables={"k": 1, "hidden": 2})  # fmt: skip
    assert play.process.context(play.wait("qa").token) == {"given": 1}

    play.do("qa", result=9, other=1)

    assert play.variables == {"k": 1, "hidden": 2, "back": 9}


def test_the_called_process_may_be_named_by_feel() -> None:
    more = CALLED.format(start("qs") + user("qa") + chain("qs", "qa"))
    play = Play(start(), call("=which"), end(), chain("start", "call", "end"), more=more, variables={"which": "q"})

    assert play.do("qa").completed


def test_a_called_process_that_is_absent_is_an_incident() -> None:
    play = Play(start(), call("=which"), end(), chain("start", "call", "end"), variables={"which": "nowhere"})

    assert play.wait("call").attrs["code"] == "process_not_found"


def test_the_end_of_a_called_process_is_not_the_outcome_of_the_case() -> None:
    more = CALLED.format(start("qs") + end("passed") + chain("qs", "passed"))
    play = Play(start(), call(), user("b"), end("granted"), chain("start", "call", "b", "granted"), more=more)
    assert play.process.outcome is None

    assert play.do("b").process.outcome == "granted"


def test_an_interrupted_call_leaves_nothing_behind() -> None:
    more = CALLED.format(start("qs") + user("qa") + chain("qs", "qa"))
    play = Play(start(), call(), boundary("late", "call", timer("timeDuration", "P1D")), user("b"), user("x"),
                chain("start", "call", "b"), flow("late", "x"), more=more)  # fmt: skip
    assert play.at == ["late:timer", "qa:user"]

    play.do("late")

    assert play.at == ["x:user"]
    assert set(play.process.save()[1]) == {"0"}
    assert "qa" in play.happened("cancelled")


def test_user_data_cannot_poison_the_state() -> None:
    hostile = {"typename": "UUID", "value": "zz", "py/object": "os.system", "_children": [1]}
    play = Play(start(), user("a"), user("b"), chain("start", "a", "b"), variables={"form": {"typename": "datetime"}})

    play.do("a", answer=hostile)

    assert play.variables == {"form": {"typename": "datetime"}, "answer": hostile}
    assert play.do("b").completed


def test_a_variable_named_like_a_built_in_function_is_the_variable() -> None:
    play = Play(start(), user("a", io(("input", "=count + 1", "next"))), chain("start", "a"), variables={"count": 4})

    assert play.process.context(play.wait("a").token)["next"] == 5


def test_a_process_that_calls_itself_without_end_is_stopped_as_an_incident() -> None:
    more = CALLED.format(start("qs") + call().replace('"call"', '"again"') + chain("qs", "again"))

    play = Play(start(), call(), chain("start", "call"), more=more)

    assert [wait.attrs["code"] for wait in play.process.waits()] == ["call_too_deep"]


def test_the_scope_of_a_called_process_can_be_written() -> None:
    more = CALLED.format(start("qs") + user("qa") + chain("qs", "qa"))
    play = Play(start(), call(), chain("start", "call"), more=more)
    scope = next(key for key in play.process.save()[1] if key.endswith("c"))

    play.act("set_variables", {"k": 1}, scope)

    assert play.process.context(play.wait("qa").token)["k"] == 1
    assert play.variables == {}
