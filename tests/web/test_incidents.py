"""Incidents: seen by supervisors, mended by trying again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.installation import Installation


@pytest.fixture
def stuck(anju: Installation) -> int:
    """A case whose first check got no answer until the retries were spent."""
    anju.simulators.state.switch("police", "330106198803121014", "outage")
    started = anju.apply()
    anju.do(started.case_id, "accept", "liuyang", {"accept_result": "accepted"})
    for _ in range(4):
        anju.move(timedelta(minutes=6))
    assert anju.incidents(started.case_id), anju.stuck(started.case_id)
    return started.case_id


def page(anju: Installation, login: str) -> str:
    return anju.client(anju.staff(login)).get("/incidents").get_data(as_text=True)


def test_without_incidents_the_page_says_so(anju: Installation) -> None:
    assert "没有故障" in page(anju, "sunqiang")


def test_a_supervisor_sees_who_did_not_answer_and_since_when(anju: Installation, stuck: int) -> None:
    told = page(anju, "sunqiang")
    case = anju.case(stuck)
    for expected in (case.number, "林*实", "向各部门核查", "公安人口与户籍", "西湖区住房保障所", "已尝试 3 次", "重试"):
        assert expected in told
    assert "林秋实" not in told
    inbox = anju.client(anju.staff("sunqiang")).get("/inbox").get_data(as_text=True)
    assert '故障<span class="n">1</span>' in inbox


def test_the_diagram_marks_the_stuck_step(anju: Installation, stuck: int) -> None:
    state = anju.client(anju.staff("sunqiang")).get(f"/cases/{stuck}/diagram.json").get_json()
    assert state["incidents"] == ["run_checks"]


def test_trying_again_after_recovery_moves_the_case_on(anju: Installation, stuck: int) -> None:
    anju.simulators.state.switch("police", "330106198803121014", "recovery")
    client = anju.client(anju.staff("sunqiang"))
    incident = anju.incidents(stuck)[0]
    answer = client.post(f"/incidents/{incident.id}/retry", data={"csrf_token": "token"})
    assert (answer.status_code, answer.location) == (303, "/incidents")
    anju.drain()
    assert "没有故障" in page(anju, "sunqiang")
    assert "first_review" in anju.tasks(stuck)


def test_trying_again_twice_is_harmless(anju: Installation, stuck: int) -> None:
    client = anju.client(anju.staff("sunqiang"))
    incident = anju.incidents(stuck)[0]
    for _ in range(2):
        assert client.post(f"/incidents/{incident.id}/retry", data={"csrf_token": "token"}).status_code == 303
    assert "已由孙强处理" in client.get("/incidents").get_data(as_text=True)


def test_nobody_but_a_supervisor_sees_or_retries_incidents(anju: Installation, stuck: int) -> None:
    clerk = anju.client(anju.staff("liuyang"))
    incident = anju.incidents(stuck)[0]
    assert clerk.get("/incidents").status_code == 403
    assert clerk.post(f"/incidents/{incident.id}/retry", data={"csrf_token": "token"}).status_code == 403
    assert anju.incidents(stuck)
