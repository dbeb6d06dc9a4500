"""The case file: found by whom, showing what, masking whom."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from engine.core.db import reading
from engine.core.errors import NotFound
from engine.outside.ledger import CallRecord
from engine.queries import case_file, diagram, evidence
from engine.queries.common import calendar
from tests.support.installation import Installation

PASS = {"review_result": "pass", "review_opinion": "同意上报"}
CLEAR = ("330106198803121014", "330106199007251023", "19900000001", "林秋实", "周雨桐", "enc:v1:")


@pytest.fixture
def case_id(anju: Installation) -> int:
    """A case that passed the checks and waits for its first review."""
    started = anju.apply()
    anju.do(started.case_id, "accept", "liuyang", {"accept_result": "accepted", "accept_opinion": "材料齐全"})
    return started.case_id


def at_publicity(anju: Installation, case_id: int) -> None:
    for element, login in (("first_review", "wangmin"), ("second_review", "chenhao"), ("approve", "zhaoling")):
        anju.do(case_id, element, login, PASS)


def text(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
    return answer.get_data(as_text=True)


def found(anju: Installation, login: str, query: str) -> list[int]:
    with reading() as session, calendar(session):
        return [line.id for line in case_file.search(session, anju.staff(login), query)]


@pytest.mark.parametrize("query", ["BZSQ-2026-000001", "bzsq-2026", "林秋实", "330106198803121014", " 林秋实 ", ""])
def test_a_case_is_found_by_number_full_name_or_full_id(anju: Installation, case_id: int, query: str) -> None:
    assert found(anju, "wangmin", query) == [case_id]


@pytest.mark.parametrize("query", ["林", "秋实", "33010619880312", "%", "_", "BZSQ-2025"])
def test_half_a_name_or_number_finds_nobody(anju: Installation, case_id: int, query: str) -> None:
    assert found(anju, "wangmin", query) == []


def test_another_office_finds_nothing_and_sees_nothing(anju: Installation, case_id: int) -> None:
    neighbour = anju.client(anju.staff("zhoujie"))
    assert found(anju, "zhoujie", "林秋实") == []
    record_id = checks(anju, case_id)[0].id
    for path in ("", "/diagram.xml", "/diagram.json", f"/evidence/{record_id}"):
        assert neighbour.get(f"/cases/{case_id}{path}").status_code == 404
    assert "没有找到" in text(neighbour, "/cases?q=林秋实")


def test_the_case_page_tells_the_whole_story_without_personal_data(anju: Installation, case_id: int) -> None:
    at_publicity(anju, case_id)
    told = text(anju.client(anju.staff("wangmin")), f"/cases/{case_id}")
    for expected in (
        "林*实",
        "完成「受理审查」",
        "完成「审批」",
        "计时暂停",
        "核验身份与户籍（",
        "：通过",
        "受理通知书",
        "同意上报",
        "保障资格判定",
        "公示中",
    ):
        assert expected in told
    for clear in CLEAR:
        assert clear not in told


def test_the_head_says_why_the_clock_stands_and_since_when(anju: Installation, case_id: int) -> None:
    at_publicity(anju, case_id)
    with reading() as session, calendar(session):
        file = case_file.case_file(session, anju.staff("wangmin"), case_id)
    assert file.head.due.paused == "公示"
    assert [(reason, until) for reason, _, until in file.stops] == [("公示", "")]
    assert [step["state"] for step in file.head.steps] == ["done", "done", "done", "done", "stopped", ""]
    anju.move(timedelta(days=30))
    with reading() as session, calendar(session):
        file = case_file.case_file(session, anju.staff("wangmin"), case_id)
    assert file.hands, "somebody has to confirm the notice"


def test_a_closed_case_names_its_outcome_and_offers_its_papers(anju: Installation, case_id: int) -> None:
    at_publicity(anju, case_id)
    anju.move(timedelta(days=30))
    anju.do(case_id, "confirm", "zhaoling", {"publicity_confirmed": True})
    client = anju.client(anju.staff("wangmin"))
    told = text(client, f"/cases/{case_id}")
    assert "已办结：<b>准予</b>" in told
    with reading() as session, calendar(session):
        papers = case_file.case_file(session, anju.staff("wangmin"), case_id).papers
    assert [paper.ready for paper in papers] == [True, True]
    paper = client.get(f"/documents/{papers[0].id}.pdf")
    assert paper.get_data().startswith(b"%PDF")
    assert paper.headers["Content-Disposition"].startswith("inline")
    assert anju.client(anju.staff("zhoujie")).get(f"/documents/{papers[0].id}.pdf").status_code == 404


def checks(anju: Installation, case_id: int) -> list[evidence.Exchange]:
    with reading() as session:
        return evidence.checks(session, case_id)


def test_evidence_shows_the_exchange_masked_with_the_digest_of_the_original(anju: Installation, case_id: int) -> None:
    client = anju.client(anju.staff("wangmin"))
    for one in checks(anju, case_id):
        told = text(client, f"/cases/{case_id}/evidence/{one.id}")
        assert one.digest in told
        for clear in CLEAR:
            assert clear not in told, one.title
    first = checks(anju, case_id)[0]
    told = text(client, f"/cases/{case_id}/evidence/{first.id}")
    assert "公安人口与户籍" in told
    assert "3301**********1014" in told


def test_the_digest_is_that_of_what_was_said(anju: Installation, case_id: int) -> None:
    with reading() as session:
        record = session.get_one(CallRecord, checks(anju, case_id)[0].id)
    assert record.request
    assert record.response
    assert record.digest == hashlib.sha256(record.request + b"\0" + record.response).hexdigest()


def test_evidence_of_another_case_is_not_shown_under_this_one(anju: Installation, case_id: int) -> None:
    with reading() as session, pytest.raises(NotFound):
        evidence.detail(session, case_id + 1, checks(anju, case_id)[0].id)


def test_the_diagram_shows_where_the_case_stands_and_which_way_it_came(anju: Installation, case_id: int) -> None:
    client = anju.client(anju.staff("wangmin"))
    state = json.loads(text(client, f"/cases/{case_id}/diagram.json"))
    assert state["active"] == ["first_review"]
    assert state["counts"] == {"first_review": 1}
    assert "accept" in state["completed"]
    assert "decide_to_first_review" in state["flows"]
    assert "gateway_unknown_to_verify" not in state["flows"]
    assert state["incidents"] == []
    assert b"rental_eligibility_application_pool" in client.get(f"/cases/{case_id}/diagram.xml").get_data()


def test_called_processes_have_diagrams_of_their_own(anju: Installation, case_id: int) -> None:
    at_publicity(anju, case_id)
    with reading() as session:
        offered = [one.process_id for one in diagram.choices(session, anju.staff("wangmin"), case_id)]
        state = diagram.state(session, anju.staff("wangmin"), case_id, "shared_publicity")
    assert offered[0] == "rental_eligibility_application"
    assert {"shared_document", "shared_publicity"} <= set(offered)
    assert state["active"]
    client = anju.client(anju.staff("wangmin"))
    assert b'id="shared_publicity"' in client.get(f"/cases/{case_id}/diagram.xml?process=shared_publicity").get_data()
    assert client.get(f"/cases/{case_id}/diagram.xml?process=nobody").status_code == 404


def test_a_closed_case_has_no_token_left_in_its_diagram(anju: Installation, case_id: int) -> None:
    at_publicity(anju, case_id)
    anju.move(timedelta(days=30))
    anju.do(case_id, "confirm", "zhaoling", {"publicity_confirmed": True})
    with reading() as session:
        state = diagram.state(session, anju.staff("wangmin"), case_id, None)
    assert state["active"] == []
    assert "granted" in state["completed"]
