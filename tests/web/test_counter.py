"""The counter: a clerk applies for somebody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from engine.cases.case import Case
from engine.core.db import reading
from tests.support.installation import ITEM, Installation

APPLY = f"/counter/apply/{ITEM}"


@pytest.fixture
def clerk(anju: Installation) -> FlaskClient:
    """The acceptance clerk's browser."""
    return anju.client(anju.staff("liuyang"))


def submit(client: FlaskClient, answers: dict[str, Any], channel: str = "counter") -> TestResponse:
    data = {"csrf_token": "token", "answers": json.dumps(answers), "channel": channel}
    return client.post(APPLY, data=data)


def cases() -> list[Case]:
    with reading() as session:
        return list(session.scalars(select(Case)))


def test_the_item_is_offered_and_its_form_opens(clerk: FlaskClient) -> None:
    offered = clerk.get("/counter").get_data(as_text=True)
    assert "保障资格申请" in offered
    assert APPLY in offered
    told = clerk.get(APPLY).get_data(as_text=True)
    assert "西湖区住房保障所" in told
    assert "data-anju-form" in told


@pytest.mark.parametrize("channel", ["counter", "proxy"])
def test_an_application_gets_its_number_and_a_slip_to_print(
    anju: Installation, clerk: FlaskClient, channel: str
) -> None:
    answer = submit(clerk, anju.family(anju.staff("liuyang")), channel)
    assert answer.status_code == 303, answer.get_data(as_text=True)[:2000]
    told = clerk.get(answer.location).get_data(as_text=True)
    assert "BZSQ-2026-000001" in told
    assert "身份证明（1 份）" in told
    assert "林秋实" not in told
    case = cases()[0]
    assert (case.channel, case.office_id, case.applicant_key) == (channel, anju.office(), "")


def test_once_accepted_the_slip_page_offers_the_paper(anju: Installation, clerk: FlaskClient) -> None:
    answer = submit(clerk, anju.family(anju.staff("liuyang")))
    anju.do(cases()[0].id, "accept", "liuyang", {"accept_result": "accepted"})
    assert "打印受理通知书" in clerk.get(answer.location).get_data(as_text=True)


def test_wrong_answers_come_back_with_everything_typed(anju: Installation, clerk: FlaskClient) -> None:
    answers = anju.family(anju.staff("liuyang"))
    answers["applicant"]["id_number"] = "330106198803121015"
    answer = submit(clerk, answers, "proxy")
    told = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "330106198803121015" in told
    assert "field_applicant_id_number" in told or "id_number" in told
    assert 'value="proxy" form="answers-form" checked' in told
    assert cases() == []


def test_a_household_with_a_live_application_is_refused_with_its_number(anju: Installation, clerk: FlaskClient) -> None:
    first = anju.apply()
    answer = submit(clerk, anju.family(anju.staff("liuyang")))
    assert answer.status_code == 422
    assert json.dumps(first.number)[1:-1] in answer.get_data(as_text=True)
    assert len(cases()) == 1


def test_the_same_submit_twice_makes_one_case(anju: Installation, clerk: FlaskClient) -> None:
    answers = anju.family(anju.staff("liuyang"))
    assert submit(clerk, answers).status_code == 303
    assert submit(clerk, answers).status_code == 422
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Case)) == 1


def test_a_channel_that_is_none_of_the_counters_is_refused(anju: Installation, clerk: FlaskClient) -> None:
    assert submit(clerk, anju.family(anju.staff("liuyang")), "portal").status_code == 422
    assert cases() == []


def test_the_draft_outlives_the_window_and_is_forgotten_after_the_submit(
    anju: Installation, clerk: FlaskClient
) -> None:
    typed = {"answers": {"housing": {"address": "half-typed-address"}}}
    kept = clerk.post(f"/counter/drafts/{ITEM}", json=typed, headers={"X-CSRF-Token": "token"})
    assert kept.status_code == 200
    assert "half-typed-address" in clerk.get(APPLY).get_data(as_text=True)
    assert "继续填写" in clerk.get("/counter").get_data(as_text=True)
    submit(clerk, anju.family(anju.staff("liuyang")))
    assert "half-typed-address" not in clerk.get(APPLY).get_data(as_text=True)


def test_only_the_acceptance_role_stands_at_the_counter(anju: Installation) -> None:
    reviewer = anju.client(anju.staff("wangmin"))
    assert reviewer.get("/counter").status_code == 403
    assert submit(reviewer, {}).status_code == 403
    assert "窗口受理" not in reviewer.get("/inbox").get_data(as_text=True)


def test_an_item_that_does_not_exist_is_not_found(clerk: FlaskClient) -> None:
    assert clerk.get("/counter/apply/rental/nothing").status_code == 404
