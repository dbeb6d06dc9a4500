"""A contract signed in the course of a process: opened, waited for, told by callback or found by asking, fetched."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import requests
from sqlalchemy import select

from connectors._kit import settings
from connectors.esign import house as books
from connectors.esign import issuer
from engine.cases.case import ROOT_SCOPE, load_variables
from engine.cases.record import JournalEntry
from engine.commands import dispatch
from engine.commands.deploy import DeployResources
from engine.commands.instances import CreateInstance
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading
from tests.support.installation import Installation

TENANT = "330106198803121014"
ERRORS = "".join(
    f'<error id="{name}" errorCode="esign_{name}"/>' for name in ("refused", "expired", "withdrawn", "face_failed")
)
MODEL = f"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t">{ERRORS}
<process id="lease" isExecutable="true"><startEvent id="start"/>
<serviceTask id="sign" name="签合同"><extensionElements><zeebe:taskDefinition type="esign.flow"/></extensionElements>
</serviceTask>
<boundaryEvent id="no" attachedToRef="sign"><errorEventDefinition errorRef="refused"/></boundaryEvent>
<boundaryEvent id="over" attachedToRef="sign"><errorEventDefinition errorRef="expired"/></boundaryEvent>
<serviceTask id="fetch" name="取合同"><extensionElements>
<zeebe:taskDefinition type="esign.download"/></extensionElements></serviceTask>
<userTask id="hand_over" name="交付房屋"><extensionElements><zeebe:userTask/></extensionElements></userTask>
<endEvent id="signed"/><endEvent id="given_up"/><endEvent id="too_late"/>
<sequenceFlow id="f1" sourceRef="start" targetRef="sign"/><sequenceFlow id="f2" sourceRef="sign" targetRef="fetch"/>
<sequenceFlow id="f3" sourceRef="fetch" targetRef="hand_over"/>
<sequenceFlow id="f6" sourceRef="hand_over" targetRef="signed"/>
<sequenceFlow id="f4" sourceRef="no" targetRef="given_up"/>
<sequenceFlow id="f5" sourceRef="over" targetRef="too_late"/>
</process></definitions>"""


class Lease:
    """A case that waits for a contract to be signed by the tenant and by us."""

    def __init__(self, anju: Installation, scenario: str = "ok") -> None:
        self.anju = anju
        anju.simulators.state.switch("esign", TENANT, scenario)
        file_id = anju.parts.store.put(issuer.page("租赁合同"))
        signers = [
            {"order": 1, "name": "林秋实", "id_number": TENANT, "phone": "19900000001"},
            {"order": 2, "name": "安居市住房保障中心", "id_number": "12330100ANJU00001X", "phone": ""},
        ]
        given = {"title": "租赁合同", "files": [{"file_id": file_id, "name": "租赁合同.pdf"}], "signers": signers}
        clerk = anju.staff("wangmin")
        dispatch(DeployResources([("lease.bpmn", MODEL.encode())]), SYSTEM)
        starter = Actor("system", 0, "测试", office_id=clerk.office_id, offices=clerk.offices)
        self.case_id = dispatch(CreateInstance(process_id="lease", variables=given), starter).case_id
        anju.drain()

    @property
    def flow(self) -> books.Flow:
        [flow] = books.house(self.anju.simulators.state).flows.values()
        return flow

    def act(self, order: int, **form: str) -> None:
        address = settings.of("esign").url("ANJU_ESIGN_URL", f"/sign/{self.flow.number}/{order}")
        assert requests.post(address, data=form, timeout=10).status_code == 200

    def lines(self, kind: str) -> list[str]:
        with reading() as session:
            ours = select(JournalEntry).where(JournalEntry.case_id == self.case_id, JournalEntry.kind == kind)
            return [one.title for one in session.scalars(ours.order_by(JournalEntry.seq))]

    def over(self) -> bool:
        self.anju.drain()
        return self.anju.case(self.case_id).state != "open"

    def signed(self) -> bool:
        """Whether the case went on with the contract in its files."""
        self.anju.drain()
        return "hand_over" in self.anju.tasks(self.case_id)

    def variables(self) -> dict[str, Any]:
        with reading() as session:
            return dict(load_variables(session, self.case_id)[ROOT_SCOPE])


def eventually(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def archived(lease: Lease) -> None:
    assert eventually(lambda: lease.flow.archived)


def test_the_case_waits_is_told_of_each_signer_and_keeps_the_signed_contract(anju_both: Installation) -> None:
    lease = Lease(anju_both)
    assert anju_both.case(lease.case_id).state == "open"
    lease.act(1, act="sign")
    assert eventually(lambda: lease.lines("esign_signer") == ["电子签约：第 1 位签署人已签署"])
    lease.act(2, act="sign")
    archived(lease)
    assert eventually(lambda: any("签署并等待完成" in one for one in lease.lines("answered")))
    anju_both.move(timedelta(minutes=2))
    assert eventually(lease.signed), anju_both.stuck(lease.case_id)
    kept = lease.variables()
    assert anju_both.parts.store.get(kept["signed_file_id"]).startswith(b"%PDF-")
    assert kept["flow_id"] == lease.flow.number


def test_a_callback_that_was_lost_is_made_good_by_asking(anju: Installation) -> None:
    lease = Lease(anju, "lost_callback")
    archived(lease)
    assert anju.case(lease.case_id).state == "open"
    anju.move(timedelta(hours=4))
    assert eventually(lease.signed), anju.stuck(lease.case_id)


def test_a_tenant_who_refuses_sends_the_case_on_the_way_drawn_for_it(anju: Installation) -> None:
    lease = Lease(anju)
    lease.act(1, act="refuse", reason="租金过高")
    assert eventually(lease.over), anju.stuck(lease.case_id)
    assert lease.lines("declined") == ["发起签署并等待完成：对方拒绝"]
    assert "signed_file_id" not in lease.variables()


def test_nobody_signs_in_time(anju: Installation) -> None:
    lease = Lease(anju, "expired")
    assert eventually(lease.over), anju.stuck(lease.case_id)
    assert lease.lines("declined") == ["发起签署并等待完成：对方拒绝"]


def test_another_person_than_asked_is_an_incident_at_once(anju: Installation) -> None:
    lease = Lease(anju, "mismatch")
    assert eventually(lambda: bool(anju.incidents(lease.case_id)))
    [incident] = anju.incidents(lease.case_id)
    assert (incident.code, incident.party) == ("signer_differs", "esign")
    assert anju.case(lease.case_id).state == "open"
