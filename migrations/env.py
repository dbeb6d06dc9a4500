"""Alembic's entry: runs migrations on the connection that the caller hands over."""

from __future__ import annotations

import importlib

from alembic import context

from engine.core.db import Base
from engine.core.tables import MODULES

for module in MODULES:
    importlib.import_module(module)


def run() -> None:
    """Migrate inside the caller's transaction."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


run()
