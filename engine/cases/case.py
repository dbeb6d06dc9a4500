"""The case (办件): one row that everything about it hangs from, and its variables."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Index, LargeBinary, String, UniqueConstraint, delete, select, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core.db import Base, WithId, for_update, insert_with_conflict
from engine.core.errors import NotFound
from engine.core.types import Json, Sealed

ROOT_SCOPE = "0"


class Case(WithId, Base):
    """One case. ``state``: open, closed. ``tokens`` is the process's token state, without spec and variables.

    ``live_key`` is set while the case is open and unique, so that a household has one live application at a time.
    """

    __tablename__ = "case_file"
    __table_args__ = (
        Index("ix_case_office_state", "office_id", "state"),
        Index("ix_case_applicant", "applicant_key"),
        UniqueConstraint("number"),
    )

    office_id: Mapped[int]
    item: Mapped[str] = mapped_column(String(120), index=True)
    item_name: Mapped[str] = mapped_column(String(120))
    release_id: Mapped[int]
    number: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(20))
    applicant_key: Mapped[str] = mapped_column(String(40), default="")
    subject_name: Mapped[str] = mapped_column(Sealed)
    subject_digest: Mapped[str] = mapped_column(String(64), index=True)
    name_digest: Mapped[str] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(12), default="open")
    stage: Mapped[str] = mapped_column(String(40), default="")
    outcome: Mapped[str] = mapped_column(String(60), default="")
    tokens: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    version: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime]
    applied_on: Mapped[date] = mapped_column(Date)
    accepted_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    clock_from: Mapped[date | None] = mapped_column(Date)
    clock_days: Mapped[int] = mapped_column(default=0)
    clock_stopped_since: Mapped[date | None] = mapped_column(Date)
    clock_reason: Mapped[str] = mapped_column(String(40), default="")
    due_on: Mapped[date | None] = mapped_column(Date, index=True)
    journal_seq: Mapped[int] = mapped_column(default=0)
    journal_hash: Mapped[str] = mapped_column(String(64), default="")


class LiveKey(Base):
    """Who has a live case of an item: one row per person and item while the case is open."""

    __tablename__ = "live_key"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    case_id: Mapped[int] = mapped_column(index=True)


class Variable(Base):
    """One process variable in its scope; the root scope is ``0``, any other is named by its token."""

    __tablename__ = "variable"

    case_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    scope: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    value: Mapped[Any | None] = mapped_column(Json)


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


def load_variables(session: Session, case_id: int) -> Scopes:
    """All variables of a case: scope → name → value."""
    scopes: Scopes = {ROOT_SCOPE: {}}
    rows = session.execute(select(Variable.scope, Variable.name, Variable.value).where(Variable.case_id == case_id))
    for scope, name, value in rows:
        scopes.setdefault(scope, {})[name] = value
    return scopes


def save_variables(session: Session, case_id: int, before: Scopes, after: Scopes) -> list[tuple[str, str]]:
    """Write what changed and nothing else; gives the changed (scope, name) pairs."""
    old = {(scope, name): value for scope, names in before.items() for name, value in names.items()}
    new = {(scope, name): value for scope, names in after.items() for name, value in names.items()}
    added = [key for key in new if key not in old]
    changed = [key for key in new if key in old and new[key] != old[key]]
    if gone := [key for key in old if key not in new]:
        of_these = tuple_(Variable.scope, Variable.name).in_(gone)
        session.execute(delete(Variable).where(Variable.case_id == case_id, of_these))
    if added or changed:
        written = insert_with_conflict(session, Variable)
        session.execute(
            written.on_conflict_do_update(
                index_elements=["case_id", "scope", "name"], set_={"value": written.excluded.value}
            ),
            [
                {"case_id": case_id, "scope": scope, "name": name, "value": new[scope, name]}
                for scope, name in added + changed
            ],
        )
    return added + changed


def next_number(session: Session, name: str) -> int:
    """The next number of a series, 1 first; the row stays locked until the commit, so no number is lost or doubled."""
    # One statement makes or raises the counter: two first numbers at the same moment do not collide.
    insert_or = insert_with_conflict(session, Sequence).values(name=name, value=1)
    raised = insert_or.on_conflict_do_update(index_elements=["name"], set_={"value": Sequence.value + 1})
    taken: int = session.scalars(raised.returning(Sequence.value)).one()
    return taken
