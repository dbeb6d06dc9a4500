"""The other parties as a supervisor sees them: are they up, how fast, what waits, what it cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.core import clock, operations, parties
from engine.core.actor import Actor
from engine.jobs.queue import Job
from engine.outside import breaker, outbox
from engine.outside.breaker import Breaker
from engine.outside.ledger import CallRecord
from engine.outside.outbox import Report
from engine.outside.reconciliation import Difference, Reconciliation
from engine.queries.common import masked_text, stamp

HOURS = 24
MOST_LINES = 200
FAILED = ("unreachable", "fault")
STATES = {breaker.CLOSED: ("正常", "ok"), breaker.OPEN: ("已暂停调用", "bad"), breaker.HALF_OPEN: ("正在试探", "warn")}
REPORT_STATES = {
    outbox.WAITING: ("等待前一份", ""),
    outbox.SENDING: ("报送中", "info"),
    outbox.STUCK: ("对方未接收", "bad"),
}
KINDS = {"missing_here": "我方没有", "missing_there": "对方没有", "differs": "内容不一致"}


@dataclass(frozen=True)
class Hour:
    """One hour of calls: how many, and how many of them failed."""

    at: str
    calls: int
    failed: int


@dataclass
class PartyState:
    """One party over the last 24 hours. Times in milliseconds; ``hours`` from the oldest to this one."""

    key: str
    title: str
    owner: str
    level: str
    transport: str
    mark: str = "正常"
    tone: str = "ok"
    note: str = ""
    open: bool = False
    calls: int = 0
    failed: int = 0
    declined: int = 0
    p50: int | None = None
    p95: int | None = None
    cost_fen: int = 0
    waiting: int = 0
    parked: int = 0
    reports: int = 0
    stuck: int = 0
    differences: int = 0
    last_at: str = ""
    hours: list[Hour] = field(default_factory=list)


@dataclass(frozen=True)
class ReportLine:
    """A report on its way."""

    id: int
    case_id: int
    number: str
    title: str
    order: int
    mark: str
    tone: str
    stuck: bool
    error: str
    since: str


@dataclass(frozen=True)
class DifferenceLine:
    """A difference that nobody has settled; both rows as (name, ours, theirs), masked."""

    id: int
    title: str
    day: str
    key: str
    kind: str
    rows: list[tuple[str, str, str]]


def states(session: Session) -> list[PartyState]:
    """Every party, those in trouble first."""
    found = {
        one.key: PartyState(one.key, one.title, one.owner, one.level, one.transport) for one in parties.all_parties()
    }
    _count_calls(session, found)
    _count_work(session, found)
    for row in session.scalars(select(Breaker)):
        if row.party in found:
            _show_breaker(found[row.party], row)
    return sorted(found.values(), key=lambda one: (one.tone == "ok", one.key))


def reports(session: Session, actor: Actor, party: str) -> list[ReportLine]:
    """The reports of the actor's offices that a party has not accepted yet, stuck ones first."""
    query = (
        select(Report, Case.number)
        .join(Case, Case.id == Report.case_id)
        .where(Report.party == party, Report.state.in_(outbox.UNDONE), Report.office_id.in_(actor.offices))
        .order_by((Report.state != outbox.STUCK), Report.id)
        .limit(MOST_LINES)
    )
    known = operations.vocabulary()
    return [
        ReportLine(
            id=one.id,
            case_id=one.case_id,
            number=number,
            title=known[one.operation].title if one.operation in known else one.operation,
            order=one.number,
            mark=REPORT_STATES[one.state][0],
            tone=REPORT_STATES[one.state][1],
            stuck=one.state == outbox.STUCK,
            error=one.error,
            since=stamp(one.queued_at),
        )
        for one, number in session.execute(query)
    ]


