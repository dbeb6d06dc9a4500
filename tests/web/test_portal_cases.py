"""A citizen follows the own case: what is asked, why the clock stands, what was issued. Nobody else's."""

from __future__ import annotations

import json
from datetime import timedelta

from engine.commands import dispatch
from engine.commands.cases import FileObjection, WithdrawCase
from engine.core.db import reading
from engine.queries import portal_case
from engine.registers.notices import CitizenMessage
from tests.support.installation import Installation
from tests.web.portal_kit import NEIGHBOUR, asked_to_supplement, block, post, published, text_of

STAFF = ("刘洋", "王敏", "陈浩", "赵玲")


def test_the_list_shows_own_cases_only(anju: Installation) -> None:
    anju.apply()
    assert "BZSQ-2026-000001" in text_of(anju.client(anju.citizen()).get("/portal/cases"))
    assert "还没有办件" in text_of(anju.client(anju.citizen(NEIGHBOUR)).get("/portal/cases"))


def test_somebody_elses_case_task_and_paper_are_not_found(anju: Installation) -> None:
    case_id, task_id = asked_to_supplement(anju)
    client = anju.client(anju.citizen(NEIGHBOUR))
    for path in (f"/portal/cases/{case_id}", f"/portal/cases/{case_id}/submitted", f"/portal/tasks/{task_id}"):
        assert client.get(path).status_code == 404
    assert post(client, f"/portal/cases/{case_id}/withdraw", reason="不是我的").status_code == 404
    assert post(client, f"/portal/tasks/{task_id}", answers="{}", version="1").status_code == 404
    assert anju.case(case_id).state == "open"


def test_a_caseworker_is_nobody_in_the_portal(anju: Installation) -> None:
    case_id = anju.apply().case_id
    answer = anju.client(anju.staff("liuyang")).get(f"/portal/cases/{case_id}")
    assert answer.location.startswith("/portal/sign-in")


def test_a_new_case_says_that_it_waits_to_be_accepted(anju: Installation) -> None:
    case_id = anju.apply().case_id
    page = text_of(anju.client(anju.citizen()).get(f"/portal/cases/{case_id}"))
    assert "等待受理审查" in page
    assert "受理后开始计算，承诺 10 个工作日内办结" in page
    assert "撤回申请" in page


def test_a_supplement_shows_what_is_asked_until_when_and_that_the_clock_stands(anju: Installation) -> None:
    case_id, task_id = asked_to_supplement(anju)
    client = anju.client(anju.citizen())
    page = client.get(f"/portal/cases/{case_id}")
    words = text_of(page)
    for word in (
        "请您补正材料",
        "需要补正： 收入证明",
        "收入证明缺单位公章",
        "2026年3月9日前",
        "暂停计算",
        "补正通知书",
    ):
        assert word in words
    assert f"/portal/tasks/{task_id}" in page.get_data(as_text=True)
    assert "请您补正材料" in text_of(client.get("/portal"))


def test_a_supplement_is_drafted_handed_in_once_and_the_clock_runs_again(anju: Installation) -> None:
    case_id, task_id = asked_to_supplement(anju)
    citizen = anju.citizen()
    client, path = anju.client(citizen), f"/portal/tasks/{task_id}"
    draft = {"answers": {"supplement_reply": "已重新开具"}}
    saved = client.post(f"/portal/drafts/tasks/{task_id}", json=draft, headers={"X-CSRF-Token": "token"})
    assert saved.status_code == 200
    data = block(client.get(path), "data")
    assert data["supplement_reply"] == "已重新开具"
    assert "material_income_proof" not in data, "the paper that was not good enough does not stand in for the new one"
    answers = {"supplement_reply": "已重新开具", "material_income_proof": anju.upload(citizen, "income_proof")}
    done = post(client, path, answers=json.dumps(answers), version="1")
    assert (done.status_code, done.location) == (303, f"/portal/cases/{case_id}")
    words = text_of(client.get(done.location))
    assert "您已补正材料" in words
    assert "办理时限恢复计算" in words
    assert "已经办完" in text_of(client.get(path))
    again = post(client, path, answers=json.dumps(answers), version="1")
    assert again.status_code == 409
    assert "已由林*实于" in text_of(again)
    assert "补充说明 已重新开具" in text_of(again)


def test_a_supplement_without_the_paper_comes_back_with_the_message_and_the_words_typed(anju: Installation) -> None:
    _, task_id = asked_to_supplement(anju)
    answers = {"supplement_reply": "稍后补上", "material_income_proof": []}
    page = post(anju.client(anju.citizen()), f"/portal/tasks/{task_id}", answers=json.dumps(answers), version="1")
    assert page.status_code == 422
    assert block(page, "errors")["field_material_income_proof"]
    assert block(page, "data")["supplement_reply"] == "稍后补上"


