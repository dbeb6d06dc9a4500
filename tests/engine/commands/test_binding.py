"""Calls and decisions of deployments are bound as their model says, also to what is deployed later."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from engine.cases.case import load_variables
from engine.cases.work import Incident
from engine.catalog import definitions
from engine.commands import dispatch
from engine.commands.deploy import DeployResources
from engine.commands.incidents import RetryIncident
from engine.commands.instances import CreateInstance, MigrateInstance
from engine.commands.operate import ModifyCase
from engine.commands.tasks import CompleteTask
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading
from engine.core.errors import Refused
from engine.queries.search import elements as search_elements
from engine.queries.search import tasks as search_tasks
from engine.queries.search.paging import Search
from tests.support.installation import Installation

HEAD = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t">"""


def chain(process_id: str, *middle: tuple[str, str], tag: str = "") -> bytes:
    """A process of these (id, element) between start and end."""
    ids = ["start", *(one for one, _ in middle), "end"]
    flows = "".join(
        f'<sequenceFlow id="f{n}" sourceRef="{a}" targetRef="{b}"/>' for n, (a, b) in enumerate(pairwise(ids))
    )
    tagged = f'<extensionElements><zeebe:versionTag value="{tag}"/></extensionElements>' if tag else ""
    inside = "".join(element for _, element in middle)
    return f"""{HEAD}<process id="{process_id}" isExecutable="true">{tagged}<startEvent id="start"/>{inside}
<endEvent id="end"/>{flows}</process></definitions>""".encode()


def task(name: str) -> tuple[str, str]:
    extension = "<extensionElements><zeebe:userTask/></extensionElements>"
    return name, f'<userTask id="{name}" name="{name}">{extension}</userTask>'


def call(name: str, process_id: str, binding: str = "") -> tuple[str, str]:
    extension = f'<extensionElements><zeebe:calledElement processId="{process_id}" {binding}/></extensionElements>'
    return name, f'<callActivity id="{name}">{extension}</callActivity>'


def rule(name: str, tag: str = "") -> tuple[str, str]:
    bound = f'bindingType="versionTag" versionTag="{tag}"' if tag else ""
    called = f'<zeebe:calledDecision decisionId="fee" resultVariable="{name}" {bound}/>'
    return name, f'<businessRuleTask id="{name}"><extensionElements>{called}</extensionElements></businessRuleTask>'


def decision(fee: int, tag: str) -> bytes:
    return f"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/"
xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="fees" name="fees" namespace="n">
<decision id="fee" name="fee"><extensionElements><zeebe:versionTag value="{tag}"/></extensionElements>
<variable id="v" name="fee"/><literalExpression id="l"><text>{fee}</text></literalExpression></decision>
</definitions>""".encode()


def deploy(**files: bytes) -> None:
    dispatch(DeployResources([(name.replace("_", "."), content) for name, content in files.items()]), SYSTEM)


def start(anju: Installation, process_id: str = "p", **variables: Any) -> int:
    clerk = anju.staff("wangmin")
    starter = Actor("system", 0, "测试", office_id=clerk.office_id, offices=clerk.offices)
    return int(dispatch(CreateInstance(process_id=process_id, variables=variables), starter).case_id)


def finish(anju: Installation, case_id: int) -> str:
    """Complete the one task; its element."""
    [one] = anju.tasks(case_id).values()
    dispatch(CompleteTask(one.id, {}, one.version), anju.staff("wangmin"))
    return one.element_id


def test_what_was_deployed_after_the_case_began_is_found_when_it_is_called(anju_both: Installation) -> None:
    anju = anju_both
    deploy(p_bpmn=chain("p", call("call", "q"), task("after")))
    case_id = start(anju)
    with reading() as session:
        query = select(Incident).where(Incident.case_id == case_id, Incident.state == "open")
        incident = session.scalars(query).one()
    assert incident.code == "process_not_found"
    deploy(q_bpmn=chain("q", task("inner")))
    dispatch(RetryIncident(incident.id), SYSTEM)
    # A newer one does not disturb what runs.
    deploy(q_bpmn=chain("q", task("other")))

    clerk = anju.staff("wangmin")
    page = anju.client(clerk)
    [one] = anju.tasks(case_id).values()
    with reading() as session:
        assert [it.row.id for it in search_tasks.tasks(session, clerk, Search()).rows] == [one.id]
        found = search_elements.elements(session, clerk, Search()).rows
        assert {(one.row.element_id, one.definition.definition_id) for one in found if one.row.state == "active"} == {
            ("call", "p"), ("inner", "q")
        }  # fmt: skip
    assert page.get(f"/tasks/{one.id}").status_code == 200
    assert page.get(f"/cases/{case_id}").status_code == 200
    assert finish(anju, case_id) == "inner"
    assert finish(anju, case_id) == "after"
    assert anju.case(case_id).state == "closed"


def test_two_versions_of_one_process_are_called_by_their_tags(anju: Installation) -> None:
    deploy(q_bpmn=chain("q", task("old"), tag="2025"))
    deploy(q_bpmn=chain("q", task("new"), tag="2026"))
    by_tag = 'bindingType="versionTag" versionTag="{}"'
    deploy(p_bpmn=chain("p", call("a", "q", by_tag.format("2025")), call("b", "q", by_tag.format("2026"))))
    case_id = start(anju)
    assert finish(anju, case_id) == "old"
    # Both have the same id; where the case stands now is said by the newer one.
    chief = anju.client(anju.staff("sunqiang"))
    for page in (f"/cases/{case_id}", f"/cases/{case_id}/operate"):
        assert chief.get(page).status_code == 200, page
    assert "new" in chief.get(f"/cases/{case_id}/operate").text
    assert finish(anju, case_id) == "new"
    deploy(p_bpmn=chain("p", call("a", "q", by_tag.format("1999"))))
    case_id = start(anju)
    with reading() as session:
        [incident] = session.scalars(select(Incident).where(Incident.case_id == case_id))
    assert incident.code == "process_not_found"


def test_two_versions_of_one_decision_are_asked_by_their_tags(anju: Installation) -> None:
    deploy(fee_dmn=decision(10, "2025"))
    deploy(fee_dmn=decision(20, "2026"))
    deploy(p_bpmn=chain("p", rule("a", "2025"), rule("b", "2026"), rule("c"), task("t")))
    case_id = start(anju)
    [one] = anju.tasks(case_id).values()
    page = anju.client(anju.staff("wangmin")).get(f"/tasks/{one.id}").text
    assert [page.count(f": {fee}") + page.count(f":{fee}") > 0 for fee in (10, 20)] == [True, True]
    with reading() as session:
        assert load_variables(session, case_id)["0"] == {"a": 10, "b": 20, "c": 20}


def form(label: str, tag: str = "") -> bytes:
    field = {"type": "textfield", "key": "answer", "id": "answer", "label": label}
    return json.dumps({"type": "default", "id": "asked", "versionTag": tag, "components": [field]}).encode()


def asks(name: str, tag: str = "") -> tuple[str, str]:
    bound = f'bindingType="versionTag" versionTag="{tag}"' if tag else ""
    extension = f'<zeebe:userTask/><zeebe:formDefinition formId="asked" {bound}/>'
    return name, f'<userTask id="{name}" name="{name}"><extensionElements>{extension}</extensionElements></userTask>'


def asked(anju: Installation, case_id: int) -> str:
    """What the page of the one task asks; it is answered, and the case's page then says that the same was asked."""
    page = anju.client(anju.staff("wangmin"))
    [one] = anju.tasks(case_id).values()
    task_page = page.get(f"/tasks/{one.id}").text
    dispatch(CompleteTask(one.id, {"answer": "好"}, one.version), anju.staff("wangmin"))
    # A schema stands in a page as JSON of plain ASCII.
    [label] = [label for label in ("问旧版", "问新版") if json.dumps(label).strip('"') in task_page]
    assert label in page.get(f"/cases/{case_id}").text
    return label


