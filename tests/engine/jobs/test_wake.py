"""Who waits for work is woken when there is some: in the same process, and across processes by PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest

from engine.core import db
from engine.core.db import Base, make_engine, transaction
from engine.jobs import queue, wake
from tests.conftest import POSTGRES, postgres_absent
from tests.support.installation import Postgres
from web import migrate

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[None]:
    before, engine = db._engine, make_engine(f"sqlite:///{tmp_path / 'wake.db'}")
    Base.metadata.create_all(engine, tables=[Base.metadata.tables["job"]])
    db.use(engine)
    yield
    engine.dispose()
    db.use(before)


@pytest.fixture
def listening() -> Iterator[wake.Ear]:
    if why := postgres_absent():
        pytest.skip(why)
    server, before, stop = Postgres(POSTGRES["host"], POSTGRES["port"]), db._engine, threading.Event()
    with server.database() as name:
        engine = make_engine(server.url(name))
        db.use(engine)
        migrate.upgrade()
        wake.listen(stop)
        ear = wake._ear
        assert ear is not None
        until(lambda: ear.listening)
        yield ear
        stop.set()
        engine.dispose()
    db.use(before)


def until(holds: object, seconds: float = 10.0) -> None:
    limit = monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert monotonic() < limit
        threading.Event().wait(0.01)


def enqueue(kind: str = "call", *, fails: bool = False) -> None:
    with transaction() as session:
        queue.enqueue(session, [{"kind": kind, "case_id": 1, "token": "t", "due_at": NOW}])
        if fails:
            raise ZeroDivisionError


@pytest.mark.usefixtures("sqlite")
def test_a_commit_wakes_and_a_rollback_does_not() -> None:
    heard = wake.bell.heard()
    with pytest.raises(ZeroDivisionError):
        enqueue(fails=True)
    assert not wake.bell.wait(heard, 0)
    enqueue()
    assert wake.bell.wait(heard, 0)


@pytest.mark.usefixtures("sqlite")
def test_work_within_a_savepoint_wakes_only_when_all_is_committed() -> None:
    heard = wake.bell.heard()
    with transaction() as session:
        with session.begin_nested():
            queue.enqueue(session, [{"kind": "call", "case_id": 1, "token": "t", "due_at": NOW}])
        assert not wake.bell.wait(heard, 0)
    assert wake.bell.wait(heard, 0)


@pytest.mark.usefixtures("sqlite")
def test_our_workers_sleep_through_what_is_for_others() -> None:
    ours, theirs = wake.bell.heard(), wake.bell.heard(external=True)
    enqueue("external")
    assert not wake.bell.wait(ours, 0)
    assert wake.bell.wait(theirs, 0, external=True)


def test_another_process_is_woken_by_the_database(listening: wake.Ear) -> None:
    heard = wake.bell.heard()
    # Written past our own session: as another process would.
    with db.engine().begin() as connection:
        connection.execute(
            Base.metadata.tables["job"].insert(), {"id": 1, "kind": "call", "case_id": 1, "token": "t", "due_at": NOW}
        )
    assert wake.bell.wait(heard, 5)
    assert wake.pause() == wake.LISTENING_POLL_SECONDS


def test_a_listener_whose_connection_is_cut_comes_back_and_workers_poll_meanwhile(listening: wake.Ear) -> None:
    with db.engine().begin() as connection:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'anju-listen'"
        connection.exec_driver_sql(cut + " AND datname = current_database()")
    until(lambda: not listening.listening)
    assert wake.pause() == wake.POLL_SECONDS
    until(lambda: listening.listening)
