"""What every test shares: hypothesis profiles, and a word instead of a failure where a service is absent."""

from __future__ import annotations

import os
import shutil
from functools import cache

import psycopg
import pytest
from hypothesis import HealthCheck, settings

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


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("postgres") and (why := postgres_absent()):
        pytest.skip(why)
    if item.get_closest_marker("browser") and shutil.which("chromium") is None:
        pytest.skip("no Chromium here: install the Debian package chromium")
