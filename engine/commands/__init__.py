"""What can be asked. Whatever changes anything is a command and goes through ``dispatch``.

A command is a frozen dataclass; its handler is a plain function in the same file, marked ``@handles(Command)``. The
handler gets the command and a ``Unit`` (session, actor, moment) and everything it does is committed together, or not
at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any

from sqlalchemy.orm import Session

from engine.cases import record
from engine.cases.case import Case
from engine.core import clock, workdays
from engine.core.actor import Actor
from engine.core.db import transaction
from engine.core.errors import AnjuError, Forbidden
from engine.registers.calendars import calendars

log = logging.getLogger("anju.command")


@dataclass
class Unit:
    """One unit of work: what a handler may use while its command runs."""

    session: Session
    actor: Actor
    now: datetime
    journal: record.Journal
    # Savepoints around inside operations; see ``Again``.
    careful: bool = False

    def record(
        self,
        case: Case | None,
        kind: str,
        title: str,
        payload: Mapping[str, Any] | None = None,
        element_id: str = "",
    ) -> None:
        """Append a line to the record: ``title`` is what a person reads."""
        self.journal.add(case, self.actor, self.now, record.Entry(kind, title, element_id, payload))

    def require(self, *roles: str) -> None:
        """Raise ``Forbidden`` unless the actor holds one of ``roles`` (the system may always)."""
        if self.actor.kind != "system" and not any(self.actor.has(role) for role in roles):
            raise Forbidden("您没有办理此事的岗位权限，请联系管理员")


Handler = Callable[[Any, Unit], Any]
_handlers: dict[type, Handler] = {}


def handles(command: type) -> Callable[[Handler], Handler]:
    """Mark the handler of a command."""

    def add(handler: Handler) -> Handler:
        if command in _handlers:
            raise ValueError(f"{command.__name__} has two handlers")
        _handlers[command] = handler
        return handler

    return add


Look = Callable[[Unit], None]
_afterwards: list[Look] = []


def afterwards(look: Look) -> Look:
    """Mark what looks at each command's record before it is written, inside its transaction; it must cost nothing
    where it has nothing to do."""
    _afterwards.append(look)
    return look


def dispatch(command: Any, actor: Actor) -> Any:
    """Run one command as ``actor``: one transaction, all or nothing. Raises what the handler raises."""
    began = perf_counter()
    name = type(command).__name__
    try:
        try:
            result = _run(command, actor, careful=False)
        except Again:
            result = _run(command, actor, careful=True)
    except AnjuError as error:
        log.info("refused", extra={"command": name, "actor": actor.key, "code": error.code})
        raise
    log.info("done", extra={"command": name, "actor": actor.key, "ms": round((perf_counter() - began) * 1000, 1)})
    return result


class Again(Exception):
    """An inside operation failed after others had done their part: run the command anew, each in a savepoint.

    The failed operation becomes an incident and what it wrote must go. Nothing has left the house yet, and failing is
    rare: two savepoint statements for every operation would be paid always.
    """


def _run(command: Any, actor: Actor, careful: bool) -> Any:
    with transaction() as session, workdays.in_force(_calendar(session)):
        unit = Unit(session, actor, clock.now(), record.Journal(session), careful)
        result = _handlers[type(command)](command, unit)
        for look in _afterwards:
            look(unit)
        unit.journal.write()
    return result


_kept_calendar: tuple[float, workdays.Calendars] | None = None
_CALENDAR_SECONDS = 30.0


def _calendar(session: Session) -> workdays.Calendars:
    """The calendar changes a few times a year: read again every half minute."""
    global _kept_calendar
    if _kept_calendar is None or perf_counter() - _kept_calendar[0] > _CALENDAR_SECONDS:
        _kept_calendar = (perf_counter(), calendars(session))
    return _kept_calendar[1]


def forget_calendar() -> None:
    """Read the calendar again at the next command."""
    global _kept_calendar
    _kept_calendar = None
