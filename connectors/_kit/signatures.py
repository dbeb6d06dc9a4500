"""HMAC-SHA256 signatures of what goes to and comes from another party.

Signed text: ``VERB \\n path \\n timestamp \\n`` and the body's bytes; the verb of an answer is ``ANSWER``. Headers:
``X-Timestamp`` (seconds since 1970) and ``X-Signature`` (hex).
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from engine.core.errors import Refused

WINDOW_SECONDS = 300


def wire_time() -> int:
    """The machine's own time. The other party does not know that our clock may be moved for a demo."""
    return int(time.time())


def signature(secret: bytes, verb: str, path: str, timestamp: str, body: bytes) -> str:
    """The hex HMAC-SHA256 over verb, path, timestamp and body."""
    text = f"{verb.upper()}\n{path}\n{timestamp}\n".encode() + body
    return hmac.new(secret, text, hashlib.sha256).hexdigest()


def signed(secret: bytes, verb: str, url: str, body: bytes) -> dict[str, str]:
    """The two headers that prove who sends ``body`` to ``url``."""
    timestamp = str(wire_time())
    path = urlsplit(url).path
    return {"X-Timestamp": timestamp, "X-Signature": signature(secret, verb, path, timestamp, body)}


def check(secret: bytes, verb: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raise ``Refused``: ``bad_signature`` where it does not hold, ``stale_message`` outside the replay window."""
    found = {name.lower(): value for name, value in headers.items()}
    timestamp, given = found.get("x-timestamp", ""), found.get("x-signature", "")
    expected = signature(secret, verb, urlsplit(url).path, timestamp, body)
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise Refused("签名不正确，已拒收", code="bad_signature")
    if not timestamp.isdecimal() or abs(wire_time() - int(timestamp)) > WINDOW_SECONDS:
        raise Refused("消息已超过有效时间，已拒收", code="stale_message")
