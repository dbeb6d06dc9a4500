"""Several at the same moment: exactly one wins, the others hear why, nobody waits for ever."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import func, select

from connectors import load, manifests
from connectors.payment.house import Notice as PaymentNotice
from connectors.payment.house import Trade, message
from engine.cases.case import Case, LiveKey
from engine.cases.record import JournalEntry, verify
from engine.cases.work import BufferedMessage
from engine.commands import dispatch
from engine.commands.accounts import CODE_ATTEMPTS, LOGIN_ATTEMPTS, RequestCode, SignIn, SignInCitizen
from engine.commands.cases import FileObjection, StartCase
from engine.commands.messages import PublishMessage
from engine.commands.payments import OpenOrder
from engine.commands.tasks import ClaimTask, CompleteTask
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.core.errors import AnjuError
from engine.outside.inbox import InboundMessage
from engine.registers.accounts import SmsCode
from engine.registers.notices import Notice, Objection
from engine.registers.offices import StaffUser
from engine.registers.payments import PaymentOrder, PaymentReceipt
from engine.workers.runner import Runner
from tests.support.installation import ITEM, Installation

PASS = {"review_result": "pass", "review_opinion": "同意上报"}


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Make all calls from the same starting line; each gives its result or the code of its refusal."""
    line, found = threading.Barrier(len(calls)), [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        line.wait()
        try:
            found[place] = call()
        except AnjuError as error:
            found[place] = error.code
        except BaseException as error:
            found[place] = error  # type: ignore[call-overload]
            raise

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return found


def codes(found: Sequence[Any]) -> Counter[str]:
    """How often each refusal came; whatever was let through counts as done."""
    return Counter(one if isinstance(one, str) and one.islower() else "done" for one in found)


def test_of_two_submits_of_a_task_exactly_one_is_taken(anju_both: Installation) -> None:
    anju = anju_both
    case_id = anju.apply().case_id
    task = anju.tasks(case_id)["accept"]
    submits = [
        lambda who=who: dispatch(CompleteTask(task.id, {"accept_result": "accepted"}, task.version), anju.staff(who))
        for who in ("liuyang", "liuyang", "sunqiang", "sunqiang")
    ]
    assert codes(at_once(*submits)) == {"done": 1, "task_already_done": 3}
    with reading() as session:
        assert session.scalar(select(func.count()).where(JournalEntry.task_id == task.id)) == 1
        assert verify(session, case_id) is None


def test_of_two_claims_of_a_task_exactly_one_holds(anju_both: Installation) -> None:
    anju = anju_both
    case_id = anju.apply().case_id
    task = anju.tasks(case_id)["accept"]
    found = at_once(*(lambda who=who: dispatch(ClaimTask(task.id), anju.staff(who)) for who in ("liuyang", "sunqiang")))
    assert codes(found) == {"done": 1, "task_changed": 1}


def test_of_two_applications_of_one_household_exactly_one_is_taken(anju_both: Installation) -> None:
    anju = anju_both
    citizen, clerk = anju.citizen(), anju.staff("liuyang")
    typed = [(who, channel, anju.family(who)) for who, channel in ((citizen, "portal"), (clerk, "counter"))]
    calls = [
        lambda who=who, channel=channel, answers=answers: dispatch(
            StartCase(ITEM, answers, channel, anju.office()), who
        )
        for who, channel, answers in [*typed, typed[0]]
    ]
    assert codes(at_once(*calls)) == {"done": 1, "duplicate": 2}
    with reading() as session:
        [case] = session.scalars(select(Case)).all()
        assert session.scalar(select(func.count()).select_from(LiveKey)) == 4
    assert case.number == "BZSQ-2026-000001"


def test_the_first_applications_of_a_year_take_different_numbers(anju_both: Installation) -> None:
    anju = anju_both
    people = (("林秋实", "330106198803121014", "19900000001"), ("孙伯年", "330106196511091117", "19900000005"))
    calls = []
    for name, number, phone in people:
        citizen = anju.citizen(phone)
        answers = anju.family(citizen, co_applicants=[])
        answers["applicant"].update(name=name, id_number=number, phone=phone)
        calls.append(
            lambda answers=answers, citizen=citizen: (
                dispatch(StartCase(ITEM, answers, "portal", anju.office()), citizen).number
            )
        )
    assert set(at_once(*calls)) == {"BZSQ-2026-000001", "BZSQ-2026-000002"}


def test_the_same_message_sent_twice_at_once_moves_the_case_once(anju_both: Installation) -> None:
    anju = anju_both
    started = anju.apply()
    message = PublishMessage("rental_eligibility_application.withdraw", started.number, "same", {})
    assert codes(at_once(*(lambda: dispatch(message, SYSTEM) for _ in range(3)))) == {"done": 3}
    assert anju.case(started.case_id).outcome == "withdrawn"
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(BufferedMessage)) == 1
        assert verify(session, started.case_id) is None


