"""Reading another party's tables on SQLite and PostgreSQL: what was agreed, in pages, in time, never writing."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from connectors._kit.manifest import RateLimit
from connectors._kit.settings import PartySettings
from connectors._kit.tables import Agreed, Shared
from engine.core import ids
from engine.core.errors import OutsideFault, Unreachable

SETTINGS = PartySettings("trade", "房产交易", 2.0, RateLimit(1000, 1), {})
HOMES = Agreed("LPB_HW", {"id": "HWID", "building": "LDID", "area": "JZMJ"}, key="id")


def postgres() -> str:
    host, port = os.environ.get("PGHOST", "127.0.0.1"), int(os.environ.get("PGPORT", "5432"))
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        pytest.skip(f"no PostgreSQL at {host}:{port}")
    return f"postgresql+psycopg://postgres@{host}:{port}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with seven homes in two buildings, named as old systems name them."""
    if request.param == "sqlite":
        found = f"sqlite:///{tmp_path / 'trade.db'}"
        fill(found)
        yield found
        return
    server, name = postgres(), f"anju_kit_{ids.new()}"
    admin = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    fill(f"{server}/{name}")
    yield f"{server}/{name}"
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


def fill(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        columns = '"HWID" varchar(20), "LDID" integer, "JZMJ" numeric(10,2), "QLR" varchar(60)'
        connection.execute(text(f'CREATE TABLE "LPB_HW" ({columns})'))
        for number in range(7):
            row = {"id": f"H{number}", "building": number % 2, "area": 50 + number}
            connection.execute(text("INSERT INTO \"LPB_HW\" VALUES (:id, :building, :area, '林秋实')"), row)
    engine.dispose()


def shared(url: str, agreed: Agreed = HOMES, settings: PartySettings = SETTINGS) -> Shared:
    return Shared(settings, url, {"homes": agreed})


def test_rows_come_under_our_names_and_without_what_was_not_agreed(url: str) -> None:
    page = shared(url).rows("homes", where={"building": 1})
    assert [row["id"] for row in page.rows] == ["H1", "H3", "H5"]
    assert set(page.rows[0]) == {"id", "building", "area"}
    assert page.next is None
    assert "林秋实" not in repr(page)


def test_pages_follow_the_key_to_the_last_row(url: str) -> None:
    there = shared(url)
    first = there.rows("homes", limit=3)
    second = there.rows("homes", limit=3, after=first.next)
    third = there.rows("homes", limit=3, after=second.next)
    assert [[row["id"] for row in page.rows] for page in (first, second, third)] == [
        ["H0", "H1", "H2"],
        ["H3", "H4", "H5"],
        ["H6"],
    ]
    assert third.next is None
    assert len(there.every("homes")) == 7
    assert len(there.every("homes", where={"id": ["H1", "H2", "H9"]})) == 2
    with pytest.raises(OutsideFault) as caught:
        there.every("homes", most=6)
    assert caught.value.code == "too_many_rows"


def test_values_are_values_and_never_a_part_of_the_statement(url: str) -> None:
    assert shared(url).rows("homes", where={"id": "x' OR '1'='1"}).rows == ()


@pytest.mark.parametrize(
    ("agreed", "word"),
    [
        (Agreed("LPB_HW", {"id": "HWID", "use": "GHYT"}, key="id"), "缺少列 GHYT"),
        (Agreed("LPB_LD", {"id": "LDID"}, key="id"), "没有表 LPB_LD"),
    ],
)
def test_a_column_or_table_that_is_missing_is_named(url: str, agreed: Agreed, word: str) -> None:
    with pytest.raises(OutsideFault, match=word) as caught:
        shared(url, agreed).check()
    assert caught.value.code == "changed_schema"


def test_a_column_that_goes_away_later_is_named_at_the_next_look(url: str) -> None:
    there = shared(url)
    there.check()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text('ALTER TABLE "LPB_HW" RENAME COLUMN "JZMJ" TO "MJ"'))
    engine.dispose()
    with pytest.raises(Unreachable):
        there.rows("homes")
    with pytest.raises(OutsideFault, match="缺少列 JZMJ"):
        there.rows("homes")


def test_the_session_itself_cannot_write(url: str) -> None:
    there = shared(url)
    with there._engine.connect() as connection, pytest.raises(SQLAlchemyError):
        connection.execute(text('DELETE FROM "LPB_HW"'))
    assert len(there.every("homes")) == 7


def test_a_statement_that_takes_too_long_is_stopped(url: str) -> None:
    quick = PartySettings("trade", "房产交易", 0.3, RateLimit(1000, 1), {})
    slow = (
        "SELECT pg_sleep(20)"
        if url.startswith("postgresql")
        else "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    )
    there = shared(url, settings=quick)
    with pytest.raises(Unreachable), there._connection() as connection:
        connection.execute(text(slow))


def test_nobody_there_and_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(Unreachable) as caught:
        shared("postgresql+psycopg://somebody:secret@127.0.0.1:1/none").check()
    assert "secret" not in str(caught.value)
    for wrong in ("nonsense", "nosuch://host/db"):
        with pytest.raises(OutsideFault) as faulty:
            shared(wrong)
        assert faulty.value.code == "not_configured"
