"""Frames over TCP: golden bytes, partial reads, sizes, time-outs, reconnecting, and forged codes of authenticity."""

from __future__ import annotations

import hashlib
import hmac
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from connectors._kit.frame_server import serving
from connectors._kit.frames import BadFrame, FrameClient, Framing
from connectors._kit.manifest import RateLimit
from connectors._kit.settings import PartySettings
from engine.core.errors import Unreachable

XML = '<?xml version="1.0" encoding="GB18030"?><Body>房屋</Body>'.encode("gb18030")
SETTINGS = PartySettings("lease", "租赁备案", 1.0, RateLimit(1000, 1), {})


def mac(body: bytes) -> bytes:
    return hmac.new(b"key", body, hashlib.sha256).digest()


@contextmanager
def scripted(talk: Callable[[socket.socket], None]) -> Iterator[FrameClient]:
    """A client of a server that does byte for byte what ``talk`` says, once per connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                talk(connection)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    client = FrameClient(SETTINGS, listener.getsockname(), Framing())
    try:
        yield client
    finally:
        client.close()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_golden_frames() -> None:
    assert Framing().pack(b"<a/>") == b"00000004<a/>"
    assert Framing(length="big", length_bytes=4).pack(b"<a/>") == b"\x00\x00\x00\x04<a/>"
    assert Framing(length="little", length_bytes=4).pack(b"<a/>") == b"\x04\x00\x00\x00<a/>"
    assert Framing(counts_itself=True).pack(b"<a/>") == b"00000012<a/>"
    assert Framing(mac=mac, mac_bytes=32).pack(b"<a/>") == b"00000036<a/>" + mac(b"<a/>")
    assert Framing().pack(XML)[:8] == str(len(XML)).zfill(8).encode()


@pytest.mark.parametrize("head", ["0000000x", "-0000001", " 0000001", "99999999", "０00001"])
def test_a_length_that_is_no_agreed_number_is_a_bad_frame(head: str) -> None:
    with pytest.raises(BadFrame):
        Framing().size(head.encode())


def test_a_framing_whose_length_is_too_short_for_its_largest_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        Framing(length_bytes=4)
    with pytest.raises(BadFrame, match="larger"):
        Framing(max_bytes=10).pack(b"12345678901")


def test_one_connection_serves_many_calls() -> None:
    with serving(lambda body: str(len(body)).zfill(8).encode() + body) as server:
        client = FrameClient(SETTINGS, ("127.0.0.1", server.port), Framing())
        assert [client.call(XML + b"%d" % number) for number in range(3)] == [
            XML + b"%d" % number for number in range(3)
        ]
        assert len(server.open_connections) == 1
        client.close()


def test_an_answer_that_drips_in_is_put_together() -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(100)
        for byte in b"00000004<b/>":
            connection.sendall(bytes([byte]))
            time.sleep(0.005)

    with scripted(talk) as client:
        assert client.call(b"<a/>") == b"<b/>"


def test_drops_that_never_end_do_not_outlive_the_deadline() -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"00001000")
        for _ in range(60):
            try:
                connection.sendall(b"x")
            except OSError:
                return
            time.sleep(0.05)

    begun = time.monotonic()
    with scripted(talk) as client, pytest.raises(Unreachable, match="1 秒内没有应答"):
        client.call(b"<a/>")
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    "answer",
    [b"00000010<b/>", b"0000", b"99999999", b"garbage!"],
    ids=["cut", "half a length", "too large", "no number"],
)
def test_a_frame_that_is_cut_off_or_wrong_is_a_fault_and_never_data(answer: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(answer)

    with scripted(talk) as client, pytest.raises(Unreachable) as caught:
        client.call(b"<a/>")
    assert caught.value.code == "unexpected_answer"


def test_an_idle_connection_that_was_ended_is_made_anew_for_what_may_be_repeated() -> None:
    taken: list[bytes] = []

    def handle(body: bytes) -> bytes:
        taken.append(body)
        return b"00000002ok"

    with serving(handle) as server:
        client = FrameClient(SETTINGS, ("127.0.0.1", server.port), Framing())
        client.call(b"first")
        server.hang_up()
        assert client.call(b"second", repeatable=True) == b"ok"
        server.hang_up()
        with pytest.raises(Unreachable):
            client.call(b"third")
        assert client.call(b"fourth") == b"ok"
        assert taken == [b"first", b"second", b"fourth"]
        client.close()


def test_nobody_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(Unreachable, match="连不上"):
        FrameClient(SETTINGS, address, Framing()).call(b"<a/>")


def test_an_answer_with_a_forged_code_of_authenticity_is_refused() -> None:
    framing = Framing(length="big", length_bytes=4, mac=mac, mac_bytes=32)
    assert framing.unpack(b"<b/>" + mac(b"<b/>")) == b"<b/>"
    with pytest.raises(BadFrame, match="authenticity"):
        framing.unpack(b"<c/>" + mac(b"<b/>"))
    with pytest.raises(BadFrame):
        framing.size(struct.pack(">I", 31))
