"""The sharing gateway on a real RabbitMQ: asked by queue, answered by queue, once, whatever happens to the line."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

import connectors
from connectors import load, load_all, manifests
from connectors._kit import workbench
from connectors._kit.envelopes import seal, unseal
from connectors._kit.mq import DEAD, DELIVERIES, Broker
from connectors._kit.settings import of
from connectors.exchange import client, operations, simulator
from connectors.exchange.catalogue import ITEMS
from engine.core import clock
from engine.core.errors import OutsideFault
from engine.core.operations import LateAnswer, Pending, find

from .conftest import World

WIRE = Path(connectors.__file__).parent / "exchange" / "wire"
PERSON = {"name": "林秋实", "id_number": "330106198803121014"}
QUESTION = {**PERSON, "catalogue_item": "GX-JY-0001", "reason": "核对人才住房申请人的学历", "operator": "刘洋"}
EXCHANGE = next(one for one in manifests({}) if one.party == "exchange")
needs_broker = pytest.mark.skipif(bool(simulator.missing()), reason=simulator.missing() or "RabbitMQ is there")


@pytest.fixture
def asked(world: World) -> World:
    """The simulators, with empty queues."""
    drain()
    return world


def drain() -> None:
    broker, party = Broker(of("exchange"), of("exchange").text(client.BROKER)), of("exchange")
    for queue in ("ANJU_EXCHANGE_REQUESTS", "ANJU_EXCHANGE_ANSWERS"):
        broker.take(party.text(queue), lambda _: None, most=1000)
        broker.take(party.text(queue) + DEAD, lambda _: None, most=1000)


def dead() -> int:
    return Broker(of("exchange"), of("exchange").text(client.BROKER)).waiting(queue_of_answers() + DEAD)


def queue_of_answers() -> str:
    return of("exchange").text("ANJU_EXCHANGE_ANSWERS")


def collected(wanted: int = 1, *, keep: bool = False, seconds: float = 5.0) -> list[LateAnswer]:
    """What the collection brings until so many came; ``keep`` leaves it in the queue."""
    found: list[LateAnswer] = []
    give_up = time.monotonic() + seconds
    while len(found) < wanted and time.monotonic() < give_up:
        for late in operations.fetch():
            found.append(late)
            if not keep:
                late.done()
        time.sleep(0.02)
    return found


def soon(what: Callable[[], bool], seconds: float = 5.0) -> bool:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if what():
            return True
        time.sleep(0.02)
    return False


# --- both sides against the messages written by hand ------------------------------------------------------------------


@needs_broker
def test_what_is_asked_and_answered_is_what_was_written_by_hand(asked: World) -> None:
    pending = asked.run("exchange.query", key="golden-0001", **QUESTION)
    assert isinstance(pending, Pending)
    assert pending.evidence is not None
    sent, wanted = json.loads(pending.evidence.request), json.loads((WIRE / "query.request.json").read_bytes())
    assert {**sent, "sentAt": wanted["sentAt"]} == wanted
    [late] = collected()
    assert late.answer is not None
    assert late.answer.evidence is not None
    assert json.loads(late.answer.evidence.response) == json.loads((WIRE / "query.answer.json").read_bytes())


def test_each_side_opens_what_the_other_has_sealed() -> None:
    load_all({})
    keys = client._keys(of("exchange"))
    letter = {"traceNo": "440700001-1", "text": "查询"}
    opened = simulator._opened(seal(json.dumps(letter).encode(), "GX-JY-0001/k", keys))
    assert opened == ("GX-JY-0001/k", letter), "each signs for itself: a letter of ours is the office's"
    back = unseal(simulator._sealed("A-1", "GX-JY-0001/k", letter, broken=False), keys)
    assert (back.message_id, back.answers, json.loads(back.body)) == ("A-1", "GX-JY-0001/k", letter)
    assert simulator._opened(simulator._sealed("A-1", "", letter, broken=False)) is None, "its own is not the office's"


def test_every_catalogue_item_reads_the_rows_of_its_source_and_keeps_nothing_personal() -> None:
    assert set(simulator.BOOKS) == set(ITEMS)
    for code, item in ITEMS.items():
        for row in simulator.BOOKS[code].values():
            [read] = item.read([row])
            assert set(read) == {name for name, one in item.fields.items() if not one.personal}
            assert "440802" not in str(read)


# --- questions and answers --------------------------------------------------------------------------------------------


@needs_broker
def test_an_answer_says_what_is_known_since_when_and_under_which_trace(asked: World) -> None:
    pending = asked.run("exchange.query", **QUESTION)
    assert isinstance(pending, Pending)
    assert (pending.correlation, pending.due - clock.now() > timedelta(minutes=9)) == ("key-1", True)
    [late] = collected()
    assert late.correlation == "key-1"
    assert late.answer is not None
    trace = client.trace_number("440700001", "key-1")
    assert late.answer.verdict == "pass"
    assert late.answer.variables == {
        "result": "pass",
        "records": [{"degree": "大学本科", "school": "安居大学", "graduated_on": "2010-06-30"}],
        "data_time": "2026-11-04 23:00",
        "trace_number": trace,
        "summary": f"查得 1 条记录（数据截至 2026-11-04 23:00，追踪号 {trace}）",
    }
    assert pending.evidence is not None
    assert trace in pending.evidence.summary
    find("exchange.query").check_outputs(late.answer.variables)
    assert collected(seconds=0.2) == []


@needs_broker
def test_who_waits_in_the_queue_is_not_lost_when_nobody_takes_it_and_not_taken_for_ever(asked: World) -> None:
    """An answer may overtake the commit of its question: it is offered again, then it is a dead letter."""
    asked.run("exchange.query", **QUESTION)
    [late] = collected(keep=True)
    assert [one.message_id for one in collected(keep=True)] == [late.message_id]
    for _ in range(DELIVERIES - 2):
        assert len(collected(keep=True)) == 1
    assert collected(seconds=0.3) == []
    assert dead() == 1


@needs_broker
def test_an_answer_asked_for_again_is_the_first_one_and_is_worked_on_once(asked: World) -> None:
    asked.state.switch("exchange", PERSON["id_number"], "lost", times=1)
    asked.run("exchange.query", **QUESTION)
    assert collected(seconds=0.4) == []
    asked.run("exchange.query", attempt=2, **QUESTION)
    [late] = collected()
    assert late.correlation == "key-1"
    assert [one["calls"] for one in asked.state.log("exchange")] == [2]


@needs_broker
def test_an_outage_of_the_gateway_loses_nothing_and_nobody_has_to_ask_again(asked: World) -> None:
    asked.state.switch("exchange", "*", "outage")
    asked.run("exchange.query", **QUESTION)
    assert collected(seconds=0.3) == []
    asked.state.switch("exchange", "*", "recovery")
    assert len(collected()) == 1


@needs_broker
def test_the_second_question_may_be_answered_first(asked: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked.state.timing, "late", 3.0)
    asked.state.switch("exchange", PERSON["id_number"], "out_of_order", times=1)
    asked.run("exchange.query", key="first", **QUESTION)
    asked.run("exchange.query", key="second", **QUESTION)
    assert [one.correlation for one in collected(2)] == ["second", "first"]


@needs_broker
@pytest.mark.parametrize("scenario", ["bad_signature", "garbage"])
def test_what_cannot_be_opened_is_a_dead_letter_and_holds_up_nobody(asked: World, scenario: str) -> None:
    asked.state.switch("exchange", PERSON["id_number"], scenario, times=1)
    asked.run("exchange.query", key="spoilt", **QUESTION)
    asked.run("exchange.query", key="sound", **QUESTION)
    assert [one.correlation for one in collected()] == ["sound"]
    assert dead() == 1


@needs_broker
def test_a_question_that_is_not_ours_is_a_dead_letter_of_the_gateways(asked: World) -> None:
    party = of("exchange")
    broker, queue = Broker(party, party.text(client.BROKER)), party.text("ANJU_EXCHANGE_REQUESTS")
    broker.publish(queue, b'{"v": 1}', message_id="stranger")
    assert soon(lambda: broker.waiting(queue + DEAD) == 1)


@needs_broker
def test_an_answer_under_a_strange_trace_or_item_is_not_taken_for_ours(asked: World) -> None:
    party = of("exchange")
    broker = Broker(party, party.text(client.BROKER))
    letter = json.loads((WIRE / "query.answer.json").read_bytes())
    for number, to in enumerate(("GX-JY-0001/another", "GX-XX-9999/golden-0001")):
        broker.publish(queue_of_answers(), simulator._sealed("M", to, letter, broken=False), message_id=str(number))
    [late] = collected()
    assert late.fault is not None
    assert (late.correlation, late.fault.code) == ("another", "unexpected_answer")
    assert collected(seconds=0.2) == []
    assert dead() == 1


@needs_broker
def test_nothing_about_the_person_stands_in_a_log_or_outside_the_envelope(
    asked: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asked.state.switch("exchange", "*", "outage")
    asked.run("exchange.query", **QUESTION)
    party = of("exchange")
    seen: list[bytes] = []
    Broker(party, party.text(client.BROKER)).take(party.text("ANJU_EXCHANGE_REQUESTS"), seen.append)
    assert len(seen) == 1
    text = "\n".join(record.getMessage() for record in caplog.records)
    for hidden in PERSON.values():
        assert hidden.encode() not in seen[0]
        assert hidden not in text
    assert party.text("ANJU_EXCHANGE_KEYS") not in repr(party)


def test_an_office_without_a_broker_fetches_nothing_and_is_told_what_to_set() -> None:
    load_all({})
    assert list(operations.fetch()) == []
    inputs = find("exchange.query").load_inputs(QUESTION, {})
    with pytest.raises(OutsideFault, match="ANJU_EXCHANGE_BROKER") as raised:
        client.ask(inputs, matter="m", case_number="c", key="k")
    assert raised.value.code == "not_configured"
    load(EXCHANGE, {"ANJU_EXCHANGE_BROKER": "amqp://x@127.0.0.1:1/%2F", "ANJU_EXCHANGE_KEYS": "2026:abc"})
    with pytest.raises(OutsideFault, match="密钥不能用"):
        client.ask(inputs, matter="m", case_number="c", key="k")
    load(EXCHANGE, {})


def test_where_no_broker_runs_the_simulator_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANJU_REHEARSAL_BROKER", "amqp://guest:guest@127.0.0.1:1/%2F")
    state = workbench.simulators([EXCHANGE]).state
    assert simulator.missing() == "no RabbitMQ at 127.0.0.1:1"
    assert simulator.settings(state, "") == {}
    monkeypatch.delenv("ANJU_EXCHANGE_BROKER", raising=False)
    with pytest.raises(OSError, match="ANJU_EXCHANGE_BROKER is not set"):
        simulator.listen(state)
