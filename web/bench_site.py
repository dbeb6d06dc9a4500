"""What measuring needs of an installation: a fresh database, the parts put together, web servers beside us."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from engine.commands import forget_calendar
from engine.core import db
from engine.core.config import ROOT
from engine.core.errors import Refused
from web import app as application
from web import migrate

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Site:
    """An installation on a database of its own; ``environ`` is what its processes are started with."""

    parts: application.Parts
    environ: dict[str, str]


@dataclass(frozen=True)
class Web:
    """A web server in a process of its own."""

    pid: int
    port: int


@contextmanager
def fresh(url: str | None, settings: Mapping[str, str] | None = None) -> Iterator[Site]:
    """An installation on SQLite, or on the PostgreSQL server of ``url``; all of it is removed afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anju-bench-")))
        environ = {"ANJU_DATA": str(folder), "ANJU_PORT": str(free_port()), **(settings or {})}
        if url is not None:
            environ["ANJU_DATABASE_URL"] = stack.enter_context(_database(url))
        forget_calendar()
        parts = application.build(environ)
        stack.callback(db.engine().dispose)
        migrate.upgrade()
        yield Site(parts, environ)


@contextmanager
def serving(site: Site) -> Iterator[Web]:
    """One more web server of the installation."""
    around = {name: value for name, value in os.environ.items() if not name.startswith("ANJU_")}
    port = free_port()
    child = subprocess.Popen(
        [sys.executable, "-m", "web.cli", "serve"],
        cwd=ROOT,
        env={**around, **site.environ, "ANJU_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", child)
        yield Web(child.pid, port)
    finally:
        child.terminate()
        child.wait(20)


def _wait_for(url: str, child: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < limit and child.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310  our own address
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise Refused("测量用的网页服务没有启动，请先用 anju serve 查看原因", code="not_started")


def reachable(url: str) -> str:
    """Why the PostgreSQL of ``url`` cannot be used, or nothing where it can."""
    engine = create_engine(url, connect_args={"connect_timeout": 3})
    try:
        engine.connect().close()
    except OperationalError as error:
        return str(error.orig).splitlines()[0]
    finally:
        engine.dispose()
    return ""


@contextmanager
def _database(url: str) -> Iterator[str]:
    """A database of our own on the server, dropped afterwards."""
    name = f"anju_bench_{uuid4().hex[:12]}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        yield server.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        server.dispose()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
