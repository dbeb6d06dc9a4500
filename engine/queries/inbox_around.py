"""What a person's inbox is made of: queues of their roles, named views they see, and when a task turns yellow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, Boolean, Select, String, bindparam, cast, literal_column, null, select, union_all
from sqlalchemy.orm import Session

from engine.cases import view_spec
from engine.cases.desk import YELLOW_DAYS, DeskRule, InboxView
from engine.cases.view_spec import Spec
from engine.catalog import releases
from engine.catalog.releases import Release
from engine.core.actor import Actor
from engine.core.types import Json

APPLICANT = "applicant"
SUPERVISOR = "supervisor"
# Roles that no item hands tasks to: what they do has pages of its own.
OFFICIAL = frozenset({"supervisor", "admin", "analyst", "integrator", APPLICANT})
OPEN_TO_ALL = ""


@dataclass(frozen=True)
class View:
    """A named view as a person sees it; ``may_edit``: whoever made it, of a shared one also supervisors."""

    id: int
    title: str
    spec: Spec
    shared: bool
    may_edit: bool

    @property
    def key(self) -> str:
        """How it stands in an address."""
        return f"view-{self.id}"


@dataclass(frozen=True)
class Around:
    """``roles``: queue → its name; ``views`` in their order; ``yellow_days`` of the actor's office."""

    roles: Mapping[str, str]
    views: tuple[View, ...] = ()
    yellow_days: int = YELLOW_DAYS
    releases: tuple[int, ...] = field(default=(), repr=False)

    def view(self, key: str) -> View | None:
        """The named view of that key, where the person sees it."""
        return next((one for one in self.views if one.key == key), None)


def around(session: Session, actor: Actor) -> Around:
    """One statement; releases are read once per process.

    The last roles are those that only plain deployments name, and (empty) of tasks that are anybody's of the office.
    """
    rows = session.execute(_AROUND, {"office": actor.office_id, "me": actor.key}).all()
    release_ids = [row.id for row in sorted(rows, key=lambda row: str(row.text)) if row.part == "release"]
    named = [row for row in rows if row.part == "view"]
    return Around(
        roles=_queues(session, actor, release_ids),
        views=tuple(_view(actor, row) for row in sorted(named, key=lambda row: (not row.shared, row.position, row.id))),
        yellow_days=next((row.id for row in rows if row.part == "rule"), YELLOW_DAYS),
        releases=tuple(release_ids),
    )


def _queues(session: Session, actor: Actor, release_ids: list[int]) -> dict[str, str]:
    found: dict[str, str] = {}
    for release_id in release_ids:
        for lane, role in releases.view(session, release_id).item.roles.items():
            if role != APPLICANT and actor.has(role):
                found.setdefault(role, lane)
    others = {role: role for role in sorted(actor.roles - OFFICIAL) if role not in found}
    return {**found, **others, OPEN_TO_ALL: "不限岗位"}


def _view(actor: Actor, row: Any) -> View:
    spec = view_spec.parse(row.filters, row.columns, row.sort, row.colour)
    may_edit = row.owner == actor.key or (row.shared and actor.has(SUPERVISOR))
    return View(row.id, row.text, spec, row.shared, may_edit)


def _part(name: str, number: Any, text: Any, **more: Any) -> Select[*tuple[Any, ...]]:
    kinds: dict[str, Any] = {"filters": Json(), "columns": Json(), "sort": String(), "colour": String()}
    kinds |= {"position": BigInteger(), "shared": Boolean(), "owner": String()}
    columns = [more.get(key, cast(null(), kind)).label(key) for key, kind in kinds.items()]
    return select(literal_column(f"'{name}'", String).label("part"), number.label("id"), text.label("text"), *columns)


_office = bindparam("office", type_=BigInteger)
_NAMED = {
    key: getattr(InboxView, key) for key in ("filters", "columns", "sort", "colour", "position", "shared", "owner")
}
# Made once: every inbox asks this.
_AROUND = union_all(
    _part("release", Release.id, Release.item).where(Release.current.is_(True), Release.item != ""),
    _part("view", InboxView.id, InboxView.title, **_NAMED).where(
        InboxView.office_id == _office,
        InboxView.shared.is_(True) | (InboxView.owner == bindparam("me", type_=String)),
    ),
    _part("rule", DeskRule.yellow_days, cast(null(), String)).where(DeskRule.office_id == _office),
)
