"""What happens when a case's clock rings: people are warned, a late case goes up, a stop that lasted too long ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from engine.cases import colleagues, lawful_clock
from engine.cases.case import Case, lock
from engine.cases.lawful_clock import CaseLimit
from engine.cases.lawful_clock.counting import Ring
from engine.cases.work import Task
from engine.catalog.limits import KINDS
from engine.commands import Unit, handles
from engine.core import workdays
from engine.core.actor import SYSTEM
from engine.jobs.queue import Job
from engine.registers.offices import Office, StaffUser

SUPERVISOR = "supervisor"
YELLOW, RED = "yellow", "red"


@dataclass(frozen=True)
class RingClock:
    """The timer of a case's clock is due."""

    job_id: int


@handles(RingClock)
def ring_clock(command: RingClock, unit: Unit) -> int:
    """Tell whom it concerns, once; gives how many warnings were given. The next moment is set."""
    session = unit.session
    case_id = session.scalar(select(Job.case_id).where(Job.id == command.job_id))
    if case_id is None:
        return 0
    case = lock(session, case_id)
    job = session.get(Job, command.job_id, populate_existing=True)
    if job is None or job.due_at > unit.now:
        return 0
    if case.state not in ("open", "suspended"):
        lawful_clock.bell.silence(session, case_id)
        return 0
    workdays.use_office(case.office_id)
    rules = lawful_clock.rules_of(session, case)
    if case.clock_stopped_since is not None:
        _end_stops(unit, case)
        if case.clock_stopped_since is not None:
            return 0
    limits, stops = lawful_clock.limits_of(session, case_id), lawful_clock.stops_of(session, case_id)
    alive = list(session.scalars(select(Task).where(Task.case_id == case_id, Task.state.in_(("open", "suspended")))))
    waiting = {task.token for task in alive}
    given = 0
    for one in limits:
        if one.token and one.token not in waiting:
            one.ended_at = unit.now
            continue
        told = lawful_clock.rings(workdays.current(), one.from_at, one.span, rules, lawful_clock.ended(stops))
        reached = [ring for ring in told if ring.at <= unit.now]
        if len(reached) > one.rung:
            one.rung = len(reached)
            _tell(unit, case, one, reached[-1], [task for task in alive if one.token in ("", task.token)])
            given += 1
    session.flush()
    lawful_clock.bell.arm(session, case, [one for one in limits if one.ended_at is None], stops, rules)
    return given


def _end_stops(unit: Unit, case: Case) -> None:
    """A stop ends by itself at the end of the longest the item allows; without one there is nothing to ring for."""
    for one in lawful_clock.stops_of(unit.session, case.id):
        if one.ended_at is None and one.until_at is not None and one.until_at <= unit.now:
            # It ended when it had to, however late the timer came.
            lawful_clock.resume(unit.session, case, one.reason, at=one.until_at)
            title = f"「{one.reason}」停止计时已到最长期限，恢复计时"
            unit.record(case, "clock_resumed", title)
            _send(unit, case, None, _supervisors(unit, case, SUPERVISOR), f"{case.number} {title}")


def _tell(unit: Unit, case: Case, limit: CaseLimit, ring: Ring, tasks: Sequence[Task]) -> None:
    """Messages to those who have the work and to the supervisors, a mark on the tasks, a line in the record."""
    late = limit.due_at <= unit.now
    name = next((task.name for task in tasks), "") if limit.token else ""
    what = f"「{name}」{KINDS[limit.kind]}" if name else KINDS[limit.kind]
    state = f"已于 {limit.due_on} 到期，尚未办结" if late else f"将于 {limit.due_on} 到期"
    text = f"{case.number} {case.item_name}：{what}（{limit.span}）{state}"
    escalation = ring.escalation
    people = _supervisors(unit, case, escalation.role if escalation else SUPERVISOR)
    people += [task.assignee for task in tasks if task.assignee.startswith("staff:")]
    _send(unit, case, tasks[0].id if limit.token and tasks else None, people, text)
    ids = [task.id for task in tasks]
    values: dict[str, object] = {"alarm": RED if late else YELLOW}
    marked = update(Task).where(Task.id.in_(ids))
    if not late:
        marked = marked.where(Task.alarm == "")
    unit.session.execute(marked.values(values), execution_options=_PLAIN)
    if escalation:
        raised = update(Task).where(Task.id.in_(ids), Task.priority < escalation.priority)
        unit.session.execute(raised.values(priority=escalation.priority), execution_options=_PLAIN)
    kind, title = ("escalated", "逾期上报") if escalation else ("warned", "期限预警")
    unit.record(case, kind, f"{title}：{what}{state}", None, limit.element_id)


_PLAIN = {"synchronize_session": False}


def _send(unit: Unit, case: Case, task_id: int | None, people: Iterable[str], text: str) -> None:
    if keys := sorted(set(people)):
        colleagues.tell(unit.session, SYSTEM, keys, "warning", case.id, task_id, text)


def _supervisors(unit: Unit, case: Case, role: str) -> list[str]:
    """Who holds the role in the nearest office up the tree that has somebody who does."""
    path = unit.session.scalar(select(Office.path).where(Office.id == case.office_id)) or ""
    above = [int(part) for part in path.split("/") if part]
    rows = unit.session.execute(
        select(StaffUser.id, StaffUser.office_id, StaffUser.roles).where(
            StaffUser.office_id.in_(above), StaffUser.active.is_(True)
        )
    ).all()
    for office_id in reversed(above):
        if found := [f"staff:{id_}" for id_, office, roles in rows if office == office_id and role in roles]:
            return found
    return []
