"""Running cases go over to another release: one by one, or many in a run that workers do (``migration_work``).

A run first looks at every case and changes nothing (the dry run); started, it migrates each in a transaction of its
own. What a case was is kept for an undo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import delete, insert, select, update

from engine.batches import migration_run as runs
from engine.batches.migration_run import MigratedCase, MigrationRun
from engine.cases.case import Case
from engine.catalog import releases
from engine.catalog.releases import Release
from engine.commands import Unit, handles
from engine.commands.operate import SUPERVISOR, SUSPENDED, freeze, in_hand, thaw
from engine.commands.rebase import Rebase
from engine.core import ids
from engine.core.db import for_update
from engine.core.errors import NotFound, Refused
from engine.jobs.queue import Job
from engine.workflow import Definitions, definitions_held, migration


@dataclass(frozen=True)
class PlanMigration:
    """A dry run: look at every open case of ``item`` on release ``source_id``, in the actor's offices.

    ``mapping``: element id (or ``process:element``) → element id, where the proposal is not what is wanted.
    """

    item: str
    source_id: int
    target_id: int
    mapping: Mapping[str, str] = field(default_factory=dict)
    processes: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class StartMigration:
    """Begin, or go on after a pause."""

    run_id: int


@dataclass(frozen=True)
class PauseMigration:
    """Stop after the case in hand."""

    run_id: int


@dataclass(frozen=True)
class CancelMigration:
    """Leave the rest as it is; what is done stays done."""

    run_id: int


@dataclass(frozen=True)
class UndoMigration:
    """Take one case of a run back to where it was."""

    row_id: int


@dataclass(frozen=True)
class MigrateCase:
    """One case by itself, at once."""

    case_id: int
    target_id: int
    mapping: Mapping[str, str] = field(default_factory=dict)
    processes: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


@handles(PlanMigration)
def plan_migration(command: PlanMigration, unit: Unit) -> int:
    """The id of the run; its cases are looked at by the workers. Raises ``Refused`` for a mapping that cannot be."""
    unit.require(SUPERVISOR)
    session = unit.session
    source, target = (session.get(Release, one) for one in (command.source_id, command.target_id))
    if source is None or target is None or {source.item, target.item} != {command.item}:
        raise NotFound("没有这个事项的这个版本，请重新选择")
    if source.id == target.id:
        raise Refused("原版本和新版本相同，不需要迁移", code="same_release")
    migration.plan(_models(unit, source.id), _models(unit, target.id), command.mapping, command.processes)
    query = select(Case.id, Case.number, Case.office_id).where(
        Case.release_id == source.id, Case.state.in_(("open", SUSPENDED))
    )
    if unit.actor.kind != "system":
        query = query.where(Case.office_id.in_(unit.actor.offices))
    found = session.execute(query.order_by(Case.id)).all()
    if not found:
        raise Refused("该版本没有在办的办件，不需要迁移", code="no_cases")
    run = MigrationRun(
        id=ids.new(), item=command.item, source_id=source.id, target_id=target.id, mapping=dict(command.mapping),
        processes=dict(command.processes), state=runs.CHECKING, reason=command.reason.strip(), created_at=unit.now,
        created_by=unit.actor.key, created_by_name=unit.actor.shown,
    )  # fmt: skip
    session.add(run)
    rows = [
        {"id": ids.new(), "run_id": run.id, "case_id": case_id, "number": number, "office_id": office_id,
         "state": "waiting", "message": "", "findings": [], "version": 0, "tokens": b""}
        for case_id, number, office_id in found
    ]  # fmt: skip
    session.execute(insert(MigratedCase), rows)
    runs.call_worker(session, run.id)
    session.flush()
    return run.id


def _models(unit: Unit, release_id: int) -> Definitions:
    view = releases.view(unit.session, release_id)
    return definitions_held(view)


def _run(unit: Unit, run_id: int) -> MigrationRun:
    unit.require(SUPERVISOR)
    query = select(MigrationRun).where(MigrationRun.id == run_id)
    run = unit.session.scalar(query.with_for_update() if for_update(unit.session) else query)
    mine = run is not None and (unit.actor.kind == "system" or run.created_by == unit.actor.key or _all_mine(unit, run))
    if run is None or not mine:
        raise NotFound("没有这次迁移")
    return run


def _all_mine(unit: Unit, run: MigrationRun) -> bool:
    """Whether every case of the run lies in the actor's offices."""
    beyond = MigratedCase.office_id.not_in(unit.actor.offices)
    return unit.session.scalar(select(MigratedCase.id).where(MigratedCase.run_id == run.id, beyond).limit(1)) is None


