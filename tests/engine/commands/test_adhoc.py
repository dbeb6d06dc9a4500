"""Optional steps: begun by whoever may work there, over the API and on the case page."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from engine.cases.record import ElementInstance
from engine.commands import dispatch
from engine.commands.adhoc import BeginOptional
from engine.commands.deploy import DeployResources
from engine.commands.instances import CreateInstance
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading
from engine.core.errors import Forbidden, NotFound, Refused
from tests.support.installation import Installation

MODEL = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t"><process id="p" isExecutable="true">
<laneSet id="ls"><lane id="l" name="lane"><flowNodeRef>extra</flowNodeRef></lane></laneSet>
<startEvent id="start"/><adHocSubProcess id="extra" name="\xe8\xa1\xa5\xe5\x85\x85\xe6\xa0\xb8\xe5\xae\x9e">
<userTask id="visit" name="\xe5\x85\xa5\xe6\x88\xb7"><extensionElements><zeebe:userTask/></extensionElements></userTask>
<userTask id="photo" name="\xe6\x8b\x8d\xe7\x85\xa7"><extensionElements><zeebe:userTask/></extensionElements></userTask>
</adHocSubProcess><endEvent id="end"/>
<sequenceFlow id="f1" sourceRef="start" targetRef="extra"/><sequenceFlow id="f2" sourceRef="extra" targetRef="end"/>
</process></definitions>"""


def begun(anju: Installation) -> tuple[int, int]:
    """The case, and the element instance of its ad-hoc sub-process."""
    clerk = anju.staff("wangmin")
    dispatch(DeployResources([("p.bpmn", MODEL)]), SYSTEM)
    starter = Actor("system", 0, "测试", office_id=clerk.office_id, offices=clerk.offices)
    case_id = dispatch(CreateInstance(process_id="p"), starter).case_id
    query = select(ElementInstance.id).where(
        ElementInstance.case_id == case_id, ElementInstance.element_id == "extra", ElementInstance.state == "active"
    )
    with reading() as session:
        return case_id, session.scalars(query.order_by(ElementInstance.id)).first() or 0


def test_a_caseworker_begins_an_optional_step_and_ends_the_rest(anju_both: Installation) -> None:
    anju = anju_both
    case_id, instance = begun(anju)
    clerk = anju.staff("wangmin")
    dispatch(BeginOptional(instance, (("visit", {"n": 1}),)), clerk)
    assert list(anju.tasks(case_id)) == ["visit"]
    dispatch(BeginOptional(instance, (("photo", {}),), cancel_remaining=True), clerk)
    assert list(anju.tasks(case_id)) == ["photo"]
    dispatch(BeginOptional(instance, (), cancel_remaining=True), clerk)
    assert anju.case(case_id).state == "closed"


def test_what_cannot_be_begun_is_refused(anju: Installation) -> None:
    case_id, instance = begun(anju)
    clerk = anju.staff("wangmin")
    for command in (BeginOptional(instance, (("nothing", {}),)), BeginOptional(instance, ())):
        with pytest.raises(Refused):
            dispatch(command, clerk)
    with pytest.raises(NotFound):
        dispatch(BeginOptional(instance + 1, (("visit", {}),)), clerk)
    with pytest.raises((NotFound, Forbidden)):
        dispatch(BeginOptional(instance, (("visit", {}),)), anju.citizen())
    assert not anju.tasks(case_id)


def test_the_case_page_offers_the_optional_steps(anju: Installation) -> None:
    case_id, instance = begun(anju)
    browser = anju.client(anju.staff("wangmin"))
    page = browser.get(f"/cases/{case_id}").text
    assert "可选环节 · 补充核实" in page
    assert "入户" in page
    form: Any = {"csrf_token": "token", "element": ["visit", "photo"]}
    answer = browser.post(f"/cases/{case_id}/optional/{instance}", data=form)
    assert answer.status_code == 303
    assert set(anju.tasks(case_id)) == {"visit", "photo"}
