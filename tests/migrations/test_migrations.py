"""The migrations make what the models say, on both databases, there and back."""

from __future__ import annotations

from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Engine, inspect

from engine.core.config import ROOT
from engine.core.db import Base
from web import migrate


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


def test_a_fresh_database_is_what_the_models_say(empty_database: Engine) -> None:
    migrate.upgrade()
    assert migrate.is_current()
    with empty_database.connect() as connection:
        assert differences(connection) == []


def test_a_column_missing_from_the_migrations_would_be_seen(empty_database: Engine) -> None:
    migrate.upgrade()
    with empty_database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE office DROP COLUMN phone")
        assert [one[0] for one in differences(connection)] == ["add_column"]


def test_going_down_leaves_nothing_and_up_again_everything(empty_database: Engine) -> None:
    migrate.upgrade()
    made = tables(empty_database)
    config = migrate.alembic_config()
    with empty_database.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert tables(empty_database) == set()
    migrate.upgrade()
    assert tables(empty_database) == made
    assert len(made) == len(Base.metadata.tables)


def test_upgrading_twice_changes_nothing(empty_database: Engine) -> None:
    migrate.upgrade()
    migrate.upgrade()
    assert migrate.is_current()


def test_a_database_that_is_not_migrated_is_known_as_such(empty_database: Engine) -> None:
    assert not migrate.is_current()


def test_there_is_one_head_and_the_file_names_it() -> None:
    heads = ScriptDirectory.from_config(migrate.alembic_config()).get_heads()
    assert [(ROOT / "migrations" / "head.txt").read_text().strip()] == heads
