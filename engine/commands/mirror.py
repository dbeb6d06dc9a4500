"""What a process waits for, as rows: tasks, jobs, timers, subscriptions and incidents follow the tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from engine.cases import lawful_clock
from engine.cases.case import Case, LiveKey, Variable
from engine.cases.final import closing_payload
from engine.cases.work import ASKED, Incident, Subscription, Task, stage_of
from engine.commands import binding, kept, listeners, signals, turns
from engine.core import clock, ids, operations
from engine.core.writes import Change, insert_later, later
from engine.jobs import queue
from engine.registers import notices
from engine.workflow import Wait
from engine.workflow.expressions import expression

if TYPE_CHECKING:
    from engine.commands.casework import Casework

Waits = Mapping[tuple[str, str], Wait]


def write(work: Casework, before: Waits, after: Waits) -> bool:
    """Bring the rows in line with the waits; True when a buffered message moved the process on again."""
    new = [wait for key, wait in after.items() if key not in before]
    gone = [wait for key, wait in before.items() if key not in after]
    _remove(work, gone)
    _write_tasks(work, [wait for wait in new if wait.kind == "user"])
    _add_jobs(work, [wait for wait in new if wait.kind in ("job", "timer")])
    _add_incidents(work, [wait for wait in new if wait.kind == "incident"])
    _add_subscriptions(work, [wait for wait in new if wait.kind in ("message", "signal")])
    _broadcast(work)
    messages = [wait for wait in after.values() if wait.kind == "message"]
    # Looked at anew when one came up, and once more after each message taken.
    if not any(wait in new for wait in messages) and not work.took_message:
        return False
    work.took_message = kept.take(work, messages)
    return work.took_message


def close(work: Casework, variables: Mapping[str, Any]) -> None:
    """The process ended: its state goes, what it knew at the end stays in the record, live keys are free."""
    case, session = work.case, work.unit.session
    cancelled = work.process.cancelled
    case.state, case.closed_at, case.tokens = "cancelled" if cancelled else "closed", clock.now(), b""
    case.outcome = work.process.outcome or ""
    lawful_clock.finish(session, case, work.release.item.clock)
    if _publishes(work):
        notices.withdraw_open(session, case.id)
    if case.channel == "message":
        kept.free_place(session, case)
    _forget(session, case, any(work.scopes_before.values()))
    title = "办件终止" if cancelled else f"办结：{_ending(work)}"
    work.unit.record(case, "closed", title, closing_payload(variables, work.origins))


_FORGET = Change("variable", delete(Variable).where(Variable.case_id == bindparam("forgotten_case")))
_FREE = Change("live_key", delete(LiveKey).where(LiveKey.case_id == bindparam("freed_case")))


def _forget(session: Session, case: Case, had_variables: bool) -> None:
    """Variables and live keys."""
    if had_variables:
        later(session, _FORGET, {"forgotten_case": case.id})
    # Held by the persons of an item's case, and by what a message began.
    if case.item or case.channel == "message":
        later(session, _FREE, {"freed_case": case.id})


def _publishes(work: Casework) -> bool:
    """Whether a model of the release can leave a public notice open."""
    known = _publishing.get(work.release.hash)
    if known is None:
        models = work.release.of_kind(".bpmn").values()
        known = _publishing[work.release.hash] = any(b"notice.publish" in model for model in models)
    return known


_publishing: dict[str, bool] = {}


def _ending(work: Casework) -> str:
    """What the end is called: by the item, else by the model."""
    found = work.definitions.processes[work.case.process_id].elements.get(work.case.outcome)
    return work.release.item.outcomes.get(work.case.outcome) or (found.name if found else "") or work.case.outcome


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
            .where(Task.case_id == case_id, Task.token.in_(tokens), Task.state.in_(("open", "waiting", *ASKED)))
            .values(state="cancelled", version=Task.version + 1)
        )
    if tokens := by_kind.get("job"):
        queue.drop(session, case_id, tokens)
        # A job over the API that failed for good leaves its incident to the token that waits.
        by_kind.setdefault("incident", []).extend(tokens)
    if tokens := by_kind.get("message"):
        session.execute(delete(Subscription).where(Subscription.case_id == case_id, Subscription.token.in_(tokens)))
    if tokens := by_kind.get("incident"):
        session.execute(
            update(Incident)
            .where(Incident.case_id == case_id, Incident.token.in_(tokens), Incident.state == "open")
            .values(state="resolved", resolved_at=clock.now(), resolved_by=work.unit.actor.name)
        )


_DONE = ("state", "version", "assignee", "done_at", "done_by", "done_by_name", "hold", "followed", "signature")
# What colleagues have not asked yet; see ``Task``.
_UNASKED: dict[str, Any] = {
    "kind": "normal",
    "host_id": None,
    "asked_by": "",
    "owner": "",
    "hold": "",
    "mark": "",
    "back_to": "",
    "urged": 0,
    "followed": None,
    "signature": "",
}
_TASK_COLUMNS = tuple(Task.__table__.columns.keys())


def _write_tasks(work: Casework, waits: Iterable[Wait]) -> None:
    """The tasks done by this command and those that follow, in one statement."""
    rows = [_task_row(work, wait) for wait in waits]
    for row in rows:
        turns.by_rule(work, row)
    if (rules := work.release.item.clock).steps:
        lawful_clock.begin_steps(work.unit.session, work.case, rules, rows)
    done, work.finished = work.finished, []
    rows += [{name: getattr(task, name) for name in _TASK_COLUMNS} for task in done]
    insert_later(work.unit.session, Task, rows, over=_DONE if done else ())


def _task_row(work: Casework, wait: Wait) -> dict[str, Any]:
    case, attrs = work.case, wait.attrs
    groups = list(attrs.get("candidate_groups") or [])
    role = groups[0] if groups else work.release.item.roles.get(wait.lane or "", "")
    properties = dict(attrs.get("properties") or {})
    assignee = listeners.key_of(work.unit.session, str(attrs.get("assignee") or ""))
    if role == "applicant" and not assignee:
        assignee = case.applicant_key
    return {
        **_UNASKED,
        "id": ids.new(),
        "case_id": case.id,
        "office_id": case.office_id,
        "token": wait.token,
        "process_id": wait.process_id,
        "item": case.item,
        "channel": case.channel,
        "element_id": wait.element_id,
        "name": wait.name or wait.element_id,
        "stage": stage_of(properties, case.stage),
        "role": role,
        "assignee": assignee,
        "form_id": binding.form(work.unit.session, work.release, attrs),
        "properties": properties,
        "state": "open",
        "version": 1,
        "priority": 50 if attrs.get("priority") is None else int(attrs["priority"]),
        "candidate_users": list(attrs.get("candidate_users") or []) or None,
        "due_on": lawful_clock.due_day(case),
        "due_at": listeners.moment(attrs.get("due_date")),
        "follow_up_at": listeners.moment(attrs.get("follow_up_date")),
        "created_at": clock.now(),
        "done_at": None,
        "done_by": "",
        "done_by_name": "",
        **work.arrivals.get(wait.element_id, {}),
    }


def _add_jobs(work: Casework, waits: Iterable[Wait]) -> None:
    queue.enqueue(work.unit.session, [_job_row(work, wait) for wait in waits])


def _job_row(work: Casework, wait: Wait) -> dict[str, Any]:
    """Work for our own workers, or (a type that is no operation of ours) for workers over the API."""
    case, attrs = work.case, wait.attrs
    row = {
        "case_id": case.id,
        "office_id": case.office_id,
        "process_id": wait.process_id,
        "token": wait.token,
        "element_id": wait.element_id,
    }
    if wait.kind == "timer":
        return {**row, "kind": "timer", "due_at": datetime.fromisoformat(str(attrs["due"]))}
    row |= {
        "operation": str(attrs["type"]),
        "due_at": clock.now(),
        "scopes": work.process.scopes_of(wait.token),
        "listener": str(attrs.get("listener") or ""),
    }
    headers = dict(attrs.get("headers") or {})
    row["priority"] = _priority(work, wait)
    if not operations.known(str(attrs["type"])):
        payload = {"headers": headers, "name": wait.name, "task": _told(work, wait)}
        retries = 3 if attrs.get("retries") is None else attrs["retries"]
        return {**row, "kind": "external", "payload": payload, "retries_left": retries}
    operation = operations.find(str(attrs["type"]))
    context = work.process.context(wait.token)
    given = {name: context[name] for name in operation.inputs.fields if name in context}
    return {
        **row,
        "kind": "call",
        "party": operation.party,
        "payload": {"variables": given, "headers": headers},
        "retries_left": operation.retries,
    }


def _told(work: Casework, wait: Wait) -> dict[str, Any] | None:
    """What a task listener is told of its task: as its row says, with what is asked for."""
    if wait.attrs.get("task_token") is None:
        return None
    asked = {name: wait.attrs["task"].get(name) for name in wait.attrs["asked"]}
    told = {**wait.attrs["task"], "changed_attributes": wait.attrs["asked"], "action": str(wait.attrs["listener"])}
    session = work.unit.session
    task = session.scalar(select(Task).where(Task.case_id == work.case.id, Task.token == wait.attrs["task_token"]))
    if task is not None:
        told |= {
            "assignee": listeners.login_of(session, task.assignee),
            "candidate_groups": [task.role] if task.role else [],
            "candidate_users": list(task.candidate_users or []),
            "due_date": task.due_at and task.due_at.isoformat(),
            "follow_up_date": task.follow_up_at and task.follow_up_at.isoformat(),
            "priority": task.priority,
            "user_task_key": task.id,
        }
    return {**told, **asked}


def _priority(work: Casework, wait: Wait) -> int:
    """``zeebe:jobPriorityDefinition`` of the element, else of its process; 0 where neither gives a whole number."""
    info = work.process.process_of(wait.token)
    found = info.elements.get(wait.element_id)
    own = found.extensions.get("jobPriorityDefinition", {}).get("priority") if found else None
    text = own or info.job_priority
    value = expression(text).evaluate(work.process.context(wait.token)) if text else 0
    whole = str(value).removeprefix("-")
    return int(value) if whole.isdigit() and len(whole) < 10 else 0


def _add_incidents(work: Casework, waits: Iterable[Wait]) -> None:
    case = work.case
    for wait in waits:
        work.unit.session.add(
            Incident(
                id=ids.new(),
                case_id=case.id,
                office_id=case.office_id,
                token=wait.token,
                process_id=wait.process_id,
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
            "process_id": wait.process_id,
            "element_id": wait.element_id,
        }
        for wait in waits
    ]
    insert_later(work.unit.session, Subscription, rows)


def _broadcast(work: Casework) -> None:
    """A thrown signal reaches whoever waits for it, each in its own transaction."""
    while work.process.signals:
        signal = work.process.signals.pop(0)
        signals.spread(work.unit.session, signal["name"], signal["variables"])
