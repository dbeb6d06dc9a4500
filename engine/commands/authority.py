"""By which right somebody does a task: their own role, or somebody's they stand in for. Their own cases bar both."""

from __future__ import annotations

from engine.cases import persons
from engine.cases.case import Case
from engine.cases.standing import Standing, must_keep_away, standing_of
from engine.cases.work import Task
from engine.commands import Unit
from engine.core.actor import Actor
from engine.core.errors import Forbidden
from engine.registers import deputies


def standing(unit: Unit, case: Case, task: Task) -> Standing:
    """The whole check, under the case's lock. Raises ``Forbidden``."""
    found = claimed_standing(unit, case, task)
    if unit.actor.kin and persons.barred_cases(unit.session, unit.actor.kin, [case.id]):
        raise must_keep_away(task)
    return found


def claimed_standing(unit: Unit, case: Case, task: Task) -> Standing:
    """Without the look at the people of the case, which ``persons.related`` asks together with something else.

    Whom one stands in for is read again: a grant that was revoked since the page was opened counts no more, and one
    that counts cannot be revoked before the commit.
    """
    found = standing_of(unit.actor, case, task)
    behalf = found.on_behalf_of
    if behalf is not None and not deputies.stands(unit.session, behalf.grant, unit.now):
        who = behalf.name
        raise Forbidden(f"您代{who}办理的授权已收回或到期，「{task.name}」请由{who}或其新的代理人办理")
    return found


def act(unit: Unit, case: Case, task: Task) -> Actor:
    """Check, and let everything the command records from here on say for whom it was done."""
    unit.actor = standing(unit, case, task).actor
    return unit.actor
