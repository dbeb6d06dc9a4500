"""Bank batches: nobody is debited twice, nothing is booked in doubt, and every difference is listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from connectors import load, manifests
from connectors.bank import simulator
from connectors.bank.simulator import House, street
from engine.commands import dispatch
from engine.commands.bank import (
    ApproveBatch,
    BuildBatch,
    CloseBatch,
    DropBatch,
    SettleBankDifference,
    waiting_to_go,
)
from engine.core import clock
from engine.core.actor import Actor
from engine.core.db import reading
from engine.core.errors import Duplicate, Forbidden, Refused
from engine.core.payment_list import Payment, write
from engine.registers.bank_batches import (
    FAILED,
    PAID,
    REVERSED,
    WAITING,
    BankBatch,
    BankDifference,
    Result,
    Sent,
    match,
    tally,
)
from engine.workers import rounds
from tests.support.installation import Installation


@dataclass
class Office:
    """The money desk of an office and its bank."""

    anju: Installation
    maker: Actor
    checker: Actor
    houses: dict[str, House]

    def build(self, payments: list[Payment], bank: str = "yi") -> int:
        content = write(payments)
        file = self.anju.parts.files.write(content, name="list.csv", media_type="text/csv")
        made: int = dispatch(BuildBatch(bank, "deduction", "3月租金", content, file), self.maker)
        return made

    def approved(self, payments: list[Payment], bank: str = "yi") -> int:
        batch = self.build(payments, bank)
        dispatch(ApproveBatch(batch), self.checker)
        return batch

    def send(self) -> int:
        return rounds.send_batches(self.anju.parts.files)

    def fetch(self) -> None:
        rounds._collected.clear()
        rounds.collect(self.anju.parts.files)

    def day(self, bank: str = "yi") -> None:
        """What was approved goes out, the bank works, its files come in."""
        self.send()
        self.houses[bank].work()
        self.fetch()

    def batch(self, batch_id: int) -> BankBatch:
        with reading() as session:
            return session.get_one(BankBatch, batch_id)

    def tally(self, batch_id: int) -> dict[str, int]:
        with reading() as session:
            return {state: count for state, (count, _) in tally(session, batch_id).items() if count}

    def differences(self, state: str = "open") -> list[tuple[str, int]]:
        with reading() as session:
            query = select(BankDifference.kind, BankDifference.number).where(BankDifference.state == state)
            return sorted((kind, number) for kind, number in session.execute(query))


def payments(count: int, first: int = 1) -> list[Payment]:
    """Every tenth payer has no money, every fifteenth another name; nobody's payment is taken back."""
    endings = {0: "01", 5: "03"}
    return [
        Payment(
            number,
            f"ZD-{first + number - 1}",
            f"租户{number}",
            f"62220000{number:06d}{endings.get(number % 10, '00')}",
            50_000 + number,
        )
        for number in range(1, count + 1)
    ]


def lead_to(settings: Mapping[str, str]) -> None:
    """Let the connector find its banks."""
    load(next(one for one in manifests() if one.party == "bank"), settings)


@pytest.fixture
def office(anju_both: Installation) -> Office:
    anju = anju_both
    lead_to(simulator.settings(anju.simulators.state, ""))
    found = street(anju.simulators.state)
    for house in found.houses.values():
        house.orders.clear()
        house.debits.clear()
        house.held.clear()
        for path in house.folder.rglob("*.txt*"):
            path.unlink()
    someone = anju.staff("wangmin")

    def at_desk(number: int, name: str, role: str) -> Actor:
        return Actor("staff", number, name, someone.office_id, frozenset({role}), someone.offices)

    return Office(anju, at_desk(901, "钱会计", "finance"), at_desk(902, "赵出纳", "finance_review"), found.houses)


def test_a_batch_is_made_checked_by_another_sent_and_booked(office: Office) -> None:
    batch = office.build(payments(20))
    assert office.send() == 0, "nobody has checked it"
    office.day()
    dispatch(ApproveBatch(batch), office.checker)
    office.day()
    assert office.batch(batch).state == "answered"
    assert office.tally(batch) == {PAID: 16, FAILED: 4}
    assert office.differences() == []
    assert len(office.houses["yi"].debits) == 16
    dispatch(CloseBatch(batch), office.maker)
    assert office.batch(batch).state == "closed"


