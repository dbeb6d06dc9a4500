"""Migrations as people see them: the proposed mapping, the runs, and what became of each case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.batches import migration_run as runs
from engine.batches.migration_run import MigratedCase, MigrationRun
from engine.cases.case import Case
from engine.cases.record import ElementInstance
from engine.catalog.releases import Release
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries.common import stamp
from engine.queries.operations import definitions_at
from engine.workflow import migration
from engine.workflow.diff import TYPES

SHOWN = 200


@dataclass(frozen=True)
class MappedElement:
    """An element of the old release and its proposed counterpart; ``choices`` are those of its type."""

    process_id: str
    element_id: str
    name: str
    type: str
    target_id: str
    by_hand: bool
    standing: int
    choices: list[tuple[str, str]]


def mapping(
    session: Session, actor: Actor, source_id: int, target_id: int, chosen: Mapping[str, str]
) -> list[MappedElement]:
    """The proposal, elements where cases stand first. Raises ``Refused`` for a mapping that cannot be."""
    source, target = definitions_at(session, source_id), definitions_at(session, target_id)
    plan = migration.plan(source, target, chosen)
    process = func.coalesce(ElementInstance.process_id, Case.process_id)
    active = (
        select(process, ElementInstance.element_id, func.count(ElementInstance.case_id.distinct()))
        .join(Case, Case.id == ElementInstance.case_id)
        .where(
            Case.release_id == source_id,
            Case.state.in_(("open", "suspended")),
            Case.office_id.in_(actor.offices),
            ElementInstance.state == "active",
        )
        .group_by(process, ElementInstance.element_id)
    )
    stands = {(process_id, element_id): count for process_id, element_id, count in session.execute(active)}
    found = []
    for process_id, elements in plan.elements.items():
        theirs = target.processes[plan.processes[process_id]].elements
        for element_id, other in elements.items():
            info = source.processes[process_id].elements[element_id]
            alike = [one for one in theirs.values() if (one.type, one.event) == (info.type, info.event)]
            found.append(
                MappedElement(
                    process_id=process_id,
                    element_id=element_id,
                    name=info.name or element_id,
                    type=TYPES.get(info.type, info.type),
                    target_id=other or "",
                    by_hand=(process_id, element_id) in plan.by_hand,
                    standing=stands.get((process_id, element_id), 0),
                    choices=[(one.id, one.name or one.id) for one in alike],
                )
            )
    return sorted(found, key=lambda one: (-one.standing, bool(one.target_id)))


@dataclass(frozen=True)
class RunLine:
    """One migration run with its figures."""

    id: int
    item: str
    source: int
    target: int
    state: str
    reason: str
    by: str
    at: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        """Cases that need no more work in the present stage."""
        left = self.counts.get("waiting" if self.state == runs.CHECKING else "planned", 0)
        return self.total - left


@dataclass(frozen=True)
class CaseLine:
    """One case of a run; ``findings`` say what was found by the dry run."""

    id: int
    case_id: int
    number: str
    state: str
    message: str
    findings: list[str]
    can_undo: bool


def run_lines(session: Session, actor: Actor) -> list[RunLine]:
    """Runs that touch the actor's offices, the newest first."""
    mine = select(MigratedCase.run_id).where(MigratedCase.office_id.in_(actor.offices))
    query = select(MigrationRun).where(MigrationRun.id.in_(mine)).order_by(MigrationRun.created_at.desc()).limit(SHOWN)
    return [_line(session, run) for run in session.scalars(query)]


def run_line(session: Session, actor: Actor, run_id: int) -> RunLine:
    """Raises ``NotFound`` for a run of other offices."""
    run = session.get(MigrationRun, run_id)
    ours = select(MigratedCase.id).where(MigratedCase.run_id == run_id, MigratedCase.office_id.in_(actor.offices))
    if run is None or session.scalar(ours.limit(1)) is None:
        raise NotFound("没有这次迁移，或不在您的管理范围内")
    return _line(session, run)


def _line(session: Session, run: MigrationRun) -> RunLine:
    numbers = {
        one.id: one.version for one in (session.get(Release, run.source_id), session.get(Release, run.target_id)) if one
    }
    return RunLine(
        id=run.id,
        item=run.item,
        source=numbers.get(run.source_id, 0),
        target=numbers.get(run.target_id, 0),
        state=run.state,
        reason=run.reason,
        by=run.created_by_name,
        at=stamp(run.created_at),
        counts=runs.counts(session, run.id),
    )


def run_cases(session: Session, actor: Actor, run_id: int) -> list[CaseLine]:
    """The cases of a run in the actor's offices, what needs attention first."""
    query = (
        select(MigratedCase, Case.version, Case.state)
        .join(Case, Case.id == MigratedCase.case_id)
        .where(MigratedCase.run_id == run_id, MigratedCase.office_id.in_(actor.offices))
        .order_by(MigratedCase.state != "refused", MigratedCase.id)
        .limit(SHOWN)
    )
    return [
        CaseLine(
            id=row.id,
            case_id=row.case_id,
            number=row.number,
            state=row.state,
            message=row.message,
            findings=[str(one[3]) for one in row.findings if one[0] != "refused"],
            can_undo=row.state == "ok" and row.version == version and state in ("open", "suspended"),
        )
        for row, version, state in session.execute(query)
    ]