def differences(session: Session, party: str) -> list[DifferenceLine]:
    """The open differences with a party, oldest day first."""
    query = (
        select(Difference, Reconciliation)
        .join(Reconciliation, Reconciliation.id == Difference.run_id)
        .where(Difference.party == party, Difference.state == "open")
        .order_by(Reconciliation.day, Difference.key)
        .limit(MOST_LINES)
    )
    return [
        DifferenceLine(one.id, run.title, run.day.isoformat(), one.key, KINDS.get(one.kind, one.kind), _both(one))
        for one, run in session.execute(query)
    ]


def _both(one: Difference) -> list[tuple[str, str, str]]:
    ours, theirs = (orjson.loads(text or "{}") for text in (one.ours, one.theirs))
    names = one.fields or sorted(ours.keys() | theirs.keys())
    return [(name, _shown(ours, name), _shown(theirs, name)) for name in names]


def _shown(row: dict[str, Any], name: str) -> str:
    return masked_text(str(row[name]), name) if name in row else "—"


def _count_calls(session: Session, found: dict[str, PartyState]) -> None:
    now = clock.now()
    since = now - timedelta(hours=HOURS)
    query = select(
        CallRecord.party, CallRecord.at, CallRecord.outcome, CallRecord.latency_ms, CallRecord.cost_fen
    ).where(CallRecord.party.in_(found), CallRecord.at > since)
    times: dict[str, list[int]] = defaultdict(list)
    counts: dict[str, list[list[int]]] = {key: [[0, 0] for _ in range(HOURS)] for key in found}
    last: dict[str, datetime] = {}
    for party, at, outcome, latency, cost in session.execute(query):
        one, bad = found[party], outcome in FAILED
        one.calls, one.failed, one.cost_fen = one.calls + 1, one.failed + bad, one.cost_fen + cost
        one.declined += outcome == "declined"
        hour = counts[party][min(int((at - since) / timedelta(hours=1)), HOURS - 1)]
        hour[0], hour[1] = hour[0] + 1, hour[1] + bad
        last[party] = max(at, last.get(party, at))
        if not bad:
            times[party].append(latency)
    for key, one in found.items():
        one.p50, one.p95 = _at(times[key], 0.5), _at(times[key], 0.95)
        one.last_at = stamp(last[key]) if key in last else ""
        one.hours = [
            Hour(clock.local(since + timedelta(hours=number + 1)).strftime("%H:00"), *pair)
            for number, pair in enumerate(counts[key])
        ]


def _count_work(session: Session, found: dict[str, PartyState]) -> None:
    work = select(Job.party, Job.state, func.count()).where(Job.party.in_(found)).group_by(Job.party, Job.state)
    for party, state, count in session.execute(work):
        if state == "parked":
            found[party].parked += count
        elif state in ("ready", "running"):
            found[party].waiting += count
    lines = select(Report.party, Report.state, func.count()).where(Report.state.in_(outbox.UNDONE))
    for party, state, count in session.execute(lines.group_by(Report.party, Report.state)):
        if party in found:
            found[party].reports += count
            found[party].stuck += count if state == outbox.STUCK else 0
    open_ones = select(Difference.party, func.count()).where(Difference.state == "open").group_by(Difference.party)
    for party, count in session.execute(open_ones):
        if party in found:
            found[party].differences += count


def _show_breaker(one: PartyState, row: Breaker) -> None:
    one.mark, one.tone = STATES[row.state]
    one.open = row.state != breaker.CLOSED
    if row.state == breaker.OPEN and row.opened_at and row.probe_at:
        one.note = f"{stamp(row.opened_at)} 起暂停，{stamp(row.probe_at)} 自动试探。{row.last_error}"
    elif row.releasing:
        one.mark, one.tone, one.note = "正在恢复", "warn", "等待的办件正按限定速度继续"
    elif row.failures:
        one.tone, one.mark, one.note = "warn", f"连续 {row.failures} 次无应答", row.last_error


def _at(values: Sequence[int], share: float) -> int | None:
    """The value below which ``share`` of them lie; None where there are none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else None
