"""The migrations make what the models say, on both databases, there and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Engine, inspect

from engine.core import db
from engine.core.config import ROOT
from engine.core.db import Base, make_engine
from tests.conftest import POSTGRES, postgres_absent
from tests.support.installation import Postgres
from web import migrate


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    before = db._engine
    if request.param == "sqlite":
        yield from opened(f"sqlite:///{tmp_path / 'new.db'}")
    elif why := postgres_absent():
        pytest.skip(why)
    else:
        server = Postgres(POSTGRES["host"], POSTGRES["port"])
        with server.database() as name:
            yield from opened(server.url(name))
    db.use(before)


def opened(url: str) -> Iterator[Engine]:
    engine = make_engine(url)
    db.use(engine)
    yield engine
    engine.dispose()


def same_type(context: Any, _inspected: Column[Any], declared: Column[Any], found: Any, wanted: Any) -> bool | None:
    """A type of our own is compared by what it becomes in this database. True means: different."""
    own = wanted.load_dialect_impl(context.dialect) if hasattr(wanted, "load_dialect_impl") else wanted
    if str(found.compile(context.dialect)) == str(own.compile(context.dialect)):
        return False
    return None


def differences(connection: Connection) -> list[Any]:
    options = {"compare_type": same_type, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_a_fresh_database_is_what_the_models_say(database: Engine) -> None:
    migrate.upgrade()
    assert migrate.is_current()
    with database.connect() as connection:
        assert differences(connection) == []


def test_a_column_missing_from_the_migrations_would_be_seen(database: Engine) -> None:
    migrate.upgrade()
    with database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE office DROP COLUMN phone")
        assert [one[0] for one in differences(connection)] == ["add_column"]


def test_going_down_leaves_nothing_and_up_again_everything(database: Engine) -> None:
    migrate.upgrade()
    made = tables(database)
    config = migrate.alembic_config()
    with database.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert tables(database) == set()
    migrate.upgrade()
    assert tables(database) == made
    assert len(made) == len(Base.metadata.tables)


def test_upgrading_twice_changes_nothing(database: Engine) -> None:
    migrate.upgrade()
    migrate.upgrade()
    assert migrate.is_current()


def test_a_database_that_is_not_migrated_is_known_as_such(database: Engine) -> None:
    assert not migrate.is_current()


def test_there_is_one_head_and_the_file_names_it() -> None:
    heads = ScriptDirectory.from_config(migrate.alembic_config()).get_heads()
    assert [(ROOT / "migrations" / "head.txt").read_text().strip()] == heads
