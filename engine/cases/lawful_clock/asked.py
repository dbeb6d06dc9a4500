"""A question for longer that the end of its case answers."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from engine.cases.lawful_clock.tables import Extension
from engine.cases.work import EXTENSION, Task

OVER = "over"
_PLAIN = {"synchronize_session": False}


def drop(session: Session, case_id: int) -> None:
    """The case is over: nobody need decide any more. One statement where nothing was asked."""
    open_one = update(Extension).where(Extension.case_id == case_id, Extension.state == "asked")
    if session.execute(open_one.values(state=OVER), execution_options=_PLAIN).rowcount:  # type: ignore[attr-defined]
        theirs = update(Task).where(Task.case_id == case_id, Task.element_id == EXTENSION)
        theirs = theirs.where(Task.state.in_(("open", "suspended")))
        session.execute(theirs.values(state="cancelled", version=Task.version + 1), execution_options=_PLAIN)
