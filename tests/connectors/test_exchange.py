"""The sharing gateway on a real RabbitMQ: asked by queue, answered by queue, once, whatever happens to the line."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

import connectors
from connectors import load, load_all, manifests
from connectors._kit import workbench
from connectors._kit.envelopes import seal, unseal
from connectors._kit.mq import DEAD, DELIVERIES, Broker
from connectors._kit.settings import of
from connectors.exchange import client, operations, simulator
from connectors.exchange.catalogue import ITEMS
from engine.cases.case import load_variables
from engine.commands import dispatch
from engine.commands.deploy import DeployResources
from engine.commands.inbound import ReceiveEvent
from engine.commands.incidents import RetryIncident
from engine.commands.instances import CreateInstance
from engine.core import clock
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading
from engine.core.errors import OutsideFault, Unreachable
from engine.core.operations import LateAnswer, Pending, find
from engine.outside.ledger import CallRecord
from engine.workers import rounds
from tests.support.installation import Installation

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


# --- a process over a line that breaks --------------------------------------------------------------------------------


class Line:
    """A line to the broker that can be cut: both sides lose their connection, as when it is restarted."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.broker = (parts.hostname or "", parts.port or 5672)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.ends: list[socket.socket] = []
        self.up = True
        threading.Thread(target=self._accept, daemon=True).start()
        self.url = f"amqp://{parts.username}:{parts.password}@127.0.0.1:{self.server.getsockname()[1]}{parts.path}"

    def cut(self) -> None:
        """Not closed but shut: a socket that a thread reads from stays open behind its closed number."""
        self.up = False
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        for end in (*self.ends, self.server):
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            if not self.up:
                near.close()
                continue
            far = socket.create_connection(self.broker)
            self.ends += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=pair, daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                target.sendall(content)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


MODEL = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t"><process id="degree" isExecutable="true">
<startEvent id="start"/><serviceTask id="ask" name="查询学历"><extensionElements>
<zeebe:taskDefinition type="exchange.query"/><zeebe:ioMapping>
<zeebe:input source="=&quot;GX-JY-0001&quot;" target="catalogue_item"/>
<zeebe:input source="=&quot;核对人才住房申请人的学历&quot;" target="reason"/>
<zeebe:output source="=result" target="degree_result"/><zeebe:output source="=records[1].degree" target="degree"/>
<zeebe:output source="=trace_number" target="trace"/></zeebe:ioMapping></extensionElements></serviceTask>
<userTask id="review" name="复核"><extensionElements><zeebe:userTask/></extensionElements></userTask>
<endEvent id="end"/>
<sequenceFlow id="f1" sourceRef="start" targetRef="ask"/><sequenceFlow id="f2" sourceRef="ask" targetRef="review"/>
<sequenceFlow id="f3" sourceRef="review" targetRef="end"/></process></definitions>""".encode()


@pytest.fixture
def office(anju_both: Installation) -> Iterator[tuple[Installation, Line]]:
    """An installation whose line to its gateway's broker can be cut."""
    state = anju_both.simulators.state
    given = simulator.settings(state, "")
    line = Line(given["ANJU_EXCHANGE_BROKER"])
    load(EXCHANGE, {**given, "ANJU_EXCHANGE_BROKER": line.url})
    dispatch(DeployResources([("degree.bpmn", MODEL)]), SYSTEM)
    yield anju_both, line
    line.close()
    load(EXCHANGE, {})


def started(anju: Installation) -> int:
    clerk = anju.staff("liuyang")
    starter = Actor("system", 0, "测试", office_id=clerk.office_id, offices=clerk.offices)
    case_id: int = dispatch(CreateInstance(process_id="degree", variables=dict(PERSON)), starter).case_id
    anju.drain()
    return case_id


def collect(anju: Installation) -> int:
    """One round, whenever the last one was."""
    rounds._collected.pop("exchange", None)
    return rounds.collect(anju.parts.files)


