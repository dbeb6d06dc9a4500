"""Read access to another party's database: any SQLAlchemy URL, only SELECT, only the columns that were agreed.

At the first use the agreed columns are looked for; one that is missing is a fault that names it. Rows come in pages by
key, so that a page costs the same wherever it is and a row that is added meanwhile moves no other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Engine, MetaData, Table, create_engine, event, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from connectors._kit.pace import wait_for_turn
from connectors._kit.settings import PartySettings
from engine.core.errors import OutsideFault, Unreachable

MAX_PAGE = 500


@dataclass(frozen=True)
class Agreed:
    """One table or view: ``columns`` maps our names to theirs; ``key`` (ours) is unique and sorts the pages."""

    table: str
    columns: Mapping[str, str]
    key: str
    schema: str | None = None

    def __post_init__(self) -> None:
        if self.key not in self.columns:
            raise ValueError(f"{self.table}: the key {self.key} is no column")


@dataclass(frozen=True)
class Page:
    """Rows under our names. ``next`` is what to ask after for the next page; None: this was the last."""

    rows: tuple[Mapping[str, Any], ...] = field(repr=False)
    next: Any = None


class Shared:
    """The tables of one party behind one URL. Safe for threads."""

    def __init__(self, settings: PartySettings, url: str, tables: Mapping[str, Agreed]) -> None:
        self._settings, self._agreed = settings, dict(tables)
        self._engine = _read_only(settings, url)
        self._tables: dict[str, Table] = {}
        self._lock = threading.Lock()

    def rows(self, name: str, *, where: Mapping[str, Any] | None = None, after: Any = None, limit: int = 100) -> Page:
        """Rows of the agreed table ``name`` that equal ``where`` (a list: any of them), in the order of the key.

        Raises ``Unreachable`` and ``OutsideFault`` (``changed_schema``: a table or column is not there any more).
        """
        agreed, size = self._agreed[name], max(1, min(limit, MAX_PAGE))
        table = self._checked(name)
        key = table.c[agreed.columns[agreed.key]]
        wanted = select(*(table.c[theirs].label(ours) for ours, theirs in agreed.columns.items())).order_by(key)
        wanted = wanted.where(*self._conditions(table, agreed, where or {})).limit(size + 1)
        if after is not None:
            wanted = wanted.where(key > after)
        wait_for_turn(self._settings)
        with self._connection() as connection:
            found = [dict(row) for row in connection.execute(wanted).mappings()]
        more = len(found) > size
        return Page(tuple(found[:size]), found[size - 1][agreed.key] if more else None)

    def every(
        self, name: str, *, where: Mapping[str, Any] | None = None, most: int = 10_000
    ) -> list[Mapping[str, Any]]:
        """All rows, page by page. Raises ``OutsideFault`` (``too_many_rows``) beyond ``most``."""
        found: list[Mapping[str, Any]] = []
        after: Any = None
        while True:
            page = self.rows(name, where=where, after=after, limit=MAX_PAGE)
            found += page.rows
            if len(found) > most:
                raise OutsideFault(f"「{self._settings.title}」返回超过 {most} 行，请缩小范围", code="too_many_rows")
            if page.next is None:
                return found
            after = page.next

    def check(self) -> None:
        """Look for every agreed table and column now. Raises as ``rows`` does."""
        for name in self._agreed:
            self._checked(name)

    def close(self) -> None:
        """End the idle connections."""
        self._engine.dispose()

    def _conditions(self, table: Table, agreed: Agreed, where: Mapping[str, Any]) -> Iterator[ColumnElement[bool]]:
        for ours, value in where.items():
            column = table.c[agreed.columns[ours]]
            yield column.in_(value) if isinstance(value, list | tuple | set | frozenset) else column == value

    def _checked(self, name: str) -> Table:
        """The table with just the agreed columns, looked for once."""
        with self._lock:
            if name not in self._tables:
                self._tables[name] = self._looked_for(self._agreed[name])
            return self._tables[name]

    def _looked_for(self, agreed: Agreed) -> Table:
        title = self._settings.title
        with self._connection() as connection:
            try:
                columns = inspect(connection).get_columns(agreed.table, agreed.schema)
                there = {each["name"]: each["type"] for each in columns}
            except NoSuchTableError:
                there = {}
        if not there:
            raise OutsideFault(f"「{title}」的库中没有表 {agreed.table}，请核对接口版本", code="changed_schema")
        missing = [theirs for theirs in agreed.columns.values() if theirs not in there]
        if missing:
            named = "、".join(missing)
            raise OutsideFault(f"「{title}」的表 {agreed.table} 缺少列 {named}，请核对接口版本", code="changed_schema")
        columns_of = [Column(theirs, there[theirs]) for theirs in dict.fromkeys(agreed.columns.values())]
        return Table(agreed.table, MetaData(), *columns_of, schema=agreed.schema)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """What a database raises, as what a connector raises; its text may hold a person's data and is not repeated."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except NoSuchTableError:
            raise
        except SQLAlchemyError:
            # The columns are looked for again: a view may have been rebuilt.
            self._tables.clear()
            raise Unreachable(f"连不上「{self._settings.title}」的数据库，或查询未完成") from None


def _read_only(settings: PartySettings, url: str) -> Engine:
    """An engine whose sessions write nothing and stop in time, as far as the kind of database can be told so.

    For a kind that is not named here the account that the party gives us must be a reading one.
    """
    try:
        parsed = make_url(url)
        kind, seconds = parsed.get_backend_name(), settings.timeout
        engine = create_engine(parsed, poolclass=NullPool, hide_parameters=True, connect_args=_options(kind, seconds))
    except (ArgumentError, NoSuchModuleError, ImportError):
        message = f"「{settings.title}」的数据库地址不能用，请管理员核对"
        raise OutsideFault(message, code="not_configured") from None
    if kind == "sqlite":
        event.listen(engine, "connect", lambda connection, _: _restrict_sqlite(connection, seconds))
    return engine


def _options(kind: str, seconds: float) -> dict[str, Any]:
    whole, milliseconds = max(1, int(seconds)), int(seconds * 1000)
    if kind == "postgresql":
        options = f"-c default_transaction_read_only=on -c statement_timeout={milliseconds}"
        return {"connect_timeout": whole, "options": options}
    if kind == "mysql":
        limits = f"SET SESSION transaction_read_only = 1, max_execution_time = {milliseconds}"
        return {"connect_timeout": whole, "init_command": limits}
    return {}


def _restrict_sqlite(connection: Any, seconds: float) -> None:
    connection.execute("PRAGMA query_only = ON")
    until = time.monotonic() + seconds
    connection.set_progress_handler(lambda: int(time.monotonic() > until), 1_000)
