"""The live diagram of a case: which model, where the tokens stand, which ways they took."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.record import ElementInstance
from engine.cases.work import Incident
from engine.catalog import releases
from engine.catalog.releases import ReleaseView
from engine.core import clock
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries.common import find_case
from engine.queries.forecast import duration, forecast
from engine.workflow import Definitions, arrived, definitions_held

# What only holds other elements would paint over them.
HOLDERS = ("multiInstanceBody", "subProcess")
RUNNING = ("open", "suspended")
WORTH_SAYING = 60


@dataclass(frozen=True)
class DiagramChoice:
    """A process this case went through."""

    process_id: str
    name: str


def choices(session: Session, actor: Actor, case_id: int) -> list[DiagramChoice]:
    """The item's own process first, then those it called, in the order they were first entered."""
    case = find_case(session, actor, case_id)
    release = releases.view(session, case.release_id)
    processes = _definitions(release).processes
    query = select(ElementInstance.process_id).where(ElementInstance.case_id == case.id).order_by(ElementInstance.id)
    entered = dict.fromkeys([case.process_id, *(one or case.process_id for one in session.scalars(query))])
    return [DiagramChoice(one, processes[one].name or one) for one in entered if one in processes]


def xml(session: Session, actor: Actor, case_id: int, process_id: str | None) -> bytes:
    """The model of a process as published for this case. Raises ``NotFound``."""
    case = find_case(session, actor, case_id)
    release = releases.view(session, case.release_id)
    return release.files[_process(release, process_id or case.process_id).file]


def state(session: Session, actor: Actor, case_id: int, process_id: str | None) -> dict[str, Any]:
    """``{active, completed, incidents, flows, counts, spent, ahead}``: ids of elements and flows by their state.

    ``counts``: tokens per element; ``spent``: element → time passed in it, in words, where it is worth saying;
    ``ahead``: element → whether it will surely be passed.
    """
    case = find_case(session, actor, case_id)
    info = _process(releases.view(session, case.release_id), process_id or case.process_id)
    counts: Counter[str] = Counter()
    completed: dict[str, None] = {}
    flows: dict[str, None] = {}
    passed: Counter[str] = Counter()
    one = ElementInstance
    query = select(one.element_id, one.state, one.type, one.via, one.started_at, one.ended_at)
    process_id = None if info.id == case.process_id else info.id
    query = query.where(ElementInstance.case_id == case.id, ElementInstance.process_id.is_not_distinct_from(process_id))
    for element, state, type_, via, began, ended in session.execute(query.order_by(ElementInstance.id)):
        flows |= dict.fromkeys((via or "").split())
        passed[element] += int(((ended or clock.now()) - began).total_seconds()) if type_ not in HOLDERS else 0
        if state == "completed":
            completed[element] = None
        elif state == "active" and type_ not in HOLDERS and case.state in RUNNING:
            counts[element] += 1
    flows |= dict.fromkeys(flow for flow in arrived(case.tokens) if flow in info.flows)
    return {
        "active": sorted(counts),
        "completed": [element for element in completed if element not in counts],
        "incidents": [one for one in _stuck(session, case) if one in info.elements],
        "flows": list(flows),
        "counts": dict(counts),
        "spent": {element: duration(seconds) for element, seconds in passed.items() if seconds >= WORTH_SAYING},
        "ahead": _ahead(session, actor, case, info.id),
    }


def _ahead(session: Session, actor: Actor, case: Case, process_id: str) -> dict[str, bool]:
    """What the forecast names in the case's own process."""
    told = forecast(session, actor, case.id) if process_id == case.process_id else None
    return {step.element_id: step.sure for step in told.steps} if told else {}


def _stuck(session: Session, case: Case) -> list[str]:
    query = select(Incident.element_id).where(Incident.case_id == case.id, Incident.state == "open")
    return list(session.scalars(query.distinct()))


def _definitions(release: ReleaseView) -> Definitions:
    return definitions_held(release)


def _process(release: ReleaseView, process_id: str) -> Any:
    found = _definitions(release).processes.get(process_id)
    if found is None:
        raise NotFound("没有这个流程图")
    return found
