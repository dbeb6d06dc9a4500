"""What a submit writes beside the task: the model's own dates, and nothing of an inside operation that failed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from engine.cases import record
from engine.cases.case import Sequence
from engine.cases.record import JournalEntry
from engine.cases.work import Incident
from engine.core import clock, operations
from engine.core.db import insert_rows, reading
from engine.core.errors import Fault, ModelFault
from engine.core.operations import Call, NoNews, Operation
from tests.engine.commands.test_statements import BPMN, MODEL, ZEEBE, _flow, _user, begun
from tests.support.installation import Installation

DATES = '<zeebe:taskSchedule dueDate="2026-12-01T09:00:00+08:00" followUpDate="2026-11-25T00:00:00"/>'


def _work(id: str, type: str) -> str:
    called = f'<zeebe:taskDefinition type="{type}"/>'
    return f'<serviceTask id="{id}" name="{id}"><extensionElements>{called}</extensionElements></serviceTask>'


FAILS = f"""<definitions {BPMN} {ZEEBE} targetNamespace="t"><process id="plain" name="会失败" isExecutable="true">
<startEvent id="start"/>{_user("apply", "acceptance")}{_work("whole", "test.whole")}{_work("half", "test.half")}
<endEvent id="end"/>{_flow("start", "apply")}{_flow("apply", "whole")}{_flow("whole", "half")}{_flow("half", "end")}
</process></definitions>"""


def submit(anju: Installation, case_id: int) -> None:
    task = anju.tasks(case_id)["apply"]
    form = {"csrf_token": "token", "version": "1", "answers": json.dumps({"income": 1})}
    browser = anju.client(anju.staff("liuyang"))
    assert browser.post(f"/tasks/{task.id}", data=form).status_code == 303


def test_the_dates_of_the_model_stand_on_the_task(anju_both: Installation) -> None:
    anju_both.apply()
    first = _user("apply", "acceptance")
    dated = first.replace("</extensionElements>", f"{DATES}</extensionElements>")
    task = anju_both.tasks(begun(MODEL.replace(first, dated)))["apply"]
    assert task.due_at is not None
    assert task.follow_up_at is not None
    # A date without a zone is meant as people here read it.
    assert task.due_at.isoformat() == "2026-12-01T01:00:00+00:00"
    assert clock.local(task.follow_up_at).isoformat() == "2026-11-25T00:00:00+08:00"


def test_of_an_operation_that_failed_half_way_nothing_stays(
    anju_both: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def book(call: Call) -> dict[str, Any]:
        ran.append(call.element_id)
        insert_rows(call.session, Sequence, [{"name": call.element_id, "value": 1}])
        if call.element_id == "half":
            raise ModelFault(Fault("too_little", "余额不足"))
        return {}

    for name in ("whole", "half"):
        made = Operation(f"test.{name}", name, "inside", book, NoNews(), NoNews())
        monkeypatch.setitem(operations._operations, made.name, made)
    anju_both.apply()
    case_id = begun(FAILS)
    submit(anju_both, case_id)

    assert ran == ["whole", "half", "whole", "half"]
    with reading() as session:
        booked = session.execute(
            select(Sequence.name, Sequence.value).where(Sequence.name.in_(("whole", "half")))
        ).all()
        assert [tuple(one) for one in booked] == [("whole", 1)]
        stuck = session.scalars(select(Incident).where(Incident.case_id == case_id)).one()
        assert (stuck.element_id, stuck.code, stuck.state) == ("half", "too_little", "open")
        lines = select(JournalEntry.kind, JournalEntry.element_id).where(JournalEntry.case_id == case_id)
        told = [tuple(line) for line in session.execute(lines.order_by(JournalEntry.seq))]
        assert told == [("completed", "apply"), ("operation", "whole"), ("incident", "half")]
        assert record.verify(session, case_id) is None