@handles(StartMigration)
def start_migration(command: StartMigration, unit: Unit) -> None:
    """The workers take it from here."""
    run = _run(unit, command.run_id)
    if run.state not in (runs.PLANNED, runs.PAUSED):
        raise Refused("这次迁移不在待开始状态，请刷新后查看", code="run_state")
    if not run.reason:
        raise Refused("请写明迁移原因，原因会记入每个办件", code="reason_missing")
    run.state, run.started_at = runs.RUNNING, run.started_at or unit.now
    _say(unit, run, "开始迁移")
    _call(unit, run)


@handles(PauseMigration)
def pause_migration(command: PauseMigration, unit: Unit) -> None:
    """It goes on with ``StartMigration``."""
    run = _run(unit, command.run_id)
    if run.state != runs.RUNNING:
        raise Refused("这次迁移没有在进行，请刷新后查看", code="run_state")
    run.state = runs.PAUSED
    _say(unit, run, "暂停迁移")


@handles(CancelMigration)
def cancel_migration(command: CancelMigration, unit: Unit) -> None:
    """What is not done yet is left alone."""
    run = _run(unit, command.run_id)
    if run.state in (runs.DONE, runs.CANCELLED):
        raise Refused("这次迁移已经结束", code="run_state")
    run.state, run.ended_at = runs.CANCELLED, unit.now
    unit.session.execute(
        update(MigratedCase)
        .where(MigratedCase.run_id == run.id, MigratedCase.state.in_(("waiting", "planned")))
        .values(state="skipped", message="迁移已取消，本件未变动"),
        execution_options={"synchronize_session": False},
    )
    _say(unit, run, "取消迁移")


def _say(unit: Unit, run: MigrationRun, what: str) -> None:
    told = {"run": str(run.id), "item": run.item, "reason": run.reason}
    unit.record(None, "migration", f"{what}：{run.item}", told)
    unit.session.flush()


def _call(unit: Unit, run: MigrationRun) -> None:
    session = unit.session
    session.execute(delete(Job).where(Job.kind == runs.JOB, Job.token == str(run.id)))
    runs.call_worker(session, run.id)


def go_over(
    unit: Unit, case: Case, target_id: int, mapping: Mapping[str, str], processes: Mapping[str, str], reason: str
) -> None:
    """Take a locked case to the release. Raises ``Refused``, ``ModelFault``."""
    stood_still = case.state == SUSPENDED
    if stood_still:
        thaw(unit, case)
    rebase = Rebase(unit, case, target_id)
    plan = rebase.plan(mapping, processes)
    version = rebase.new.release.version
    rebase.forward(plan)
    # Said when it is sure: what is refused half-way leaves no line.
    told = {"reason": reason, "from": str(rebase.source_id), "to": str(target_id)}
    unit.record(case, "migrated", f"转到第 {version} 版继续办理", told)
    if stood_still:
        freeze(unit, case)


@handles(MigrateCase)
def migrate_case(command: MigrateCase, unit: Unit) -> None:
    """Go over at once. Raises ``Refused`` with the first thing that stands in the way."""
    case = in_hand(unit, command.case_id)
    if case.state not in ("open", SUSPENDED):
        raise Refused("办件已经办结或终止，不能迁移", code="case_over")
    go_over(unit, case, command.target_id, command.mapping, command.processes, command.reason)


@handles(UndoMigration)
def undo_migration(command: UndoMigration, unit: Unit) -> None:
    """Possible until the case moves on."""
    row = unit.session.get(MigratedCase, command.row_id)
    if row is None:
        raise NotFound("没有这次迁移")
    case = in_hand(unit, row.case_id)
    unit.session.refresh(row)
    run = unit.session.get_one(MigrationRun, row.run_id)
    if row.state != "ok":
        raise Refused("这件没有迁移，或已经撤销", code="not_migrated")
    if case.version != row.version or case.state not in ("open", SUSPENDED):
        raise Refused("办件在迁移后已有新的办理，不能撤销迁移", code="moved_on")
    if not row.tokens or row.variables is None:
        raise Refused("迁移前的状态已超过保留期限，不能撤销", code="not_kept")
    stood_still = case.state == SUSPENDED
    if stood_still:
        thaw(unit, case)
    rebase = Rebase(unit, case, run.source_id)
    told = {"run": str(run.id)}
    unit.record(case, "migration_undone", f"撤销迁移，回到第 {rebase.new.release.version} 版", told)
    rebase.back(row.tokens, row.variables)
    if stood_still:
        freeze(unit, case)
    row.state, row.tokens, row.variables, row.kept_until = "undone", b"", None, None
    unit.session.flush()
