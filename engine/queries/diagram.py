"""The live diagram of a case: which model, where the tokens stand, which ways they took."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.record import Activity
from engine.cases.work import Incident
from engine.catalog import releases
from engine.catalog.releases import ReleaseView
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries.common import find_case
from engine.workflow import Definitions, definitions_of

# What only holds other elements would paint over them.
HOLDERS = ("multiInstanceBody", "subProcess")


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
    query = select(Activity.process_id).where(Activity.case_id == case.id).order_by(Activity.id)
    entered = dict.fromkeys([str(release.item.raw["process"]), *session.scalars(query)])
    return [DiagramChoice(one, processes[one].name or one) for one in entered if one in processes]


def xml(session: Session, actor: Actor, case_id: int, process_id: str | None) -> bytes:
    """The model of a process as published for this case. Raises ``NotFound``."""
    case = find_case(session, actor, case_id)
    release = releases.view(session, case.release_id)
    return release.files[_process(release, process_id).file]


def state(session: Session, actor: Actor, case_id: int, process_id: str | None) -> dict[str, Any]:
    """``{active, completed, incidents, flows, counts}``: ids of elements and flows; counts of tokens per element."""
    case = find_case(session, actor, case_id)
    info = _process(releases.view(session, case.release_id), process_id)
    standing: dict[tuple[str, str], str] = {}
    completed: dict[str, None] = {}
    flows: dict[str, None] = {}
    query = select(Activity.kind, Activity.element_id, Activity.token, Activity.flow_id, Activity.type)
    query = query.where(Activity.case_id == case.id, Activity.process_id == info.id).order_by(Activity.id)
    for kind, element, token, flow, type_ in session.execute(query):
        if kind == "flow":
            flows[flow] = None
        elif kind == "activated" and type_ not in HOLDERS:
            standing[token, element] = element
        elif kind in ("completed", "cancelled"):
            standing.pop((token, element), None)
            if kind == "completed":
                completed[element] = None
    counts = Counter(standing.values()) if case.state == "open" else Counter()
    return {
        "active": sorted(counts),
        "completed": [element for element in completed if element not in counts],
        "incidents": [one for one in _stuck(session, case) if one in info.elements],
        "flows": list(flows),
        "counts": dict(counts),
    }


def _stuck(session: Session, case: Case) -> list[str]:
    query = select(Incident.element_id).where(Incident.case_id == case.id, Incident.state == "open")
    return list(session.scalars(query.distinct()))


def _definitions(release: ReleaseView) -> Definitions:
    return definitions_of(release.hash, lambda: release.of_kind(".bpmn"))


def _process(release: ReleaseView, process_id: str | None) -> Any:
    found = _definitions(release).processes.get(process_id or str(release.item.raw["process"]))
    if found is None:
        raise NotFound("没有这个流程图")
    return found
