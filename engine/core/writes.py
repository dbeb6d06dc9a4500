"""Writing rows: at once, or held back until the transaction asks something or ends.

On PostgreSQL what was held back is one statement. Rows go as one JSON text, so that a statement's text depends on its
tables alone, never on how many rows there are: the server plans it once. On SQLite everything is written at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    ColumnElement,
    Text,
    TypeDecorator,
    bindparam,
    cast,
    column,
    event,
    func,
    inspect,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction

from engine.core.types import Json, SealedTree

_POSTGRESQL = postgresql.dialect()
_PLAIN = {"synchronize_session": False}
# Of as many rows at once a message to the server is made.
_AT_ONCE = 2_000


@dataclass(frozen=True, eq=False)
class Change:
    """A statement that writes to one table; its parameters carry names that no other change uses."""

    table: str
    statement: Any


class Writing(Session):
    """A session that knows what was held back, and sends it before anything else is asked or written."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held: dict[str, tuple[Change, Mapping[str, Any]]] = {}
        self.joins = self.get_bind().dialect.name == "postgresql"

    def hold(self, change: Change, params: Mapping[str, Any]) -> None:
        """Keep a change for later; two changes of one table are never one statement."""
        if change.table in self._held:
            self.send()
        self._held[change.table] = change, params

    def send(self) -> None:
        """Write what was held back."""
        if self._held:
            held, self._held = tuple(self._held.values()), {}
            params = {name: value for _, given in held for name, value in given.items()}
            super().connection().execute(_together(tuple(change for change, _ in held)), params)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        self.send()
        return super().execute(*args, **kwargs)

    def scalar(self, *args: Any, **kwargs: Any) -> Any:
        self.send()
        return super().scalar(*args, **kwargs)

    def scalars(self, *args: Any, **kwargs: Any) -> Any:
        self.send()
        return super().scalars(*args, **kwargs)

    def flush(self, *args: Any, **kwargs: Any) -> None:
        self.send()
        super().flush(*args, **kwargs)

    def connection(self, *args: Any, **kwargs: Any) -> Any:
        self.send()
        return super().connection(*args, **kwargs)

    def begin_nested(self) -> Any:
        self.send()
        return super().begin_nested()

    def forget(self) -> None:
        """Drop what was held back."""
        self._held = {}


@event.listens_for(Writing, "after_soft_rollback")
def _forget(session: Writing, _undone: SessionTransaction) -> None:
    # Also that of a savepoint: what was held back before it has been sent.
    session.forget()


@lru_cache(maxsize=500)
def _together(changes: tuple[Change, ...]) -> Any:
    *others, last = changes
    return last.statement.add_cte(*(one.statement.cte(f"also_{one.table}") for one in others))


def later(session: Session, change: Change, params: Mapping[str, Any]) -> None:
    """Write this before the transaction next asks or ends."""
    if isinstance(session, Writing) and session.joins:
        session.hold(change, params)
    else:
        session.execute(change.statement, params, execution_options=_PLAIN)


def insert_later(
    session: Session, table: type[DeclarativeBase], rows: Sequence[Mapping[str, Any]], over: Sequence[str] = ()
) -> None:
    """``insert_rows``, before the transaction next asks or ends."""
    if rows and len(rows) <= _AT_ONCE and isinstance(session, Writing) and session.joins:
        insertion = _insertion(table, tuple(rows[0]), tuple(over))
        session.hold(insertion.change, insertion.params(rows))
    else:
        insert_rows(session, table, rows, over)


def insert_rows(
    session: Session, table: type[DeclarativeBase], rows: Sequence[Mapping[str, Any]], over: Sequence[str] = ()
) -> None:
    """Insert rows in one statement; of a row that stands already the columns ``over`` are written anew."""
    if not rows:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        insertion = _insertion(table, tuple(rows[0]), tuple(over))
        for first in range(0, len(rows), _AT_ONCE):
            connection.execute(insertion.change.statement, insertion.params(rows[first : first + _AT_ONCE]))
    else:
        # One row needs no machinery for many.
        connection.execute(_plain_insertion(table, tuple(over)), rows[0] if len(rows) == 1 else rows)


