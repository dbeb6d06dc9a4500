"""Bring the database to the newest migration, under a lock so that processes starting together do not collide."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from engine.core import db
from engine.core.config import ROOT

# An arbitrary number that only our migrations use for PostgreSQL's advisory lock.
_LOCK = 726_455_001


def alembic_config() -> Config:
    """Alembic with our folder, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return config


def upgrade() -> None:
    """Run what is missing."""
    config = alembic_config()
    with db.engine().begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current() -> bool:
    """Whether the database stands at the newest migration."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    with db.engine().connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head
