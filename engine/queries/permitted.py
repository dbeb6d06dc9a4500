"""What of a case's fields an actor may see: the rules of ``catalog.visibility`` for who looks, in every view alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.work import Task
from engine.catalog import releases, visibility
from engine.catalog.forms import Form
from engine.catalog.releases import ReleaseView
from engine.catalog.visibility import NO_LIMITS, Access
from engine.core.actor import Actor


def roles_of(actor: Actor) -> frozenset[str]:
    """The roles somebody looks with: their own and those of whom they stand in for."""
    return actor.roles.union(*(one.roles for one in actor.principals))


def of_case(release: ReleaseView, actor: Actor) -> Access:
    """Outside of any step: what one form of the item hides is hidden wherever the variable is shown."""
    if actor.kind != "staff":
        return NO_LIMITS
    return visibility.merge(
        visibility.access_of(release.item, form, roles_of(actor)) for form in release.forms.values()
    )


def of_task(release: ReleaseView, form: Form, actor: Actor, task: Task, works: bool) -> Access:
    """In a task's form: whoever works on it does so in the task's role, anybody else looks with their own."""
    return visibility.access_of(
        release.item, form, visibility.acting_roles(task.role, roles_of(actor), works), task.element_id
    )


def hidden_codes(release: ReleaseView, access: Access) -> frozenset[str]:
    """The codes of materials that are uploaded in hidden fields."""
    if not access.hidden:
        return frozenset()
    fields = (one for form in release.forms.values() for one in form.fields if one.type == "aj-file")
    return frozenset(str(one.properties.get("code") or one.key) for one in fields if access.hides(one.path))


Place = TypeVar("Place", bound=tuple[Any, ...])


def variables(session: Session, actor: Actor, rows: Mapping[Place, Any]) -> dict[Place, Any]:
    """(case id, …, name) → value, without what the actor may not see. One statement for all cases together."""
    found: dict[Place, Any] = {}
    by_release: dict[int, Access] = {}
    of = _releases_of(session, {int(place[0]) for place in rows})
    for place, value in rows.items():
        release_id, name = of[place[0]], str(place[-1])
        if release_id not in by_release:
            by_release[release_id] = of_case(releases.view(session, release_id), actor)
        kept = by_release[release_id].prune({name: value})
        if name in kept:
            found[place] = kept[name]
    return found


def _releases_of(session: Session, cases: set[int]) -> dict[int, int]:
    if not cases:
        return {}
    return dict(session.execute(select(Case.id, Case.release_id).where(Case.id.in_(cases))).all())