def test_one_persons_objection_filed_twice_at_once_is_kept_once(anju_both: Installation) -> None:
    anju = anju_both
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    for element, who in (("first_review", "wangmin"), ("second_review", "chenhao"), ("approve", "zhaoling")):
        anju.do(case_id, element, who, PASS)
    with reading() as session:
        notice = session.scalars(select(Notice.id)).one()
    neighbour = anju.citizen("19900000005")
    objection = FileObjection(notice, "孙伯年", "19900000005", "另有住房")
    found = codes(at_once(*(lambda: dispatch(objection, neighbour) for _ in range(2))))
    assert found["done"] == 1
    assert set(found) <= {"done", "duplicate", "notice_closed"}
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Objection)) == 1


def test_guesses_at_the_same_moment_are_counted_one_by_one(anju_both: Installation) -> None:
    code = dispatch(RequestCode("19900000001"), SYSTEM)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    at_once(*(lambda: dispatch(SignInCitizen("19900000001", wrong), SYSTEM) for _ in range(CODE_ATTEMPTS)))
    at_once(*(lambda: dispatch(SignIn("liuyang", "wrong"), SYSTEM) for _ in range(LOGIN_ATTEMPTS)))
    with reading() as session:
        assert session.scalars(select(SmsCode.attempts)).one() == CODE_ATTEMPTS
        assert session.scalars(select(StaffUser.failed_logins).where(StaffUser.login == "liuyang")).one() == (
            LOGIN_ATTEMPTS
        )
        assert verify(session, 0) is None
    assert dispatch(SignInCitizen("19900000001", code), SYSTEM) == 0


def test_many_workers_do_each_piece_of_work_once(anju_both: Installation) -> None:
    anju = anju_both
    case_id = anju.apply().case_id
    task = anju.tasks(case_id)["accept"]
    dispatch(CompleteTask(task.id, {"accept_result": "accepted"}, task.version), anju.staff("liuyang"))
    workers = [Runner(anju.parts.files, name=f"w{number}") for number in range(3)]
    for _ in range(10):
        at_once(*(worker.drain for worker in workers))
        if "first_review" in anju.tasks(case_id):
            break
    assert "first_review" in anju.tasks(case_id), anju.stuck(case_id)
    booked = anju.simulators.state.log()
    assert {one["calls"] for one in booked} == {1}
    with reading() as session:
        assert verify(session, case_id) is None


@pytest.mark.parametrize("channel", ["wechat", "alipay"])
def test_of_eight_deliveries_of_one_payment_notice_exactly_one_books(anju_postgres: Installation, channel: str) -> None:
    """The very same bytes by eight threads, each thanked, so that the channel does not come again."""
    anju = anju_postgres
    load(next(one for one in manifests() if one.party == "payment"), {})
    order = dispatch(OpenOrder("ZD-8", "2026年3月租金", 52_500), anju.staff("qianhui"))
    with reading() as session:
        number = session.get_one(PaymentOrder, order).number
    trade = Trade(channel, number, "2026年3月租金", 52_500, "", "paid", "4200002603020000000000808", 1_772_417_730.0)
    body, headers = message(PaymentNotice(trade, 0.0, "EV-8", amount=52_500))
    clients = [anju.app.test_client() for _ in range(8)]
    posts = [
        lambda client=client: client.post(f"/inbound/payment/{channel}", data=body, headers=headers).text
        for client in clients
    ]
    thanks = {"wechat": '{"code":"SUCCESS","message":"OK"}', "alipay": "success"}[channel]
    assert at_once(*posts) == [thanks] * 8
    with reading() as session:
        receipts = session.scalars(select(PaymentReceipt).where(PaymentReceipt.order_id == order)).all()
        repeats = session.scalars(select(InboundMessage.repeats).where(InboundMessage.party == "payment")).one()
    assert [(one.state, one.amount) for one in receipts] == [("booked", 52_500)]
    assert repeats == 7
