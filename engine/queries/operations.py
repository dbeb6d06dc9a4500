"""What a supervisor sees before acting on a case: where it stands, and what an action would do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.cases.case import load_variables
from engine.cases.record import ElementInstance
from engine.cases.work import Incident, Subscription, Task
from engine.catalog import releases
from engine.core.actor import Actor
from engine.jobs.queue import Job
from engine.queries import visible
from engine.queries.common import find_case, stamp
from engine.workflow import Activation, Definitions, Effect, Process, definitions_held, instance_key
from engine.workflow.diff import TYPES


@dataclass(frozen=True)
class Place:
    """A token that stands: ``token`` names it, ``within`` the sub-processes and bodies around it."""

    token: str
    element_id: str
    name: str
    type: str
    since: str
    within: str


@dataclass(frozen=True)
class Target:
    """An element that can be begun."""

    element_id: str
    name: str
    type: str


@dataclass(frozen=True)
class Standing:
    """Where a case stands and what may be done. ``open`` counts what would stop or go."""

    id: int
    number: str
    item_name: str
    state: str
    version: int
    release: int
    places: list[Place]
    targets: list[Target]
    tasks: int
    jobs: int
    timers: int
    messages: int
    incidents: int
    variables: list[str]


def standing(session: Session, actor: Actor, case_id: int) -> Standing:
    """Raises ``NotFound``."""
    case = find_case(session, actor, case_id)
    view = releases.view(session, case.release_id)
    places: list[Place] = []
    targets: list[Target] = []
    if case.state in ("open", "suspended"):
        process = visible.process(session, case, view, load_variables(session, case.id))
        places = _places(session, process)
        targets = _targets(process)

    def count(table: Any, *conditions: Any) -> int:
        return session.scalar(select(func.count()).select_from(table).where(table.case_id == case.id, *conditions)) or 0

    return Standing(
        id=case.id,
        number=case.number,
        item_name=case.item_name or case.process_id,
        state=case.state,
        version=case.version,
        release=view.version,
        places=places,
        targets=targets,
        tasks=count(Task, Task.state.in_(("open", "suspended"))),
        jobs=count(Job, Job.kind != "timer"),
        timers=count(Job, Job.kind == "timer"),
        messages=count(Subscription),
        incidents=count(Incident, Incident.state == "open"),
        variables=sorted(load_variables(session, case.id)["0"]),
    )


def definitions_at(session: Session, release_id: int) -> Definitions:
    """The models of a release."""
    view = releases.view(session, release_id)
    return definitions_held(view)


def _places(session: Session, process: Process) -> list[Place]:
    keys = {instance_key(token): token for token in process.standing()}
    elements = {key: element for key, token in keys.items() if (element := process.element(token))}
    rows = {row.id: row for row in session.scalars(select(ElementInstance).where(ElementInstance.id.in_(keys)))}
    names = {key: one.name or one.id for key, one in elements.items()}
    found = []
    for key, one in elements.items():
        row = rows.get(key)
        kind = "多实例" if row is not None and row.type == "multiInstanceBody" else TYPES.get(one.type, one.type)
        within = _around(rows, row.parent if row else None, names)
        since = stamp(row.started_at) if row is not None else ""
        found.append(Place(keys[key], one.id, names[key], kind, since, within))
    return found


def _around(rows: Mapping[int, ElementInstance], parent: int | None, names: Mapping[int, str]) -> str:
    found: list[str] = []
    while parent is not None and parent in rows:
        found.append(names[parent])
        parent = rows[parent].parent
    return " / ".join(reversed(found))


def _targets(process: Process) -> list[Target]:
    """What a modification may begin: in the process itself and in those it is calling."""
    known = [process.info(process.process_id), *(process.process_of(token) for token in process.standing())]
    found: list[Target] = []
    for info in {id(one): one for one in known}.values():
        gateways = {one.id for one in info.elements.values() if one.type == "eventBasedGateway"}
        barred = {target for source, target, _ in info.flows.values() if source in gateways}
        found += [
            Target(one.id, one.name or one.id, TYPES.get(one.type, one.type))
            for one in info.elements.values()
            if one.type not in ("startEvent", "boundaryEvent") and one.id not in barred
        ]
    return found


def preview(
    session: Session,
    actor: Actor,
    case_id: int,
    activate: Iterable[Activation] = (),
    terminate: Iterable[str] = (),
    move: Iterable[tuple[str, str]] = (),
) -> Effect:
    """What a modification would begin and cancel, before the case runs on. Raises ``Refused``, ``NotFound``."""
    case = find_case(session, actor, case_id)
    view = releases.view(session, case.release_id)
    process = visible.process(session, case, view, load_variables(session, case.id))
    return process.modify(tuple(activate), tuple(terminate), tuple(move), rest=True)
