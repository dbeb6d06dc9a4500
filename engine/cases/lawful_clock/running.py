"""The clock of a case as it runs: limits begin, stand and go on; due days are told to case and tasks.

What is due is counted anew from the beginning, the stops and the calendar whenever one of them changes, never moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy import case as choice
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.lawful_clock import asked, bell
from engine.cases.lawful_clock.counting import Stretch, due
from engine.cases.lawful_clock.tables import CaseLimit, ClockStop
from engine.cases.work import Task
from engine.catalog import releases
from engine.catalog.limits import HOURS, KINDS, ClockRules, Span
from engine.core import clock, ids, workdays
from engine.core.writes import Change, insert_later, later

_PLAIN = {"synchronize_session": False}


def rules_of(session: Session, case: Case) -> ClockRules:
    """What the item says, in the release the case is bound to."""
    return releases.view(session, case.release_id).item.clock


def begin(session: Session, case: Case, rules: ClockRules) -> None:
    """Begin to count every limit of the case now; without any it is never due."""
    now = clock.now()
    case.clock_from = clock.local(now).date()
    limits = [_limit(case, "", "", kind, span, now) for kind, span in rules.case.items()]
    if not limits:
        return
    session.add_all(limits)
    session.flush()
    stops = stops_of(session, case.id) if case.clock_stopped_since else []
    _tell(session, case, limits)
    bell.arm(session, case, limits, stops, rules)


def begin_steps(session: Session, case: Case, rules: ClockRules, rows: Iterable[dict[str, Any]]) -> None:
    """New tasks (as rows) whose step has a limit of its own are due by it."""
    made = []
    for row in rows:
        kinds = rules.steps.get(row["element_id"])
        if not kinds or row["state"] != "open":
            continue
        own = [
            _limit(case, row["token"], row["element_id"], kind, span, row["created_at"]) for kind, span in kinds.items()
        ]
        made += own
        lead = leading(own)
        if case.clock_stopped_since is None:
            row["due_on"] = lead.due_on
        if lead.unit == HOURS:
            row["due_at"] = None if case.clock_stopped_since is not None else lead.due_at
    if not made:
        return
    columns = CaseLimit.__table__.columns.keys()
    insert_later(session, CaseLimit, [{name: getattr(one, name) for name in columns} for one in made])
    if case.clock_stopped_since is None:
        bell.arm(session, case, made, [], rules, only_sooner=True)


def stop(
    session: Session,
    case: Case,
    reason: str,
    token: str = "",
    notice_id: int | None = None,
    rules: ClockRules | None = None,
) -> bool:
    """Stop the clock, also one that has not begun to run (补件 before acceptance); False where it stands already.

    A second reason is kept beside the first: the clock goes on when both are over.
    """
    rules = rules or rules_of(session, case)
    stood = case.clock_stopped_since is not None
    if stood and any(one.reason == reason for one in stops_of(session, case.id) if one.ended_at is None):
        return False
    now = clock.now()
    rule = rules.stops.get(reason)
    longest = rule.longest if rule else None
    until = due(_calendar(case), now, longest.count, longest.unit, [])[1] if longest else None
    made = ClockStop(
        id=ids.new(),
        case_id=case.id,
        reason=reason,
        token=token,
        notice=rule.notice if rule else "",
        notice_id=notice_id,
        started_at=now,
        until_at=until,
        ended_at=None,
    )
    session.add(made)
    if not stood:
        case.clock_stopped_since, case.clock_reason = clock.local(now).date(), reason
        tell_tasks(session, case, rules=rules)
    session.flush()
    open_ones = [one for one in stops_of(session, case.id) if one.ended_at is None] if stood else [made]
    bell.arm(session, case, [], open_ones, rules)
    return not stood


def resume(
    session: Session, case: Case, reason: str = "", rules: ClockRules | None = None, at: datetime | None = None
) -> str | None:
    """End the stops of ``reason`` (all, where none is named), and go on counting when none is left.

    Gives the reason of a stop that ended, or None where there was none.
    """
    if case.clock_stopped_since is None:
        return None
    rules = rules or rules_of(session, case)
    stops = stops_of(session, case.id)
    ended = [one for one in stops if one.ended_at is None and reason in ("", one.reason)]
    if not ended and reason:
        return None
    for one in ended:
        one.ended_at = at or clock.now()
    left = [one for one in stops if one.ended_at is None]
    told = ended[0].reason if ended else case.clock_reason
    if left:
        case.clock_reason = left[0].reason
        bell.arm(session, case, [], left, rules)
        return told
    case.clock_stopped_since, case.clock_reason = None, ""
    session.flush()
    recount(session, case, rules, stops)
    return told


def recount(
    session: Session,
    case: Case,
    rules: ClockRules,
    stops: Sequence[ClockStop] | None = None,
    limits: Sequence[CaseLimit] | None = None,
) -> bool:
    """Count every running limit anew; True where a day moved."""
    stops = stops_of(session, case.id) if stops is None else stops
    limits = limits_of(session, case.id) if limits is None else limits
    before = [(one.due_on, one.due_at) for one in limits]
    stretches = ended(stops)
    for one in limits:
        one.due_on, one.due_at = due(_calendar(case), one.from_at, one.span.count, one.unit, stretches)
    moved = before != [(one.due_on, one.due_at) for one in limits]
    session.flush()
    _tell(session, case, limits)
    standing = [one for one in stops if one.ended_at is None]
    bell.arm(session, case, limits, standing or stops, rules)
    return moved


def finish(session: Session, case: Case, rules: ClockRules) -> None:
    """The case is over: nothing is due any more."""
    if case.clock_stopped_since is not None:
        now = clock.now()
        for open_one in stops_of(session, case.id):
            open_one.ended_at = open_one.ended_at or now
        case.clock_stopped_since, case.clock_reason = None, ""
        # Whoever reads the record later counts with the whole of the last stop.
        limits, stretches = limits_of(session, case.id), ended(stops_of(session, case.id))
        for one in limits:
            one.due_on, one.due_at = due(_calendar(case), one.from_at, one.span.count, one.unit, stretches)
        _follow(case, limits)
        session.flush()
    if case.clock_from is None and not rules.steps:
        return
    if rules.extension is not None:
        asked.drop(session, case.id)
    later(session, _OVER, {"over_case": case.id, "over_at": clock.now()})
    bell.silence(session, case.id)


_OVER = Change(
    "case_limit",
    update(CaseLimit)
    .where(CaseLimit.case_id == bindparam("over_case"), CaseLimit.ended_at.is_(None))
    .values(ended_at=bindparam("over_at")),
)


# --- reading ---------------------------------------------------------------------------------------------------


def limits_of(session: Session, case_id: int) -> list[CaseLimit]:
    """The limits that are counted."""
    query = select(CaseLimit).where(CaseLimit.case_id == case_id, CaseLimit.ended_at.is_(None))
    return list(session.scalars(query.order_by(CaseLimit.token, CaseLimit.kind)))


def stops_of(session: Session, case_id: int) -> list[ClockStop]:
    """Every stop of the case, oldest first."""
    return list(session.scalars(select(ClockStop).where(ClockStop.case_id == case_id).order_by(ClockStop.id)))


def ended(stops: Iterable[ClockStop]) -> list[Stretch]:
    """The stretches of the stops that are over."""
    return [(one.started_at, one.ended_at) for one in stops if one.ended_at is not None]


def leading(limits: Sequence[CaseLimit]) -> CaseLimit:
    """Of the limits of one scope that which people go by: what was promised, else the law's."""
    order = list(KINDS)
    return min(limits, key=lambda one: order.index(one.kind))


