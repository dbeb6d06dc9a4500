"""What supervisors do to one running case: end it, let it stand, change its course, set its variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update

from engine.cases import lawful_clock
from engine.cases.case import Case, lock
from engine.cases.work import Task
from engine.commands import Unit, handles
from engine.commands.casework import Casework
from engine.core.errors import NotFound, Refused, TaskChanged
from engine.jobs.queue import Job
from engine.workflow import Activation

SUPERVISOR = "supervisor"
# May do the same to what it deployed itself over the API.
INTEGRATOR = "integrator"
OPEN, SUSPENDED = "open", "suspended"


@dataclass(frozen=True)
class CancelCase:
    """End a case at once, wherever it stands."""

    case_id: int
    reason: str


@dataclass(frozen=True)
class SuspendCase:
    """Let a case stand still: tasks, jobs, timers and messages wait."""

    case_id: int
    reason: str


@dataclass(frozen=True)
class ResumeCase:
    """Let it go on; what came meanwhile is acted upon."""

    case_id: int
    reason: str = ""


@dataclass(frozen=True)
class ModifyCase:
    """Cancel steps (tokens or element ids), begin others, move (source, target). ``seen_version``: what was seen."""

    case_id: int
    reason: str
    activate: tuple[Activation, ...] = ()
    terminate: tuple[str, ...] = ()
    move: tuple[tuple[str, str], ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    seen_version: int | None = None


@dataclass(frozen=True)
class SetVariables:
    """Write variables: of the whole case, or of the ``scope`` of a token."""

    case_id: int
    variables: Mapping[str, Any]
    reason: str = ""
    scope: str = "0"


def in_hand(unit: Unit, case_id: int) -> Case:
    """The locked case, where the actor may operate on it. Raises ``NotFound``, ``Forbidden``."""
    case = lock(unit.session, case_id)
    if unit.actor.kind != "system" and case.office_id not in unit.actor.offices:
        raise NotFound("没有这个办件，或不在您的管理范围内")
    unit.require(*((SUPERVISOR,) if case.item else (SUPERVISOR, INTEGRATOR)))
    return case


def running(unit: Unit, case_id: int) -> Case:
    """The locked case, where it goes on. Raises ``Refused`` for one that stands or is over."""
    case = in_hand(unit, case_id)
    if case.state == SUSPENDED:
        raise Refused("办件已挂起，请先恢复再操作", code="case_suspended")
    if case.state != OPEN:
        raise Refused("办件已经办结或终止，不能再操作", code="case_over")
    return case


def _reason(case: Case, text: str) -> str:
    # Somebody will ask why; an instance of a plain deployment has no reader.
    if case.item and not text.strip():
        raise Refused("请写明原因，原因会记入办理记录", code="reason_missing")
    return text.strip()


@handles(CancelCase)
def cancel_case(command: CancelCase, unit: Unit) -> None:
    """End the process; open work goes, what was issued stays."""
    case = in_hand(unit, command.case_id)
    if case.state not in (OPEN, SUSPENDED):
        raise Refused("办件已经办结或终止，不需要再终止", code="case_over")
    reason = _reason(case, command.reason)
    if case.state == SUSPENDED:
        thaw(unit, case)
    work = Casework(unit, case)
    work.resume()
    unit.record(case, "terminated", "终止办件", {"reason": reason})
    work.process.cancel()
    work.save()


@handles(SuspendCase)
def suspend_case(command: SuspendCase, unit: Unit) -> None:
    """Rows that would move the case stand still; the lawful clock does what the item says."""
    case = running(unit, command.case_id)
    reason = _reason(case, command.reason)
    freeze(unit, case)
    stopped = ""
    if stops_clock(unit, case) and lawful_clock.stop(unit.session, case, "挂起"):
        stopped = "，期限停止计算"
    unit.record(case, "suspended", f"挂起办件{stopped}", {"reason": reason})
    unit.session.flush()


@handles(ResumeCase)
def resume_case(command: ResumeCase, unit: Unit) -> None:
    """Everything goes on; a timer that came due meanwhile fires now, a message that came is taken."""
    case = in_hand(unit, command.case_id)
    if case.state != SUSPENDED:
        raise TaskChanged("办件没有挂起，可能已由他人恢复，请刷新后查看", code="not_suspended")
    thaw(unit, case)
    lawful_clock.resume(unit.session, case, "挂起")
    unit.record(case, "resumed", "恢复办件", {"reason": command.reason.strip()} if command.reason.strip() else None)
    work = Casework(unit, case)
    work.resume()
    work.took_message = True
    work.save()


@handles(ModifyCase)
def modify_case(command: ModifyCase, unit: Unit) -> None:
    """Change where the case stands, in one go."""
    case = running(unit, command.case_id)
    reason = _reason(case, command.reason)
    if command.seen_version is not None and command.seen_version != case.version:
        raise TaskChanged("办件在您打开页面后有变动，请刷新后重新选择", code="case_changed")
    if not (command.activate or command.terminate or command.move or command.variables):
        raise Refused("请选择要取消或启动的环节，或填写要修改的变量", code="nothing_to_do")
    work = Casework(unit, case)
    work.resume()
    effect = work.process.modify(command.activate, command.terminate, command.move, command.variables)
    told = {
        "reason": reason,
        "activated": [one.name or one.element_id for one in effect.activated],
        "cancelled": [one.name or one.element_id for one in effect.cancelled],
        "variables": sorted(command.variables),
    }
    unit.record(case, "modified", "调整流程", told)
    work.save()


@handles(SetVariables)
def set_variables(command: SetVariables, unit: Unit) -> None:
    """Conditions are looked at again."""
    case = running(unit, command.case_id)
    work = Casework(unit, case)
    work.resume()
    told: dict[str, Any] = {"variables": dict(command.variables), "scope": command.scope}
    unit.record(case, "variables_set", "修改变量", told | {"reason": _reason(case, command.reason)})
    work.process.set_variables(command.variables, command.scope)
    work.save()


# --- standing still ---------------------------------------------------------------------------------------------


def freeze(unit: Unit, case: Case) -> None:
    """What would move the case stands still; a call that is just being made is asked again later."""
    case.state = SUSPENDED
    _turn(unit, case, OPEN, SUSPENDED, ("ready", "parked"), SUSPENDED)


def thaw(unit: Unit, case: Case) -> None:
    """It may move again."""
    case.state = OPEN
    _turn(unit, case, SUSPENDED, OPEN, (SUSPENDED,), "ready")


def _turn(unit: Unit, case: Case, tasks: str, to_task: str, jobs: tuple[str, ...], to_job: str) -> None:
    here = update(Task).where(Task.case_id == case.id, Task.state == tasks)
    unit.session.execute(here.values(state=to_task), execution_options={"synchronize_session": False})
    # The lawful clock runs on unless the item says otherwise: its bell is not silenced.
    due = update(Job).where(Job.case_id == case.id, Job.state.in_(jobs), Job.kind != lawful_clock.bell.KIND)
    unit.session.execute(due.values(state=to_job), execution_options={"synchronize_session": False})
    unit.session.flush()


def stops_clock(unit: Unit, case: Case) -> bool:
    """Whether the item says that a suspension stops its lawful clock (``suspension: {clock: stops}``)."""
    item = Casework(unit, case).release.item
    return bool((item.raw.get("suspension") or {}).get("clock") == "stops")
