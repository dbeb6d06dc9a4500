"""What other parties bring in has one effect, however often and in whatever order it comes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.commands import Unit, dispatch, inbound, reconciliation
from engine.commands.inbound import ReceiveEvent, takes
from engine.commands.outside import SettleDifference
from engine.core import inbound as declared
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.core.errors import NotFound, Refused, Unreachable
from engine.core.inbound import CaseCame, MessageCame, NoticeCame, Reply, Taken
from engine.outside.inbox import InboundMessage
from engine.outside.reconciliation import Difference, Reconciliation
from engine.workers import rounds
from tests.support.installation import ITEM, Installation

WITHDRAW = "rental_eligibility_application.withdraw"
NOTICE = NoticeCame("post", "m-1", "money", {"order": "7", "fen": 100})


@pytest.fixture
def booked() -> Iterator[list[int]]:
    """Amounts booked by who takes notices of money."""
    amounts: list[int] = []
    before = dict(inbound._takers)

    @takes("money")
    def take(notice: NoticeCame, unit: Unit) -> Mapping[str, Any]:
        if notice.content["fen"] < 0:
            raise Refused("金额不正确", code="bad_amount")
        amounts.append(notice.content["fen"])
        return {"order": notice.content["order"]}

    yield amounts
    inbound._takers.clear()
    inbound._takers.update(before)


def count(table: type) -> int:
    with reading() as session:
        return int(session.scalar(select(func.count()).select_from(table)) or 0)


def test_a_notice_that_comes_again_is_told_the_same_and_has_no_effect(
    anju_both: Installation, booked: list[int]
) -> None:
    first = dispatch(ReceiveEvent(NOTICE), SYSTEM)
    again = dispatch(ReceiveEvent(NOTICE), SYSTEM)
    assert first == Taken({"order": "7"}, repeated=False)
    assert again == Taken({"order": "7"}, repeated=True)
    assert booked == [100]


def test_a_notice_that_comes_eight_times_at_once_is_taken_once(anju_both: Installation, booked: list[int]) -> None:
    came: list[Taken] = []
    threads = [threading.Thread(target=lambda: came.append(dispatch(ReceiveEvent(NOTICE), SYSTEM))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert booked == [100]
    assert sorted(one.repeated for one in came) == [False] + [True] * 7


def test_the_same_number_with_another_content_is_refused(anju: Installation, booked: list[int]) -> None:
    dispatch(ReceiveEvent(NOTICE), SYSTEM)
    with pytest.raises(Refused) as raised:
        dispatch(ReceiveEvent(replace(NOTICE, content={"order": "7", "fen": 1})), SYSTEM)
    assert raised.value.code == "message_changed"
    assert booked == [100]


def test_what_was_refused_may_come_again_mended(anju: Installation, booked: list[int]) -> None:
    with pytest.raises(Refused):
        dispatch(ReceiveEvent(replace(NOTICE, content={"order": "7", "fen": -1})), SYSTEM)
    assert count(InboundMessage) == 0
    assert not dispatch(ReceiveEvent(NOTICE), SYSTEM).repeated
    with pytest.raises(NotFound, match="unheard"):
        dispatch(ReceiveEvent(replace(NOTICE, kind="unheard", message_id="m-2")), SYSTEM)


def test_a_case_handed_down_twice_is_one_case(anju_both: Installation) -> None:
    answers = anju_both.family(SYSTEM)
    came = CaseCame("platform", "330100-2026-77", ITEM, answers, "330106")
    first = dispatch(ReceiveEvent(came), SYSTEM)
    again = dispatch(ReceiveEvent(came), SYSTEM)
    assert again.repeated
    assert first.result == again.result
    with reading() as session:
        case = session.scalars(select(Case)).one()
    assert (str(case.id), case.number, case.channel) == (first.result["case_id"], first.result["number"], "platform")
    with pytest.raises(Refused) as raised:
        dispatch(ReceiveEvent(replace(came, message_id="other", region="999999")), SYSTEM)
    assert raised.value.code == "unknown_region"


def test_a_message_reaches_the_case_that_waits_for_it(anju: Installation) -> None:
    started = anju.apply()
    came = MessageCame("platform", "w-1", WITHDRAW, started.number)
    assert dispatch(ReceiveEvent(came), SYSTEM).result == {"delivered": True}
    assert dispatch(ReceiveEvent(came), SYSTEM).repeated
    anju.drain()
    assert anju.case(started.case_id).outcome == "withdrawn"


def test_a_party_is_thanked_and_refused_in_its_own_words(anju: Installation, booked: list[int]) -> None:
    def reply(taken: Taken) -> Reply:
        if taken.error is not None:
            return Reply(b'{"code":"FAIL"}', 500)
        return Reply(b"success", 200, "text/plain")

    @declared.inbound("post/money", reply)
    def read(body: bytes, headers: Mapping[str, str]) -> NoticeCame:
        if body == b"forged":
            raise Refused("签名不正确", code="bad_signature")
        return NOTICE

    client = anju.app.test_client()
    assert (client.post("/inbound/post/money", data=b"x").data, booked) == (b"success", [100])
    assert (client.post("/inbound/post/money", data=b"x").data, booked) == (b"success", [100])
    forged = client.post("/inbound/post/money", data=b"forged")
    assert (forged.status_code, forged.data, booked) == (500, b'{"code":"FAIL"}', [100])
    assert client.post("/inbound/nobody", data=b"x").status_code == 404
    declared._readers.pop("post/money")


# --- fetched at set times -----------------------------------------------------------------------------------------


def test_what_lies_ready_is_fetched_and_a_bad_event_holds_up_no_other(anju: Installation, booked: list[int]) -> None:
    bad = replace(NOTICE, message_id="m-0", content={"order": "6", "fen": -5})

    @declared.collection("post", every=timedelta(seconds=0))
    def fetch() -> list[NoticeCame]:
        return [bad, NOTICE]

    assert rounds.collect(anju.parts.files) == 1
    assert rounds.collect(anju.parts.files) == 0
    assert booked == [100]
    declared._collections.pop("post")


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The party's rows, to be changed by a test; ``down`` makes it unreachable. Nobody else is compared with."""
    monkeypatch.setattr(declared, "_reconciliations", {})
    rows: dict[str, Any] = {"A": {"fen": 100}, "B": {"fen": 250}}

    @declared.reconciliation("post", title="缴款对账", against="test.orders")
    def fetch(day: date) -> dict[str, Any]:
        if rows.get("down"):
            raise Unreachable("对账单尚未生成")
        return {key: value for key, value in rows.items() if key != "down"}

    @reconciliation.books("test.orders")
    def ours(session: Session, day: date) -> dict[str, Any]:
        return {"A": {"fen": 100}, "B": {"fen": 200}, "C": {"fen": 1}}

    yield rows
    declared._reconciliations.pop("post.test.orders")
    reconciliation._books.pop("test.orders")


