"""What a process waits for, as rows: tasks, jobs, timers, subscriptions and incidents follow the tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, tuple_, update

from engine.cases import lawful_clock
from engine.cases.case import LiveKey
from engine.cases.work import BufferedMessage, Incident, Subscription, Task, stage_of
from engine.core import clock, ids, operations
from engine.core.db import for_update
from engine.jobs import queue
from engine.registers import notices
from engine.workflow import Wait

if TYPE_CHECKING:
    from engine.commands.casework import Casework

Waits = Mapping[tuple[str, str], Wait]


def write(work: Casework, before: Waits, after: Waits) -> bool:
    """Bring the rows in line with the waits; True when a buffered message moved the process on again."""
    new = [wait for key, wait in after.items() if key not in before]
    gone = [wait for key, wait in before.items() if key not in after]
    _remove(work, gone)
    _add_tasks(work, [wait for wait in new if wait.kind == "user"])
    _add_jobs(work, [wait for wait in new if wait.kind in ("job", "timer")])
    _add_incidents(work, [wait for wait in new if wait.kind == "incident"])
    _add_subscriptions(work, [wait for wait in new if wait.kind in ("message", "signal")])
    _broadcast(work)
    messages = [wait for wait in after.values() if wait.kind == "message"]
    # Looked at anew when one came up, and once more after each message taken.
    if not any(wait in new for wait in messages) and not work.took_message:
        return False
    work.took_message = _take_buffered(work, messages)
    return work.took_message


def close(work: Casework) -> None:
    """The process ended: close the case and free its live keys."""
    case, session = work.case, work.unit.session
    case.state, case.closed_at = "closed", clock.now()
    case.outcome = work.process.outcome or ""
    lawful_clock.resume(session, case)
    notices.withdraw_open(session, case.id)
    session.execute(delete(LiveKey).where(LiveKey.case_id == case.id))
    work.unit.record(case, "closed", f"办结：{work.release.item.outcomes.get(case.outcome, case.outcome)}")


def _remove(work: Casework, gone: Iterable[Wait]) -> None:
    session, case_id = work.unit.session, work.case.id
    by_kind: dict[str, list[str]] = {}
    for wait in gone:
        if wait.token in work.done:
            continue
        kind = {"timer": "job", "signal": "message"}.get(wait.kind, wait.kind)
        by_kind.setdefault(kind, []).append(wait.token)
    if tokens := by_kind.get("user"):
        session.execute(
            update(Task)
            .where(Task.case_id == case_id, Task.token.in_(tokens), Task.state == "open")
            .values(state="cancelled", version=Task.version + 1)
        )
    if tokens := by_kind.get("job"):
        queue.drop(session, case_id, tokens)
    if tokens := by_kind.get("message"):
        session.execute(delete(Subscription).where(Subscription.case_id == case_id, Subscription.token.in_(tokens)))
    if tokens := by_kind.get("incident"):
        session.execute(
            update(Incident)
            .where(Incident.case_id == case_id, Incident.token.in_(tokens), Incident.state == "open")
            .values(state="resolved", resolved_at=clock.now(), resolved_by=work.unit.actor.name)
        )


def _add_tasks(work: Casework, waits: Iterable[Wait]) -> None:
    case, roles = work.case, work.release.item.roles
    rows: list[dict[str, Any]] = []
    for wait in waits:
        attrs = wait.attrs
        groups = list(attrs.get("candidate_groups") or [])
        role = groups[0] if groups else roles.get(wait.lane or "", "")
        properties = dict(attrs.get("properties") or {})
        assignee = str(attrs.get("assignee") or "")
        if role == "applicant" and not assignee:
            assignee = case.applicant_key
        rows.append(
            {
                "id": ids.new(),
                "case_id": case.id,
                "office_id": case.office_id,
                "token": wait.token,
                "process_id": wait.process_id,
                "element_id": wait.element_id,
                "name": wait.name or wait.element_id,
                "stage": stage_of(properties, case.stage),
                "role": role,
                "assignee": assignee,
                "form_id": attrs.get("form_id") or "",
                "properties": properties,
                "state": "open",
                "version": 1,
                "priority": int(attrs.get("priority") or 50),
                "created_at": clock.now(),
            }
        )
    if rows:
        work.unit.session.execute(insert(Task), rows)


def _add_jobs(work: Casework, waits: Iterable[Wait]) -> None:
    case = work.case
    rows: list[dict[str, Any]] = []
    for wait in waits:
        row = {"case_id": case.id, "token": wait.token, "element_id": wait.element_id}
        if wait.kind == "timer":
            due = datetime.fromisoformat(str(wait.attrs["due"]))
            rows.append({**row, "kind": "timer", "due_at": due, "priority": 40})
            continue
        operation = operations.find(str(wait.attrs["type"]))
        context = work.process.context(wait.token)
        headers = dict(wait.attrs.get("headers") or {})
        payload = {
            "variables": {name: context[name] for name in operation.inputs.fields if name in context},
            "headers": headers,
        }
        rows.append(
            {
                **row,
                "kind": "call",
                "operation": operation.name,
                "payload": payload,
                "due_at": clock.now(),
                "retries_left": operation.retries,
            }
        )
    queue.enqueue(work.unit.session, rows)


def _add_incidents(work: Casework, waits: Iterable[Wait]) -> None:
    case = work.case
    for wait in waits:
        work.unit.session.add(
            Incident(
                id=ids.new(),
                case_id=case.id,
                office_id=case.office_id,
                token=wait.token,
                element_id=wait.element_id,
                element_name=wait.name or wait.element_id,
                code=str(wait.attrs.get("code") or "incident"),
                message=str(wait.attrs.get("message") or ""),
                raised_at=clock.now(),
            )
        )
        work.unit.record(
            case,
            "incident",
            f"「{wait.name or wait.element_id}」发生故障",
            {"message": wait.attrs.get("message")},
            wait.element_id,
        )


def _add_subscriptions(work: Casework, waits: Iterable[Wait]) -> None:
    rows = [
        {
            "id": ids.new(),
            "case_id": work.case.id,
            "token": wait.token,
            "kind": wait.kind,
            "name": str(wait.attrs["name"]),
            "key": str(wait.attrs.get("key") or ""),
            "element_id": wait.element_id,
        }
        for wait in waits
    ]
    if rows:
        work.unit.session.execute(insert(Subscription), rows)


def _take_buffered(work: Casework, waits: Iterable[Wait]) -> bool:
    """A message may have come before its subscription: take the oldest one still in time."""
    session = work.unit.session
    waiting = {(str(wait.attrs["name"]), str(wait.attrs.get("key") or "")): wait.token for wait in waits}
    if not waiting:
        return False
    query = (
        select(BufferedMessage)
        .where(
            tuple_(BufferedMessage.name, BufferedMessage.key).in_(list(waiting)),
            BufferedMessage.taken.is_(False),
            BufferedMessage.expires_at > clock.now(),
        )
        .order_by(BufferedMessage.arrived_at, BufferedMessage.id)
        .limit(1)
    )
    # One that another case is just taking is that case's.
    message = session.scalar(query.with_for_update(skip_locked=True) if for_update(session) else query)
    if message is None:
        return False
    message.taken = True
    session.flush()
    work.process.fire(waiting[message.name, message.key], message.variables)
    return True


def _broadcast(work: Casework) -> None:
    """A thrown signal reaches every subscription of its name, each in its own transaction."""
    session = work.unit.session
    while work.process.signals:
        signal = work.process.signals.pop(0)
        name = signal["name"] if isinstance(signal, Mapping) else signal.name
        variables = signal["variables"] if isinstance(signal, Mapping) else signal.variables
        found = session.execute(
            select(Subscription.case_id, Subscription.token).where(
                Subscription.kind == "signal", Subscription.name == name
            )
        )
        queue.enqueue(
            session,
            [
                {"kind": "signal", "case_id": case_id, "token": token, "payload": variables, "due_at": clock.now()}
                for case_id, token in found
            ],
        )
