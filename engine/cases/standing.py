"""Who does a task by which right: by one's own role, or for somebody one stands in for; and who must keep away."""

from __future__ import annotations

from dataclasses import dataclass

from engine.cases.case import Case
from engine.cases.work import Task
from engine.core.actor import Actor, Principal
from engine.core.errors import Forbidden

APPLICANT, COUNTER_ROLE = "applicant", "acceptance"


@dataclass(frozen=True)
class Standing:
    """``actor`` is whoever acts, as records name them; ``on_behalf_of`` whom they do it for."""

    actor: Actor
    on_behalf_of: Principal | None = None

    def has_taken(self, task: Task) -> bool:
        """Whether the task is in their hands, or in those of whom they act for."""
        return task.assignee in self.actor.hands


def standing_of(actor: Actor, case: Case, task: Task) -> Standing:
    """By which right. Raises ``Forbidden``. What the database must say besides: ``persons``, ``deputies.stands``."""
    if actor.kind != "staff":
        return Standing(actor)
    if must_avoid(actor, case):
        raise must_keep_away(task)
    principals, theirs, own = _rights(actor, case, task)
    if own and (theirs is None or task.assignee in ("", actor.key)):
        return Standing(actor)
    principal = theirs or next(iter(principals), None)
    if principal is None:
        raise Forbidden(f"「{task.name}」由其他岗位办理")
    return Standing(actor.acting_for(principal), principal)


def principal_for(actor: Actor, case: Case, task: Task) -> Principal | None:
    """For whom the actor would do the task; None: in their own right, or not at all."""
    principals, theirs, own = _rights(actor, case, task)
    return theirs if own else theirs or next(iter(principals), None)


def _rights(actor: Actor, case: Case, task: Task) -> tuple[list[Principal], Principal | None, bool]:
    """Whom they may do it for, who of them has taken it, and whether it is theirs to do themselves."""
    principals = [one for one in actor.principals if _covers(one, case, task)]
    theirs = next((one for one in principals if one.key == task.assignee), None)
    return principals, theirs, case.office_id in actor.offices and (_has_role(actor, task) or _asked(actor.key, task))


def must_avoid(actor: Actor, case: Case) -> bool:
    """Whether it is their own case, or of a relative they declared; ``persons`` knows the others it is about."""
    return bool(case.subject_digest) and case.subject_digest in actor.kin


def _has_role(actor: Actor, task: Task) -> bool:
    """A task without a role is everybody's of the office; the counter helps applicants."""
    return not task.role or actor.has(task.role) or (task.role == APPLICANT and actor.has(COUNTER_ROLE))


def _covers(principal: Principal, case: Case, task: Task) -> bool:
    theirs = bool(task.role) and task.role in principal.roles
    return (theirs or _asked(principal.key, task)) and principal.sees(case.office_id, case.item)


def _asked(key: str, task: Task) -> bool:
    """Whether a colleague asked this very person, whatever their role."""
    return task.assignee == key and bool(task.kind not in (None, "normal") or task.owner or task.asked_by)


def must_keep_away(task: Task) -> Forbidden:
    """What somebody is told whose own case it is, or a relative's."""
    return Forbidden(f"本件涉及您本人或您申报的亲属，「{task.name}」须回避，由其他人办理")
