"""Reports of a case go out in their order, each once it was its turn; a stuck one waits for a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

import pytest
from marshmallow import Schema, fields
from sqlalchemy import select

from engine.commands import dispatch
from engine.commands.deploy import DeployResources
from engine.commands.incidents import RetryIncident
from engine.commands.instances import CreateInstance
from engine.commands.outside import SkipReport
from engine.core import operations, parties
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading
from engine.core.errors import Declined, Forbidden, Refused, TaskAlreadyDone, Unreachable
from engine.core.operations import Answer, Call, NoNews, operation
from engine.core.parties import BreakerRules, OperationRules, Party
from engine.outside.ledger import CallRecord
from engine.outside.outbox import Report
from tests.support.installation import Installation

ROLES = frozenset({"supervisor", "integrator", "analyst"})
STEPS = ("accepted", "reviewed", "closed")
HEAD = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" targetNamespace="t">'
)


def model() -> bytes:
    """Three reports in a row, then the end: the case does not wait for them."""
    ids = ["start", *STEPS, "end"]
    flows = "".join(
        f'<sequenceFlow id="f{number}" sourceRef="{one}" targetRef="{other}"/>'
        for number, (one, other) in enumerate(pairwise(ids))
    )
    tasks = "".join(
        f'<serviceTask id="{step}" name="报送{step}"><extensionElements><zeebe:taskDefinition type="post.report"/>'
        f'<zeebe:ioMapping><zeebe:input source="=&quot;{step}&quot;" target="step"/>'
        f'<zeebe:input source="=name" target="name"/></zeebe:ioMapping></extensionElements></serviceTask>'
        for step in STEPS
    )
    body = f'<process id="reporting" isExecutable="true"><startEvent id="start"/>{tasks}<endEvent id="end"/>{flows}'
    return f"{HEAD}{body}</process></definitions>".encode()


class Inputs(Schema):
    step = fields.String(required=True)
    name = fields.String(required=True, metadata={"personal": True})


@dataclass
class Platform:
    """The other party: takes what is not refused, and remembers in which order."""

    taken: list[tuple[int, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    down: bool = False
    refuses: set[tuple[int, str]] = field(default_factory=set)

    def report(self, call: Call) -> Answer:
        if self.down:
            raise Unreachable("「政务平台」没有应答")
        one = (call.case_id, str(call.inputs["step"]))
        if one in self.refuses:
            raise Declined("对方不接收：前一步未登记", code="wrong_step")
        self.taken.append(one)
        self.keys.append(call.idempotency_key)
        return Answer({})


@pytest.fixture
def platform() -> Iterator[Platform]:
    made = Platform()
    known = dict(operations._operations)
    operation("post.report", title="办件报送", inputs=Inputs, outputs=NoNews, party="post")(made.report)
    rules = {"post.report": OperationRules(ordered=True)}
    parties.register(Party("post", "政务平台", breaker=BreakerRules(failures=3), operations=rules))
    yield made
    operations._operations.clear()
    operations._operations.update(known)
    parties._parties.pop("post")


def begin(anju: Installation, count: int = 1) -> list[int]:
    supervisor = Actor("staff", 1, "林主任", anju.office(), ROLES, (anju.office(),))
    dispatch(DeployResources([("reporting.bpmn", model())]), supervisor)
    start = CreateInstance(process_id="reporting", variables={"name": "林秋实"})
    return [dispatch(start, supervisor).case_id for _ in range(count)]


def lines(case_id: int) -> list[tuple[int, str]]:
    with reading() as session:
        query = select(Report).where(Report.case_id == case_id).order_by(Report.number)
        return [(one.number, one.state) for one in session.scalars(query)]


def test_reports_arrive_in_order_and_the_case_goes_on_at_once(anju_both: Installation, platform: Platform) -> None:
    (case_id,) = begin(anju_both)
    anju_both.drain()
    assert platform.taken == [(case_id, step) for step in STEPS]
    assert lines(case_id) == [(1, "accepted"), (2, "accepted"), (3, "accepted")]
    assert anju_both.case(case_id).state == "closed"
    assert len(set(platform.keys)) == 3


def test_a_party_that_is_down_holds_up_its_reports_but_not_the_case(
    anju_both: Installation, platform: Platform
) -> None:
    platform.down = True
    cases = begin(anju_both, 3)
    anju_both.drain()
    assert [anju_both.case(case_id).state for case_id in cases] == ["closed"] * 3
    for _ in range(5):
        anju_both.move(timedelta(minutes=1))
    assert all(lines(case_id) == [(1, "sending"), (2, "waiting"), (3, "waiting")] for case_id in cases)
    assert not any(anju_both.incidents(case_id) for case_id in cases)
    platform.down = False
    for _ in range(5):
        anju_both.move(timedelta(minutes=1))
    for case_id in cases:
        assert [step for case, step in platform.taken if case == case_id] == list(STEPS)
    with reading() as session:
        outcomes = set(session.scalars(select(CallRecord.outcome).where(CallRecord.party == "post")))
    assert outcomes == {"unreachable", "answered"}


def test_a_refused_report_stops_its_own_line_until_somebody_retries(anju: Installation, platform: Platform) -> None:
    first, second = begin(anju, 2)
    platform.refuses.add((first, "reviewed"))
    anju.drain()
    assert lines(first) == [(1, "accepted"), (2, "stuck"), (3, "waiting")]
    assert lines(second) == [(1, "accepted"), (2, "accepted"), (3, "accepted")]
    (told,) = anju.incidents(first)
    assert (told.code, told.party) == ("wrong_step", "post")
    assert "后面的报送在等这一份" in told.message
    platform.refuses.clear()
    dispatch(RetryIncident(told.id), SYSTEM)
    anju.drain()
    assert lines(first) == [(1, "accepted"), (2, "accepted"), (3, "accepted")]
    assert [step for case, step in platform.taken if case == first] == list(STEPS)
    assert anju.incidents(first) == []


def test_a_report_that_must_not_go_is_skipped_with_a_reason(anju: Installation, platform: Platform) -> None:
    (case_id,) = begin(anju)
    platform.refuses.add((case_id, "accepted"))
    anju.drain()
    with reading() as session:
        head = session.scalars(select(Report.id).where(Report.number == 1)).one()
    with pytest.raises(Forbidden):
        dispatch(SkipReport(head, "已线下登记"), anju.staff("liuyang"))
    with pytest.raises(Refused, match="写明"):
        dispatch(SkipReport(head, " "), SYSTEM)
    dispatch(SkipReport(head, "已线下登记"), SYSTEM)
    anju.drain()
    assert lines(case_id) == [(1, "skipped"), (2, "accepted"), (3, "accepted")]
    assert [step for _, step in platform.taken] == ["reviewed", "closed"]
    assert anju.incidents(case_id) == []
    with pytest.raises(TaskAlreadyDone):
        dispatch(SkipReport(head, "再次"), SYSTEM)
