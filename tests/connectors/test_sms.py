"""Text messages: limits, receipts, and never twice."""

from __future__ import annotations

import time

import pytest
import requests

from engine.core.errors import Declined
from engine.core.operations import Answer

from .conftest import World

PHONE = "19900000001"


def send(world: World, key: str = "key-1", phone: str = PHONE, template: str = "application_accepted") -> str:
    values = {"case_number": "BZSQ-2026-000001", "days": 10, "code": "246810", "minutes": 5}
    answer = world.run("sms.send", key=key, phone=phone, template=template, values=values)
    assert isinstance(answer, Answer)
    assert answer.verdict is None
    return str(answer.variables["message_id"])


def outbox(world: World) -> list[dict[str, str]]:
    found: list[dict[str, str]] = requests.get(f"{world.url}/sms/_outbox?phone={PHONE}", timeout=2).json()
    return found


def test_a_message_reads_as_its_template_says(world: World) -> None:
    send(world)
    assert [message["text"] for message in outbox(world)] == [
        "【安居住房保障】您的申请 BZSQ-2026-000001 已受理，承诺 10 个工作日内办结，可登录门户查看进度。"
    ]


def test_a_list_reads_as_a_list(world: World) -> None:
    values = {"case_number": "B-1", "materials": ["身份证明", "收入证明"], "due": "2026-12-01"}
    world.run("sms.send", phone=PHONE, template="supplement_requested", values=values)
    assert "需补正材料：身份证明、收入证明，请于 2026-12-01 前" in outbox(world)[0]["text"]


def test_the_same_work_sends_one_message_however_often_it_is_tried(world: World) -> None:
    assert send(world) == send(world) == send(world)
    assert len(outbox(world)) == 1
    assert world.state.log("sms")[0]["calls"] == 3


def test_a_second_code_within_a_minute_is_declined(world: World) -> None:
    send(world, "key-1", template="verification_code")
    with pytest.raises(Declined) as raised:
        send(world, "key-2", template="verification_code")
    assert raised.value.code == "sms_limit"
    assert len(outbox(world)) == 1
    send(world, "key-3")


def test_the_fifty_first_notice_of_a_day_is_declined(world: World) -> None:
    entry = {"phone": PHONE, "template": "application_accepted", "at": time.time(), "state": "DELIVERED"}
    with world.state.lock:
        world.state.shelf("sms").extend({**entry, "bizId": f"OLD{index}"} for index in range(49))
    send(world, "key-50")
    with pytest.raises(Declined) as raised:
        send(world, "key-51")
    assert raised.value.code == "sms_limit"


@pytest.mark.parametrize(
    ("scenario", "code"),
    [("limit", "sms_limit"), ("blacklist", "sms_blacklist"), ("empty", "sms_number"), ("mismatch", "sms_template")],
)
def test_a_refusal_has_a_code_that_a_model_may_catch(world: World, scenario: str, code: str) -> None:
    world.state.switch("sms", PHONE, scenario)
    with pytest.raises(Declined) as raised:
        send(world)
    assert raised.value.code == code


def test_a_number_that_cannot_be_a_phone_is_declined(world: World) -> None:
    with pytest.raises(Declined) as raised:
        send(world, phone="12345")
    assert raised.value.code == "sms_number"


def test_a_receipt_tells_whether_the_message_arrived(world: World) -> None:
    delivered = send(world, "key-1")
    world.state.switch("sms", PHONE, "not_delivered")
    lost = send(world, "key-2")
    states = [world.run("sms.receipt", message_id=number) for number in (delivered, lost)]
    assert [state.variables["state"] for state in states if isinstance(state, Answer)] == ["delivered", "failed"]
    with pytest.raises(Declined) as raised:
        world.run("sms.receipt", message_id="SMS99999999")
    assert raised.value.code == "sms_unknown_message"


def test_a_person_can_read_the_messages_on_a_page(world: World) -> None:
    send(world, template="verification_code")
    page = requests.get(f"{world.url}/sms/", timeout=2)
    assert "验证码 246810" in page.text
