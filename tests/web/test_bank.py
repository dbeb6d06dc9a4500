"""The money desk's pages: make, check by another, see what does not agree."""

from __future__ import annotations

import io
from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from connectors import load, manifests
from connectors.bank import simulator
from engine.core.db import reading
from engine.registers.bank_batches import BankBatch
from engine.workers import rounds
from tests.support.installation import Installation

LIST = "业务编号,户名,账号,金额\nZD-1,林秋实,6222000000001100,525.00\nZD-2,孙伯年,6222000000001101,88.10\n"


def signed_in(anju: Installation, login: str) -> tuple[FlaskClient, Callable[..., TestResponse]]:
    client = anju.parts.flask.test_client()
    with client.session_transaction() as session:
        session["actor"], session["csrf"] = anju.staff(login).key, "token"

    def post(path: str, **form: object) -> TestResponse:
        return client.post(path, data={"csrf_token": "token", **form}, follow_redirects=True)

    return client, post


def make(post: Callable[..., TestResponse], text: str = LIST) -> TestResponse:
    file = (io.BytesIO(text.encode("utf-8-sig")), "名单.csv")
    return post("/bank", bank="bing", kind="deduction", title="3月租金", list=file)


def test_a_batch_goes_from_the_list_to_its_end_with_two_pairs_of_eyes(anju: Installation) -> None:
    load(next(one for one in manifests() if one.party == "bank"), simulator.settings(anju.simulators.state, ""))
    _, maker = signed_in(anju, "qianhui")
    client, checker = signed_in(anju, "wulei")
    page = make(maker)
    assert page.status_code == 200
    assert "待复核" in page.text
    assert "复核通过" not in page.text, "the maker sees no button to check himself"
    with reading() as session:
        [batch] = session.scalars(select(BankBatch))
    assert "复核通过" in client.get(f"/bank/{batch.id}").text
    assert "待送出" in checker(f"/bank/{batch.id}/approve").text
    assert rounds.send_batches(anju.parts.files) == 1
    anju.simulators.state.switch("bank", batch.number, "wrong_amount")
    simulator.street(anju.simulators.state).houses["bing"].work()
    rounds._collected.clear()
    rounds.collect(anju.parts.files)
    seen = client.get(f"/bank/{batch.id}").text
    assert "结果的金额与送出的不同" in seen
    assert "525.01 元" in seen
    assert "林秋实" not in seen
    assert "6222000000001100" not in seen
    failed = client.get(f"/bank/{batch.id}?state=failed").text
    assert "余额不足" in failed
    assert "办结</button>" not in seen


def test_a_faulty_list_is_told_line_by_line_and_keeps_nothing(anju: Installation) -> None:
    _, maker = signed_in(anju, "qianhui")
    page = make(maker, "业务编号,户名,账号,金额\nZD-1,张三,12,1.00\nZD-2,李四,6222000000001100,-1\n")
    assert page.status_code == 422
    assert "第 1 行：账号应为" in page.text
    assert "第 2 行：金额应大于零" in page.text
    with reading() as session:
        assert session.scalars(select(BankBatch)).all() == []


def test_only_the_money_desk_and_its_own_office_see_batches(anju: Installation) -> None:
    _, maker = signed_in(anju, "qianhui")
    make(maker)
    with reading() as session:
        [batch] = session.scalars(select(BankBatch))
    other, _ = signed_in(anju, "wangmin")
    assert other.get("/bank").status_code == 403
    assert other.get(f"/bank/{batch.id}").status_code == 403