def due_day(case: Case) -> date | None:
    """The day that the open tasks of a case carry: none while its clock stands."""
    return case.due_on if case.clock_stopped_since is None else None


def days_left(case: Case) -> int | None:
    """Working days to the due day; negative from the day after it, also on a weekend. While stopped, as at the stop."""
    if case.due_on is None:
        return None
    day = case.clock_stopped_since or clock.today()
    left = _calendar(case).between(day, case.due_on)
    return min(left, -1) if day > case.due_on else left


# --- inside ----------------------------------------------------------------------------------------------------


def tell_tasks(session: Session, case: Case, limits: Sequence[CaseLimit] = (), rules: ClockRules | None = None) -> None:
    """Bring the tasks of a case in line with its clock, in one statement: inboxes sort by the tasks' own columns."""
    on: Any = due_day(case)
    values: dict[str, Any] = {"due_on": on}
    by_token: dict[str, list[CaseLimit]] = {}
    for one in limits:
        if one.token:
            by_token.setdefault(one.token, []).append(one)
    if by_token and case.clock_stopped_since is None:
        lead: Mapping[str, CaseLimit] = {token: leading(own) for token, own in by_token.items()}
        values["due_on"] = choice({token: one.due_on for token, one in lead.items()}, value=Task.token, else_=on)
        if hours := {token: one.due_at for token, one in lead.items() if one.unit == HOURS}:
            values["due_at"] = choice(hours, value=Task.token, else_=Task.due_at)
    if rules is not None and (stand := _steps_in_hours(rules)):
        values["due_at"] = choice((Task.element_id.in_(stand), None), else_=Task.due_at)
    alive = update(Task).where(Task.case_id == case.id, Task.state.in_(("open", "suspended")))
    session.execute(alive.values(values), execution_options=_PLAIN)


def _steps_in_hours(rules: ClockRules) -> list[str]:
    return [step for step, kinds in rules.steps.items() if any(one.unit == HOURS for one in kinds.values())]


def _tell(session: Session, case: Case, limits: Sequence[CaseLimit]) -> None:
    _follow(case, limits)
    tell_tasks(session, case, limits)


def _follow(case: Case, limits: Sequence[CaseLimit]) -> None:
    """The due day of the case is that of its leading limit."""
    if own := [one for one in limits if not one.token]:
        lead = leading(own)
        case.due_on = lead.due_on
        if lead.unit != HOURS:
            case.clock_days = lead.span.amount


def _limit(case: Case, token: str, element_id: str, kind: str, span: Span, at: datetime) -> CaseLimit:
    on, moment = due(_calendar(case), at, span.count, span.unit, [])
    return CaseLimit(
        case_id=case.id,
        token=token,
        kind=kind,
        element_id=element_id,
        unit=span.unit,
        amount=span.amount,
        extended=0,
        from_at=at,
        due_on=on,
        due_at=moment,
        rung=0,
        ended_at=None,
    )


def _calendar(case: Case) -> workdays.WorkCalendar:
    return workdays.current(case.office_id)