def test_the_maker_does_not_check_himself(office: Office) -> None:
    batch = office.build(payments(1))
    both = Actor("staff", 901, "钱会计", office.maker.office_id, frozenset({"finance_review"}), office.maker.offices)
    with pytest.raises(Forbidden):
        dispatch(ApproveBatch(batch), both)


def test_a_bill_stands_in_one_batch_at_a_time_and_a_failed_one_may_go_again(office: Office) -> None:
    first = office.approved(payments(10))
    with pytest.raises(Duplicate):
        office.build(payments(1, first=3))
    office.day()
    with pytest.raises(Duplicate):
        office.build(payments(1, first=3))
    failed = Payment(1, "ZD-10", "租户10", "6222000000001000", 50_010)
    second = office.approved([failed])
    office.day()
    assert office.tally(first) == {PAID: 8, FAILED: 2}
    assert office.tally(second) == {PAID: 1}


def test_a_dropped_batch_never_goes_out_and_frees_its_bills(office: Office) -> None:
    batch = office.approved(payments(3))
    dispatch(DropBatch(batch, "名单有误"), office.maker)
    office.day()
    assert office.houses["yi"].orders == {}
    assert office.build(payments(3)) != batch


def test_a_batch_the_bank_refuses_as_a_whole_moves_nothing_and_frees_its_bills(office: Office) -> None:
    batch = office.approved(payments(3))
    office.anju.simulators.state.switch("bank", office.batch(batch).number, "refused")
    office.day()
    assert (office.batch(batch).state, office.batch(batch).note) == ("refused", "代扣协议暂停")
    assert office.build(payments(3)) != batch


def test_results_that_come_late_are_booked_when_they_come(office: Office) -> None:
    batch = office.approved(payments(10))
    office.anju.simulators.state.switch("bank", office.batch(batch).number, "late")
    office.day()
    assert (office.batch(batch).state, office.tally(batch)) == ("accepted", {WAITING: 10})
    for _ in range(3):
        office.day()
    assert office.tally(batch) == {PAID: 8, FAILED: 2}


def test_the_same_result_twice_is_booked_once(office: Office) -> None:
    batch = office.approved(payments(10))
    office.anju.simulators.state.switch("bank", office.batch(batch).number, "twice")
    office.day()
    assert office.tally(batch) == {PAID: 8, FAILED: 2}
    assert office.differences() == []


@pytest.mark.parametrize(
    ("scenario", "kind", "number", "booked"),
    [
        ("missing_line", "missing", 10, {PAID: 8, FAILED: 1, WAITING: 1}),
        ("extra_line", "unknown", 11, {PAID: 8, FAILED: 2}),
        ("wrong_amount", "amount", 1, {PAID: 7, FAILED: 2, WAITING: 1}),
        ("wrong_total", "total", 0, {WAITING: 10}),
    ],
)
def test_what_does_not_agree_is_listed_and_never_booked(
    office: Office, scenario: str, kind: str, number: int, booked: dict[str, int]
) -> None:
    batch = office.approved(payments(10))
    office.anju.simulators.state.switch("bank", office.batch(batch).number, scenario)
    office.day()
    assert (kind, number) in office.differences()
    assert office.tally(batch) == booked
    with pytest.raises(Refused):
        dispatch(CloseBatch(batch), office.maker)


def test_what_the_bank_takes_back_next_day_is_reversed_once_and_shown(office: Office) -> None:
    back = Payment(1, "ZD-1", "何月英", "6222000000001109", 8_800)
    batch = office.approved([back, *[Payment(2, "ZD-2", "林秋实", "6222000000001100", 100)]])
    office.day()
    assert office.tally(batch) == {PAID: 2}
    with clock.frozen(clock.now() + timedelta(days=1)):
        office.houses["yi"].movements("20260303")
        office.fetch()
        office.houses["yi"].movements("20260303")
        office.fetch()
    assert office.tally(batch) == {PAID: 1, REVERSED: 1}
    assert office.differences() == [("reversal", 1)]
    again = office.approved([Payment(1, "ZD-1", "何月英", "6222000000001100", 8_800)])
    assert office.batch(again).state == "approved", "what was taken back may be collected anew"


