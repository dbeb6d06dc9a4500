"""What a case that is over knew: its variables are gone, the record still tells them.

The answers of forms are in the record already; the closing line adds what else there was, and which answers stood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import ROOT_SCOPE, Case, Origins, Scopes, load_variables
from engine.cases.record import JournalEntry

RUNNING = ("open", "suspended")


def closing_payload(variables: Mapping[str, Any], origins: Origins) -> dict[str, Any]:
    """``{variables, answers}``: what no other line holds, and by line the names of the answers that stood."""
    answers: dict[str, list[str]] = {}
    for name, seq in origins.items():
        answers.setdefault(str(seq), []).append(name)
    return {"variables": {name: value for name, value in variables.items() if name not in origins}, "answers": answers}


def variables(session: Session, case: Case) -> Scopes:
    """All variables of a case: as they stand, or as they stood at its end, as far as they were not erased."""
    if case.state in RUNNING:
        return load_variables(session, case.id)
    query = select(JournalEntry.seq, JournalEntry.payload).where(
        JournalEntry.case_id == case.id,
        JournalEntry.payload.is_not(None),
        JournalEntry.kind.in_(("applied", "completed", "closed")),
    )
    lines: dict[int, Any] = dict(session.execute(query).all())
    closing = lines[max(lines)] if lines else {}
    found: dict[str, Any] = {}
    for seq, names in closing.get("answers", {}).items():
        given = lines.get(int(seq), {})
        found |= {name: given[name] for name in names if name in given}
    return {ROOT_SCOPE: {**found, **closing.get("variables", {})}}
