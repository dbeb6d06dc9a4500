"""A filled installation on either database, for tests that run it as processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import POSTGRES, postgres_absent
from tests.support.installation import Postgres


@contextmanager
def filled_on(database: str, request: pytest.FixtureRequest) -> Iterator[tuple[Path, str | None]]:
    """The data folder to copy, and the address of a copied database; none on SQLite, which lies in the folder."""
    if database == "sqlite":
        yield request.getfixturevalue("filled"), None
        return
    if why := postgres_absent():
        pytest.skip(why)
    folder, template = request.getfixturevalue("filled_postgres")
    server = Postgres(POSTGRES["host"], POSTGRES["port"])
    with server.database(of=template) as name:
        yield folder, server.url(name)
