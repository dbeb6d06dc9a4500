"""Envelopes that only their reader opens, and queues of a real broker: confirmed, acknowledged, again, dead letters."""

from __future__ import annotations

import json
import os
import socket
from base64 import b64decode, b64encode
from collections.abc import Iterator

import pytest

from connectors._kit import gateways, sm, webhooks
from connectors._kit.envelopes import KINDS, SIZES, BadEnvelope, Key, Keys, Kind, seal, unseal
from connectors._kit.manifest import RateLimit
from connectors._kit.mq import DEAD, DELIVERIES, Broker, Taken, Unreadable
from connectors._kit.settings import PartySettings
from engine.core import ids
from engine.core.errors import OutsideFault

PRIVATE = sm.generate()
SETTINGS = PartySettings("lease", "省数据共享", 5.0, RateLimit(1000, 1), {})
HOST, PORT = os.environ.get("RABBITMQ_HOST", "127.0.0.1"), int(os.environ.get("RABBITMQ_PORT", "5672"))


def keys(kind: Kind, ours: str = "2026") -> Keys:
    known = {"2026": Key(kind, b"k" * SIZES[kind][-1]), "2025": Key(kind, b"o" * SIZES[kind][-1])}
    return Keys(ours, known, gateways.by_sm2(PRIVATE), webhooks.by_sm2(PRIVATE.public))


