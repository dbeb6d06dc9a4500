"""What is saved, how big it is, and what is refused when it comes back."""

import threading

import orjson
import pytest

from engine.core.errors import ModelFault, NotFound, Refused
from engine.workflow import Process, definitions_of, parse
from tests.engine.workflow.kit import (
    MESSAGE,
    House,
    Play,
    bpmn,
    catch,
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


def test_the_state_holds_neither_variables_nor_the_model() -> None:
    play = Play(start(), user("a"), user("b"), chain("start", "a", "b"), variables={"secret": "110101199003070000"})
    play.do("a", answer="机密")

    state, scopes = play.process.save()

    assert b"110101199003070000" not in state
    assert "机密".encode() not in state
    assert "办理b".encode() not in state
    assert scopes == {"0": {"number": "BZSQ-1", "secret": "110101199003070000", "answer": "机密"}}
    assert len(state) < 300


def test_a_loop_of_a_thousand_turns_keeps_a_flat_state() -> None:
    play = Play(start(), user("a"), gateway("exclusive", "g", default="d"), end(), chain("start", "a", "g"),
                flow("g", "a", "=n < 1000"), flow("g", "end", id="d"), variables={"n": 0})  # fmt: skip

    turns = 0
    while not play.completed:
        turns += 1
        play.do("a", n=turns)

    assert turns == 1000
    assert max(play.sizes[:-1]) == min(play.sizes[:-1])


def test_a_chain_of_1500_elements_runs_without_deep_recursion() -> None:
    names = [f"t{number}" for number in range(1500)]
    tasks = "".join(f'<task id="{name}"/>' for name in names)

    play = Play(start(), tasks, end(), chain("start", *names, "end"))

    assert play.completed
    assert len(play.happened("flow")) == 1501


def test_a_loop_that_never_rests_is_stopped_as_an_incident(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.workflow.run.MOST_STEPS", 500)

    play = Play(
        start(), gateway("exclusive", "g"), chain("start", "g"), flow("g", "t"), '<task id="t"/>', flow("t", "g")
    )

    assert [wait.attrs["code"] for wait in play.process.waits()] == ["endless_loop"]


def test_ids_that_spiffworkflow_uses_itself_are_free_for_models() -> None:
    play = Play(start("Start"), user("Root"), end("End"), chain("Start", "Root", "End"))

    assert play.do("Root").process.outcome == "End"


def test_many_threads_share_one_parsed_model() -> None:
    inside = sub("s", start("si"), user("i"), chain("si", "i"), more=loop(output="=number + 0"))
    model = bpmn(start(), gateway("parallel", "g"), user("a"), user("b"), gateway("inclusive", "j"), inside,
                 chain("start", "g", "a", "j", "s"), chain("g", "b", "j"), event_sub("es", MESSAGE, user("w"),
                 chain("es_start", "w"), interrupting=False))  # fmt: skip
    definitions = parse({"m.bpmn": model})
    results: list[object] = []

    def play(number: int) -> None:
        house = House()
        process = Process.start(definitions, "p", {"number": number, "items": [1, 2, 3]}, house)
        process.fire(next(wait.token for wait in process.waits() if wait.kind == "message"))
        while not process.completed:
            process = Process.load(definitions, *process.save(), house)
            process.complete(next(wait.token for wait in process.waits() if wait.kind == "user"))
        results.append(process.variables["results"] == [number] * 3)

    threads = [threading.Thread(target=play, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [True] * 8


def test_a_state_of_another_model_is_refused_and_names_the_element() -> None:
    play = Play(start(), user("a"), chain("start", "a"))
    other = parse({"m.bpmn": bpmn(start(), user("b"), chain("start", "b"))})

    with pytest.raises(ModelFault) as caught:
        Process.load(other, *play.process.save(), play.house)

    assert caught.value.faults[0].code == "state_without_element"
    assert caught.value.faults[0].element == "a"


def test_a_state_of_an_unknown_version_is_refused() -> None:
    play = Play(start(), user("a"), chain("start", "a"))
    state, scopes = play.process.save()

    with pytest.raises(ModelFault) as caught:
        Process.load(play.definitions, orjson.dumps({**orjson.loads(state), "v": 99}), scopes, play.house)

    assert caught.value.faults[0].code == "state_version"


FROZEN_1 = (
    b'{"v":1,"process":"p","completed":false,"cancelled":false,"outcome":null,"frames":[["",null,[],'
    b'[["0123456789abcdef0123456789abcdef",32,"a",{"seen":1,"wait":{"kind":"user"}}]]]]}'
)


def test_a_state_written_by_version_1_can_still_be_taken_up() -> None:
    definitions = parse({"m.bpmn": bpmn(start(), user("a"), end(), chain("start", "a", "end"))})

    process = Process.load(definitions, FROZEN_1, {"0": {}}, House())
    process.complete("0123456789abcdef0123456789abcdef")

    assert process.outcome == "end"


def test_a_cancelled_process_is_over_and_says_what_it_took_down() -> None:
    play = Play(start(), sub("s", start("si"), user("a"), chain("si", "a")), user("b"), chain("start", "s", "b"))

    play.act("cancel")

    assert play.completed
    assert play.process.cancelled
    assert play.at == []
    assert play.happened("cancelled") == ["s", "a"]
    assert play.process.outcome is None


def test_an_unknown_scope_or_start_is_refused() -> None:
    play = Play(start(), user("a"), chain("start", "a"))

    with pytest.raises(NotFound):
        play.process.set_variables({"n": 1}, "nowhere")
    with pytest.raises(NotFound):
        Process.start(play.definitions, "nothing", {}, play.house)
    with pytest.raises(NotFound):
        Process.start(play.definitions, "p", {}, play.house, "nowhere")
    with pytest.raises(Refused):
        play.process.retry(play.wait("a").token)


def test_tokens_that_wait_forever_at_a_join_become_an_incident() -> None:
    play = Play(start(), gateway("exclusive", "g", default="d"), '<task id="t"/>', '<task id="u"/>',
                gateway("parallel", "j"), end(), flow("start", "g"), flow("g", "t", "=true"), flow("g", "u", id="d"),
                chain("t", "j", "end"), flow("u", "j"))  # fmt: skip

    assert [(wait.element_id, wait.attrs["code"]) for wait in play.process.waits()] == [("j", "join_never_complete")]


def test_a_parsed_model_is_kept_by_its_content_hash() -> None:
    asked: list[int] = []

    def files() -> dict[str, bytes]:
        asked.append(1)
        return {"m.bpmn": bpmn(start(), job("a"), chain("start", "a"))}

    first = definitions_of("hash-of-a-test-model", files)

    assert definitions_of("hash-of-a-test-model", files) is first
    assert asked == [1]


def test_timers_behind_a_gateway_survive_a_save_with_their_first_date() -> None:
    play = Play(start(), catch("wait", timer("timeDuration", "P1D")), end(), chain("start", "wait", "end"))
    before = play.wait("wait")

    play.act("set_variables", {"n": 1})

    assert play.wait("wait") == before
    assert play.do("wait").completed


def test_the_model_used_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.workflow.cache._KEPT", 2)
    files = {"m.bpmn": bpmn(start(), job("a"), chain("start", "a"))}
    first = definitions_of("forget-1", lambda: files)
    second = definitions_of("forget-2", lambda: files)

    assert definitions_of("forget-1", lambda: files) is first
    definitions_of("forget-3", lambda: files)

    assert definitions_of("forget-1", lambda: files) is first
    assert definitions_of("forget-2", lambda: files) is not second


UNSTORABLE = [{"n": 10**30}, {"deep": [{"n": -(10**30)}]}, {"text": "\ud800"}, {"text": "a\x00b"}, {"\x00": 1}]


@pytest.mark.parametrize("values", UNSTORABLE, ids=repr)
def test_what_no_store_can_hold_is_refused_and_changes_nothing(values: dict[str, object]) -> None:
    play = Play(start(), user("a"), end(), chain("start", "a", "end"))

    with pytest.raises(Refused, match=r"不能保存|可保存"):
        play.process.complete(play.wait("a").token, values)

    assert play.at == ["a:user"]
    assert play.do("a", n=2**62, text="𠮷").completed


def test_a_calculation_that_no_store_can_hold_is_an_incident() -> None:
    mapping = '<zeebe:ioMapping><zeebe:input source="=10 ** 30" target="n"/></zeebe:ioMapping>'
    play = Play(start(), user("a", mapping), chain("start", "a"))

    assert play.wait("a").attrs["code"] == "value_unstorable"
