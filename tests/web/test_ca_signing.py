"""Opinions signed with a certificate: the platform is asked in between, and what is kept is checked whenever shown."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import select, update

from connectors.esign import house as books
from engine.cases.record import JournalEntry, verify
from engine.commands import dispatch
from engine.commands.approval.signers import AddSigners
from engine.core.db import reading, transaction
from engine.outside.ledger import CallRecord, is_untouched
from tests.engine.commands.approval.kit import Office
from tests.support.installation import Installation

ANSWERS = '{"sign_result": "yes", "sign_opinion": "同意上报"}'
STAYS = "意见没有提交，填写的内容都在"


def post(office: Office, login: str, to: str, status: int = 303, **form: Any) -> str:
    answer = office.anju.client(office.who(login)).post(to, data={"csrf_token": "token", **form})
    assert answer.status_code == status, re.sub("<[^>]+>", " ", answer.text)
    return answer.text


def page(office: Office, login: str, path: str) -> str:
    answer = office.anju.client(office.who(login)).get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", answer.text))


def hand_in(office: Office, status: int = 303, pin: str = books.PIN) -> str:
    task = office.task("a")
    form = {"answers": ANSWERS, "version": task.version, "sign": "ca", "pin": pin}
    return post(office, "wangmin", f"/tasks/{task.id}", status, **form)


def printed(office: Office) -> str:
    answer = office.anju.client(office.who("wangmin")).get(f"/cases/{office.case_id}/approval.pdf")
    return "".join(one.extract_text() for one in PdfReader(io.BytesIO(answer.data)).pages)


def calls(office: Office) -> list[CallRecord]:
    with reading() as session:
        ours = select(CallRecord).where(CallRecord.case_id == office.case_id).order_by(CallRecord.id)
        return [one for one in session.scalars(ours) if one.operation == "esign.opinion"]


def test_a_signature_stands_checked_beside_the_opinion_and_on_paper(anju_both: Installation) -> None:
    office = Office(anju_both, "line")
    hand_in(office)
    shown = page(office, "chenhao", f"/tasks/{office.task('b').id}")
    found = re.search(r"CA 签名 · 王敏 · 证书 ([0-9A-F]{20,}) · [0-9: -]+ 已核验", shown)
    assert found is not None, shown
    paper = re.sub(r"\s", "", printed(office))
    assert f"CA签名·王敏·证书{found[1]}" in paper
    assert "已核验" in paper
    [call] = calls(office)
    assert (call.outcome, is_untouched(call)) == ("answered", True)
    assert b"digest" in (call.request or b"")
    assert b"pinProof" not in (call.request or b"")
    with reading() as session:
        assert verify(session, office.case_id) is None


def test_whoever_is_asked_signs_the_opinion_too(anju: Installation) -> None:
    office = Office(anju, "line").do("a", "wangmin")
    dispatch(AddSigners(office.task("b").id, (office.id("zhaoling"),), "before"), office.who("chenhao"))
    asked = office.task("b", kind="added_before")
    said = {"verdict": "disagree", "text": "面积不符", "version": asked.version, "sign": "ca"}
    again = post(office, "zhaoling", f"/tasks/{asked.id}/opinion", 422, **said, pin="000000")
    assert "CA 证书口令不正确，还可以输入 2 次" in again
    assert "面积不符</textarea>" in again
    post(office, "zhaoling", f"/tasks/{asked.id}/opinion", **said, pin=books.PIN)
    assert "CA 签名 · 赵玲" in page(office, "chenhao", f"/tasks/{office.task('b').id}")


@pytest.mark.parametrize("what", ["opinion", "signature"])
def test_a_text_altered_afterwards_no_longer_fits(anju: Installation, what: str) -> None:
    office = Office(anju, "line")
    hand_in(office)
    kind = "completed" if what == "opinion" else "ca_signed"
    lines = (JournalEntry.case_id == office.case_id, JournalEntry.kind == kind)
    with transaction() as session:
        kept = dict(session.scalars(select(JournalEntry).where(*lines)).one().payload or {})
        altered = {"sign_opinion": "不同意上报"} if what == "opinion" else {"name": "陈浩", "account": "chenhao"}
        session.execute(update(JournalEntry).where(*lines).values(payload={**kept, **altered}))
    shown = page(office, "chenhao", f"/tasks/{office.task('b').id}")
    assert "签名与意见不符" in shown
    assert "已核验" not in shown
    assert "签名与意见不符" in printed(office).replace("\n", "")


@pytest.mark.parametrize(
    ("scenario", "said", "outcome"),
    [
        ("outage", "暂时不能服务", "unreachable"),
        ("empty", "您在签约平台没有 CA 证书", "declined"),
        ("mismatch", "证书不是本人的", "fault"),
        ("expired_certificate", "签名时证书已过期", "fault"),
        ("bad_signature", "签名不正确", "fault"),
    ],
)
def test_what_goes_wrong_leaves_the_opinion_where_it_is(
    anju: Installation, scenario: str, said: str, outcome: str
) -> None:
    office = Office(anju, "line")
    anju.simulators.state.switch("esign", "*", scenario)
    shown = hand_in(office, 422)
    assert said in shown
    assert STAYS in shown
    assert json.dumps("同意上报").strip('"') in shown, "what was typed is in the form still"
    assert office.at() == ["a"]
    assert [one.outcome for one in calls(office)] == [outcome]
    anju.simulators.state.switch("esign", "*", "recovery")
    hand_in(office)
    assert office.at() == ["b"]


def test_a_wrong_pin_thrice_locks_the_certificate_and_none_asks_nobody(anju: Installation) -> None:
    office = Office(anju, "line")
    assert "请输入 CA 证书口令" in hand_in(office, 422, pin="")
    assert calls(office) == []
    for left in ("还可以输入 2 次", "还可以输入 1 次", "还可以输入 0 次", "已锁定"):
        assert left in hand_in(office, 422, pin="000000")
    assert "已锁定" in hand_in(office, 422)
    assert office.at() == ["a"]


def test_answers_that_do_not_hold_are_refused_before_the_pin_is_used(anju: Installation) -> None:
    office = Office(anju, "line")
    task = office.task("a")
    form = {"answers": "{}", "version": task.version, "sign": "ca", "pin": books.PIN}
    post(office, "wangmin", f"/tasks/{task.id}", 422, **form)
    assert calls(office) == []