def test_two_versions_of_one_form_are_shown_by_their_tags_and_stay_in_the_record(anju: Installation) -> None:
    deploy(asked_form=form("问旧版", "2025"))
    deploy(asked_form=form("问新版", "2026"))
    deploy(p_bpmn=chain("p", asks("a", "2025"), asks("b", "2026"), asks("c"), asks("d", "2025")))
    case_id = start(anju)
    assert [asked(anju, case_id) for _ in range(4)] == ["问旧版", "问新版", "问新版", "问旧版"]


def test_a_process_of_another_deployment_asks_by_its_own_form(anju: Installation) -> None:
    deploy(p_bpmn=chain("p", call("call", "q"), asks("after")), asked_form=form("问旧版"))
    case_id = start(anju)
    deploy(q_bpmn=chain("q", asks("inner")), asked_form=form("问新版"))
    with reading() as session:
        [incident] = session.scalars(select(Incident.id).where(Incident.case_id == case_id))
    dispatch(RetryIncident(incident), SYSTEM)
    assert [asked(anju, case_id) for _ in range(2)] == ["问新版", "问旧版"]


def test_the_api_names_the_form_that_is_shown(anju: Installation) -> None:
    deploy(asked_form=form("问旧版", "2025"))
    deploy(asked_form=form("问新版", "2026"))
    deploy(p_bpmn=chain("p", asks("a", "2025"), asks("b")))
    case_id = start(anju)
    named = []
    for _ in range(2):
        [one] = anju.tasks(case_id).values()
        with reading() as session:
            found = search_tasks.form(session, anju.staff("wangmin"), one.id)
        assert found is not None
        named.append((found[0].version_tag, json.loads(found[1])["components"][0]["label"]))
        dispatch(CompleteTask(one.id, {"answer": "好"}, one.version), anju.staff("wangmin"))
    assert named == [("2025", "问旧版"), ("2026", "问新版")]


def test_operators_reach_a_process_of_another_deployment_and_are_told_that_it_cannot_migrate(
    anju: Installation,
) -> None:
    deploy(p_bpmn=chain("p", call("call", "q"), task("after")))
    case_id = start(anju)
    deploy(q_bpmn=chain("q", task("one"), task("two")))
    with reading() as session:
        [incident] = session.scalars(select(Incident.id).where(Incident.case_id == case_id))
    dispatch(RetryIncident(incident), SYSTEM)
    supervisor = anju.staff("sunqiang")
    assert anju.client(supervisor).get(f"/cases/{case_id}/operate").status_code == 200
    dispatch(ModifyCase(case_id, "改道", move=(("one", "two"),)), supervisor)
    assert list(anju.tasks(case_id)) == ["two"]

    deploy(p_bpmn=chain("p", call("call", "q"), task("after"), task("last")))
    with reading() as session:
        newest = definitions.latest(session, "process", "p")
        assert newest is not None
        target = newest.id
    with pytest.raises(Refused, match="另一次部署"):
        dispatch(MigrateInstance(case_id, target), SYSTEM)
    assert finish(anju, case_id) == "two"
    dispatch(MigrateInstance(case_id, target), SYSTEM)
    assert [finish(anju, case_id), finish(anju, case_id)] == ["after", "last"]
