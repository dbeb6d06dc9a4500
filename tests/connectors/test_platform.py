"""A case comes down from the service platform once, and is reported step by step in the order the platform wants."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from connectors.platform import client, simulator
from engine.cases.case import Case
from engine.cases.documents import Attachment
from engine.commands import dispatch
from engine.commands.operate import ResumeCase, SuspendCase
from engine.commands.outside import SkipReport
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading
from engine.core.errors import Declined
from engine.outside.handed_down import HandedDown
from engine.outside.outbox import Report
from engine.outside.reconciliation import Difference
from engine.workers import rounds
from tests.support.installation import Installation, picture

DAY = "2026-03-02"
NUMBER = "440703202603020007"
FORM: dict[str, Any] = {
    "bzfs": "1",
    "sqr": {
        "xm": "林秋实",
        "hyzk": "20",
        "zjlx": "111",
        "zjhm": "330106198803121014",
        "sjh": "19900000001",
        "ssq": "浙江省/杭州市/西湖区",
        "hjlx": "1",
    },
    "gtsqr": [
        {"xm": "周雨桐", "gx": "10", "zjlx": "111", "zjhm": "330106199007251023"},
        {"xm": "林小满", "gx": "20", "zjlx": "111", "zjhm": "330106201505011049", "wcn": True},
        {"xm": "何月英", "gx": "50", "zjlx": "111", "zjhm": "330106196002181069"},
    ],
    "zf": {"qk": "2", "dz": "安居市西湖区文二路 100 号 1 幢 301 室"},
    "sr": "126000.00",
    "sqcx": True,
}


def pushing(anju: Installation, number: str = NUMBER, **changes: Any) -> dict[str, Any]:
    """The message that hands a case down."""
    message = {
        "type": "CASE",
        "caseNo": number,
        "itemCode": "440703-BZF-0001",
        "itemVersion": "4",
        "region": "330106",
        "form": FORM,
        "files": [],
    }
    return {**message, **changes}


def hand_down(anju: Installation, **changes: Any) -> int:
    """A case on the platform, pushed to us; gives the id of ours."""
    simulator.book(anju.simulators.state, NUMBER, DAY)
    told = simulator.push(anju.url, pushing(anju, **changes), "p-1")
    assert told["code"] == "0", told
    with reading() as session:
        case = session.scalars(select(Case).where(Case.number == told["acceptNo"])).one()
    anju.drain()
    return case.id


def on_platform(anju: Installation) -> list[str]:
    """The steps the platform has taken, in its codes."""
    return list(simulator.case(anju.simulators.state, NUMBER)["steps"])


def lines(case_id: int) -> list[str]:
    with reading() as session:
        query = select(Report.state).where(Report.case_id == case_id).order_by(Report.number)
        return list(session.scalars(query))


def fetch(anju: Installation) -> int:
    rounds._collected.clear()
    return rounds.collect(anju.parts.files)


def supervisor(anju: Installation) -> Actor:
    return Actor("staff", 1, "林主任", anju.office(), frozenset({"supervisor"}), (anju.office(),))


def accept(anju: Installation, case_id: int) -> None:
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted", "accept_opinion": "材料齐全"})


def test_a_case_pushed_twice_starts_once_and_is_told_the_same_number(anju: Installation) -> None:
    case_id = hand_down(anju)
    again = simulator.push(anju.url, pushing(anju), "p-2")
    assert again == {"code": "0", "acceptNo": anju.case(case_id).number, "repeated": True}
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Case)) == 1
        assert session.scalars(select(HandedDown.number)).one() == NUMBER
    assert anju.case(case_id).channel == "platform"
    assert anju.case(case_id).subject_name == "林秋实"


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"itemVersion": "9"}, "unknown_version", "3、4"),
        ({"itemCode": "440703-XXX"}, "unknown_item", "事项目录"),
        ({"region": "999999"}, "unknown_region", "地区"),
        ({"form": {**FORM, "bzfs": "7"}}, "invalid_answers", "更正"),
        ({"type": "NEWS"}, "bad_message", "type"),
    ],
)
def test_what_we_cannot_take_is_refused_with_a_reason_and_may_come_again(
    anju: Installation, changes: dict[str, Any], code: str, words: str
) -> None:
    told = simulator.push(anju.url, pushing(anju, **changes), "p-1")
    assert told["code"] == code
    assert words in told["message"]
    assert hand_down(anju)


def test_a_forged_push_is_refused(anju: Installation) -> None:
    body, headers = simulator.signed_push(pushing(anju), "p-1", secret="somebody")
    posted = anju.app.test_client().post("/inbound/platform", data=body, headers=headers)
    assert posted.status_code == 401
    assert posted.get_json()["code"] == "bad_signature"


def test_files_arrive_later_each_once_and_only_as_they_were_announced(anju: Installation) -> None:
    state, content = anju.simulators.state, picture()
    simulator.book(state, NUMBER, DAY)
    announced = simulator.keep(state, NUMBER, {"F1": ("id_card", "身份证.png", content)}, ready=False)
    forged = simulator.keep(state, NUMBER, {"F2": ("income_proof", "收入.png", content)}, ready=False)
    forged[0]["sha256"] = hashlib.sha256(b"other").hexdigest()
    simulator.offer(state, NUMBER)
    # They overtake the case: refused, and offered again.
    assert fetch(anju) == 0
    simulator.push(anju.url, pushing(anju, files=[*announced, *forged]), "p-1")
    assert fetch(anju) == 1
    assert fetch(anju) == 0
    with reading() as session:
        (kept,) = session.scalars(select(Attachment)).all()
    assert (kept.code, kept.via, kept.sha) == ("id_card", "platform", hashlib.sha256(content).hexdigest())
    assert list(simulator.case(state, NUMBER)["files"]) == ["F2"]


def test_every_step_is_reported_in_order_from_acceptance_to_the_end(anju: Installation) -> None:
    case_id = hand_down(anju)
    accept(anju, case_id)
    assert on_platform(anju) == ["SL"]
    dispatch(SuspendCase(case_id, "等待上级答复"), supervisor(anju))
    dispatch(ResumeCase(case_id), supervisor(anju))
    anju.drain()
    assert on_platform(anju) == ["SL", "GQ", "HF"]
    assert simulator.push(anju.url, {"type": "WITHDRAW", "caseNo": NUMBER, "reason": "买房了"}, "w-1")["code"] == "0"
    anju.drain()
    assert anju.case(case_id).outcome == "withdrawn"
    assert on_platform(anju) == ["SL", "GQ", "HF", "CH"]
    last = simulator.case(anju.simulators.state, NUMBER)["reports"][-1]
    assert (last["serial"], last["result"], last["org"]) == (4, "撤回", "西湖区住房保障所")
    late = simulator.push(anju.url, {"type": "WITHDRAW", "caseNo": NUMBER}, "w-2")
    assert late["code"] == "too_late"


def test_a_supplement_is_asked_for_received_and_reported(anju: Installation) -> None:
    case_id = hand_down(anju)
    asked = {"accept_result": "supplement", "supplement_items": ["id_card"], "supplement_note": "请补身份证反面"}
    anju.do(case_id, "accept", "liuyang", asked)
    assert on_platform(anju) == ["BJGZ"]
    files = simulator.keep(anju.simulators.state, NUMBER, {"S1": ("id_card", "反面.png", picture())}, ready=True)
    told = simulator.push(anju.url, {"type": "SUPPLEMENT", "caseNo": NUMBER, "files": files}, "s-1")
    assert told["code"] == "0"
    assert "supplement" in anju.tasks(case_id)
    fetch(anju)
    anju.drain()
    assert on_platform(anju) == ["BJGZ", "BJSL"]
    assert "accept" in anju.tasks(case_id)
    again = simulator.push(anju.url, {"type": "SUPPLEMENT", "caseNo": NUMBER, "files": files}, "s-2")
    assert again["code"] == "not_asked"
    accept(anju, case_id)
    assert on_platform(anju) == ["BJGZ", "BJSL", "SL"]


def test_a_platform_that_is_down_gets_everything_later_in_the_same_order(anju_both: Installation) -> None:
    anju = anju_both
    case_id = hand_down(anju)
    anju.simulators.state.switch("platform", "*", "outage")
    accept(anju, case_id)
    dispatch(SuspendCase(case_id, "等待上级答复"), supervisor(anju))
    dispatch(ResumeCase(case_id), supervisor(anju))
    anju.move(timedelta(minutes=2))
    assert lines(case_id) == ["sending", "waiting", "waiting"]
    assert on_platform(anju) == []
    anju.simulators.state.switch("platform", "*", "recovery")
    for _ in range(6):
        anju.move(timedelta(minutes=10))
    assert on_platform(anju) == ["SL", "GQ", "HF"]
    assert lines(case_id) == ["accepted"] * 3


def test_a_step_out_of_order_is_refused_by_the_platform(anju: Installation) -> None:
    simulator.book(anju.simulators.state, NUMBER, DAY)
    told = {"reference": NUMBER, "title": "", "handler": "", "organisation": "", "at": "", "result": "", "document": ""}
    for step, serial in (("closed", 1), ("accepted", 2), ("supplement_received", 1), ("resumed", 1)):
        with pytest.raises(Declined) as raised:
            client.report({**told, "step": step}, serial, f"{step}-{serial}")
        assert raised.value.code == "platform_wrong_order"
    client.report({**told, "step": "accepted"}, 1, "a")
    client.report({**told, "step": "accepted"}, 1, "another-attempt")
    assert on_platform(anju) == ["SL"]


def test_what_the_platform_missed_is_listed_the_next_day(anju: Installation) -> None:
    case_id = hand_down(anju)
    simulator.book(anju.simulators.state, "440703202603020099", DAY)
    anju.simulators.state.switch("platform", NUMBER, "out_of_order")
    accept(anju, case_id)
    with reading() as session:
        stuck = session.scalars(select(Report).where(Report.state == "stuck")).one()
    dispatch(SkipReport(stuck.id, "已电话告知平台"), SYSTEM)
    anju.simulators.state.switch("platform", NUMBER, "recovery")
    anju.move(timedelta(days=1))
    rounds.reconcile()
    with reading() as session:
        found = {
            (one.key, one.kind): (one.ours, one.theirs)
            for one in session.scalars(select(Difference).where(Difference.party == "platform"))
        }
    assert json.loads(found[NUMBER, "differs"][0]) == {"step": "accepted"}
    assert json.loads(found[NUMBER, "differs"][1]) == {"step": "received"}
    assert set(found) == {(NUMBER, "differs"), ("440703202603020099", "missing_here")}


def test_a_case_from_the_counter_is_not_reported(anju: Installation) -> None:
    started = anju.apply()
    anju.drain()
    accept(anju, started.case_id)
    assert lines(started.case_id) == []
