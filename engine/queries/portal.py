"""What a citizen sees first: what can be applied for, own cases, own messages, own objections.

Every function reads only; ``actor`` is the signed-in citizen, and only rows of that citizen come back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.cases import drafts
from engine.cases.case import Case
from engine.cases.work import Task
from engine.catalog import releases
from engine.catalog.item import Item
from engine.core import masks
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries import reviews
from engine.queries.reviews import Settled
from engine.registers.accounts import CitizenAccount
from engine.registers.notices import CitizenMessage, Notice, Objection
from engine.registers.offices import Office

CHANNEL = "portal"
APPLICANT = "applicant"


@dataclass(frozen=True)
class OfferedItem:
    """One item that can be applied for here."""

    item: str
    name: str
    summary: str
    promised_days: int | None


@dataclass(frozen=True)
class Guide:
    """What somebody should know before applying."""

    offered: OfferedItem
    statutory_days: int | None
    stages: list[str]
    materials: list[dict[str, Any]]
    legal_basis: list[str]
    draft_saved_at: datetime | None
    live_case_id: int | None


@dataclass(frozen=True)
class OfficeRow:
    """One office that takes applications."""

    id: int
    name: str
    address: str
    phone: str


@dataclass(frozen=True)
class CaseRow:
    """One line of «my cases». ``todo`` names what the applicant is asked to do, or is empty."""

    id: int
    number: str
    item_name: str
    state: str
    stage: str
    outcome: str
    outcome_title: str
    applied_on: date
    due_on: date | None
    stopped_for: str
    todo: str


@dataclass(frozen=True)
class MessageRow:
    """One message to the citizen."""

    id: int
    case_id: int
    title: str
    body: str
    sent_at: datetime
    unread: bool


@dataclass(frozen=True)
class ObjectionRow:
    """One objection of the citizen. ``state``: received, upheld, dismissed."""

    id: int
    notice_id: int
    notice_title: str
    reason: str
    state: str
    reply: str
    filed_at: datetime
    closed_at: datetime | None


def offered_items(session: Session) -> list[OfferedItem]:
    """The current items that take applications through the portal."""
    ids = session.scalars(select(releases.Release.id).where(releases.Release.current.is_(True))).all()
    views = (releases.view(session, release_id) for release_id in ids)
    return sorted((_offered(view) for view in views if _is_offered(view.item)), key=lambda one: one.name)


def _is_offered(item: Item) -> bool:
    return CHANNEL in item.raw["channels"]


def _offered(view: releases.ReleaseView) -> OfferedItem:
    item = view.item
    return OfferedItem(view.item_id, item.name, str(item.raw.get("summary", "")), item.limit("promised"))


def current_release(session: Session, item: str) -> releases.ReleaseView:
    """The release that an application here gets. Raises ``NotFound`` where the portal does not offer the item."""
    view = releases.view(session, releases.current_id(session, item))
    if not _is_offered(view.item):
        raise NotFound("该事项不在网上受理，请到窗口办理")
    return view


def guide(session: Session, actor: Actor | None, item: str) -> Guide:
    """The item's guide; of a signed-in citizen also the draft begun and the case under way."""
    view = current_release(session, item)
    draft = drafts.find(session, actor.key, f"apply:{item}") if actor else None
    basis = [one if isinstance(one, str) else str(one.get("title", "")) for one in view.item.raw["legal_basis"]]
    return Guide(
        offered=_offered(view),
        statutory_days=view.item.limit("statutory"),
        stages=view.item.stages,
        materials=view.item.materials,
        legal_basis=basis,
        draft_saved_at=draft.saved_at if draft else None,
        live_case_id=live_case_of(session, actor, item) if actor else None,
    )


def live_case_of(session: Session, actor: Actor, item: str) -> int | None:
    """The citizen's own open case of the item."""
    return session.scalar(
        select(Case.id)
        .where(Case.applicant_key == actor.key, Case.item == item, Case.state == "open")
        .order_by(Case.id.desc())
        .limit(1)
    )


def offices(session: Session) -> list[OfficeRow]:
    """The offices at the leaves of the tree: an application goes to the one that handles it."""
    parents = select(Office.parent_id).where(Office.parent_id.is_not(None))
    rows = session.scalars(select(Office).where(Office.id.not_in(parents)).order_by(Office.code))
    return [OfficeRow(row.id, row.name, row.address, row.phone) for row in rows]


