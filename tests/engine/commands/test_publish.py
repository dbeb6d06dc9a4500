"""What an analyst publishes is checked as a whole; what is wrong is named with its place and the likely fix."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from engine.catalog.releases import Release
from engine.commands import dispatch, publish
from engine.commands.publish import PublishItem
from engine.core.config import ROOT
from engine.core.db import reading
from engine.core.errors import Fault, Forbidden, ModelFault
from tests.support.installation import ITEM, Installation

BPMN = f"processes/{ITEM}/eligibility_application.bpmn"
DMN = f"rules/{ITEM}/eligibility.dmn"


def files(**changes: tuple[str, str]) -> dict[str, bytes]:
    """The item's files with one text replaced in each named one."""
    found = publish.collect(ROOT, ITEM)
    for path, (old, new) in {BPMN: changes.get("bpmn", ("", "")), DMN: changes.get("dmn", ("", ""))}.items():
        if old:
            assert old in found[path].decode()
            found[path] = found[path].decode().replace(old, new, 1).encode()
    return found


def refused(anju: Installation, content: dict[str, bytes]) -> tuple[Fault, ...]:
    with reading() as session:
        before = session.scalar(select(func.count()).select_from(Release))
    with pytest.raises(ModelFault) as caught:
        dispatch(PublishItem(ITEM, content), anju.staff("sunqiang"))
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Release)) == before
    return caught.value.faults


def test_a_misspelt_operation_is_named_with_its_element_and_the_likely_name(anju: Installation) -> None:
    [fault] = refused(anju, files(bpmn=('type="case.accept"', 'type="case.acept"')))
    assert fault.code == "unknown_operation"
    assert fault.file == BPMN
    assert fault.element != ""
    assert fault.name != ""
    assert fault.line > 0
    assert "case.accept" in fault.hint


@pytest.mark.parametrize("place", ['<bpmn:userTask id="accept"', '<bpmn:process id="rental_eligibility_application"'])
def test_a_misspelt_operation_of_a_listener_is_named_too(anju: Installation, place: str) -> None:
    content = files()
    text = content[BPMN].decode()
    begin = text.index(">", text.index(place)) + 1
    heard = '<zeebe:executionListeners><zeebe:executionListener eventType="start" type="case.acept"/>'
    inside = f"{heard}</zeebe:executionListeners>"
    after = text[begin:].lstrip()
    if after.startswith("<bpmn:extensionElements>"):
        begin = text.index("<bpmn:extensionElements>", begin) + len("<bpmn:extensionElements>")
    else:
        inside = f"<bpmn:extensionElements>{inside}</bpmn:extensionElements>"
    content[BPMN] = (text[:begin] + inside + text[begin:]).encode()

    [fault] = refused(anju, content)
    assert fault.code == "unknown_operation"
    assert "case.acept" in fault.message


def test_a_broken_condition_is_named_with_its_line(anju: Installation) -> None:
    faults = refused(anju, files(bpmn=('=acceptance.result = "supplement"', '=acceptance.result = = "supplement"')))
    assert any(fault.file == BPMN and fault.line > 0 and fault.element for fault in faults)


def test_a_flow_that_leads_nowhere_is_named(anju: Installation) -> None:
    faults = refused(anju, files(bpmn=('targetRef="accept"', 'targetRef="acept"')))
    assert any("acept" in str(fault) for fault in faults)


def test_a_cell_that_cannot_be_read_is_named_with_its_table(anju: Installation) -> None:
    content = files()
    text = content[DMN].decode()
    start = text.index("<inputEntry")
    begin = text.index("<text>", start) + len("<text>")
    content[DMN] = (text[:begin] + "&gt;= =" + text[text.index("</text>", begin) :]).encode()
    [fault] = refused(anju, content)
    assert fault.file == DMN
    assert fault.line > 0
    assert "第 1 行" in str(fault)


def test_a_script_in_another_language_is_never_published(anju: Installation) -> None:
    evil = '<bpmn:scriptTask id="evil" name="脚本" scriptFormat="python"><bpmn:script>1</bpmn:script></bpmn:scriptTask>'
    faults = refused(anju, files(bpmn=("</bpmn:process>", f"{evil}</bpmn:process>")))
    assert any(fault.element == "evil" for fault in faults)


def test_a_limit_of_a_step_that_is_no_task_and_an_undeclared_stop_are_named(anju: Installation) -> None:
    path = f"processes/{ITEM}/item.yaml"
    content = files()
    content[path] = (
        content[path]
        .replace(b"    approve: {promised", b"    aprove: {promised")
        .replace("    补件: {".encode(), "    鉴定: {".encode())
    )
    stop, step = refused(anju, content)
    assert (step.code, step.file, "approve" in step.hint) == ("unknown_step", path, True)
    assert (stop.code, stop.element, "补件" in stop.message) == ("unknown_stop", "stop_clock_supplement", True)


def test_a_limit_that_cannot_be_counted_is_named(anju: Installation) -> None:
    path = f"processes/{ITEM}/item.yaml"
    content = files()
    content[path] = content[path].replace(b"statutory: 20 working days", b"statutory: 20 days")
    [fault] = refused(anju, content)
    assert (fault.code, "working hours" in fault.message) == ("item_limit", True)


def test_a_document_type_declaration_is_refused(anju: Installation) -> None:
    content = publish.collect(ROOT, ITEM)
    content[BPMN] = content[BPMN].replace(
        b"<bpmn:definitions", b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><bpmn:definitions', 1
    )
    assert all(fault.file == BPMN for fault in refused(anju, content))


def test_the_same_content_is_the_same_release_and_running_cases_keep_theirs(anju: Installation) -> None:
    analyst = anju.staff("sunqiang")
    case_id = anju.apply().case_id
    first = dispatch(PublishItem(ITEM, files()), analyst)
    changed = dispatch(PublishItem(ITEM, files(bpmn=("受理审查", "窗口受理审查"))), analyst)
    assert (first.version, changed.version) == (1, 2)
    assert anju.case(case_id).release_id == first.release_id
    assert dispatch(PublishItem(ITEM, files()), analyst).release_id == first.release_id


def test_only_an_analyst_publishes(anju: Installation) -> None:
    with pytest.raises(Forbidden):
        dispatch(PublishItem(ITEM, files()), anju.staff("liuyang"))
