"""A day of ours held against a party's: every difference is a row until somebody has settled it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from engine.commands import Unit, handles
from engine.core import ids, inbound
from engine.core.errors import NotFound
from engine.outside.reconciliation import Difference, Reconciliation, compare

Rows = Mapping[str, Mapping[str, Any]]
# Ours of a day by key, as plain values that compare: text, whole numbers, ISO dates.
Books = Callable[[Session, date], Rows]
_books: dict[str, Books] = {}


@dataclass(frozen=True)
class Reconcile:
    """Compare one day; ``theirs``: the party's rows by key. A day done before is compared anew."""

    name: str
    day: date
    theirs: Rows = field(repr=False)


@dataclass(frozen=True)
class FailReconciliation:
    """The party's list could not be had; the day stays owed."""

    name: str
    day: date
    error: str


def books(name: str) -> Callable[[Books], Books]:
    """Name the function that gives our rows of a day: ``(session, day) -> {key: row}``."""

    def add(function: Books) -> Books:
        _books[name] = function
        return function

    return add


def days_owed(session: Session, name: str, days: Iterable[date]) -> list[date]:
    """Those of ``days`` not compared yet, in their order."""
    done = select(Reconciliation.day).where(Reconciliation.name == name, Reconciliation.state == "done")
    known = set(session.scalars(done))
    return [day for day in days if day not in known]


@handles(Reconcile)
def reconcile(command: Reconcile, unit: Unit) -> int:
    """How many differences there are. What was settled before stays settled while it is the same."""
    declared = _declared(command.name)
    ours = _books[declared.against](unit.session, command.day)
    found = compare(ours, command.theirs)
    run = _run(unit, declared, command.day)
    run.state, run.error, run.compared, run.found = "done", "", len(ours.keys() | command.theirs.keys()), len(found)
    of_run = Difference.run_id == run.id
    unit.session.execute(delete(Difference).where(of_run, Difference.state == "open"))
    settled = {
        (one.key, one.kind, one.ours, one.theirs)
        for one in unit.session.scalars(select(Difference).where(of_run, Difference.state == "settled"))
    }
    for key, kind, names in found:
        mine, other = _text(ours.get(key)), _text(command.theirs.get(key))
        if (key, kind, mine, other) not in settled:
            unit.session.add(
                Difference(
                    id=ids.new(),
                    run_id=run.id,
                    party=run.party,
                    key=key,
                    kind=kind,
                    fields=names,
                    ours=mine,
                    theirs=other,
                )
            )
    unit.record(None, "reconciled", f"{declared.title} {command.day}：{run.compared} 笔，差异 {run.found} 条")
    unit.session.flush()
    return len(found)


@handles(FailReconciliation)
def fail_reconciliation(command: FailReconciliation, unit: Unit) -> None:
    """Why there is no comparison yet."""
    run = _run(unit, _declared(command.name), command.day)
    run.state, run.error = "failed", command.error[:500]
    unit.session.flush()


def _declared(name: str) -> inbound.Reconciliation:
    found = inbound.reconciliations().get(name)
    if found is None or found.against not in _books:
        raise NotFound(f"没有名为 {name} 的对账，或我方没有可对的账")
    return found


def _run(unit: Unit, declared: inbound.Reconciliation, day: date) -> Reconciliation:
    query = select(Reconciliation).where(Reconciliation.name == declared.name, Reconciliation.day == day)
    run = unit.session.scalar(query)
    if run is None:
        run = Reconciliation(id=ids.new(), party=declared.party, name=declared.name, title=declared.title, day=day)
        unit.session.add(run)
    run.ran_at = unit.now
    run.state = run.state or "failed"
    return run


def _text(row: Mapping[str, Any] | None) -> str:
    return "" if row is None else orjson.dumps(dict(row), option=orjson.OPT_SORT_KEYS, default=str).decode()
