"""Citizens sign in and up by a code on their phone, and come back to where they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors._kit.sandbox import EVERYBODY
from engine.core import clock
from tests.support.installation import ITEM, Installation
from tests.web.portal_kit import code_in, last_sms, post, text_of

PHONE = "19900000001"
NEW = {
    "name": "吴思远",
    "id_kind": "resident_id",
    "id_number": "330106198511303174",
    "phone": "13900001234",
    "agree": "1",
}


def test_a_code_from_the_phone_opens_the_account_and_leads_back(anju: Installation) -> None:
    client = anju.client()
    sent = post(client, "/portal/code", door="sign_in", phone=PHONE, next="/portal/cases")
    assert sent.status_code == 200
    assert "验证码已发送至 199****0001" in text_of(sent)
    assert 'name="next" value="/portal/cases"' in sent.get_data(as_text=True)
    code = code_in(last_sms(anju))
    opened = post(client, "/portal/sign-in", phone=PHONE, code=code, next="/portal/cases")
    assert (opened.status_code, opened.location) == (303, "/portal/cases")
    assert "我的办件" in text_of(client.get("/portal/cases"))


def test_nobody_is_sent_to_another_site_after_signing_in(anju: Installation) -> None:
    client = anju.client()
    post(client, "/portal/code", phone=PHONE)
    code = code_in(last_sms(anju))
    opened = post(client, "/portal/sign-in", phone=PHONE, code=code, next="https://elsewhere.example/portal")
    assert opened.location == "/portal"


def test_a_wrong_code_is_told_at_the_field_and_the_phone_stays_typed(anju: Installation) -> None:
    client = anju.client()
    post(client, "/portal/code", phone=PHONE)
    wrong = "000000" if code_in(last_sms(anju)) != "000000" else "111111"
    answer = post(client, "/portal/sign-in", phone=PHONE, code=wrong)
    assert answer.status_code == 422
    assert "验证码不正确或已过期" in text_of(answer)
    assert f'value="{PHONE}"' in answer.get_data(as_text=True)
    assert client.get("/portal/cases").status_code == 302


def test_an_old_code_does_not_open(anju: Installation) -> None:
    client = anju.client()
    post(client, "/portal/code", phone=PHONE)
    code = code_in(last_sms(anju))
    clock.move_frozen(clock.now() + timedelta(minutes=6))
    assert post(client, "/portal/sign-in", phone=PHONE, code=code).status_code == 422


def test_what_is_no_phone_gets_no_code(anju: Installation) -> None:
    answer = post(anju.client(), "/portal/code", door="sign_in", phone="1234")
    assert answer.status_code == 422
    assert "请填写 11 位手机号" in text_of(answer)


def test_a_second_code_within_a_minute_is_refused_with_the_waiting_time(anju: Installation) -> None:
    client = anju.client()
    post(client, "/portal/code", phone=PHONE)
    answer = post(client, "/portal/code", phone=PHONE)
    assert answer.status_code == 429
    assert "1 分钟后再试" in text_of(answer)


@pytest.mark.parametrize(
    ("scenario", "status", "told"), [("outage", 503, "短信暂时发不出去"), ("blacklist", 422, "无法接收短信")]
)
def test_when_no_message_can_be_sent_the_page_says_what_to_do(
    anju: Installation, scenario: str, status: int, told: str
) -> None:
    anju.simulators.state.switch("sms", EVERYBODY, scenario)
    answer = post(anju.client(), "/portal/code", door="register", **NEW)
    assert answer.status_code == status
    assert told in text_of(answer)
    assert 'value="吴思远"' in answer.get_data(as_text=True)


def test_registering_opens_the_account_and_signs_in(anju: Installation) -> None:
    client = anju.client()
    post(client, "/portal/code", door="register", **NEW)
    opened = post(client, "/portal/register", code=code_in(last_sms(anju)), **NEW)
    assert (opened.status_code, opened.location) == (303, "/portal"), text_of(opened)
    assert "吴*远，您好" in text_of(client.get("/portal"))


def test_a_wrong_identity_number_is_told_at_its_field_and_nothing_typed_is_lost(anju: Installation) -> None:
    client = anju.client()
    post(client, "/portal/code", door="register", **NEW)
    answer = post(
        client, "/portal/register", code=code_in(last_sms(anju)), **{**NEW, "id_number": "330106198511303173"}
    )
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "身份证号校验位不正确" in page.partition('id="id_number-error"')[2][:60]
    assert 'value="330106198511303173"' in page


def test_without_the_tick_nobody_is_registered(anju: Installation) -> None:
    client = anju.client()
    post(client, "/portal/code", door="register", **NEW)
    answer = post(client, "/portal/register", code=code_in(last_sms(anju)), **{**NEW, "agree": ""})
    assert answer.status_code == 422
    assert "请阅读并勾选" in text_of(answer)


def test_signing_out_closes_the_door(anju: Installation) -> None:
    client = anju.client(anju.citizen())
    assert post(client, "/portal/sign-out").status_code == 303
    assert client.get("/portal/cases").location.startswith("/portal/sign-in?next=")


def test_a_draft_after_the_session_ended_is_answered_with_401_and_a_new_token_saves_it(anju: Installation) -> None:
    path, draft = f"/portal/drafts/apply/{ITEM}", {"answers": {"support_mode": "rent_subsidy"}}
    late = anju.client().post(path, json=draft, headers={"X-CSRF-Token": "of an old session"})
    assert (late.status_code, late.get_json()["code"]) == (401, "sign_in_needed")
    again = anju.client(anju.citizen())
    token = again.get("/portal/token").get_json()["csrf_token"]
    assert again.post(path, json=draft, headers={"X-CSRF-Token": token}).status_code == 200
    assert anju.client().get("/portal/token").status_code == 302


def test_an_expired_sign_in_form_says_so_instead_of_leading_to_the_staff_door(anju: Installation) -> None:
    answer = anju.client().post("/portal/sign-in", data={"csrf_token": "old", "phone": PHONE, "code": "1"})
    assert answer.status_code == 400
    assert "页面已过期" in text_of(answer)


def test_a_sign_in_in_a_second_window_sends_back_to_the_first(anju: Installation) -> None:
    assert "回到正在填写的页面。已填内容会自动保存" in text_of(anju.client(anju.citizen()).get("/portal/signed-in"))
    assert "还没有登录" in text_of(anju.client().get("/portal/signed-in"))
    form = anju.client(anju.citizen()).get(f"/portal/apply-form/{anju.office()}/{ITEM}").get_data(as_text=True)
    assert 'data-login-url="/portal/sign-in?next=/portal/signed-in"' in form


def test_only_a_demo_tells_where_its_messages_can_be_read(anju: Installation) -> None:
    assert "演示环境" not in text_of(anju.client().get("/portal/sign-in"))
    config = anju.parts.config
    anju.app.extensions["anju"] = replace(anju.parts, config=replace(config, demo=True))
    page = anju.client().get("/portal/sign-in")
    assert "林秋实 19900000001" in text_of(page)
    assert f":{config.port + 10}/sms/" in page.get_data(as_text=True)
