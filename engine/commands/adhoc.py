"""Optional steps: activities of an ad-hoc sub-process are begun by whoever may work in its lane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.cases.case import Case, lock
from engine.cases.record import ElementInstance
from engine.commands import Unit, handles
from engine.commands.casework import Casework
from engine.commands.operate import SUPERVISOR
from engine.commands.roles import INTEGRATOR
from engine.core.actor import Actor
from engine.core.errors import Forbidden, NotFound, Refused
from engine.workflow import Wait


@dataclass(frozen=True)
class BeginOptional:
    """Begin activities (element id, variables of its own) of the ad-hoc sub-process with this element instance.

    ``cancel_remaining`` first cancels what has been begun; with no elements it ends the sub-process.
    """

    instance: int
    elements: tuple[tuple[str, Mapping[str, Any]], ...]
    cancel_remaining: bool = False
    case_id: int | None = field(default=None)


@handles(BeginOptional)
def begin_optional(command: BeginOptional, unit: Unit) -> int:
    """Gives the case."""
    row = unit.session.get(ElementInstance, command.instance)
    if row is None or command.case_id not in (None, row.case_id):
        raise _not_found()
    case = lock(unit.session, row.case_id)
    if unit.actor.kind == "citizen" or (unit.actor.kind != "system" and case.office_id not in unit.actor.offices):
        raise _not_found()
    if case.state != "open":
        raise Refused("办件已挂起或已办结，不能启动可选环节", code="case_not_running")
    if not command.elements and not command.cancel_remaining:
        raise Refused("请选择要启动的环节", code="nothing_to_do")
    work = Casework(unit, case)
    work.resume()
    token = str(command.instance)
    wait = next((one for one in work.process.waits() if one.token == token and one.kind == "adhoc"), None)
    if wait is None:
        raise Refused("这里没有可启动的环节，可能已经结束，请刷新后查看", code="not_adhoc")
    if not may_begin(unit.actor, case, work.release.item.roles, wait):
        raise Forbidden(f"「{wait.name or wait.element_id}」由其他岗位启动")
    work.process.activate_adhoc(wait.token, command.elements, command.cancel_remaining)
    names = {one["id"]: one["name"] or one["id"] for one in wait.attrs["elements"]}
    begun = "、".join(names[element] for element, _ in command.elements)
    title = f"启动可选环节「{begun}」" if begun else f"结束「{wait.name or wait.element_id}」"
    unit.record(case, "optional_begun", title[:300], element_id=wait.element_id)
    work.save()
    return case.id


def may_begin(actor: Actor, case: Case, roles: Mapping[str, str], wait: Wait) -> bool:
    """Whoever has the role of its lane, a supervisor, or (of a plain deployment) a program that integrates."""
    if actor.kind == "system" or actor.has(SUPERVISOR):
        return True
    role = roles.get(wait.lane or "", "")
    if not case.item:
        return not role or actor.has(role) or actor.has(INTEGRATOR)
    return bool(role) and actor.has(role)


def _not_found() -> NotFound:
    return NotFound("没有这个自由子流程，或不在您的管理范围内", code="element_instance_not_found")
