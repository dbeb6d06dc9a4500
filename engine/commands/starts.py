"""Instances that a message, a signal or a date begins, and the rows by which they are found.

A message with a correlation key begins one instance per process at a time: the next waits until the first is over. An
item's case that nobody applied for is numbered like any other. Its office is the one that the variable ``office_code``
names, else the one of the program that sent the message or signal, else the one that published the process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from engine.cases.case import Case, LiveKey
from engine.cases.numbers import case_number
from engine.catalog import definitions, releases
from engine.catalog.starts import StartEvent
from engine.commands import Unit, handles
from engine.commands.binding import bound_release
from engine.commands.casework import Casework
from engine.commands.kept import HELD
from engine.commands.senders import office_of
from engine.core import clock, ids
from engine.core.db import insert_with_conflict
from engine.core.errors import Fault, ModelFault
from engine.jobs import queue
from engine.jobs.queue import Job
from engine.registers.offices import Office
from engine.workflow import Definitions, Process, StartInfo, timers
from engine.workflow.expressions import Stuck, expression

EVENTS = ("message", "signal", "timer")


@dataclass(frozen=True)
class StartByEvent:
    """A timer's or signal's start is due."""

    job_id: int


# --- which there are -------------------------------------------------------------------------------------------


def replace(session: Session, release_id: int, parsed: Definitions, *, item: str, office_id: int) -> None:
    """The start events of a release take the place of those of the same processes in older ones.

    Of an item only its own process starts so. Where a new version waits for the same, its timers keep running.
    """
    for process_id, info in parsed.processes.items():
        is_main = not item or process_id == releases.view(session, release_id).item.raw["process"]
        starts = [one for one in info.starts.values() if one.kind in EVENTS] if is_main else []
        new = [_row(process_id, one, release_id, item, office_id or _root(session)) for one in starts]
        old = _of_process(session, process_id)
        if _waits_for(new) == _waits_for(old):
            of_process = update(StartEvent).where(StartEvent.process_id == process_id)
            session.execute(of_process.values(release_id=release_id, item=item))
            continue
        forget(session, process_id)
        session.add_all(new)
        session.flush()
        for row in new:
            if row.kind == "timer":
                _schedule(session, row, timers.first_due(row.timer["type"], row.timer["text"], clock.now()))


def _row(process_id: str, start: StartInfo, release_id: int, item: str, office_id: int) -> StartEvent:
    return StartEvent(
        id=ids.new(),
        kind=start.kind,
        name=_text(start.name),
        process_id=process_id,
        element_id=start.element_id,
        release_id=release_id,
        item=item,
        office_id=office_id,
        timer={"type": start.timer[0], "text": _text(start.timer[1])} if start.timer else {},
    )


def _waits_for(rows: Iterable[StartEvent]) -> set[tuple[str, str, str, str]]:
    return {(one.element_id, one.kind, one.name, str(one.timer.get("text", ""))) for one in rows}


def forget(session: Session, process_id: str) -> None:
    """No event begins this process any more."""
    gone = [str(one.id) for one in _of_process(session, process_id)]
    queue.drop(session, 0, gone)
    session.execute(delete(StartEvent).where(StartEvent.process_id == process_id))


def _of_process(session: Session, process_id: str) -> list[StartEvent]:
    return list(session.scalars(select(StartEvent).where(StartEvent.process_id == process_id)))


def _text(text: str) -> str:
    """A start event's name or time knows no variables: FEEL is worked out when it is published."""
    try:
        return str(expression(text).evaluate({}))
    except Stuck as stuck:
        raise ModelFault(Fault(stuck.code, stuck.message)) from stuck


def _root(session: Session) -> int:
    return session.scalar(select(Office.id).where(Office.parent_id.is_(None)).order_by(Office.id).limit(1)) or 0


def _schedule(session: Session, row: StartEvent, due: timers.Due) -> None:
    job = {
        "kind": "start",
        "case_id": 0,
        "token": str(row.id),
        "process_id": row.process_id,
        "element_id": row.element_id,
        "office_id": row.office_id,
        "payload": {"due": due.moment.isoformat(), "left": due.left},
        "due_at": due.moment,
    }
    queue.enqueue(session, [job])


