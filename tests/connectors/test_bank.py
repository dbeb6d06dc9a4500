"""Three banks, three formats: what is sent, what comes back, and what neither side may make of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from connectors import load_all
from connectors.bank import client
from connectors.bank.books import BANKS, Malformed
from connectors.bank.operations import fetch
from connectors.bank.simulator import Street, street
from engine.core.errors import OutsideFault, Refused, Unreachable
from engine.core.inbound import NoticeCame
from engine.core.operations import Answer, Call, find
from engine.core.payment_list import Payment, read, write

from .conftest import World

WIRE = Path("connectors/bank/wire")
BATCH, DAY = "KK-20260302-001", date(2026, 3, 2)
LIST = [
    Payment(1, "ZD-1", "林秋实", "6222000000001100", 52500, "2026年3月租金"),
    Payment(2, "ZD-2", "孙伯年", "6222000000001101", 8810),
]
BANK = pytest.mark.parametrize("bank", list(client.TITLES))


class Kept:
    def read(self, file_id: str) -> bytes:
        return write(LIST)

    def write(self, content: bytes, *, name: str, media_type: str) -> str:
        raise NotImplementedError


def send(bank: str, batch: str = BATCH) -> Answer:
    inputs = {"bank": bank, "kind": "deduction", "batch_number": batch, "day": DAY.isoformat(), "list_file": "list"}
    found = find("bank.send")
    answer = found.run(Call(1, "", "", 1, "t", "send", "key-1", found.load_inputs(inputs, {}), files=Kept()))
    assert isinstance(answer, Answer)
    return answer


def came() -> list[NoticeCame]:
    return list(fetch())


@pytest.fixture
def banks(world: World) -> Street:
    found = street(world.state)
    for house in found.houses.values():
        house.orders.clear()
        house.debits.clear()
        house.held.clear()
        for path in house.folder.rglob("*.txt*"):
            path.unlink()
    return found


@BANK
def test_both_sides_write_what_was_agreed(bank: str) -> None:
    order = (WIRE / f"{bank}.order.dat").read_bytes()
    assert client.order(bank, "deduction", BATCH, DAY, LIST) == order
    taken = BANKS[bank].order(order)
    assert taken.lines == tuple((one.number, one.account, one.holder, one.amount_fen) for one in LIST)
    outcomes = [
        (1, LIST[0].account, 52500, "", f"{bank}00000001"),
        (2, LIST[1].account, 8810, "insufficient_funds", ""),
    ]
    result = BANKS[bank].result(taken, outcomes, 0)
    assert result == (WIRE / f"{bank}.result.dat").read_bytes()
    lines = list(client.profile(bank, "result").read(result))
    assert [(line["number"], line["amount"], line["result"].code) for line in lines] == [
        (1, 52500, "paid"),
        (2, 8810, "insufficient_funds"),
    ]


@BANK
def test_a_batch_goes_out_and_its_results_come_back(banks: Street, bank: str) -> None:
    sent = send(bank)
    assert (sent.variables["sent_lines"], sent.variables["sent_fen"]) == (2, 61310)
    assert banks.houses[bank].work() == 1
    ack, result = came()
    assert ack.kind == "bank_ack"
    assert [(one["batch"], one["code"]) for one in ack.content["acks"]] == [(BATCH, "0000")]
    assert result.kind == "bank_result"
    assert [line[:5] for line in result.content["lines"]] == [
        [1, "6222000000001100", 52500, "ok", "paid"],
        [2, "6222000000001101", 8810, "failed", "insufficient_funds"],
    ]
    assert all(declared == counted for _, declared, counted in result.content["totals"])
    assert came() == [], "what was taken was put aside"


@BANK
def test_the_same_batch_sent_again_is_debited_once(banks: Street, bank: str) -> None:
    house = banks.houses[bank]
    send(bank)
    send(bank)
    assert house.work() == 1
    assert len(house.debits) == 1
    send(bank)
    assert house.work() == 1
    assert len(house.debits) == 1, "the bank knows the batch number"
    acks = [one["code"] for notice in came() if notice.kind == "bank_ack" for one in notice.content["acks"]]
    assert sorted(acks) == ["0000", "2001"]


def test_other_bytes_under_the_same_batch_number_are_refused_before_the_bank_sees_them(banks: Street) -> None:
    send("bing")
    other = client.order("bing", "deduction", BATCH, DAY, LIST[:1])
    with pytest.raises(OutsideFault) as raised:
        client.send("bing", "deduction", BATCH, other)
    assert raised.value.code == "file_exists"


def test_a_wrong_total_is_told_with_what_was_declared_and_counted(world: World, banks: Street) -> None:
    world.state.switch("bank", BATCH, "wrong_total")
    send("yi")
    banks.houses["yi"].work()
    [result] = [notice for notice in came() if notice.kind == "bank_result"]
    assert ["amount", 61311, 61310] in result.content["totals"]


def test_a_file_that_cannot_be_read_is_handed_on_as_such_and_the_others_are_not_kept_waiting(banks: Street) -> None:
    house = banks.houses["jia"]
    house._leave("JGX.txt", b"H too short\r\n")
    house._leave("MX20260303.txt", BANKS["jia"].movements("33001", "20260303", []))
    kinds = {notice.kind: notice for notice in came()}
    assert set(kinds) == {"bank_unreadable", "bank_movements"}
    assert "JGX.txt" in kinds["bank_unreadable"].content["fault"]


def test_what_is_taken_back_the_next_day_stands_in_the_movements(banks: Street) -> None:
    house = banks.houses["yi"]
    house._take(
        client.order("yi", "deduction", "KK-9", DAY, [Payment(1, "ZD-9", "何月英", "6222000000001109", 100)]), "KK-9"
    )
    house.movements("20260303")
    [moved] = [notice for notice in came() if notice.kind == "bank_movements"]
    assert [
        (line["batch"], line["number"], line["reversal"], line["direction"]) for line in moved.content["lines"]
    ] == [
        ("KK-9", 1, None, "C"),
        ("KK-9", 1, "R", "D"),
    ]


def test_a_bank_that_is_down_is_unreachable_and_the_others_still_bring_theirs(world: World, banks: Street) -> None:
    banks.houses["bing"]._leave("HZB.txt", BANKS["bing"].ack("B", "0000", "已受理"))
    load_all({**world.environ, "ANJU_BANK_JIA": "sftp://anju@127.0.0.1:1/"})
    seen: list[NoticeCame] = []
    with pytest.raises(Unreachable):
        seen.extend(fetch())
    assert [notice.content["bank"] for notice in seen] == ["bing"]
    with pytest.raises(Unreachable):
        send("jia")


def test_the_bank_refuses_a_file_whose_totals_are_wrong() -> None:
    order = (WIRE / "yi.order.dat").read_bytes().replace(b"%2|613.10", b"%3|613.10")
    with pytest.raises(Malformed):
        BANKS["yi"].order(order)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ZD-1,张三,6222000000001100,0,", "大于零"),
        ("ZD-1,张三,6222000000001100,1.234,", "两位小数"),
        ("ZD-1,张三,62A2,1.00,", "账号"),
        ("ZD-1,,6222000000001100,1.00,", "户名"),
        ("=cmd(),张三,6222000000001100,1.00,", "业务编号"),
        ("ZD-1,张三,6222000000001100,NaN,", "大于零"),
        ("ZD-1,张三,6222000000001100,1.00,\nZD-1,李四,6222000000001102,1.00,", "第 1 行相同"),
    ],
)
def test_a_faulty_list_is_refused_as_a_whole_with_the_line(line: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        read(f"业务编号,户名,账号,金额,摘要\n{line}\n".encode())


def test_a_list_may_come_from_a_spreadsheet_of_either_encoding() -> None:
    text = '业务编号,户名,账号,金额\nZD-1,龙𠮷,6222 0000 0000 1100,"1,525.00"\n'
    for encoding in ("utf-8-sig", "gb18030"):
        assert read(text.encode(encoding)) == [Payment(1, "ZD-1", "龙𠮷", "6222000000001100", 152500)]
    assert read(write(LIST)) == LIST
