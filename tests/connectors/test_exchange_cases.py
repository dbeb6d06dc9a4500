"""A case that asks the sharing gateway waits and goes on, over a line to the broker that is cut in between."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from connectors import load
from connectors.exchange import operations, simulator
from engine.cases.case import load_variables
from engine.commands import dispatch
from engine.commands.deploy import DeployResources
from engine.commands.inbound import ReceiveEvent
from engine.commands.incidents import RetryIncident
from engine.commands.instances import CreateInstance
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading
from engine.core.errors import Unreachable
from engine.outside.ledger import CallRecord
from engine.workers import rounds
from tests.support.installation import Installation

from .test_exchange import EXCHANGE, PERSON, needs_broker, soon


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
