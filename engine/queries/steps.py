"""What was filled in at each step of a case, and what that changed of what was known before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.record import JournalEntry
from engine.cases.work import Task
from engine.catalog import releases
from engine.catalog.releases import ReleaseView
from engine.catalog.visibility import Access
from engine.core import masks
from engine.queries import answers
from engine.queries.answers import Section
from engine.queries.common import stamp


@dataclass(frozen=True)
class Step:
    """One form as it was handed in. ``changes`` are (label, before, after) of what had another value before."""

    title: str
    who: str
    at: str
    sections: list[Section]
    changes: list[tuple[str, str, str]]


def steps(session: Session, case: Case, release: ReleaseView, access: Access) -> list[Step]:
    """Every form of the case, oldest first; forms whose answers were erased are left out."""
    query = (
        select(JournalEntry, Task.name)
        .outerjoin(Task, Task.id == JournalEntry.task_id)
        .where(JournalEntry.case_id == case.id, JournalEntry.form_id.is_not(None))
        .order_by(JournalEntry.seq)
    )
    known: dict[str, Any] = {}
    found = []
    for line, name in session.execute(query):
        form = releases.shown_form(session, release, line.form_id or "")
        if form is None or line.payload is None:
            continue
        given = access.prune(line.payload)
        before = {key: value for key, value in known.items() if key in given}
        # Only what stood there already has changed; the first answer to a question is no change.
        again = {key: value for key, value in given.items() if key in before}
        known |= given
        found.append(
            Step(
                title=name or "申请",
                who=masks.mask_name(line.actor_name) if line.actor_key.startswith("citizen:") else line.actor_name,
                at=stamp(line.at),
                sections=answers.sections(form, given),
                changes=form.changed(before, again),
            )
        )
    return found
