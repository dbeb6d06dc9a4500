"""What another party posts to us: bounded, signed, fresh, and told apart from a repeat. A library without HTTP.

Signed text: ``timestamp \\n nonce \\n`` and the body. The engine takes each ``message_id`` once; a nonce that comes
again with the same bytes is the party trying again, and with other bytes it is an attack.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from base64 import b64decode
from binascii import Error as NotBase64
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from connectors._kit import rsa, sm
from connectors._kit.signatures import wire_time
from engine.core.errors import Refused

Verify = Callable[[bytes, bytes], bool]
REMEMBERED = 100_000
# What to answer over HTTP; a party tries again after 5xx only.
STATUS = {
    "message_too_large": 413,
    "bad_signature": 401,
    "stale_message": 401,
    "replayed_message": 409,
    "bad_message": 400,
}


@dataclass(frozen=True)
class Agreed:
    """What was agreed with a party: headers, size, seconds of validity, and the JSON field that names a message."""

    party: str
    verify: Verify
    max_bytes: int = 262_144
    window_seconds: int = 300
    timestamp: str = "X-Timestamp"
    nonce: str = "X-Nonce"
    signature: str = "X-Signature"
    message_id: str = "messageId"


@dataclass(frozen=True)
class Event:
    """A message that holds. The same bytes may come twice: whoever acts takes each ``message_id`` once."""

    party: str
    message_id: str
    data: Mapping[str, Any] = field(repr=False)
    body: bytes = field(repr=False)


class Nonces(Protocol):
    """Remembers what was used. In one process ``MemoryNonces``; a table or Redis where there are several."""

    def use(self, party: str, nonce: str, digest: bytes, until: int) -> bytes:
        """Keep ``digest`` under the nonce and give back what is kept there: the first digest that was given."""
        ...


class MemoryNonces:
    """The last hundred thousand, of this process. Safe for threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[bytes, int]] = OrderedDict()
        self._lock = threading.Lock()

    def use(self, party: str, nonce: str, digest: bytes, until: int) -> bytes:
        with self._lock:
            present = wire_time()
            while self._kept and (len(self._kept) >= REMEMBERED or next(iter(self._kept.values()))[1] < present):
                self._kept.popitem(last=False)
            return self._kept.setdefault((party, nonce), (digest, until))[0]


def receive(agreed: Agreed, body: bytes, headers: Mapping[str, str], nonces: Nonces) -> Event:
    """Check and read one message. Raises ``Refused`` with a code of ``STATUS``; nothing of the content is repeated."""
    if len(body) > agreed.max_bytes:
        raise Refused("消息过大，已拒收", code="message_too_large")
    found = {name.lower(): value for name, value in headers.items()}
    stamp, once = found.get(agreed.timestamp.lower(), ""), found.get(agreed.nonce.lower(), "")
    text = stamp.encode() + b"\n" + once.encode() + b"\n" + body
    if not 8 <= len(once) <= 64 or not agreed.verify(text, _decoded(found.get(agreed.signature.lower(), ""))):
        raise Refused("签名不正确，已拒收", code="bad_signature")
    if not (stamp.isascii() and stamp.isdigit()) or abs(wire_time() - int(stamp)) > agreed.window_seconds:
        raise Refused("消息已超过有效时间，已拒收", code="stale_message")
    data = _json(body)
    message_id = data.get(agreed.message_id)
    if not isinstance(message_id, str) or not 1 <= len(message_id) <= 120:
        raise Refused("消息没有编号，已拒收", code="bad_message")
    digest = hashlib.sha256(text).digest()
    # Kept beyond the window on both sides: a message stamped in our future lives longer.
    kept = nonces.use(agreed.party, once, digest, wire_time() + 2 * agreed.window_seconds)
    if kept != digest:
        raise Refused("随机串已用过，疑似重放，已拒收", code="replayed_message")
    return Event(agreed.party, message_id, data, body)


def by_hmac(key: bytes) -> Verify:
    """HMAC-SHA256 with a shared key."""
    return lambda text, given: hmac.compare_digest(hmac.new(key, text, hashlib.sha256).digest(), given)


def by_rsa(key: RSAPublicKey, scheme: rsa.Scheme = "pkcs1") -> Verify:
    """SHA-256 with RSA."""
    return lambda text, given: rsa.verify(key, text, given, scheme)


def by_sm2(key: sm.Public, user_id: bytes = sm.DEFAULT_USER_ID, form: sm.Form = "der") -> Verify:
    """SM3 with SM2."""
    return lambda text, given: sm.verify(key, text, given, user_id=user_id, form=form)


def _decoded(signature: str) -> bytes:
    """Base64, or hex; empty where it is neither."""
    try:
        if len(signature) % 2 == 0 and all(char in "0123456789abcdefABCDEF" for char in signature):
            return bytes.fromhex(signature)
        return b64decode(signature, validate=True)
    except (NotBase64, ValueError):
        return b""


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        data = None
    if not isinstance(data, dict):
        raise Refused("消息不是约定的格式，已拒收", code="bad_message") from None
    return data
