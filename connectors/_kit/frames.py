"""TCP frames: a length, an optional header, a body, an optional code of authenticity. One call, one connection or many.

A frame is ``length`` + ``body`` + ``mac``; the length counts the bytes behind it. It may be ASCII digits or a binary
number. What a party's XML says is for its client; here are bytes, time, size, and who is at the other end.
"""

from __future__ import annotations

import hmac
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from connectors._kit.pace import wait_for_turn
from connectors._kit.settings import PartySettings
from engine.core.errors import Unreachable

ENCODINGS = ("gb18030", "utf-8")
CHUNK = 65_536


class BadFrame(ValueError):
    """What came is no frame as agreed."""


@dataclass(frozen=True)
class Framing:
    """How a party frames its messages. ``mac`` makes ``mac_bytes`` bytes over the body; None: there is none."""

    length: Literal["digits", "big", "little"] = "digits"
    length_bytes: int = 8
    encoding: str = "gb18030"
    max_bytes: int = 1_000_000
    mac: Callable[[bytes], bytes] | None = field(default=None, repr=False)
    mac_bytes: int = 0
    counts_itself: bool = False

    def __post_init__(self) -> None:
        if self.encoding not in ENCODINGS or bool(self.mac) != bool(self.mac_bytes):
            raise ValueError("a framing needs a known encoding, and both or none of mac and mac_bytes")
        if self.max_bytes + self.length_bytes >= (10 if self.length == "digits" else 256) ** self.length_bytes:
            raise ValueError("the largest frame does not fit its length")

    def pack(self, body: bytes) -> bytes:
        """The frame of ``body``. Raises ``BadFrame``: larger than agreed."""
        behind = body + (self.mac(body) if self.mac else b"")
        if len(behind) > self.max_bytes:
            raise BadFrame(f"a frame of {len(behind)} bytes is larger than agreed")
        size = len(behind) + (self.length_bytes if self.counts_itself else 0)
        if self.length == "digits":
            return f"{size:0{self.length_bytes}d}".encode() + behind
        return size.to_bytes(self.length_bytes, self.length) + behind

    def size(self, head: bytes) -> int:
        """How many bytes follow ``head``. Raises ``BadFrame``."""
        if self.length == "digits":
            if not head.isdigit():
                raise BadFrame("the length is no number")
            size = int(head)
        else:
            size = int.from_bytes(head, self.length)
        size -= self.length_bytes if self.counts_itself else 0
        if not self.mac_bytes <= size <= self.max_bytes:
            raise BadFrame(f"a length of {size} bytes was not agreed")
        return size

    def unpack(self, behind: bytes) -> bytes:
        """The body of what follows a length. Raises ``BadFrame``: the code of authenticity does not hold."""
        if not self.mac:
            return behind
        body, given = behind[: -self.mac_bytes], behind[-self.mac_bytes :]
        if not hmac.compare_digest(self.mac(body), given):
            raise BadFrame("the code of authenticity does not hold")
        return body


class Line:
    """One connection; reads and writes whole frames within a deadline. For client and server alike."""

    def __init__(self, connection: socket.socket, framing: Framing) -> None:
        self._connection, self._framing = connection, framing

    def send(self, body: bytes, deadline: float) -> None:
        """Raises ``BadFrame`` and ``OSError``."""
        self._connection.settimeout(_left(deadline))
        self._connection.sendall(self._framing.pack(body))

    def receive(self, deadline: float) -> bytes | None:
        """The next body; None where the other side ended between two frames. Raises ``BadFrame`` and ``OSError``."""
        head = self._exactly(self._framing.length_bytes, deadline)
        if head is None:
            return None
        behind = self._exactly(self._framing.size(head), deadline)
        if behind is None:
            raise BadFrame("the connection ended inside a frame")
        return self._framing.unpack(behind)

    def _exactly(self, size: int, deadline: float) -> bytes | None:
        parts = bytearray()
        while len(parts) < size:
            self._connection.settimeout(_left(deadline))
            part = self._connection.recv(min(size - len(parts), CHUNK))
            if not part:
                if parts:
                    raise BadFrame("the connection ended inside a frame")
                return None
            parts += part
        return bytes(parts)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


class FrameClient:
    """Calls one party; keeps its connection between calls and makes a new one where that has ended.

    Safe for threads: one call at a time. A request is sent again only where the old connection took nothing of it or
    ended before any answer *and* the caller says that a repeat does no harm.
    """

    def __init__(
        self, settings: PartySettings, address: tuple[str, int], framing: Framing, tls: ssl.SSLContext | None = None
    ) -> None:
        self._settings, self._address, self._framing, self._tls = settings, address, framing, tls
        self._line: Line | None = None
        self._lock = threading.Lock()

    def call(self, body: bytes, *, repeatable: bool = False) -> bytes:
        """Send ``body`` and take the answer. Raises ``Unreachable``, for no agreed frame ``unexpected_answer``."""
        wait_for_turn(self._settings)
        title = self._settings.title
        with self._lock:
            deadline = time.monotonic() + self._settings.timeout
            kept = self._line is not None
            try:
                try:
                    return self._once(body, deadline)
                except (ConnectionError, _Ended):
                    self._drop()
                    if not (kept and repeatable):
                        raise
                    return self._once(body, deadline)
            except TimeoutError:
                self._drop()
                raise Unreachable(f"「{title}」在 {self._settings.timeout:g} 秒内没有应答") from None
            except (OSError, _Ended):
                self._drop()
                raise Unreachable(f"连不上「{title}」，或连接中断") from None
            except BadFrame as error:
                self._drop()
                message = f"「{title}」的报文不合约定，请核对接口版本和密钥"
                raise Unreachable(message, code="unexpected_answer") from error

    def close(self) -> None:
        """End the connection; the next call makes a new one."""
        with self._lock:
            self._drop()

    def _once(self, body: bytes, deadline: float) -> bytes:
        if self._line is None:
            self._line = Line(self._connect(deadline), self._framing)
        self._line.send(body, deadline)
        answer = self._line.receive(deadline)
        if answer is None:
            raise _Ended
        return answer

    def _connect(self, deadline: float) -> socket.socket:
        connection = socket.create_connection(self._address, _left(deadline))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._tls.wrap_socket(connection, server_hostname=self._address[0]) if self._tls else connection

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


class _Ended(Exception):
    """The other side closed the connection instead of answering."""


def _left(deadline: float) -> float:
    """Seconds until the deadline. Raises ``TimeoutError`` where none are left: 0 would mean not to wait at all."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