def office(session: Session, office_id: int) -> OfficeRow:
    """One of ``offices``. Raises ``NotFound``."""
    for row in offices(session):
        if row.id == office_id:
            return row
    raise NotFound("没有这个受理机构，请重新选择")


def account(session: Session, actor: Actor) -> CitizenAccount:
    """The citizen's own account."""
    return session.get_one(CitizenAccount, actor.id)


def application_form(session: Session, actor: Actor, item: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(schema, data): the draft as it was typed, else the person as the account knows them."""
    view = current_release(session, item)
    form = view.form(view.item.start_form)
    draft = drafts.find(session, actor.key, f"apply:{item}")
    if draft is not None:
        return dict(form.schema), {**draft.answers, "channel": CHANNEL}
    own = account(session, actor)
    applicant = {"name": own.name, "id_kind": own.id_kind, "id_number": own.id_number, "phone": own.phone}
    return dict(form.schema), {"applicant": applicant, "channel": CHANNEL}


def my_cases(session: Session, actor: Actor, state: str | None = None) -> list[CaseRow]:
    """The citizen's cases, newest first; ``state`` open or closed narrows them."""
    query = select(Case).where(Case.applicant_key == actor.key).order_by(Case.opened_at.desc())
    cases = session.scalars(query.where(Case.state == state) if state else query).all()
    asked = select(Task.case_id, Task.name).where(
        Task.case_id.in_([case.id for case in cases]), Task.state == "open", Task.role == APPLICANT
    )
    todo = dict(session.execute(asked).all())
    changed = reviews.settled(session, [case.id for case in cases if case.state == "closed"])
    return [_case_row(session, case, todo.get(case.id, ""), changed.get(case.id)) for case in cases]


def _case_row(session: Session, case: Case, todo: str, changed: Settled | None) -> CaseRow:
    outcomes = releases.view(session, case.release_id).item.outcomes
    title = outcomes.get(case.outcome, "")
    return CaseRow(
        id=case.id,
        number=case.number,
        item_name=case.item_name,
        state=case.state,
        stage=case.stage,
        outcome=changed.outcome if changed is not None else case.outcome,
        outcome_title=f"{title}（{changed.title}）" if changed is not None else title,
        applied_on=case.applied_on,
        due_on=case.due_on,
        stopped_for=case.clock_reason if case.clock_stopped_since else "",
        todo=todo,
    )


def unread_messages(session: Session, actor: Actor) -> int:
    """How many messages wait to be read."""
    unread = select(func.count()).select_from(CitizenMessage)
    found = unread.where(CitizenMessage.account_id == actor.id, CitizenMessage.read_at.is_(None))
    return session.scalar(found) or 0


def messages(session: Session, actor: Actor, limit: int = 100) -> list[MessageRow]:
    """The citizen's messages, newest first."""
    rows = session.scalars(
        select(CitizenMessage)
        .where(CitizenMessage.account_id == actor.id)
        .order_by(CitizenMessage.sent_at.desc(), CitizenMessage.id.desc())
        .limit(limit)
    )
    return [_message(row) for row in rows]


def message(session: Session, actor: Actor, message_id: int) -> tuple[MessageRow, bool]:
    """(message, whether its case is the citizen's own). Raises ``NotFound``."""
    row = session.get(CitizenMessage, message_id)
    if row is None or row.account_id != actor.id:
        raise NotFound("没有这条消息")
    own = session.scalar(select(Case.id).where(Case.id == row.case_id, Case.applicant_key == actor.key))
    return _message(row), own is not None


def _message(row: CitizenMessage) -> MessageRow:
    return MessageRow(row.id, row.case_id, row.title, row.body, row.sent_at, row.read_at is None)


def my_objections(session: Session, actor: Actor) -> list[ObjectionRow]:
    """What the citizen objected to, newest first."""
    rows = session.execute(
        select(Objection, Notice.title)
        .join(Notice, Notice.id == Objection.notice_id)
        .where(Objection.account_id == actor.id)
        .order_by(Objection.filed_at.desc())
    )
    return [
        ObjectionRow(row.id, row.notice_id, title, row.reason, row.state, row.reply, row.filed_at, row.closed_at)
        for row, title in rows
    ]


def masked_account(session: Session, actor: Actor) -> dict[str, str]:
    """Name and phone of the citizen as they may stand on a screen."""
    own = account(session, actor)
    return {"name": masks.mask_name(own.name), "phone": masks.mask_phone(own.phone)}
