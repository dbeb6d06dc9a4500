"""The case (办件): one row that everything about it hangs from, and its variables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Date,
    Index,
    Integer,
    LargeBinary,
    Select,
    String,
    UniqueConstraint,
    bindparam,
    delete,
    select,
    tuple_,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core.db import Base, WithId, for_update, insert_with_conflict, where
from engine.core.errors import NotFound
from engine.core.types import Digest, Json, Sealed
from engine.core.writes import insert_later

ROOT_SCOPE = "0"


class Case(WithId, Base):
    """One case. ``state``: open, suspended, closed, cancelled. ``tokens`` is the process's token state alone.

    ``item`` is empty for an instance of a plain deployment, whose ``number`` is then its key; ``process_id`` is the
    BPMN id of the process. A case that is over has neither tokens nor variables: ``final`` reads them from the record.
    ``about_case_id``: the closed case whose decision this one looks at again.
    """

    __tablename__ = "case_file"
    __table_args__ = (
        Index("ix_case_office_state", "office_id", "state"),
        Index("ix_case_applicant", "applicant_key", **where("applicant_key <> ''")),
        Index("ix_case_file_subject_digest", "subject_digest", **where("subject_digest <> ''")),
        Index("ix_case_file_name_digest", "name_digest", **where("name_digest <> ''")),
        Index("ix_case_file_due_on", "due_on", **where("due_on IS NOT NULL")),
        Index("ix_case_file_closed", "item", "closed_at", **where("closed_at IS NOT NULL")),
        Index("ix_case_file_about", "about_case_id", **where("about_case_id IS NOT NULL")),
        UniqueConstraint("number"),
        # The beginning of a number is looked for as it is written, whatever the collation.
        Index("ix_case_file_number_start", "number", postgresql_ops={"number": "varchar_pattern_ops"}),
    )

    office_id: Mapped[int]
    item: Mapped[str] = mapped_column(String(120), index=True)
    item_name: Mapped[str] = mapped_column(String(120))
    release_id: Mapped[int]
    process_id: Mapped[str] = mapped_column(String(120), default="")
    number: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(20))
    applicant_key: Mapped[str] = mapped_column(String(40), default="")
    subject_name: Mapped[str] = mapped_column(Sealed)
    subject_digest: Mapped[str] = mapped_column(String(64), default="")
    name_digest: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[str] = mapped_column(String(12), default="open")
    stage: Mapped[str] = mapped_column(String(40), default="")
    outcome: Mapped[str] = mapped_column(String(60), default="")
    tokens: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    version: Mapped[int] = mapped_column(Integer, default=0)
    opened_at: Mapped[datetime]
    applied_on: Mapped[date] = mapped_column(Date)
    accepted_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    clock_from: Mapped[date | None] = mapped_column(Date)
    clock_days: Mapped[int] = mapped_column(Integer, default=0)
    clock_stopped_since: Mapped[date | None] = mapped_column(Date)
    clock_reason: Mapped[str] = mapped_column(String(40), default="")
    due_on: Mapped[date | None] = mapped_column(Date)
    about_case_id: Mapped[int | None]
    journal_seq: Mapped[int] = mapped_column(Integer, default=0)
    journal_hash: Mapped[str | None] = mapped_column(Digest)

    def __init__(self, **values: Any) -> None:
        # Known before it is first written: a new case is written once, with what its first steps made of it.
        new = {"state": "open", "stage": "", "outcome": "", "tokens": b"", "version": 0, "applicant_key": ""}
        record = {"journal_seq": 0, "journal_hash": None, "clock_days": 0, "clock_reason": ""}
        super().__init__(**{**new, **record, "subject_digest": "", "name_digest": "", **values})


class LiveKey(Base):
    """Who has a live case of an item: one row per person and item while the case is open."""

    __tablename__ = "live_key"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    case_id: Mapped[int] = mapped_column(index=True)


class Variable(Base):
    """One process variable in its scope; the root scope is ``0``, any other is named by its token.

    ``entry_seq`` is the line of the record whose payload holds the very same value: an answer of a form as given.
    """

    __tablename__ = "variable"

    case_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    scope: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    value: Mapped[Any | None] = mapped_column(Json)
    entry_seq: Mapped[int | None] = mapped_column(Integer)


class Sequence(Base):
    """A gapless counter, locked by whoever takes the next number."""

    __tablename__ = "sequence"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


def lock(session: Session, case_id: int) -> Case:
    """The case, locked until the end of the transaction. Raises ``NotFound``."""
    query = select(Case).where(Case.id == case_id)
    case = session.scalar(query.with_for_update() if for_update(session) else query)
    if case is None:
        raise NotFound("没有这个办件")
    return case


Scopes = dict[str, dict[str, Any]]


_VARIABLES = select(Variable.scope, Variable.name, Variable.value, Variable.entry_seq).where(
    Variable.case_id == bindparam("of_case")
)
# Names of the root scope → the line of the record that holds their value.
Origins = dict[str, int]


def load_variables(session: Session, case_id: int) -> Scopes:
    """All variables of a case that is not over: scope → name → value."""
    return load_with_origins(session, case_id)[0]


# A query about ``of_case`` in the shape of variables (the same four columns, a scope of its own), and what it takes.
Asked = tuple[Select[*tuple[Any, ...]], Mapping[str, Any]]


def load_with_origins(session: Session, case_id: int, *more: Asked) -> tuple[Scopes, Origins]:
    """The variables, and which of them the record holds too.

    ``more`` are asked in the same statement.
    """
    scopes: Scopes = {ROOT_SCOPE: {}}
    origins: Origins = {}
    given: dict[str, Any] = {"of_case": case_id}
    for _, params in more:
        given |= params
    for scope, name, value, seq in session.execute(_together(tuple(query for query, _ in more)), given):
        scopes.setdefault(scope, {})[name] = value
        if seq is not None:
            origins[name] = seq
    return scopes, origins


@cache
def _together(more: tuple[Any, ...]) -> Any:
    return _VARIABLES.union_all(*more) if more else _VARIABLES


def save_variables(session: Session, case_id: int, before: Scopes, after: Scopes, origins: Origins) -> None:
    """Write what changed and nothing else."""
    old = {(scope, name): value for scope, names in before.items() for name, value in names.items()}
    new = {(scope, name): value for scope, names in after.items() for name, value in names.items()}
    if gone := [key for key in old if key not in new]:
        of_these = tuple_(Variable.scope, Variable.name).in_(gone)
        session.execute(delete(Variable).where(Variable.case_id == case_id, of_these))
    rows = [
        {
            "case_id": case_id,
            "scope": scope,
            "name": name,
            "value": value,
            "entry_seq": origins.get(name) if scope == ROOT_SCOPE else None,
        }
        for (scope, name), value in new.items()
        if (scope, name) not in old or old[scope, name] != value
    ]
    insert_later(session, Variable, rows, over=["value", "entry_seq"])


def next_number(session: Session, name: str) -> int:
    """The next number of a series, 1 first; the row stays locked until the commit, so no number is lost or doubled."""
    # One statement makes or raises the counter: two first numbers at the same moment do not collide.
    insert_or = insert_with_conflict(session, Sequence).values(name=name, value=1)
    raised = insert_or.on_conflict_do_update(index_elements=["name"], set_={"value": Sequence.value + 1})
    taken: int = session.scalars(raised.returning(Sequence.value)).one()
    return taken
