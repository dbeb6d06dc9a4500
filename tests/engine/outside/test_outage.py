"""An hour without a party, seen by real cases: few calls while it is away, every case goes on when it is back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from engine.cases.case import Case
from engine.cases.work import Incident, Task
from engine.commands import dispatch
from engine.commands.deploy import DeployResources
from engine.commands.instances import CreateInstance
from engine.core import parties
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading
from engine.core.parties import BreakerRules, RateLimit
from engine.jobs.queue import Job
from engine.outside.ledger import CallRecord
from engine.workers.runner import QUICK_CALLS
from tests.support.installation import Installation

RULES = BreakerRules(failures=5, cool_down_seconds=60, probes=1, release_per_second=20)
MINUTES = 60
PERSON = {"name": "林秋实", "id_number": "330106198803121014", "year": 2025}
MODEL = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t"><process id="income" isExecutable="true">
<startEvent id="start"/><serviceTask id="ask"><extensionElements><zeebe:taskDefinition type="tax.income"/>
</extensionElements></serviceTask>
<userTask id="review"><extensionElements><zeebe:userTask/></extensionElements></userTask><endEvent id="end"/>
<sequenceFlow id="f1" sourceRef="start" targetRef="ask"/><sequenceFlow id="f2" sourceRef="ask" targetRef="review"/>
<sequenceFlow id="f3" sourceRef="review" targetRef="end"/></process></definitions>"""


@pytest.fixture
def office(anju_both: Installation) -> Iterator[Installation]:
    """An office whose only limit towards the tax office is the breaker."""
    before = parties.party("tax")
    parties.register(replace(before, breaker=RULES, rate_limit=RateLimit(1000, 1)))
    dispatch(DeployResources([("income.bpmn", MODEL)]), SYSTEM)
    yield anju_both
    parties.register(before)


def started(anju: Installation, cases: int) -> None:
    clerk = anju.staff("liuyang")
    starter = Actor("system", 0, "测试", office_id=clerk.office_id, offices=clerk.offices)
    for _ in range(cases):
        dispatch(CreateInstance(process_id="income", variables=PERSON), starter)


def calls() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).where(CallRecord.party == "tax")) or 0


def waiting() -> Counter[str]:
    with reading() as session:
        query = select(Job.state, func.count()).where(Job.party == "tax").group_by(Job.state)
        return Counter(dict(map(tuple, session.execute(query).all())))


def an_hour_away(anju: Installation, cases: int) -> None:
    """The whole story; every number is an upper bound that the rules give."""
    anju.simulators.state.switch("tax", "*", "outage")
    started(anju, cases)
    anju.drain()
    # What was out when it opened still came back.
    at_first = RULES.failures + QUICK_CALLS
    assert calls() <= at_first
    for _ in range(MINUTES):
        anju.move(timedelta(minutes=1))
    assert calls() <= at_first + MINUTES * RULES.probes
    assert waiting().total() == cases
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Incident)) == 0

    anju.simulators.state.switch("tax", "*", "recovery")
    anju.move(timedelta(minutes=1))
    seconds = 0
    while waiting():
        before = calls()
        anju.move(timedelta(seconds=1))
        assert calls() - before <= RULES.release_per_second
        seconds += 1
        assert seconds <= cases / RULES.release_per_second + 2
    with reading() as session:
        states = Counter(session.scalars(select(Case.state).where(Case.process_id == "income")))
        reviews = session.scalar(select(func.count()).where(Task.element_id == "review", Task.state == "open"))
        answered = select(CallRecord.case_id).where(CallRecord.party == "tax", CallRecord.outcome == "answered")
        once = Counter(session.scalars(answered))
    assert states == {"open": cases}
    assert reviews == cases
    assert len(once) == cases
    assert set(once.values()) == {1}


def test_cases_outlast_an_hour_without_the_tax_office_and_all_go_on(office: Installation) -> None:
    an_hour_away(office, 60)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_five_thousand_cases_outlast_an_hour_without_the_tax_office(office: Installation) -> None:
    an_hour_away(office, 5000)
