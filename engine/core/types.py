"""Column types that keep their promise on SQLite and PostgreSQL alike."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import BigInteger, DateTime, Dialect, LargeBinary, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from engine.core import secrets


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment: stored UTC, comes back aware (SQLite would forget the zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """元 as ``Decimal`` in Python, 分 as BIGINT in the database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        fen = value * 100
        if fen != fen.to_integral_value():
            raise ValueError(f"{value} has parts of a 分")
        return int(fen)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value) / 100


class Json(TypeDecorator[Any]):
    """A JSON value: JSONB on PostgreSQL, text on SQLite (whose JSON columns would turn numbers into their own)."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(JSONB(none_as_null=True) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return orjson.loads(value)


class Sealed(TypeDecorator[str]):
    """A text of a person, encrypted at rest; an empty one stays empty."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return secrets.seal(value) if value else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else secrets.unseal(value)


class Digest(TypeDecorator[str]):
    """A SHA-256: 64 hex digits in Python, 32 bytes in the database."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else bytes(value).hex()


class Code(TypeDecorator[str]):
    """One of a few words that never change: a word in Python, its place in the list in the database.

    Words are only ever added, at the end. Raises ``ValueError`` for a word that is not one of them.
    """

    impl = SmallInteger
    cache_ok = True

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = words
        self._places = {word: place for place, word in enumerate(words)}

    def process_bind_param(self, value: str | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value not in self._places:
            raise ValueError(f"{value!r} is none of {', '.join(self.words)}")
        return self._places[value]

    def process_result_value(self, value: int | None, dialect: Dialect) -> str | None:
        return None if value is None else self.words[value]


class SealedJson(TypeDecorator[Any]):
    """A JSON value encrypted as a whole (drafts, evidence, the record), packed first where that makes it smaller."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else secrets.ring().seal_bytes(_packed(orjson.dumps(value)))

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(_unpacked(secrets.ring().unseal_bytes(bytes(value))))


_ZLIB = b"\x78"  # no JSON text begins so
_WORTH_PACKING = 60
# What such values are often made of, so that short ones become shorter too. Never change it: it is needed to unpack.
_OFTEN = (
    b'{"variables":{"accepted_at":"","applied_on":"","case_number":"","channel":"counter","portal","office_code":"",'
    b'"office_name":"","document_number":"","decision":"","name":"","at":"2026-T+08:00","name":"},"answers":{"1":['
    b'"address","applicant","household_size","review_opinion","review_result"]}}{"value":{"explanation":[{"decision":"",'
    b'"name":"","hit_policy":"FIRST","COLLECT","UNIQUE","inputs":[{"expression":"","label":"","value":},{"expression":""}],'
    b'"rules":[{"id":"row_","row":1,"annotations":{},"cells":[{"input":,"test":"-","passed":true},{"input":false,'
    b'"test":"< ",'
    b'"passed":false}],"matched":true}],"outputs":""review_result":"pass","review_opinion":"'
)


def _packed(body: bytes) -> bytes:
    # What is encrypted cannot be packed afterwards, also not by the database.
    if len(body) <= _WORTH_PACKING:
        return body
    packer = zlib.compressobj(9, zdict=_OFTEN)
    return min(packer.compress(body) + packer.flush(), body, key=len)


def _unpacked(body: bytes) -> bytes:
    return zlib.decompressobj(zdict=_OFTEN).decompress(body) if body.startswith(_ZLIB) else body


class SealedTree(Json):
    """A JSON value sealed as a whole in a JSON column; a value from before it was sealed is still read."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        sealed = None if value is None else secrets.seal(orjson.dumps(value).decode())
        return super().process_bind_param(sealed, dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        found = super().process_result_value(value, dialect)
        return orjson.loads(secrets.unseal(found)) if isinstance(found, str) else found


class SealedBytes(TypeDecorator[bytes]):
    """Bytes encrypted at rest."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else secrets.ring().seal_bytes(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else secrets.ring().unseal_bytes(bytes(value))
