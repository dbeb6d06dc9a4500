"""Housing checks: at once, later by callback, or later by asking again."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Response

import connectors
from connectors import load_all
from connectors._kit.signatures import signature, wire_time
from engine.core import clock, inbound
from engine.core.errors import Declined, OutsideFault, Refused, Unreachable
from engine.core.operations import Answer, LateAnswer, Pending

from .conftest import World, served

LATE = {"name": "罗一鸣", "id_number": "440802199412121298"}
LOST = {"name": "唐若溪", "id_number": "440802199603171343"}
TWICE = {"name": "韩子墨", "id_number": "330106199210301372"}
OWNER = {"name": "郑海宁", "id_number": "330106197906301152"}
SPOUSE = {"name": "许静怡", "id_number": "330106198109051183"}
NO_HOME = {"name": "林秋实", "id_number": "330106198803121014"}
WIRE = Path(connectors.__file__).parent / "realestate" / "wire"
NOTICE = (WIRE / "notice.xml").read_bytes()
UNCLEAR = {"name": "江映雪", "id_number": "33010619950120146X"}


def ask(world: World, *persons: dict[str, str], **more: Any) -> Answer | Pending:
    return world.run("realestate.ownership", persons=list(persons), region="330106", **more)


def answer_of(given: Answer | Pending | None) -> Answer:
    assert isinstance(given, Answer)
    return given


def test_owning_nothing_is_known_and_passes(world: World) -> None:
    answer = answer_of(ask(world, NO_HOME))
    assert answer.verdict == "pass"
    assert answer.variables["facts"] == {"homes": [], "total_area": 0.0}
    assert answer.variables["summary"] == "名下没有不动产登记"


def test_one_of_two_owners_counts_with_half_of_the_area(world: World) -> None:
    assert answer_of(ask(world, OWNER)).variables["facts"]["total_area"] == 64.25


def test_two_halves_of_one_home_count_once(world: World) -> None:
    answer = answer_of(ask(world, OWNER, SPOUSE))
    assert answer.variables["facts"]["total_area"] == 128.5
    assert "1 套" in answer.variables["summary"]


def test_a_namesake_makes_the_whole_answer_unknown(world: World) -> None:
    answer = answer_of(ask(world, NO_HOME, UNCLEAR))
    assert answer.verdict == "unknown"
    assert answer.variables["facts"]["total_area"] is None


def test_a_late_answer_comes_by_a_signed_callback(world: World) -> None:
    before = clock.now()
    pending = ask(world, LATE)
    assert isinstance(pending, Pending)
    assert pending.correlation == "key-1"
    assert timedelta(seconds=29) < pending.due - before < timedelta(seconds=32)
    assert world.inbox.wait(taken=1)
    late = world.inbox.taken[0]
    assert (late.party, late.correlation) == ("realestate", "key-1")
    answer = answer_of(late.answer)
    assert answer.verdict == "pass"
    assert answer.evidence is not None
    assert answer.evidence.subject == "*（440*************98）"


def test_a_lost_callback_is_made_good_by_asking_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.state.timing, "late", 0.5)
    given = ask(world, LOST, attempt=2)
    assert isinstance(given, Pending), "never asked before, so submitted"
    give_up = time.monotonic() + 10
    while isinstance(given, Pending) and time.monotonic() < give_up:
        time.sleep(0.1)
        given = ask(world, LOST, attempt=2)
    assert answer_of(given).verdict == "pass"
    assert [entry["calls"] for entry in world.state.log("realestate")] == [1], "asked for, not submitted again"
    assert answer_of(ask(world, LOST)).verdict == "pass", "submitting again finds the answer, too"
    assert world.inbox.taken == []
    assert len(world.state.log("realestate")) == 1


def test_an_answer_that_is_not_ready_stays_pending(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.state.timing, "late", 600.0)
    for attempt in (1, 2, 3):
        pending = ask(world, LOST, attempt=attempt)
        assert isinstance(pending, Pending)
        assert pending.correlation == "key-1"


def test_only_dwellings_count_towards_the_area(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = {"unit_number": "U-1", "cert_number": "C-1", "address": "某路 1 号", "area": "80.00", "share": "1/1"}
    homes = [
        {**shop, "use": "商业服务"},
        {**shop, "unit_number": "U-2", "area": "30.10", "share": "1/3", "use": "住宅"},
    ]
    monkeypatch.setitem(world.state.people[NO_HOME["id_number"]], "homes", homes)
    answer = answer_of(ask(world, NO_HOME))
    assert len(answer.variables["facts"]["homes"]) == 2
    assert answer.variables["facts"]["total_area"] == 10.03
    assert answer.variables["summary"] == "名下有住宅 1 套，按份额合计 10.03 平方米"


def test_an_answer_to_somebody_elses_question_is_not_taken(world: World) -> None:
    content = (WIRE / "submit.answer.xml").read_bytes()

    def registry(environ: Any, start: Any) -> Any:
        return Response(content, content_type="text/xml")(environ, start)

    with served(registry) as url:
        load_all({"ANJU_REALESTATE_URL": url})
        with pytest.raises(Unreachable):
            ask(world, OWNER, SPOUSE, key="not-the-golden-one")
        with pytest.raises(OutsideFault) as raised:
            ask(world, NO_HOME, key="golden-0001")
        assert raised.value.code == "unexpected_answer"
        assert answer_of(ask(world, OWNER, SPOUSE, key="golden-0001")).verdict == "pass"


def test_a_callback_that_comes_twice_carries_one_message_number(world: World) -> None:
    ask(world, TWICE)
    assert world.inbox.wait(taken=2)
    assert len({late.message_id for late in world.inbox.taken}) == 1


def test_a_callback_with_a_false_signature_is_refused_and_asking_again_helps(world: World) -> None:
    world.state.switch("realestate", LATE["id_number"], "bad_signature")
    ask(world, LATE)
    assert world.inbox.wait(refused=3)
    assert world.inbox.taken == []
    assert set(world.inbox.refused) == {"bad_signature"}
    assert answer_of(ask(world, LATE, attempt=2)).verdict == "pass"


def test_a_late_refusal_says_why(world: World) -> None:
    world.state.switch("realestate", LATE["id_number"], "late_refusal")
    ask(world, LATE)
    assert world.inbox.wait(taken=1)
    declined = world.inbox.taken[0].declined
    assert declined is not None
    assert declined.code == "realestate_no_authority"
    with pytest.raises(Declined):
        ask(world, LATE, attempt=2)


def test_a_repeat_that_the_registry_never_received_is_submitted(world: World) -> None:
    assert answer_of(ask(world, NO_HOME, attempt=3)).verdict == "pass"
    assert len(world.state.log("realestate")) == 1


def read(world: World, body: bytes, age: int = 0) -> LateAnswer:
    """Hand ``body`` to the reader, signed by the registry ``age`` seconds ago."""
    timestamp = str(wire_time() - age)
    digest = signature(b"demo-realestate-key", "POST", "/inbound/realestate", timestamp, body)
    reader = inbound.reader("realestate")
    assert reader is not None
    late = reader.read(body, {"x-timestamp": timestamp, "x-signature": digest})
    assert isinstance(late, LateAnswer)
    return late


def test_the_agreed_notice_is_read(world: World) -> None:
    late = read(world, NOTICE)
    assert (late.correlation, late.message_id) == ("golden-0002", "BDC00000007-1")
    assert answer_of(late.answer).variables["facts"] == {"homes": [], "total_area": 0.0}


def test_a_notice_sent_again_after_the_window_is_refused(world: World) -> None:
    assert read(world, NOTICE, age=290).message_id == "BDC00000007-1"
    with pytest.raises(Refused) as raised:
        read(world, NOTICE, age=301)
    assert raised.value.code == "stale_message"


@pytest.mark.parametrize(
    "body",
    [
        b"not xml",
        b"",
        b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>',
        b'<OwnershipNotice xmlns="urn:anju-demo:realestate:1"><MessageId>1</MessageId></OwnershipNotice>',
        b'<SubmitResponse xmlns="urn:anju-demo:realestate:1"/>',
    ],
    ids=["no-xml", "empty", "doctype", "half", "another-element"],
)
def test_a_signed_notice_that_is_not_by_the_contract_is_refused(world: World, body: bytes) -> None:
    with pytest.raises(Refused) as raised:
        read(world, body)
    assert raised.value.code == "bad_message"


def test_an_unsigned_notice_is_refused(world: World) -> None:
    reader = inbound.reader("realestate")
    assert reader is not None
    with pytest.raises(Refused) as raised:
        reader.read(NOTICE, {"X-Timestamp": str(wire_time())})
    assert raised.value.code == "bad_signature"


CERT = "浙（2012）安居市不动产权第0003021号"
FREEZE = {"cert_number": CERT, "reason": "保障性住房限制交易", "until": "2029-11-05"}


def test_a_title_is_frozen_once_for_a_case_however_often_it_is_asked_for(world: World) -> None:
    first = answer_of(world.run("realestate.freeze", key="k-1", **FREEZE))
    again = answer_of(world.run("realestate.freeze", key="k-2", **FREEZE))
    assert first.variables["freeze_number"] == again.variables["freeze_number"]
    assert [one["frozen"] for one in world.state.shelf("realestate")] == [True]
    released = answer_of(world.run("realestate.unfreeze", key="k-3", cert_number=CERT))
    assert released.variables["freeze_number"] == first.variables["freeze_number"]
    assert [one["frozen"] for one in world.state.shelf("realestate")] == [False]


def test_what_another_case_has_frozen_is_refused_and_so_is_what_nobody_froze(world: World) -> None:
    with pytest.raises(Declined) as raised:
        world.run("realestate.unfreeze", cert_number=CERT)
    assert raised.value.code == "realestate_not_frozen"
    world.state.shelf("realestate").append({"case": "another", "cert": CERT, "number": "DJ9", "frozen": True})
    with pytest.raises(Declined) as raised:
        world.run("realestate.freeze", key="k-1", **FREEZE)
    assert raised.value.code == "realestate_limited"
    with pytest.raises(Declined) as raised:
        world.run("realestate.freeze", key="k-2", **{**FREEZE, "cert_number": "无此证"})
    assert raised.value.code == "realestate_no_title"
