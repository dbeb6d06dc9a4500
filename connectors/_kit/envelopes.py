"""Encrypted, signed envelopes for message middleware: who reads the queue learns the message's number and no more.

JSON with ``v alg kid id re at iv data sig``; bytes in base64. Encryption binds ``v`` to ``at``; the signature covers
them, the IV and the data, so that nothing can be moved into another envelope.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Any, Literal

import orjson
from marshmallow import Schema, ValidationError, fields, validate

from connectors._kit import rsa, sm
from connectors._kit.signatures import wire_time

Kind = Literal["AES-GCM", "SM4-GCM", "SM4-CBC-SM3"]
KINDS: tuple[Kind, ...] = ("AES-GCM", "SM4-GCM", "SM4-CBC-SM3")
# Bytes of a key; for CBC one for the cipher and one for the MAC behind it.
SIZES: Mapping[Kind, tuple[int, ...]] = {"AES-GCM": (16, 32), "SM4-GCM": (16,), "SM4-CBC-SM3": (32,)}


class BadEnvelope(ValueError):
    """It cannot be opened; its text says why, without its content."""


@dataclass(frozen=True)
class Key:
    """A shared key and what it is for. Raises ``ValueError`` where its size does not fit."""

    kind: Kind
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) not in SIZES[self.kind]:
            raise ValueError(f"a key for {self.kind} has {' or '.join(map(str, SIZES[self.kind]))} bytes")


@dataclass(frozen=True)
class Keys:
    """``ours`` names the key that seals; older ones stay in ``known`` until their messages are read."""

    ours: str
    known: Mapping[str, Key]
    sign: Callable[[bytes], bytes] = field(repr=False)
    verify: Callable[[bytes, bytes], bool] = field(repr=False)


@dataclass(frozen=True)
class Letter:
    """A message: its own number, the number of what it answers (or empty), when it was sealed, and its bytes."""

    message_id: str
    answers: str
    at: int
    body: bytes = field(repr=False)


class _Written(Schema):
    v = fields.Integer(required=True, validate=validate.Equal(1))
    alg = fields.String(required=True, validate=validate.OneOf(KINDS))
    kid = fields.String(required=True)
    id = fields.String(required=True, validate=validate.Length(min=1, max=120))
    re = fields.String(required=True, validate=validate.Length(max=120))
    at = fields.Integer(required=True, strict=True)
    iv = fields.String(required=True)
    data = fields.String(required=True)
    sig = fields.String(required=True)


def seal(body: bytes, message_id: str, keys: Keys, *, answers: str = "") -> bytes:
    """The envelope of ``body``."""
    key = keys.known[keys.ours]
    head = {"v": 1, "alg": key.kind, "kid": keys.ours, "id": message_id, "re": answers, "at": wire_time()}
    bound = _bound(head)
    iv, data = _sealed(key, body, bound)
    sealed = {name: b64encode(part).decode() for name, part in (("iv", iv), ("data", data))}
    return orjson.dumps({**head, **sealed, "sig": b64encode(keys.sign(bound + iv + data)).decode()})


def unseal(envelope: bytes, keys: Keys) -> Letter:
    """What is inside. Raises ``BadEnvelope``: not by the form, unknown key, forged or altered."""
    try:
        read: dict[str, Any] = _Written().load(orjson.loads(envelope))
        iv, data, signature = (b64decode(read[name], validate=True) for name in ("iv", "data", "sig"))
    except (orjson.JSONDecodeError, ValidationError, ValueError) as error:
        raise BadEnvelope("not by the agreed form") from error
    key = keys.known.get(read["kid"])
    if key is None or key.kind != read["alg"]:
        raise BadEnvelope("sealed with a key that we do not have")
    bound = _bound(read)
    if not keys.verify(bound + iv + data, signature):
        raise BadEnvelope("the signature does not hold")
    try:
        body = _opened(key, iv, data, bound)
    except ValueError as error:
        raise BadEnvelope("altered, or sealed with another key") from error
    return Letter(read["id"], read["re"], read["at"], body)


def _bound(head: Mapping[str, Any]) -> bytes:
    return orjson.dumps([head[name] for name in ("v", "alg", "kid", "id", "re", "at")])


def _sealed(key: Key, body: bytes, bound: bytes) -> tuple[bytes, bytes]:
    if key.kind == "AES-GCM":
        iv = token_bytes(12)
        return iv, rsa.aes_gcm_seal(key.secret, iv, body, bound)
    if key.kind == "SM4-GCM":
        return sm.sm4_gcm_seal(key.secret, body, bound)
    return sm.sm4_cbc_seal(key.secret[:16], key.secret[16:], body, bound)


def _opened(key: Key, iv: bytes, data: bytes, bound: bytes) -> bytes:
    if key.kind == "AES-GCM":
        return rsa.aes_gcm_open(key.secret, iv, data, bound)
    if key.kind == "SM4-GCM":
        return sm.sm4_gcm_open(key.secret, iv, data, bound)
    return sm.sm4_cbc_open(key.secret[:16], key.secret[16:], iv, data, bound)