def variables(case_id: int) -> dict[str, Any]:
    with reading() as session:
        return dict(load_variables(session, case_id)["0"])


def ledger(case_id: int) -> list[CallRecord]:
    with reading() as session:
        return list(session.scalars(select(CallRecord).where(CallRecord.case_id == case_id).order_by(CallRecord.id)))


@needs_broker
def test_a_case_asks_waits_and_goes_on_when_the_answer_comes_over_a_line_cut_in_between(
    office: tuple[Installation, Line],
) -> None:
    anju, line = office
    anju.simulators.state.switch("exchange", "*", "outage")
    case_id = started(anju)
    assert [one.outcome for one in ledger(case_id)] == ["pending"]
    line.cut()
    anju.simulators.state.switch("exchange", "*", "recovery")
    assert collect(anju) == 0, "the broker is not there: nothing is fetched, nothing breaks"
    assert not anju.tasks(case_id)
    line.up = True
    assert soon(lambda: collect(anju) == 1)
    assert "review" in anju.tasks(case_id)
    found = variables(case_id)
    assert (found["degree_result"], found["degree"]) == ("pass", "大学本科")
    lines = ledger(case_id)
    assert [one.outcome for one in lines] == ["pending", "answered"]
    assert all(found["trace"] in one.summary for one in lines), "one trace number from end to end"


@needs_broker
def test_a_line_cut_while_an_answer_is_in_hand_offers_it_again_and_it_counts_once(
    office: tuple[Installation, Line],
) -> None:
    anju, line = office
    case_id = started(anju)
    repeated: list[bool] = []

    def take(then: Callable[[], None]) -> bool:
        for late in operations.fetch():
            repeated.append(dispatch(ReceiveEvent(late), SYSTEM).repeated)
            late.done()
            then()
        return bool(repeated)

    with pytest.raises(Unreachable):
        soon(lambda: take(line.cut))
    assert repeated == [False]
    assert "review" in anju.tasks(case_id)
    line.up, repeated[:] = True, []
    assert soon(lambda: take(lambda: None))
    assert repeated == [True]
    assert [one.outcome for one in ledger(case_id)] == ["pending", "answered"]


@needs_broker
def test_an_answer_that_comes_twice_counts_once_and_one_outside_the_contract_is_an_incident(
    office: tuple[Installation, Line],
) -> None:
    anju, _ = office
    anju.simulators.state.switch("exchange", PERSON["id_number"], "duplicate", times=1)
    case_id = started(anju)
    assert soon(lambda: collect(anju) == 1)
    assert collect(anju) == 0
    assert [one.outcome for one in ledger(case_id)] == ["pending", "answered"]

    anju.simulators.state.switch("exchange", PERSON["id_number"], "changed_schema", times=1)
    case_id = started(anju)
    assert soon(lambda: collect(anju) == 1)
    [incident] = anju.incidents(case_id)
    assert (incident.code, incident.party) == ("unexpected_answer", "exchange")
    dispatch(RetryIncident(incident.id), SYSTEM)
    anju.drain()
    assert soon(lambda: collect(anju) == 1)
    assert "review" in anju.tasks(case_id)
    assert [one.outcome for one in ledger(case_id)] == ["pending", "fault", "pending", "answered"]


@needs_broker
def test_a_lost_answer_is_asked_for_again_when_it_is_due(office: tuple[Installation, Line]) -> None:
    anju, _ = office
    anju.simulators.state.switch("exchange", PERSON["id_number"], "lost", times=1)
    case_id = started(anju)
    time.sleep(0.3)
    assert collect(anju) == 0
    anju.move(operations.ASK_AGAIN + timedelta(seconds=1))
    assert soon(lambda: collect(anju) == 1)
    assert "review" in anju.tasks(case_id)
    assert [one.outcome for one in ledger(case_id)] == ["pending", "pending", "answered"]
