"""Many messages in one call: a result for each number, limits of each number, nothing twice; and what is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

import connectors
from connectors import load_all
from connectors._kit import tape
from connectors.sms import client
from engine.core.errors import Declined, ModelFault, OutsideFault, Unreachable
from engine.core.operations import Answer
from engine.core.stocks import stocks

from .conftest import World

WIRE = Path(connectors.__file__).parent / "sms" / "wire"
ONE, TWO, THREE = "19900000001", "19900000002", "19900000003"


def batch(world: World, *phones: str, key: str = "key-1", attempt: int = 1) -> list[dict[str, Any]]:
    """The results of one call, in the order of the numbers."""
    messages = [{"phone": phone, "values": {"case_number": f"B-{phone[-1]}", "days": 10}} for phone in phones]
    answer = world.run("sms.send_batch", key=key, attempt=attempt, template="application_accepted", messages=messages)
    assert isinstance(answer, Answer)
    results: list[dict[str, Any]] = answer.variables["results"]
    assert answer.variables["sent"] == sum(one["sent"] for one in results)
    assert answer.variables["sent"] + answer.variables["not_sent"] == len(phones) == len(results)
    return results


def outbox(world: World, phone: str = "") -> list[dict[str, str]]:
    found: list[dict[str, str]] = requests.get(f"{world.url}/sms/_outbox?phone={phone}", timeout=2).json()
    return found


def test_every_number_gets_its_own_message_and_its_own_result(world: World) -> None:
    results = batch(world, ONE, TWO, THREE)
    assert [one["sent"] for one in results] == [True] * 3
    assert len({one["message_id"] for one in results}) == 3
    assert [one["phone"] for one in outbox(world)] == [ONE, TWO, THREE]
    assert "您的申请 B-2 已受理" in outbox(world, TWO)[0]["text"]


def test_a_refused_number_holds_up_no_other(world: World) -> None:
    world.state.switch("sms", TWO, "blacklist")
    results = batch(world, ONE, TWO, "12345", THREE)
    assert [one["code"] for one in results] == [None, "sms_blacklist", "sms_number", None]
    assert results[1]["message_id"] is None
    assert "拒收" in results[1]["reason"]
    assert [one["phone"] for one in outbox(world)] == [ONE, THREE]


def test_the_limit_of_one_number_is_its_own(world: World) -> None:
    for number in range(50):
        batch(world, ONE, key=f"key-{number}")
    assert [one["code"] for one in batch(world, ONE, TWO, key="key-51")] == ["sms_limit", None]
    assert len(outbox(world, ONE)) == 50


def test_a_number_gets_one_message_a_batch(world: World) -> None:
    results = batch(world, ONE, TWO, ONE)
    assert [one["code"] for one in results] == [None, None, "sms_repeated"]
    assert len(outbox(world, ONE)) == 1


def test_a_batch_whose_answer_was_lost_is_sent_once(world: World) -> None:
    world.state.switch("sms", "*", "timeout", times=1)
    with pytest.raises(Unreachable):
        batch(world, ONE, TWO)
    assert len(outbox(world)) == 2
    again = batch(world, ONE, TWO, attempt=2)
    assert [one["sent"] for one in again] == [True, True]
    assert len(outbox(world)) == 2


def test_a_code_is_never_sent_in_a_batch_nor_again_by_itself(world: World) -> None:
    with pytest.raises(ModelFault, match="验证码只能单独发送"):
        world.run("sms.send_batch", template="verification_code", messages=[{"phone": ONE, "values": {}}])
    code = {"phone": ONE, "template": "verification_code", "values": {"code": "246810", "minutes": 5}}
    world.state.switch("sms", "*", "outage")
    with pytest.raises(Unreachable):
        world.run("sms.send", **code)
    world.state.switch("sms", "*", "recovery")
    with pytest.raises(Declined) as raised:
        world.run("sms.send", attempt=2, **code)
    assert raised.value.code == "sms_code_not_repeated"
    assert outbox(world) == []
    world.run("sms.send", key="key-2", **code)
    assert len(outbox(world)) == 1


@pytest.mark.parametrize("count", [0, client.MOST + 1])
def test_a_batch_is_neither_empty_nor_without_end(world: World, count: int) -> None:
    with pytest.raises(ModelFault):
        world.run("sms.send_batch", template="application_accepted", messages=[{"phone": ONE, "values": {}}] * count)


@pytest.mark.parametrize(
    "results",
    [
        [],
        [{"outId": "key-1-0", "code": "OK", "bizId": "S1"}],
        [{"outId": "key-1-0", "code": "OK", "bizId": "S1"}] * 2,
        [{"outId": "key-1-0", "code": "OK", "bizId": "S1"}, {"outId": "other", "code": "OK", "bizId": "S2"}],
        [{"outId": "key-1-0", "code": "OK", "bizId": "S1"}, {"outId": "key-1-1", "code": "OK"}],
        [{"outId": "key-1-0", "code": "OK", "bizId": "S1"}, {"outId": "key-1-1", "code": "isv.NEWS"}],
    ],
    ids=["none", "one", "twice", "another's", "no number", "unknown code"],
)
def test_results_that_do_not_fit_the_numbers_are_no_results(
    world: World, monkeypatch: pytest.MonkeyPatch, results: list[dict[str, str]]
) -> None:
    monkeypatch.setattr("connectors.sms.simulator.Platform.send_all", lambda *_: {"code": "OK", "results": results})
    with pytest.raises(OutsideFault) as raised:
        batch(world, ONE, TWO)
    assert raised.value.code == "unexpected_answer"


def test_a_batch_goes_over_the_wire_as_it_was_written_by_hand(world: World) -> None:
    with tape.running(tape.Tape()) as heard:
        batch(world, ONE, TWO, key="golden-0001")
    for half, sent in (("request", heard.entries[-1].request), ("answer", heard.entries[-1].response)):
        wanted = tape.scrub((WIRE / f"batch.{half}.json").read_bytes(), {})
        assert json.loads(sent) == json.loads(wanted)


def test_what_is_left_goes_down_with_every_message(world: World) -> None:
    assert stocks()["sms"].ask().left == 20_000
    batch(world, ONE, TWO)
    level = stocks()["sms"].ask()
    assert (level.left, level.least, level.low) == (19_998, 1000, False)


def test_below_the_line_somebody_has_to_buy(world: World) -> None:
    load_all({**world.environ, "ANJU_SMS_LOW": "20000"})
    batch(world, ONE)
    answer = world.run("sms.balance")
    assert isinstance(answer, Answer)
    assert answer.variables == {"remaining": 19_999, "low": True}
    load_all({**world.environ, "ANJU_SMS_LOW": "viele"})
    with pytest.raises(OutsideFault, match="ANJU_SMS_LOW"):
        world.run("sms.balance")


def test_without_money_nothing_goes_and_it_is_said(world: World) -> None:
    world.state.switch("sms", "*", "no_balance")
    for operation, inputs in (
        ("sms.send", {"phone": ONE, "values": {}}),
        ("sms.send_batch", {"messages": [{"phone": ONE, "values": {}}]}),
    ):
        with pytest.raises(Declined) as raised:
            world.run(operation, template="application_accepted", **inputs)
        assert raised.value.code == "sms_balance"
    assert stocks()["sms"].ask().low