def differences() -> list[tuple[str, str, str]]:
    with reading() as session:
        query = select(Difference).join(Reconciliation, Reconciliation.id == Difference.run_id)
        found = session.scalars(query.order_by(Reconciliation.day.desc(), Difference.key)).all()
        return [(one.key, one.kind, one.state) for one in found]


def test_each_day_is_compared_once_and_every_difference_listed(anju_both: Installation, theirs: dict[str, Any]) -> None:
    theirs["D"] = {"fen": 9}
    assert rounds.reconcile() == rounds.DAYS_BACK
    assert rounds.reconcile() == 0
    of_a_day = [("B", "differs", "open"), ("C", "missing_there", "open"), ("D", "missing_here", "open")]
    assert differences() == of_a_day * rounds.DAYS_BACK
    anju_both.move(timedelta(days=1))
    assert rounds.reconcile() == 1


def test_a_day_without_their_list_stays_owed(anju: Installation, theirs: dict[str, Any]) -> None:
    theirs["down"] = True
    assert rounds.reconcile() == 0
    with reading() as session:
        run = session.scalars(select(Reconciliation)).one()
    assert (run.state, run.error) == ("failed", "对账单尚未生成")
    theirs["down"] = False
    assert rounds.reconcile() == rounds.DAYS_BACK


def test_a_settled_difference_does_not_come_up_again(anju: Installation, theirs: dict[str, Any]) -> None:
    rounds.reconcile()
    with reading() as session:
        run = session.scalars(select(Reconciliation).order_by(Reconciliation.day.desc())).first()
        assert run is not None
        line = session.scalars(select(Difference).where(Difference.run_id == run.id, Difference.key == "B")).one()
    dispatch(SettleDifference(line.id, "已退款"), SYSTEM)
    dispatch(reconciliation.Reconcile("post.test.orders", run.day, dict(theirs)), SYSTEM)
    assert differences()[:2] == [("B", "differs", "settled"), ("C", "missing_there", "open")]
    dispatch(reconciliation.Reconcile("post.test.orders", run.day, {"A": {"fen": 100}, "B": {"fen": 7}}), SYSTEM)
    assert ("B", "differs", "open") in differences()[:3]
