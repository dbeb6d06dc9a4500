"""What a submit costs: a plain model of apply → decision → gateway → two reviews, over HTTP, on both databases."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import event, func, select

from engine.cases import final, record
from engine.cases.case import Case, Variable
from engine.cases.record import ElementInstance
from engine.catalog import releases
from engine.commands import Unit, dispatch
from engine.commands.casework import Casework
from engine.commands.tasks import CompleteTask
from engine.core import clock, ids
from engine.core.actor import SYSTEM
from engine.core.db import engine, reading, transaction
from tests.support.installation import Installation

BUDGET = 8
ZEEBE = 'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"'
BPMN = 'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"'


def _user(id: str, role: str) -> str:
    assigned = f'<zeebe:userTask/><zeebe:assignmentDefinition candidateGroups="{role}"/>'
    return f'<userTask id="{id}" name="{id}"><extensionElements>{assigned}</extensionElements></userTask>'


def _flow(source: str, target: str, condition: str = "") -> str:
    inside = f"<conditionExpression>{condition}</conditionExpression>" if condition else ""
    return f'<sequenceFlow id="{source}-{target}" sourceRef="{source}" targetRef="{target}">{inside}</sequenceFlow>'


MODEL = f"""<definitions {BPMN} {ZEEBE} targetNamespace="t"><process id="plain" name="两次审核" isExecutable="true">
<startEvent id="start"/>{_user("apply", "acceptance")}
<businessRuleTask id="route" name="由谁审核"><extensionElements>
<zeebe:calledDecision decisionId="plain_route" resultVariable="route"/></extensionElements></businessRuleTask>
<exclusiveGateway id="by_whom" default="by_whom-end"/>
{_user("first", "first_review")}{_user("second", "first_review")}<endEvent id="end" name="办完"/>
{_flow("start", "apply")}{_flow("apply", "route")}{_flow("route", "by_whom")}
{_flow("by_whom", "first", '=route = "review"')}{_flow("by_whom", "end")}
{_flow("first", "second")}{_flow("second", "end")}
</process></definitions>"""
DECISION = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="t">
<decision id="plain_route" name="由谁审核"><variable name="route"/><decisionTable id="table" hitPolicy="FIRST">
<input id="i"><inputExpression id="e" typeRef="number"><text>income</text></inputExpression></input>
<output id="o" name="route" typeRef="string"/>
<rule id="r1"><inputEntry id="c1"><text>&lt; 5000</text></inputEntry>
<outputEntry id="v1"><text>"review"</text></outputEntry></rule>
</decisionTable></decision></definitions>"""


def begun(model: str = MODEL) -> int:
    """An instance of the deployed model; gives its case."""
    with transaction() as session:
        files = {"plain.bpmn": model.encode(), "plain.dmn": DECISION.encode()}
        release = releases.store_deployment(session, files, "test")
        office = session.scalars(select(Case.office_id)).first() or 0
        unit = Unit(session, SYSTEM, clock.now(), record.Journal(session))
        case = Case(
            id=ids.new(),
            office_id=office,
            item="",
            item_name="两次审核",
            release_id=release.id,
            process_id="plain",
            number="plain-1",
            channel="platform",
            subject_name="",
            opened_at=unit.now,
            applied_on=clock.today(),
        )
        session.add(case)
        work = Casework(unit, case)
        work.begin({})
        work.save()
        unit.journal.write()
    return case.id


def test_a_task_of_a_plain_model_costs_at_most_eight_statements(anju_both: Installation) -> None:
    anju = anju_both
    anju.apply()  # an item's case beside it: its office is ours
    case_id, seen = begun(), list[str]()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    steps = (("apply", "liuyang", {"income": 4200, "reason": "无房"}), ("first", "wangmin", {"ok": True}))
    for element, login, answers in (*steps, ("second", "wangmin", {"ok": False})):
        task = anju.tasks(case_id)[element]
        browser = anju.client(anju.staff(login))
        seen.clear()
        event.listen(engine(), "before_cursor_execute", note)
        form = {"csrf_token": "token", "version": "1", "answers": json.dumps(answers)}
        assert browser.post(f"/tasks/{task.id}", data=form).status_code == 303
        event.remove(engine(), "before_cursor_execute", note)
        assert 0 < len(seen) <= BUDGET, f"{element}\n" + "\n".join(seen)

    case = anju.case(case_id)
    assert (case.state, case.outcome, case.tokens) == ("closed", "end", b"")
    with reading() as session:
        assert session.scalar(select(func.count()).where(Variable.case_id == case_id)) == 0
        assert record.verify(session, case_id) is None
        # The record tells what the case knew at its end: each answer from the line it was given in.
        known = final.variables(session, case)["0"]
        assert {name: known[name] for name in ("income", "reason", "route", "ok")} == {
            "income": 4200,
            "reason": "无房",
            "route": "review",
            "ok": False,
        }
        ways = select(ElementInstance.via).where(ElementInstance.case_id == case_id).order_by(ElementInstance.id)
        states = set(session.scalars(select(ElementInstance.state).where(ElementInstance.case_id == case_id)))
        assert (states, [way for way in session.scalars(ways) if way]) == (
            {"completed"},
            ["start-apply", "apply-route", "route-by_whom", "by_whom-first", "first-second", "second-end"],
        )


# Handing on costs 7, a time limit that begins 2 more; acceptance and approval also issue papers: 11.5 in the mean.
RENTAL = {
    "accept": ("liuyang", {"accept_result": "accepted"}, 15),
    "first_review": ("wangmin", {"review_result": "pass", "review_opinion": "同意"}, 7),
    "second_review": ("chenhao", {"review_result": "pass", "review_opinion": "同意"}, 9),
    "approve": ("zhaoling", {"review_result": "pass", "review_opinion": "同意"}, 15),
}


def test_a_step_of_the_rental_item_costs_what_it_does_beyond_handing_on(anju_both: Installation) -> None:
    anju = anju_both
    case_id, seen = anju.apply().case_id, list[str]()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    for element, (login, answers, budget) in RENTAL.items():
        anju.drain()
        task, actor = anju.tasks(case_id)[element], anju.staff(login)
        seen.clear()
        event.listen(engine(), "before_cursor_execute", note)
        dispatch(CompleteTask(task.id, answers, task.version), actor)
        event.remove(engine(), "before_cursor_execute", note)
        assert 0 < len(seen) <= budget, f"{element}\n" + "\n".join(seen)