# --- beginning -------------------------------------------------------------------------------------------------


@handles(StartByEvent)
def start_by_event(command: StartByEvent, unit: Unit) -> int | None:
    """The new instance; None where the start event is gone. A cycle's next turn is queued in the same commit."""
    session = unit.session
    job = session.get(Job, command.job_id)
    if job is None:
        return None
    of_job = (StartEvent.process_id == job.process_id, StartEvent.element_id == job.element_id)
    row = session.scalar(select(StartEvent).where(*of_job))
    payload, office_id = dict(job.payload), job.office_id
    # Whoever deletes it does it: two workers at the same moment do not both start.
    taken = session.execute(delete(Job).where(Job.id == job.id)).rowcount  # type: ignore[attr-defined]
    session.expunge(job)
    if row is None or not taken:
        return None
    if row.kind == "timer" and payload.get("left"):
        previous = timers.Due(datetime.fromisoformat(payload["due"]), int(payload["left"]))
        if (following := timers.next_due(row.timer["text"], previous)) is not None:
            _schedule(session, row, following)
    variables = payload.get("variables") or {}
    return begin(unit, row, variables, office_of(session, variables, office_id)).id


def by_message(unit: Unit, name: str, key: str, variables: Mapping[str, Any], offices: tuple[int, ...] | None) -> int:
    """Begin what this message begins; the last instance's id, 0 where none was begun."""
    waiting = select(StartEvent).where(StartEvent.kind == "message", StartEvent.name == name)
    begun = 0
    for row in unit.session.scalars(waiting.order_by(StartEvent.process_id)).all():
        case_id = ids.new()
        if key and not _hold(unit.session, row.process_id, key, case_id):
            continue
        usual = row.office_id if offices is None else unit.actor.office_id
        begun = begin(unit, row, variables, office_of(unit.session, variables, usual, offices), case_id).id
    return begun


def _hold(session: Session, process_id: str, key: str, case_id: int) -> bool:
    """Take the place of the one instance for a key; it is free again when the case closes."""
    made = insert_with_conflict(session, LiveKey).values(key=held_key(process_id, key), case_id=case_id)
    return session.scalar(made.on_conflict_do_nothing().returning(LiveKey.case_id)) is not None


def held_key(process_id: str, key: str) -> str:
    """How an instance begun by a message is marked."""
    return f"{HELD}{process_id}:{key}"


def begin(
    unit: Unit, row: StartEvent, variables: Mapping[str, Any], office: Office, case_id: int | None = None
) -> Case:
    """Open the case and run its process from the start event."""
    session = unit.session
    release = releases.view(session, _release(unit, row))
    case_id = case_id or ids.new()
    numbered = bool(row.item)
    case = Case(
        id=case_id,
        office_id=office.id,
        item=row.item,
        item_name=release.item.name if numbered else row.process_id,
        release_id=release.id,
        process_id=row.process_id,
        number=case_number(session, release.item.raw["numbering"], row.item) if numbered else str(case_id),
        channel=row.kind,
        subject_name="",
        opened_at=unit.now,
        applied_on=clock.today(),
        clock_days=(release.item.limit("promised") or 0) if numbered else 0,
        stage=release.item.stages[0] if numbered and release.item.stages else "",
    )
    session.add(case)
    session.flush()
    how = {"message": "消息", "signal": "信号", "timer": "定时"}[row.kind]
    unit.record(case, "applied", f"由{how}启动", {}, row.element_id)
    known = {
        "channel": row.kind,
        "applied_on": case.applied_on.isoformat(),
        "case_number": case.number,
        "office_name": office.name,
        "office_code": office.code,
    }
    work = Casework(unit, case)
    given = {**variables, **known} if numbered else dict(variables)
    work.process = Process.start(work.definitions, row.process_id, given, work, row.element_id)
    work.save()
    return case


def _release(unit: Unit, row: StartEvent) -> int:
    """An item's own; of a plain deployment the process with what it calls, pinned as it stands now."""
    if row.item:
        return row.release_id
    definition = definitions.latest(unit.session, "process", row.process_id)
    return bound_release(unit.session, definition, unit.actor.name) if definition else row.release_id
