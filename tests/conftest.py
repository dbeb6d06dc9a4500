"""What every test shares: hypothesis profiles, and a word instead of a failure where a service is absent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from engine.core import db
from tests.support.installation import Installation, Postgres, running, template

POSTGRES = {"host": os.environ.get("PGHOST", "127.0.0.1"), "port": os.environ.get("PGPORT", "5432")}

settings.register_profile("default", deadline=None, max_examples=100)
settings.register_profile(
    "ci", deadline=None, max_examples=100, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@cache
def postgres_absent() -> str:
    """Why PostgreSQL cannot be used, or nothing where it can."""
    try:
        psycopg.connect(**POSTGRES, dbname="postgres", user="postgres", connect_timeout=3).close()
    except psycopg.OperationalError as problem:
        return f"no PostgreSQL at {POSTGRES['host']}:{POSTGRES['port']}: {str(problem).splitlines()[0]}"
    return ""


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Bytes have no readable name: say how long they are."""
    return f"{argname}-{len(val)}-bytes" if isinstance(val, bytes) else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("postgres") and (why := postgres_absent()):
        pytest.skip(why)
    if item.get_closest_marker("browser") and shutil.which("chromium") is None:
        pytest.skip("no Chromium here: install the Debian package chromium")


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with demo data on SQLite, made once."""
    return template(tmp_path_factory.mktemp("filled"))


@pytest.fixture
def anju(filled: Path, tmp_path: Path) -> Iterator[Installation]:
    """A running installation on SQLite."""
    with running(filled, tmp_path / "data") as installation:
        yield installation


@pytest.fixture(scope="session")
def filled_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A data folder with demo data whose database is PostgreSQL, made once: (folder, database)."""
    server = Postgres(POSTGRES["host"], POSTGRES["port"])
    with server.database() as name:
        yield template(tmp_path_factory.mktemp("filled_postgres"), server.url(name)), name


@pytest.fixture
def anju_postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """A running installation on PostgreSQL."""
    if why := postgres_absent():
        pytest.skip(why)
    folder, database = request.getfixturevalue("filled_postgres")
    server = Postgres(POSTGRES["host"], POSTGRES["port"])
    with server.database(of=database) as name, running(folder, tmp_path / "data", server.url(name)) as installation:
        yield installation


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without tables, once of each kind, with the core set to use it."""
    before = db._engine
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path / 'empty.db'}"
        elif why := postgres_absent():
            pytest.skip(why)
        else:
            server = Postgres(POSTGRES["host"], POSTGRES["port"])
            url = server.url(stack.enter_context(server.database()))
        engine = db.make_engine(url)
        db.use(engine)
        yield engine
        engine.dispose()
    db.use(before)


@pytest.fixture(params=["sqlite", "postgres"])
def anju_both(request: pytest.FixtureRequest) -> Installation:
    """A running installation, once on each database."""
    found: Installation = request.getfixturevalue("anju" if request.param == "sqlite" else "anju_postgres")
    return found