def test_during_the_notice_the_page_says_why_the_clock_stands_and_names_no_caseworker(anju: Installation) -> None:
    case_id = published(anju)
    page = text_of(anju.client(anju.citizen()).get(f"/portal/cases/{case_id}"))
    for word in ("正在公示", "暂停计算 公示", "公示截止", "受理通知书", "初审完成", "部门信息核查"):
        assert word in page
    for hidden in (*STAFF, "内部意见不外传"):
        assert hidden not in page


def test_an_objection_is_told_without_who_and_why(anju: Installation) -> None:
    case_id = published(anju)
    citizen = anju.citizen()
    with reading() as session:
        notice_id = portal_case.case_view(session, citizen, case_id).notice_id
    assert notice_id is not None
    dispatch(FileObjection(notice_id, "孙伯年", NEIGHBOUR, "该户另有住房出租"), anju.citizen(NEIGHBOUR))
    page = text_of(anju.client(citizen).get(f"/portal/cases/{case_id}"))
    assert "公示中止，正在调查异议" in page
    assert "孙" not in page
    assert "另有住房" not in page


def test_a_case_is_withdrawn_with_a_reason_and_then_says_so(anju: Installation) -> None:
    case_id = anju.apply().case_id
    client = anju.client(anju.citizen())
    done = post(client, f"/portal/cases/{case_id}/withdraw", reason="已购房")
    assert done.status_code == 303
    page = text_of(client.get(done.location))
    assert "您撤回了申请" in page
    assert "确认撤回" not in page
    assert anju.case(case_id).outcome == "withdrawn"


def test_a_second_withdrawal_is_told_and_changes_nothing(anju: Installation) -> None:
    case_id = anju.apply().case_id
    dispatch(WithdrawCase(case_id, "已购房"), anju.citizen())
    client = anju.client(anju.citizen())
    late = post(client, f"/portal/cases/{case_id}/withdraw", reason="再撤一次")
    assert late.status_code == 303
    assert anju.case(case_id).outcome == "withdrawn"


def test_a_granted_case_offers_its_papers_with_check_codes(anju_both: Installation) -> None:
    anju = anju_both
    case_id = published(anju)
    anju.move(timedelta(days=30))
    anju.do(case_id, "confirm", "zhaoling", {"publicity_confirmed": True, "publicity_confirm_note": "无异议"})
    client = anju.client(anju.citizen())
    page = client.get(f"/portal/cases/{case_id}")
    assert "准予住房保障资格通知书" in text_of(page)
    with reading() as session:
        papers = portal_case.case_view(session, anju.citizen(), case_id).documents
    assert "已办结" in text_of(client.get("/portal/cases"))
    assert "住房保障资格申请公示" in text_of(client.get("/notices"))
    for paper in papers:
        assert client.get(f"/verify/{paper.check_code}").status_code == 200
        assert paper.check_code in text_of(page)
        assert client.get(f"/documents/{paper.id}.pdf").get_data().startswith(b"%PDF-")
        assert anju.client(anju.citizen(NEIGHBOUR)).get(f"/documents/{paper.id}.pdf").status_code == 404


def test_messages_are_marked_until_they_are_opened(anju: Installation) -> None:
    asked_to_supplement(anju)
    client = anju.client(anju.citizen())
    page = client.get("/portal/messages")
    assert "（未读）" in text_of(page)
    assert "您有 1 条未读消息" in text_of(client.get("/portal"))
    with reading() as session:
        message = session.query(CitizenMessage).one()
    stranger = anju.client(anju.citizen(NEIGHBOUR))
    assert stranger.get(f"/portal/messages/{message.id}").status_code == 404
    post(stranger, "/portal/messages/read")
    assert "（未读）" in text_of(client.get("/portal/messages"))
    opened = text_of(client.get(f"/portal/messages/{message.id}"))
    assert "收入证明缺单位公章" in opened
    assert "查看办件" in opened
    assert "（未读）" not in text_of(client.get("/portal/messages"))


def test_all_messages_are_marked_as_read_at_once(anju: Installation) -> None:
    asked_to_supplement(anju)
    client = anju.client(anju.citizen())
    assert post(client, "/portal/messages/read").location == "/portal/messages"
    assert "（未读）" not in text_of(client.get("/portal/messages"))


def test_who_has_no_messages_is_told_what_will_come_here(anju: Installation) -> None:
    assert "没有消息" in text_of(anju.client(anju.citizen(NEIGHBOUR)).get("/portal/messages"))
