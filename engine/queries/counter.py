"""The counter: what can be applied for, the form with its draft, the receipt of what was handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import drafts
from engine.catalog import releases
from engine.catalog.releases import Release
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries import case_file, materials, permitted
from engine.queries.case_file import Paper
from engine.queries.common import find_case, stamp
from engine.queries.head import CaseHead, head_of
from engine.queries.materials import Material
from engine.queries.task_page import merged
from engine.registers.offices import Office

CHANNELS = ("counter", "proxy")


@dataclass(frozen=True)
class CounterItem:
    """One item that can be applied for at the counter."""

    item: str
    name: str
    summary: str
    promised_days: int | None
    materials: list[str]
    draft_at: str


@dataclass(frozen=True)
class ApplyPage:
    """The apply form of an item with what was typed so far."""

    item: CounterItem
    schema: Mapping[str, Any]
    data: dict[str, Any]


@dataclass(frozen=True)
class Receipt:
    """What the applicant takes home: number, office, what was handed in, papers issued so far."""

    head: CaseHead
    office: Office
    materials: list[Material]
    papers: list[Paper]


def items(session: Session, actor: Actor) -> list[CounterItem]:
    """The current items open to the counter, by name."""
    query = select(Release.id).where(Release.current.is_(True))
    found = [_item(session, actor, release_id) for release_id in session.scalars(query)]
    return sorted((one for one in found if one is not None), key=lambda one: one.name)


def apply_page(session: Session, actor: Actor, item: str, typed: Mapping[str, Any] | None = None) -> ApplyPage:
    """The form. ``typed`` is what was just refused and stands in place of the draft. Raises ``NotFound``."""
    release_id = releases.current_id(session, item)
    offered = _item(session, actor, release_id)
    if offered is None:
        raise NotFound("这个事项不在窗口受理")
    release = releases.view(session, release_id)
    draft = drafts.find(session, actor.key, f"apply:{item}")
    data = typed if typed is not None else draft.answers if draft else {}
    return ApplyPage(offered, release.form(release.item.start_form).schema, merged({}, data))


def receipt(session: Session, actor: Actor, case_id: int) -> Receipt:
    """Raises ``NotFound`` for a case of another office. Inside ``calendar``."""
    case = find_case(session, actor, case_id)
    release = releases.view(session, case.release_id)
    came = materials.materials(session, case, release, {}, permitted.of_case(release, actor))
    return Receipt(
        head=head_of(session, case, release.item),
        office=session.get_one(Office, case.office_id),
        materials=[one for one in came if one.files],
        papers=case_file.papers(session, case, release.item),
    )


def _item(session: Session, actor: Actor, release_id: int) -> CounterItem | None:
    release = releases.view(session, release_id)
    declared = release.item
    if not declared.start_form or not set(CHANNELS) & set(declared.raw["channels"]):
        return None
    draft = drafts.find(session, actor.key, f"apply:{release.item_id}")
    return CounterItem(
        item=release.item_id,
        name=declared.name,
        summary=str(declared.raw.get("summary") or ""),
        promised_days=declared.limit("promised"),
        materials=[one["name"] for one in declared.materials if one.get("required")],
        draft_at=stamp(draft.saved_at) if draft else "",
    )
