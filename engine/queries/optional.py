"""Optional steps of a case: what may be begun now in its ad-hoc sub-processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from engine.cases.case import Case, load_variables
from engine.catalog.releases import ReleaseView
from engine.core.actor import Actor
from engine.queries import visible
from engine.workflow import definitions_held


@dataclass(frozen=True)
class Optional:
    """One ad-hoc sub-process that stands: ``elements`` are (id, title) of what may be begun."""

    instance: int
    title: str
    elements: tuple[tuple[str, str], ...]


def optional_steps(session: Session, actor: Actor, case: Case, release: ReleaseView) -> list[Optional]:
    """Those the actor may begin. A process is only loaded where its model has such a sub-process."""
    if case.state != "open":
        return []
    definitions = definitions_held(release)
    kinds = {one.type for process in definitions.processes.values() for one in process.elements.values()}
    if "adHocSubProcess" not in kinds:
        return []
    process = visible.process(session, case, release, load_variables(session, case.id))
    return [
        Optional(int(wait.token), wait.name or wait.element_id, _offered(wait.attrs["elements"]))
        for wait in process.waits()
        if wait.kind == "adhoc" and _may_begin(actor, case, release.item.roles, wait.lane)
    ]


def _offered(elements: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((one["id"], one["name"] or one["id"]) for one in elements)


def _may_begin(actor: Actor, case: Case, roles: Mapping[str, str], lane: str | None) -> bool:
    """The rule of the command, told beforehand."""
    role = roles.get(lane or "", "")
    return actor.has("supervisor") or (actor.has(role) if role else not case.item)
