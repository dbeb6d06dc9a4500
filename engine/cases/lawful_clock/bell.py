"""The one timer of a case: a job at the next moment somebody must be told. Nobody ever looks through all cases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, text
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.lawful_clock.counting import rings
from engine.cases.lawful_clock.tables import CaseLimit, ClockStop
from engine.catalog.limits import ClockRules
from engine.core import clock, ids, workdays
from engine.core.db import insert_with_conflict
from engine.core.writes import Change, later
from engine.jobs import wake
from engine.jobs.queue import Job

KIND = "clock"


def arm(
    session: Session,
    case: Case,
    limits: Sequence[CaseLimit],
    stops: Sequence[ClockStop],
    rules: ClockRules,
    only_sooner: bool = False,
) -> None:
    """Ring at the next moment: of limits that run, or of a stop that may not last longer."""
    at = next_moment(case, limits, stops, rules)
    if at is None:
        if not only_sooner:
            silence(session, case.id)
        return
    row = {
        "id": ids.new(),
        "kind": KIND,
        "state": "ready",
        "case_id": case.id,
        "office_id": case.office_id,
        "process_id": case.process_id,
        "token": KIND,
        "due_at": at,
        "created_at": clock.now(),
    }
    made = insert_with_conflict(session, Job).values(**_DEFAULTS, **row)
    again = {name: made.excluded[name] for name in ("state", "due_at", "worker", "leased_until", "attempts")}
    made = made.on_conflict_do_update(
        index_elements=["case_id", "token", "kind"],
        index_where=text("kind <> 'signal'"),
        set_=again,
        where=Job.__table__.c.due_at > made.excluded.due_at if only_sooner else None,
    )
    session.execute(made)
    wake.promise(session, {KIND})


_DEFAULTS = {
    "element_id": "",
    "operation": "",
    "party": "",
    "listener": "",
    "scopes": [],
    "payload": {},
    "priority": 0,
    "attempts": 0,
    "retries_left": 3,
    "worker": "",
    "leased_until": None,
    "error_code": "",
    "last_error": "",
}


def silence(session: Session, case_id: int) -> None:
    """Nothing is left to be told."""
    later(session, _SILENCE, {"silenced_case": case_id})


_SILENCE = Change(
    "job", delete(Job).where(Job.case_id == bindparam("silenced_case"), Job.token == KIND, Job.kind == KIND)
)


def next_moment(
    case: Case, limits: Sequence[CaseLimit], stops: Sequence[ClockStop], rules: ClockRules
) -> datetime | None:
    """When the next warning is due; while the clock stands, when the stop that may last longest ends."""
    if case.state not in ("open", "suspended"):
        return None
    if case.clock_stopped_since is not None:
        return min((one.until_at for one in stops if one.ended_at is None and one.until_at is not None), default=None)
    calendar = workdays.current(case.office_id)
    stretches = [(one.started_at, one.ended_at) for one in stops if one.ended_at is not None]
    coming = (rings(calendar, one.from_at, one.span, rules, stretches)[one.rung :] for one in limits)
    return min((left[0].at for left in coming if left), default=None)
