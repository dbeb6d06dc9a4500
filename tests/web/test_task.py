"""A task's page: what it shows, what it takes, and that nothing typed is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from engine.catalog.forms import compile_form
from engine.commands import dispatch
from engine.commands.cases import StartCase
from engine.commands.tasks import ClaimTask
from engine.core import secrets
from engine.core.actor import Actor
from engine.core.db import reading
from engine.queries.common import calendar, masked_tree
from engine.queries.task_page import form_data, merged, open_task
from tests.support.installation import ITEM, Installation

ACCEPTED = {"accept_result": "accepted", "accept_opinion": "材料齐全"}
PASS = {"review_result": "pass", "review_opinion": "同意上报"}


@pytest.fixture
def case_id(anju: Installation) -> int:
    """An application that waits for acceptance."""
    return anju.apply().case_id


def at_first_review(anju: Installation, case_id: int) -> int:
    """The id of the first review, reached through acceptance and the checks."""
    anju.do(case_id, "accept", "liuyang", ACCEPTED)
    anju.drain()
    return anju.tasks(case_id)["first_review"].id


def submit(client: FlaskClient, task_id: int, answers: dict[str, Any], **fields: Any) -> TestResponse:
    data = {"csrf_token": "token", "answers": json.dumps(answers), "version": 1, **fields}
    return client.post(f"/tasks/{task_id}", data=data)


def text(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
    return answer.get_data(as_text=True)


def test_a_reviewer_sees_application_materials_evidence_and_the_reasons_of_the_decision(
    anju: Installation, case_id: int
) -> None:
    task_id = at_first_review(anju, case_id)
    told = text(anju.client(anju.staff("wangmin")), f"/tasks/{task_id}")
    assert "初审：林*实" in told
    assert "剩 10 工作日" in told
    assert "共同申请人（3）" in told
    assert "核验身份与户籍" in told
    assert "保障资格判定" in told
    assert "人均月收入" in told
    assert "《公共租赁住房管理办法》第七条第一款第（二）项" in told
    assert "税务机关" in told
    assert "材料齐全" in told, "the opinion of the step before"
    assert "/files/" in told


def test_personal_numbers_never_reach_the_page_in_clear(anju: Installation, case_id: int) -> None:
    task_id = at_first_review(anju, case_id)
    told = text(anju.client(anju.staff("wangmin")), f"/tasks/{task_id}")
    assert "3301**********1014" in told
    assert "199****0001" in told
    for clear in ("330106198803121014", "330106199007251023", "19900000001", "林秋实", "周雨桐", "enc:v1:"):
        assert clear not in told


def test_every_failing_condition_is_told_before_the_others(anju: Installation) -> None:
    rich = {
        "name": "陈思远",
        "marital_status": "10",
        "id_kind": "resident_id",
        "id_number": "330106198604161136",
        "phone": "19900000006",
        "region": "330106",
        "residence": "local",
    }
    clerk = anju.staff("liuyang")
    started = anju.apply(clerk, "counter", applicant=rich, co_applicants=[], declared_income_fen="500000.00")
    task_id = at_first_review(anju, started.case_id)
    told = text(anju.client(anju.staff("wangmin")), f"/tasks/{task_id}")
    assert told.index("家庭人均月收入超过公租房收入线") < told.index("人均住房面积（㎡） 0")
    assert "人均月收入 42,000.00 元 &gt; 公租房收入线（人均月收入） 5,000.00 元" in told


def test_submitting_leads_to_the_next_task_of_the_same_queue(anju: Installation, case_id: int) -> None:
    clerk = anju.staff("liuyang")
    stranger = {
        "name": "马晓燕",
        "marital_status": "10",
        "id_kind": "passport",
        "id_number": "E12345678",
        "phone": "19900000099",
        "region": "330106",
        "residence": "local",
    }
    other = anju.apply(clerk, "counter", applicant=stranger, co_applicants=[])
    client = anju.client(clerk)
    following = anju.tasks(other.case_id)["accept"].id
    answer = submit(client, anju.tasks(case_id)["accept"].id, ACCEPTED, view="role-acceptance")
    assert (answer.status_code, answer.location) == (303, "/tasks/next?view=role-acceptance")
    shown = client.get(answer.location).location
    assert shown == f"/tasks/{following}?view=role-acceptance"
    assert "已提交" in text(client, shown)
    answer = submit(client, following, ACCEPTED, view="role-acceptance")
    assert client.get(answer.location).location == "/inbox?view=role-acceptance", "an empty queue shows itself"


def test_wrong_answers_come_back_with_what_was_typed_and_the_messages_at_their_fields(
    anju: Installation, case_id: int
) -> None:
    client = anju.client(anju.staff("liuyang"))
    task_id = anju.tasks(case_id)["accept"].id
    answer = submit(client, task_id, {"accept_result": "supplement", "supplement_note": "缺"}, view="role-acceptance")
    told = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert '"supplement_note": "\\u7f3a"' in told
    assert "field_supplement_items" in told
    assert "field_supplement_note" in told
    assert anju.tasks(case_id)["accept"].version == 1


def test_whoever_comes_second_is_told_by_whom_it_was_done_and_keeps_what_was_typed(
    anju: Installation, case_id: int
) -> None:
    task_id = anju.tasks(case_id)["accept"].id
    anju.do(case_id, "accept", "sunqiang", ACCEPTED)
    client = anju.client(anju.staff("liuyang"))
    answer = submit(client, task_id, {"accept_result": "accepted", "accept_opinion": "我写的意见"})
    told = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "已由孙强" in told
    assert "我写的意见" in told
    assert "已由孙强办结" in text(client, f"/tasks/{task_id}")


def test_a_task_that_a_colleague_claimed_meanwhile_is_not_taken_over(anju: Installation, case_id: int) -> None:
    task_id = anju.tasks(case_id)["accept"].id
    dispatch(ClaimTask(task_id), anju.staff("sunqiang"))
    client = anju.client(anju.staff("liuyang"))
    answer = submit(client, task_id, ACCEPTED)
    assert answer.status_code == 409
    assert "材料齐全" in answer.get_data(as_text=True)
    told = text(client, f"/tasks/{task_id}")
    assert "孙强已领取这项任务" in told
    assert "提交并办下一件" not in told


def test_claiming_and_giving_back(anju: Installation, case_id: int) -> None:
    clerk = anju.staff("liuyang")
    client = anju.client(clerk)
    task_id = anju.tasks(case_id)["accept"].id
    assert client.post(f"/tasks/{task_id}/claim", data={"csrf_token": "token"}).status_code == 303
    assert anju.tasks(case_id)["accept"].assignee == clerk.key
    assert "放回岗位池" in text(client, f"/tasks/{task_id}")
    assert client.post(f"/tasks/{task_id}/release", data={"csrf_token": "token"}).status_code == 303
    assert anju.tasks(case_id)["accept"].assignee == ""


def test_the_draft_is_kept_and_restored_for_its_writer_alone(anju: Installation, case_id: int) -> None:
    task_id = anju.tasks(case_id)["accept"].id
    writer, colleague = anju.client(anju.staff("liuyang")), anju.client(anju.staff("sunqiang"))
    kept = writer.post(
        f"/tasks/{task_id}/draft",
        json={"answers": {"accept_opinion": "draft-words"}},
        headers={"X-CSRF-Token": "token"},
    )
    assert kept.status_code == 200
    assert kept.get_json()["saved_at"].startswith("2026-03-02T09:00")
    assert "draft-words" in text(writer, f"/tasks/{task_id}")
    assert "draft-words" not in text(colleague, f"/tasks/{task_id}")


def test_a_draft_without_a_session_asks_to_sign_in(anju: Installation, case_id: int) -> None:
    task_id = anju.tasks(case_id)["accept"].id
    answer = anju.client().post(f"/tasks/{task_id}/draft", json={"answers": {}}, headers={"X-CSRF-Token": "token"})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "sign_in_needed")


def test_a_form_without_its_token_is_refused(anju: Installation, case_id: int) -> None:
    task_id = anju.tasks(case_id)["accept"].id
    client = anju.client(anju.staff("liuyang"))
    assert submit(client, task_id, ACCEPTED, csrf_token="forged").status_code == 400
    assert anju.tasks(case_id)["accept"].state == "open"


def test_a_task_of_another_office_does_not_exist(anju: Installation, case_id: int) -> None:
    task_id = anju.tasks(case_id)["accept"].id
    client = anju.client(anju.staff("zhoujie"))
    assert client.get(f"/tasks/{task_id}").status_code == 404
    assert submit(client, task_id, ACCEPTED).status_code == 404


def test_nobody_reviews_what_they_accepted(anju: Installation) -> None:
    both = anju.staff("zhoujie")
    answers = anju.family(both)
    started = dispatch(StartCase(ITEM, answers, "counter", both.office_id), both)
    anju.do(started.case_id, "accept", both, ACCEPTED)
    task_id = anju.tasks(started.case_id)["first_review"].id
    client = anju.client(both)
    told = text(client, f"/tasks/{task_id}")
    assert "须由其他人办理" in told
    assert "提交并办下一件" not in told
    assert submit(client, task_id, PASS).status_code == 403


def test_answers_that_are_no_form_are_refused(anju: Installation, case_id: int) -> None:
    client = anju.client(anju.staff("liuyang"))
    task_id = anju.tasks(case_id)["accept"].id
    for answers in ("", "[1]", "{"):
        data = {"csrf_token": "token", "answers": answers, "version": "x"}
        assert client.post(f"/tasks/{task_id}", data=data).status_code == 422


def test_a_field_that_can_be_changed_is_shown_in_clear_and_any_other_masked(anju: Installation, case_id: int) -> None:
    schema = {
        "type": "default",
        "id": "contact",
        "components": [
            {"type": "aj-phone", "id": "f1", "key": "phone", "label": "手机"},
            {"type": "aj-id", "id": "f2", "key": "id_number", "label": "证件", "readonly": True},
        ],
    }
    values = {"phone": secrets.seal("19900000001"), "id_number": secrets.seal("330106198803121014")}
    shown = form_data(compile_form(schema), values)
    assert shown == {"phone": "19900000001", "id_number": "3301**********1014"}


def test_a_draft_is_laid_over_group_by_group() -> None:
    data = {"housing": {"address": "旧", "area": 20}, "note": ""}
    assert merged(data, {"housing": {"address": "新"}}) == {"housing": {"address": "新", "area": 20}, "note": ""}


def test_the_counter_may_open_what_the_applicant_has_to_do(anju: Installation, case_id: int) -> None:
    anju.do(
        case_id,
        "accept",
        "liuyang",
        {"accept_result": "supplement", "supplement_items": ["income_proof"], "supplement_note": "请补盖公章后提交"},
    )
    task_id = anju.tasks(case_id)["supplement"].id
    assert allowed(anju.staff("liuyang"), task_id)
    assert not allowed(anju.staff("wangmin"), task_id)


def allowed(actor: Actor, task_id: int) -> bool:
    with reading() as session, calendar(session):
        return open_task(session, actor, task_id).permit.work


def test_a_reviewer_does_not_find_the_conclusion_of_the_one_before_already_chosen(
    anju: Installation, case_id: int
) -> None:
    at_first_review(anju, case_id)
    anju.do(case_id, "first_review", "wangmin", PASS)
    with reading() as session, calendar(session):
        page = open_task(session, anju.staff("chenhao"), anju.tasks(case_id)["second_review"].id)
    assert "review_result" not in page.data
    assert [(one.title, one.who) for one in page.beside.opinions] == [("受理审查", "刘洋"), ("初审", "王敏")]


def test_sealed_words_inside_a_longer_text_are_masked_one_by_one(anju: Installation) -> None:
    number, name = secrets.seal("330106198803121014"), secrets.seal("林秋实")
    told = masked_tree({"unknown": [f"身份核验（{name}）：{number} 查无记录"]})
    assert told == {"unknown": ["身份核验（林*实）：3301**********1014 查无记录"]}
