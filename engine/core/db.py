"""The database: one metadata, one way to write (``transaction``), one way to read (``reading``)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any

import orjson
import psycopg
from sqlalchemy import BigInteger, Connection, Engine, MetaData, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from engine.core import ids
from engine.core.types import UtcDateTime
from engine.core.writes import Writing
from engine.core.writes import insert_rows as insert_rows

# Names for every constraint, so that migrations can speak of them.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {int: BigInteger, datetime: UtcDateTime}


def where(condition: str) -> dict[str, Any]:
    """Arguments of an ``Index`` that covers some rows only, on both databases."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


class WithId:
    """A row with an id of our own making."""

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=ids.new)


_engine: Engine | None = None
_reader: Engine | None = None


def use(engine: Engine | None) -> None:
    """Make ``engine`` the process's own."""
    global _engine, _reader
    _engine, _reader = engine, None if engine is None else _for_reading(engine)


def engine() -> Engine:
    """The process's database."""
    if _engine is None:
        raise RuntimeError("no database is connected")
    return _engine


def options(url: str) -> dict[str, Any]:
    """How an engine for ``url`` is made: patience on SQLite, a pool on PostgreSQL, orjson for JSON."""
    common: dict[str, Any] = {
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
    }
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 10, "check_same_thread": False}, **common}
    return {"pool_size": 10, "max_overflow": 20, "connect_args": {"cursor_factory": _Cursor}, **common}


class _Cursor(psycopg.Cursor[Any]):
    """A cursor that tells names and types of columns only: all that SQLAlchemy asks, and it asks at every statement."""

    @property
    def description(self) -> Any:
        found = self.pgresult
        if found is None or not found.nfields:
            return super().description
        return [((found.fname(n) or b"").decode(), found.ftype(n), *_UNTOLD) for n in range(found.nfields)]


_UNTOLD = (None,) * 5


def prepare(engine: Engine) -> Engine:
    """SQLite: write-ahead log, foreign keys, transactions that begin when we say and lock at once."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        # Many rows are one statement with many values, not one statement each.
        engine.dialect.use_insertmanyvalues_wo_returning = True
        event.listen(engine, "connect", _prepare_postgresql)
        event.listen(engine, "checkin", _note_rest)
        event.listen(engine, "checkout", partial(_ask_after_rest, engine))
    return engine


# A connection used this recently is not asked whether it still stands: asking at every use is a third of all messages.
_RESTED_SECONDS = 15.0


def _note_rest(_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    record.info["rests_since"] = monotonic()


def _ask_after_rest(
    engine: Engine, connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    if monotonic() - record.info.get("rests_since", monotonic()) < _RESTED_SECONDS:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        # The pool drops it, makes another, and asks again.
        raise DisconnectionError from error


def _prepare_postgresql(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    # Compiling a plan takes longer (100 ms and more) than any of our statements runs.
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("SET jit = off")
    cursor.close()
    connection.autocommit = False


def make_engine(url: str) -> Engine:
    """An engine outside a web application (tests, migrations)."""
    return prepare(create_engine(url, **options(url)))


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions of its own: we say when, and of which kind.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reading_only = connection.get_execution_options().get("anju_reading", False)
    connection.exec_driver_sql("BEGIN" if reading_only else "BEGIN IMMEDIATE")


@contextmanager
def transaction() -> Iterator[Session]:
    """The one way to change anything: all of it is committed at the end of the block, or none."""
    with Writing(engine(), expire_on_commit=False, autoflush=False) as session, session.begin():
        yield session
        session.send()


@contextmanager
def reading() -> Iterator[Session]:
    """A session for queries; it never commits. Each query sees what was committed when it began."""
    if _reader is None:
        raise RuntimeError("no database is connected")
    with Session(_reader, autoflush=False, expire_on_commit=False) as session:
        yield session


def _for_reading(engine: Engine) -> Engine:
    """The same connections. On PostgreSQL nothing is begun and nothing ended: two messages less."""
    alone = {"isolation_level": "AUTOCOMMIT"} if engine.dialect.name == "postgresql" else {}
    return engine.execution_options(anju_reading=True, **alone)


def insert_with_conflict(session: Session, table: type[Base]) -> Any:
    """An INSERT that can say ``ON CONFLICT``: both databases know it, SQLAlchemy keeps one class for each."""
    dialect = postgresql if for_update(session) else sqlite
    return dialect.insert(table.__table__)


def for_update(session: Session) -> bool:
    """Whether rows are locked one by one (PostgreSQL); SQLite locks the whole file from the start."""
    return session.get_bind().dialect.name == "postgresql"
