"""What a supervisor sees of the other parties, and does about them."""

from __future__ import annotations

from datetime import date, timedelta

import orjson
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from engine.core import clock, db, ids
from engine.core.db import reading, transaction
from engine.outside.breaker import Breaker
from engine.outside.reconciliation import Difference, Reconciliation
from tests.support.installation import Installation
from web import stocks

FORM = {"csrf_token": "token"}


def checked(anju: Installation) -> int:
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    return case_id


def supervisor(anju: Installation) -> str:
    with reading() as session:
        rows = session.execute(text("SELECT login, roles FROM staff_user ORDER BY login")).all()
    return next(str(login) for login, roles in rows if "supervisor" in str(roles))


def test_the_monitor_shows_every_party_with_its_calls_and_times(anju_both: Installation) -> None:
    checked(anju_both)
    page = anju_both.client(anju_both.staff(supervisor(anju_both))).get("/monitor/connectors")
    assert page.status_code == 200
    assert "公安人口与户籍" in page.text
    assert "不动产登记" in page.text
    assert "近 24 小时：调用 4 次，失败 0 次" in page.text
    assert "330106198803121014" not in page.text
    assert 'style="' not in page.text


def test_a_party_that_is_down_stands_first_and_is_called_again_at_a_click(anju: Installation) -> None:
    anju.simulators.state.switch("tax", "*", "outage")
    checked(anju)
    for _ in range(4):
        anju.move(timedelta(minutes=1))
    client = anju.client(anju.staff(supervisor(anju)))
    listed = client.get("/monitor/connectors").text
    assert "已暂停调用" in listed
    assert listed.index("税务") < listed.index("公安人口与户籍")
    page = client.get("/monitor/connectors/tax").text
    assert "自动试探" in page
    assert "恢复调用" in page
    anju.simulators.state.switch("tax", "*", "recovery")
    after = client.post("/monitor/connectors/tax/reset", data=FORM, follow_redirects=True)
    assert "已恢复调用" in after.text
    anju.drain()
    with reading() as session:
        assert session.get_one(Breaker, "tax").state == "closed"
    again = client.post("/monitor/connectors/tax/reset", data=FORM, follow_redirects=True)
    assert "该接入方已恢复调用" in again.text


def test_only_supervisors_see_it(anju: Installation) -> None:
    client = anju.client(anju.staff("liuyang"))
    for path in ("/monitor/connectors", "/monitor/connectors/tax"):
        assert client.get(path).status_code == 403
    assert client.post("/monitor/connectors/tax/reset", data=FORM).status_code == 403


def test_a_party_nobody_knows_is_not_found(anju: Installation) -> None:
    assert anju.client(anju.staff(supervisor(anju))).get("/monitor/connectors/nobody").status_code == 404


def test_a_difference_stays_until_somebody_says_what_became_of_it(anju: Installation) -> None:
    with transaction() as session:
        run = Reconciliation(
            id=ids.new(),
            party="tax",
            name="tax.x",
            title="日对账",
            day=date(2026, 3, 1),
            state="done",
            ran_at=clock.now(),
        )
        session.add(run)
        session.add(
            Difference(
                id=ids.new(),
                run_id=run.id,
                party="tax",
                key="ORDER-7",
                kind="differs",
                fields=["amount"],
                ours=orjson.dumps({"amount": 100}).decode(),
                theirs=orjson.dumps({"amount": 90}).decode(),
            )
        )
    client = anju.client(anju.staff(supervisor(anju)))
    page = client.get("/monitor/connectors/tax").text
    assert "ORDER-7" in page
    assert "100 / 90" in page
    with reading() as session:
        number = session.scalars(select(Difference.id)).one()
    path = f"/monitor/connectors/tax/differences/{number}"
    assert "请写明差异的处理结果" in client.post(path, data=FORM, follow_redirects=True).text
    assert "已记录处理结果" in client.post(path, data={**FORM, "note": "已退款"}, follow_redirects=True).text
    assert "ORDER-7" not in client.get("/monitor/connectors/tax").text
    assert "已由" in client.post(path, data={**FORM, "note": "再次"}, follow_redirects=True).text


@pytest.mark.parametrize("changed", [False, True])
def test_the_case_file_says_whether_evidence_is_as_it_was_kept(anju: Installation, changed: bool) -> None:
    case_id = checked(anju)
    if changed:
        with db.engine().begin() as connection:
            connection.execute(text("UPDATE call_record SET verdict = 'fail' WHERE party = 'tax'"))
    with reading() as session:
        record = session.scalar(text(f"SELECT id FROM call_record WHERE party = 'tax' AND case_id = {case_id}"))  # noqa: S608
    page = anju.client(anju.staff("liuyang")).get(f"/cases/{case_id}/evidence/{record}").text
    assert ("防篡改校验不通过" in page) == changed
    assert ("未改动" in page) != changed
    assert "核对申请家庭的收入" in page


def test_element_templates_are_served_to_staff(anju: Installation) -> None:
    found = anju.client(anju.staff("liuyang")).get("/workbench/element-templates.json").get_json()
    assert "anju.police.household" in {one["id"] for one in found}
    assert anju.client().get("/workbench/element-templates.json").status_code in (302, 303, 401)


@pytest.fixture
def boss(anju: Installation) -> FlaskClient:
    """A supervisor; nobody has asked yet what is left."""
    stocks.forget()
    return anju.client(anju.staff(supervisor(anju)))


def test_a_supervisor_sees_how_many_messages_are_left_and_no_warning(boss: FlaskClient) -> None:
    assert "短信余额" in boss.get("/monitor/connectors/sms").text
    assert "20000 条" in boss.get("/monitor/connectors/sms").text
    assert "短信余额" not in boss.get("/monitor/connectors").text
    assert "短信余额" not in boss.get("/monitor/connectors/police").text


def test_running_low_is_said_until_somebody_has_bought(anju: Installation, boss: FlaskClient) -> None:
    anju.simulators.state.switch("sms", "*", "no_balance")
    said = "短信余额不足：剩 0 条，低于 1000 条，请尽快续费"
    for page in ("/monitor/connectors", "/monitor/connectors/sms"):
        assert said in boss.get(page).text
    anju.simulators.state.switch("sms", "*", "recovery")
    # What was asked a moment ago is not asked again for each look.
    assert said in boss.get("/monitor/connectors").text
    stocks.forget()
    assert said not in boss.get("/monitor/connectors").text


def test_what_could_not_be_asked_is_said_too_and_the_page_stands(anju: Installation, boss: FlaskClient) -> None:
    anju.simulators.state.switch("sms", "*", "outage")
    page = boss.get("/monitor/connectors")
    assert page.status_code == 200
    assert "短信余额没有查到" in page.text