@pytest.mark.parametrize("kind", KINDS)
def test_an_envelope_opens_with_its_key_and_shows_nothing_outside(kind: Kind) -> None:
    envelope = seal("林秋实".encode(), "M1", keys(kind, "2025"), answers="M0")
    letter = unseal(envelope, keys(kind))
    assert (letter.message_id, letter.answers, letter.body.decode()) == ("M1", "M0", "林秋实")
    assert "林".encode() not in envelope
    assert "林" not in repr(letter)
    assert "kkk" not in repr(keys(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["id", "re", "at", "kid", "iv", "data", "sig"])
def test_an_envelope_with_any_part_altered_stays_closed(kind: Kind, name: str) -> None:
    written = json.loads(seal(b"content", "M1", keys(kind)))
    other = json.loads(seal(b"other", "M2", keys(kind, "2025"), answers="M9"))
    other["at"] = written["at"] + 1
    written[name] = other[name]
    with pytest.raises(BadEnvelope):
        unseal(json.dumps(written).encode(), keys(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_an_envelope_signed_well_but_sealed_wrongly_stays_closed(kind: Kind) -> None:
    """Who may sign need not be who knows the key."""
    written = json.loads(seal(b"content", "M1", keys(kind)))
    data = bytearray(b64decode(written["data"]))
    data[0] ^= 1
    head = json.dumps([written[part] for part in ("v", "alg", "kid", "id", "re", "at")], separators=(",", ":")).encode()
    written["data"] = b64encode(data).decode()
    written["sig"] = b64encode(sm.sign(PRIVATE, head + b64decode(written["iv"]) + bytes(data))).decode()
    with pytest.raises(BadEnvelope, match="altered"):
        unseal(json.dumps(written).encode(), keys(kind))


def test_what_is_no_envelope_stays_closed_and_a_key_of_the_wrong_size_is_none() -> None:
    for wrong in (b"", b"[]", b"{}", b"\xff", b'{"v": 2}'):
        with pytest.raises(BadEnvelope):
            unseal(wrong, keys("SM4-GCM"))
    with pytest.raises(ValueError, match="16 bytes"):
        Key("SM4-GCM", b"short")


# --- a real broker ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def broker() -> Broker:
    try:
        socket.create_connection((HOST, PORT), 1).close()
    except OSError:
        pytest.skip(f"no RabbitMQ at {HOST}:{PORT}")
    return Broker(SETTINGS, f"amqp://guest:guest@{HOST}:{PORT}/%2F")


@pytest.fixture
def queue(broker: Broker) -> Iterator[str]:
    name = f"anju.test.{ids.new()}"
    broker.declare(name)
    yield name
    broker.remove(name)


def test_messages_are_kept_in_order_and_gone_when_they_are_dealt_with(broker: Broker, queue: str) -> None:
    for number in range(3):
        broker.publish(queue, b"%d" % number, message_id=f"M{number}")
    read: list[bytes] = []
    assert broker.take(queue, read.append, most=2) == Taken(2, 0)
    assert broker.take(queue, read.append) == Taken(1, 0)
    assert read == [b"0", b"1", b"2"]
    assert broker.waiting(queue) == 0


def test_a_request_and_its_later_answer_in_envelopes(broker: Broker, queue: str) -> None:
    broker.declare(queue + ".replies")
    ours = keys("SM4-CBC-SM3")
    broker.publish(queue, seal(b"what?", "Q1", ours), message_id="Q1", reply_to=queue + ".replies")

    def answer(envelope: bytes) -> None:
        asked = unseal(envelope, ours)
        broker.publish(queue + ".replies", seal(b"that", "A1", ours, answers=asked.message_id), message_id="A1")

    assert broker.take(queue, answer).done == 1
    letters = []
    broker.take(queue + ".replies", lambda envelope: letters.append(unseal(envelope, ours)))
    assert [(letter.answers, letter.body) for letter in letters] == [("Q1", b"that")]
    broker.remove(queue + ".replies")


def test_a_message_that_we_failed_on_comes_again_and_then_is_a_dead_letter(broker: Broker, queue: str) -> None:
    broker.publish(queue, b"x", message_id="M1")
    tries = 0

    def fail(_: bytes) -> None:
        nonlocal tries
        tries += 1
        raise OSError("the database is away")

    for _ in range(DELIVERIES):
        with pytest.raises(OSError, match="the database is away"):
            broker.take(queue, fail)
    assert tries == DELIVERIES
    assert broker.take(queue, fail) == Taken(0, 0)
    assert broker.waiting(queue + DEAD) == 1


def test_an_unreadable_message_is_a_dead_letter_at_once_and_holds_up_nobody(broker: Broker, queue: str) -> None:
    broker.publish(queue, b"garbage", message_id="M1")
    broker.publish(queue, b"good", message_id="M2")
    read = []

    def deal(body: bytes) -> None:
        if body == b"garbage":
            raise Unreadable
        read.append(body)

    assert broker.take(queue, deal) == Taken(1, 1)
    assert read == [b"good"]
    assert broker.waiting(queue + DEAD) == 1


def test_a_message_to_be_offered_again_comes_in_the_next_round_and_not_before(broker: Broker, queue: str) -> None:
    for body in (b"early", b"good"):
        broker.publish(queue, body, message_id=body.decode())
    rounds = []
    for _ in range(2):
        seen = []
        for one in broker.messages(queue):
            seen.append(one.body)
            one.fate = "again" if one.body == b"early" and not rounds else "taken"
        rounds.append(seen)
    assert rounds == [[b"early", b"good"], [b"early"]]
    assert broker.waiting(queue) == 0


def test_what_is_larger_than_agreed_is_a_dead_letter_unread(
    broker: Broker, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.publish(queue, b"x" * 11, message_id="M1")
    monkeypatch.setattr("connectors._kit.mq.MAX_BYTES", 10)
    assert broker.take(queue, lambda _: pytest.fail("read")) == Taken(0, 1)
    assert broker.waiting(queue + DEAD) == 1


def test_a_queue_that_is_not_there_a_wrong_password_and_nobody_there(broker: Broker) -> None:
    for action in (
        lambda: broker.publish("anju.none", b"x", message_id="M1"),
        lambda: broker.take("anju.none", lambda _: None),
    ):
        with pytest.raises(OutsideFault) as caught:
            action()
        assert caught.value.code == "no_queue"
    for url, code in (
        (f"amqp://guest:wrong@{HOST}:{PORT}/%2F", "unauthorised"),
        ("amqp://guest:guest@127.0.0.1:1/%2F", "unreachable"),
        ("nonsense://", "not_configured"),
    ):
        with pytest.raises(OutsideFault) as caught:
            Broker(SETTINGS, url).publish("q", b"x", message_id="M1")
        assert caught.value.code == code
        assert "wrong" not in repr(Broker(SETTINGS, url))
