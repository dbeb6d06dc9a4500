"""Sessions as signed cookies of plain JSON: read at every request, so the key is derived once and nothing is tagged."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Flask
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import TimestampSigner, URLSafeTimedSerializer


class _Json(TaggedJSONSerializer):
    """What a session holds is text, numbers, lists and flashed messages: no type needs a mark of its own."""

    def dumps(self, value: Any) -> str:
        return orjson.dumps(value).decode()

    def loads(self, value: str) -> Any:
        # A message flashed before an upgrade is still marked as Flask marks tuples.
        return super().loads(value) if '{" t":' in value else orjson.loads(value)


class _Signer(TimestampSigner):
    """Derives the key of each secret once."""

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        secret = self.secret_key if secret_key is None else secret_key
        known: dict[str | bytes, bytes] = self.__dict__.setdefault("_derived", {})
        if secret not in known:
            known[secret] = super().derive_key(secret)
        return known[secret]


class _Serializer(URLSafeTimedSerializer):
    default_signer = _Signer

    def make_signer(self, salt: str | bytes | None = None) -> TimestampSigner:
        """One signer serves them all: it keeps nothing but its keys."""
        known: dict[str | bytes | None, TimestampSigner] = self.__dict__.setdefault("_signers", {})
        if salt not in known:
            known[salt] = super().make_signer(salt)  # type: ignore[assignment]
        return known[salt]


class Sessions(SecureCookieSessionInterface):
    """Flask's own way with cookies, with a serializer that is made once for each secret."""

    serializer = _Json()

    def __init__(self) -> None:
        self._made: dict[Any, URLSafeTimedSerializer] = {}

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        secret = app.secret_key
        if not secret:
            return None
        if secret not in self._made:
            settings = {"key_derivation": self.key_derivation, "digest_method": self.digest_method}
            self._made = {
                secret: _Serializer(secret, salt=self.salt, serializer=self.serializer, signer_kwargs=settings)
            }
        return self._made[secret]