@cache
def _plain_insertion(table: type[DeclarativeBase], over: tuple[str, ...]) -> Any:
    into: Any = table.__table__
    return _overwriting(sqlite.insert(into), over)


def _overwriting(insert: Any, over: tuple[str, ...]) -> Any:
    keys = [key.name for key in insert.table.primary_key]
    new = {name: insert.excluded[name] for name in over}
    return insert.on_conflict_do_update(index_elements=keys, set_=new) if over else insert


@dataclass(frozen=True)
class _Insertion:
    """``change`` takes its rows as one JSON text; ``given`` and ``made`` say how their values get there."""

    change: Change
    given: Mapping[str, Callable[[Any], Any]]
    made: Mapping[str, Callable[[], Any]]
    name: str

    def params(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        given, made = self.given.items(), self.made.items()
        told = []
        for row in rows:
            whole = dict(row)
            for column_name, default in made:
                whole[column_name] = default()
            for column_name, convert in given:
                value = whole[column_name]
                if value is not None:
                    whole[column_name] = convert(value)
            told.append(whole)
        return {self.name: orjson.dumps(told).decode()}


@cache
def _insertion(table: type[DeclarativeBase], names: tuple[str, ...], over: tuple[str, ...]) -> _Insertion:
    into: Any = table.__table__
    made = {one.name: _default(one) for one in into.columns if one.default is not None and one.name not in names}
    columns = [into.c[name] for name in (*names, *made)]
    names = tuple(one.name for one in columns)
    param = f"rows_of_{into.name}"
    like: ColumnElement[Any] = literal_column(f"NULL::{_POSTGRESQL.identifier_preparer.format_table(into)}")
    told = func.json_populate_recordset(like, cast(bindparam(param, type_=Text), JSON))
    rows = told.table_valued(*(column(name) for name in names), name="r")
    found = select(*(rows.c[name] for name in names))
    statement = _overwriting(postgresql.insert(into).from_select(names, found, include_defaults=False), over)
    given = {one.name: convert for one in columns if (convert := _conversion(one.type)) is not None}
    return _Insertion(Change(into.name, statement), given, made, param)


def _default(of: Any) -> Callable[[], Any]:
    return (lambda: of.default.arg) if of.default.is_scalar else lambda: of.default.arg(None)


def _conversion(type_: Any) -> Callable[[Any], Any] | None:
    """How a value gets into JSON text: as its type binds it, bytes in PostgreSQL's own notation."""
    if isinstance(type_, TypeDecorator) and (not isinstance(type_, Json) or isinstance(type_, SealedTree)):
        return lambda value: _told(type_.process_bind_param(value, _POSTGRESQL))
    return _told if type_.python_type is bytes else None


def _told(value: Any) -> Any:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value


def update_later(session: Session, row: DeclarativeBase) -> None:
    """Write what was changed of a row that the session holds; it leaves the session."""
    state = inspect(row)
    changed = sorted(set(state.mapper.column_attrs.keys()) - state.unmodified)
    if not state.persistent or not (isinstance(session, Writing) and session.joins):
        return
    session.expunge(row)
    if changed:
        change = _update(type(row), tuple(changed))
        own = {f"of_{change.table}_{key.name}": state.dict[key.name] for key in state.mapper.primary_key}
        session.hold(change, {**own, **{f"new_{name}": state.dict[name] for name in changed}})


@cache
def _update(table: type[DeclarativeBase], names: tuple[str, ...]) -> Change:
    into: Any = table.__table__
    ours = [key == bindparam(f"of_{into.name}_{key.name}", type_=key.type) for key in into.primary_key]
    return Change(into.name, update(into).where(*ours).values({name: bindparam(f"new_{name}") for name in names}))
