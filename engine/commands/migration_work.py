"""What a worker does of a migration run: a chunk of looking, or one case of migrating; then the next turn is queued.

Rows say how far the run is, and a turn is one transaction: a killed worker loses and doubles nothing. A case on which
our own program stumbles is set aside, so that it does not hold the others up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.exc import OperationalError

from engine.batches import migration_run as runs
from engine.batches.migration_run import MigratedCase, MigrationRun
from engine.cases.case import Case, load_variables, lock
from engine.commands import Again, Unit, handles
from engine.commands.migrations import go_over
from engine.commands.operate import SUSPENDED
from engine.commands.rebase import Rebase
from engine.core.errors import ModelFault, Refused
from engine.jobs.queue import Job

CHUNK = 20
# An undo long after would bring back what nobody remembers.
KEPT = timedelta(days=30)


@dataclass(frozen=True)
class WorkOnRun:
    """A worker's turn."""

    run_id: int
    job_id: int


@dataclass(frozen=True)
class SetCaseAside:
    """A case of the run made our program stumble: it stays as it was, the run goes on with the next."""

    run_id: int
    job_id: int
    row_id: int
    why: str


class Stumbled(Exception):
    """A bug of ours in one case of a run; nothing of the turn is kept. The cause is the exception it hit."""

    def __init__(self, row_id: int) -> None:
        super().__init__(f"row {row_id}")
        self.row_id = row_id


@handles(WorkOnRun)
def work_on_run(command: WorkOnRun, unit: Unit) -> int:
    """How many cases were done in this turn. Raises ``Stumbled``."""
    session = unit.session
    session.execute(delete(Job).where(Job.id == command.job_id))
    run = session.get(MigrationRun, command.run_id)
    if run is None or run.state not in (runs.CHECKING, runs.RUNNING):
        return 0
    # Looking locks nothing for long; migrating is one case, so that one that fails takes no other along.
    rows = runs.next_rows(session, run, CHUNK if run.state == runs.CHECKING else 1)
    turn = _look if run.state == runs.CHECKING else _migrate
    for row_id in rows:
        _do(turn, unit, run, session.get_one(MigratedCase, row_id))
    _call_next(unit, run)
    return len(rows)


def _do(
    turn: Callable[[Unit, MigrationRun, MigratedCase], None], unit: Unit, run: MigrationRun, row: MigratedCase
) -> None:
    try:
        turn(unit, run, row)
    except (Again, OperationalError):
        # To be done anew, or a database that is away: nothing is wrong with the case.
        raise
    except Exception as error:
        raise Stumbled(row.id) from error


@handles(SetCaseAside)
def set_case_aside(command: SetCaseAside, unit: Unit) -> None:
    """Mark the row as failed, with the reason, and queue the next turn."""
    session = unit.session
    session.execute(delete(Job).where(Job.id == command.job_id))
    run, row = session.get(MigrationRun, command.run_id), session.get(MigratedCase, command.row_id)
    if run is None or row is None or run.state not in (runs.CHECKING, runs.RUNNING):
        return
    row.state, row.message = "failed", f"程序出错，本件未变动，请联系技术支持：{command.why}"
    _call_next(unit, run)


def _call_next(unit: Unit, run: MigrationRun) -> None:
    session = unit.session
    session.flush()
    if runs.next_rows(session, run, 1):
        runs.call_worker(session, run.id)
    elif run.state == runs.CHECKING:
        run.state = runs.PLANNED
    else:
        run.state, run.ended_at = runs.DONE, unit.now
    session.flush()


def _look(unit: Unit, run: MigrationRun, row: MigratedCase) -> None:
    case = unit.session.get_one(Case, row.case_id)
    if _is_gone(case, run, row):
        return
    try:
        rebase = Rebase(unit, case, run.target_id)
        findings = rebase.findings(rebase.plan(run.mapping, run.processes))
    except (Refused, ModelFault) as error:
        row.state, row.message = "refused", error.message
        return
    finally:
        # Only looked at: it stays where it is.
        case.release_id = run.source_id
    row.findings = [[one.kind, one.name or one.element_id, one.target_id, one.message] for one in findings]
    refused = [one.message for one in findings if one.refused]
    row.state, row.message = ("refused", "；".join(refused)) if refused else ("planned", "")


def _migrate(unit: Unit, run: MigrationRun, row: MigratedCase) -> None:
    case = lock(unit.session, row.case_id)
    unit.session.refresh(case)
    if _is_gone(case, run, row):
        return
    tokens, variables = case.tokens, load_variables(unit.session, case.id)
    try:
        # A refusal in the middle leaves no trace of the half that was done.
        with unit.session.begin_nested():
            go_over(unit, case, run.target_id, run.mapping, run.processes, run.reason)
            unit.session.flush()
    except (Refused, ModelFault) as error:
        unit.session.refresh(case)
        row.state, row.message = "refused", error.message
        return
    row.state, row.message, row.done_at, row.version = "ok", "", unit.now, case.version
    row.tokens, row.variables, row.kept_until = tokens, variables, unit.now + KEPT


def _is_gone(case: Case, run: MigrationRun, row: MigratedCase) -> bool:
    if case.state not in ("open", SUSPENDED):
        row.state, row.message = "skipped", "办件已经办结或终止，未迁移"
    elif case.release_id != run.source_id:
        row.state, row.message = "skipped", "办件已不在原版本上，未迁移"
    return row.state == "skipped"
