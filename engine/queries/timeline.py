"""The record of a case as a timeline: what happened, by whom, of which sort."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.record import JournalEntry
from engine.queries.common import stamp

PAUSES = "停止计时"
TONES = {
    "completed": "ok",
    "closed": "ok",
    "incident": "bad",
    "objection": "warn",
    "withdrawn": "warn",
    "declined": "warn",
    "denied": "warn",
    "returned": "warn",
    "revealed": "warn",
}
# Sort → what it is called and which lines of the record are of it; what is in none is 管理.
SORTS: dict[str, tuple[str, frozenset[str]]] = {
    "work": (
        "办理",
        frozenset(
            {
                "applied",
                "started",
                "completed",
                "submitted",
                "opinion",
                "claimed",
                "released",
                "closed",
                "opened",
                "assigned",
                "optional_begun",
            }
        ),
    ),
    "system": (
        "核查与系统",
        frozenset({"operation", "answered", "declined", "incident", "retried", "decision", "denied"}),
    ),
    "clock": ("计时", frozenset({"clock_resumed", "extension_asked", "extension_decided", "recounted"})),
    "talk": ("会商与抄送", frozenset({"comment", "copied", "urged", "signers_added", "transferred", "delegated"})),
    "outside": ("申请人与异议", frozenset({"objection", "withdrawn", "consented", "consent_withdrawn"})),
}
REST = ("rest", "管理")


def timeline(session: Session, case: Case) -> list[dict[str, Any]]:
    """Newest first, as ``ui.timeline`` takes it; ``sort`` is one of ``SORTS`` or ``REST``."""
    # The payloads are large and sealed: the lines alone are read.
    columns = (JournalEntry.kind, JournalEntry.title, JournalEntry.at, JournalEntry.actor_key, JournalEntry.actor_name)
    query = select(*columns, JournalEntry.decision_id).where(JournalEntry.case_id == case.id)
    return [_event(case, *row) for row in session.execute(query.order_by(JournalEntry.seq.desc()))]


def sorts_of(events: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """(sort, name, how many) of those that occur."""
    known = [(sort, name) for sort, (name, _) in SORTS.items()] + [REST]
    counted = [(sort, name, sum(one["sort"] == sort for one in events)) for sort, name in known]
    return [one for one in counted if one[2]]


def _event(
    case: Case, kind: str, title: str, at: Any, actor_key: str, actor_name: str, decision_id: str | None
) -> dict[str, Any]:
    paused = title.startswith((PAUSES, "恢复计时"))
    return {
        "title": title,
        "at": stamp(at),
        "iso": at.isoformat(),
        "who": _who(case, kind, actor_key, actor_name),
        "tone": "warn" if title.startswith(PAUSES) else TONES.get(kind, ""),
        "sort": "clock" if paused else "system" if decision_id else _sort(kind),
    }


def _sort(kind: str) -> str:
    return next((sort for sort, (_, kinds) in SORTS.items() if kind in kinds), REST[0])


def _who(case: Case, kind: str, actor_key: str, actor_name: str) -> str:
    """Caseworkers by name, citizens by their part in the case; what the process does by itself is the system's."""
    if kind == "operation":
        return "系统自动"
    if actor_key.startswith("citizen:"):
        return "申请人" if actor_key == case.applicant_key else "异议人"
    return actor_name
