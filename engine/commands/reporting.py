"""What a platform that handed a case down is told: lines of the record become reports, in the record's own order.

An item says in ``reports`` which line is which step; its model knows nothing of platforms. A case from elsewhere costs
nothing here, and an installation without the platform sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from engine.cases.case import Case
from engine.cases.documents import Document
from engine.catalog import releases
from engine.catalog.item import Item
from engine.commands import Unit, afterwards
from engine.core import clock, operations
from engine.outside import handed_down, outbox
from engine.outside.handed_down import HandedDown
from engine.registers.offices import Office


@afterwards
def queue_reports(unit: Unit) -> None:
    """Put a report into the outbox for every line of this command that is a step of a handed-down case."""
    for case, line in unit.journal.lines():
        if case.channel == handed_down.CHANNEL:
            _report(unit, case, line)


def _report(unit: Unit, case: Case, line: Mapping[str, Any]) -> None:
    item = releases.view(unit.session, case.release_id).item
    operation, step = str((item.reports or {}).get("operation", "")), step_of(item, line, case.outcome)
    row = unit.session.get(HandedDown, case.id) if step and operations.known(operation) else None
    if row is None:
        return
    found = operations.find(operation)
    report = outbox.put(
        unit.session,
        party=found.party,
        case_id=case.id,
        office_id=case.office_id,
        operation=operation,
        element_id=str(line["element_id"]),
        key=f"{case.id}-{line['seq']}-{step}",
        payload={"variables": _told(unit, case, item, line, step, row.number), "headers": {}},
        retries=found.retries,
    )
    row.step = step
    unit.record(case, "report_queued", f"{found.title}：第 {report.number} 份，待报送", element_id=report.element_id)


def step_of(item: Item, line: Mapping[str, Any], outcome: str) -> str:
    """The step that a line of the record is, by the item's ``reports``; empty where it is none."""
    declared = item.reports or {}
    if line["kind"] == "closed":
        return str(declared.get("closed", {}).get(outcome, "ended" if declared else ""))
    for one in declared.get("lines", ()):
        if one["kind"] == line["kind"] and (not one["elements"] or line["element_id"] in one["elements"]):
            return str(one["step"])
    return ""


def _told(unit: Unit, case: Case, item: Item, line: Mapping[str, Any], step: str, number: str) -> dict[str, str]:
    over = line["kind"] == "closed"
    papers = select(Document.number).where(Document.case_id == case.id).order_by(Document.id.desc()).limit(1)
    return {
        "reference": number,
        "step": step,
        "title": str(line["title"]),
        "handler": str(line["actor_name"]),
        "organisation": unit.session.get_one(Office, case.office_id).name,
        "at": clock.local(line["at"]).isoformat(timespec="seconds"),
        "result": item.outcomes.get(case.outcome, case.outcome) if over else "",
        "document": (unit.session.scalar(papers) or "") if over else "",
    }
