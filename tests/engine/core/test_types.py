"""Columns keep their promise on both databases: moments stay aware, money keeps its 分, JSON its numbers."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson
import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, insert, select, text

from engine.core import secrets, types
from engine.core.secrets import Keys
from engine.core.types import Json, Money, Sealed, SealedBytes, SealedJson, SealedTree, UtcDateTime

ROWS = Table(
    "rows",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("moment", UtcDateTime),
    Column("price", Money),
    Column("json", Json),
    Column("name", Sealed),
    Column("draft", SealedJson),
    Column("tree", SealedTree),
    Column("raw", SealedBytes),
)


@pytest.fixture
def database(empty_database: Engine) -> Iterator[Engine]:
    before = secrets._keys
    secrets.use(Keys({"k1": b"1" * 32, "hash": b"h" * 32}))
    ROWS.metadata.create_all(empty_database)
    yield empty_database
    secrets._keys = before


def kept(database: Engine, column: str, value: Any) -> Any:
    with database.begin() as connection:
        connection.execute(insert(ROWS).values({"id": 1, column: value}))
        return connection.scalar(select(ROWS.c[column]))


def test_a_moment_comes_back_as_the_same_moment_in_utc(database: Engine) -> None:
    shanghai = timezone(timedelta(hours=8))
    found = kept(database, "moment", datetime(2026, 3, 2, 7, 30, 15, 123456, tzinfo=shanghai))
    assert found == datetime(2026, 3, 1, 23, 30, 15, 123456, tzinfo=UTC)
    assert found.isoformat() == "2026-03-01T23:30:15.123456+00:00"


def test_a_moment_without_zone_is_not_stored(database: Engine) -> None:
    with pytest.raises(Exception, match="without a zone"):
        kept(database, "moment", datetime(2026, 3, 2, 7, 30))  # noqa: DTZ001


@pytest.mark.parametrize("price", ["0.01", "-0.10", "90071992547409.93", "0"])
def test_money_keeps_every_fen(database: Engine, price: str) -> None:
    assert kept(database, "price", Decimal(price)) == Decimal(price)


def test_parts_of_a_fen_are_no_money(database: Engine) -> None:
    with pytest.raises(Exception, match="parts of a"):
        kept(database, "price", Decimal("0.001"))


@pytest.mark.parametrize("value", [0, 1.5, 10**15, "1", "", [], {}, {"a": [None, True, "张"]}, False])
def test_json_comes_back_as_it_went(database: Engine, value: Any) -> None:
    found = kept(database, "json", value)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("column", ["name", "draft", "tree", "raw"])
def test_personal_columns_lie_sealed_and_read_clear(database: Engine, column: str) -> None:
    value = {"name": "林秋实", "draft": {"name": "林秋实", "n": 1}, "tree": ["林秋实"], "raw": "林秋实".encode()}[
        column
    ]
    assert kept(database, column, value) == value
    with database.connect() as connection:
        raw = connection.scalar(text(f"SELECT {column} FROM rows"))  # noqa: S608
    assert "林秋实".encode() not in (raw.encode() if isinstance(raw, str) else bytes(raw))


@pytest.mark.parametrize("column", ["moment", "price", "json", "name", "draft", "tree", "raw"])
def test_nothing_stays_nothing(database: Engine, column: str) -> None:
    assert kept(database, column, None) is None


@pytest.mark.parametrize("value", [{}, "短", {"review_result": "pass", "review_opinion": "同意" * 40}, [None] * 500])
def test_a_sealed_value_comes_back_whether_it_was_packed_or_not(value: object) -> None:
    body = orjson.dumps(value)
    packed = types._packed(body)
    assert (types._unpacked(packed), len(packed) <= len(body)) == (body, True)
    # Values of an earlier version were packed without what often occurs.
    assert types._unpacked(zlib.compress(body)) == body