def test_a_difference_is_settled_with_a_word_and_the_batch_can_be_closed(office: Office) -> None:
    batch = office.approved(payments(10))
    office.anju.simulators.state.switch("bank", office.batch(batch).number, "extra_line")
    office.day()
    with reading() as session:
        [found] = session.scalars(select(BankDifference))
    with pytest.raises(Refused):
        dispatch(SettleBankDifference(found.id, " "), office.maker)
    dispatch(SettleBankDifference(found.id, "银行确认为他人款项，已退回"), office.maker)
    dispatch(CloseBatch(batch), office.checker)
    assert office.batch(batch).state == "closed"


def test_an_unreachable_bank_gets_the_batch_later_and_once(office: Office) -> None:
    batch = office.approved(payments(5))
    settings = simulator.settings(office.anju.simulators.state, "")
    lead_to({**settings, "ANJU_BANK_YI": "sftp://anju@127.0.0.1:1/"})
    assert office.send() == 0
    assert (office.batch(batch).state, office.batch(batch).attempts) == ("approved", 1)
    lead_to(settings)
    assert office.send() == 1
    assert office.send() == 0
    office.day()
    assert len(office.houses["yi"].orders) == 1
    with reading() as session:
        assert waiting_to_go(session) == []


def test_a_file_nobody_can_read_is_told_and_holds_up_nothing(office: Office) -> None:
    batch = office.approved(payments(5))
    office.send()
    office.houses["yi"].work()
    office.houses["yi"]._leave("JGZZZ.txt", "乱七八糟".encode())
    office.fetch()
    assert office.differences() == [("unreadable", 0)]
    assert office.tally(batch) == {PAID: 4, FAILED: 1}


def scale(office: Office, count: int, scenario: str) -> None:
    batch = office.approved(payments(count), "jia")
    number = office.batch(batch).number
    office.anju.simulators.state.switch("bank", number, scenario)
    office.day("jia")
    office.send()
    office.houses["jia"].work()
    office.fetch()
    house = office.houses["jia"]
    assert len({key for key in house.debits if key[0] == number}) == len(house.debits) == count - 2 * (count // 10)
    assert office.tally(batch)[PAID] == len(house.debits)


def test_hundreds_of_lines_with_partial_success_agree_to_the_line(office: Office) -> None:
    scale(office, 600, "twice")


@pytest.mark.slow
def test_eighteen_thousand_lines_with_partial_success_agree_to_the_line(office: Office) -> None:
    scale(office, 18_000, "twice")


# --- matching alone -------------------------------------------------------------------------------------------------

outcomes = st.sampled_from(["ok", "failed", "unknown"])
results = st.builds(
    Result, st.integers(0, 8), st.sampled_from(["A", "B"]), st.sampled_from([100, 200]), outcomes,
    st.just("c"), st.just("t"), st.sampled_from(["", "s"]),
)  # fmt: skip
states = st.sampled_from([WAITING, PAID, FAILED])


@given(st.lists(states, max_size=8), st.lists(results, max_size=12), st.booleans())
def test_whatever_a_file_says_only_what_is_beyond_doubt_is_booked(
    standing: list[str], came: list[Result], total_holds: bool
) -> None:
    sent = [Sent(1000 + number, number, "A", 100, state, "") for number, state in enumerate(standing, 1)]
    found = match(sent, came, [("amount", 1, 1 if total_holds else 2)])
    for line in sent:
        about = [one for one in came if one.number == line.number]
        sure = len(set(about)) == 1 and about[0].account == "A" and about[0].amount == 100
        sure = sure and about[0].outcome in ("ok", "failed") and line.state == WAITING and total_holds
        assert (line.id in found.booked) == sure
        silent = ("missing", line.number) in {(one.kind, one.number) for one in found.findings}
        assert silent == (not about)
    strangers = [one.number for one in came if one.number not in {line.number for line in sent}]
    assert sorted(strangers) == sorted(one.number for one in found.findings if one.kind == "unknown")
    assert any(one.kind == "total" for one in found.findings) != total_holds
