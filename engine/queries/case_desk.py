"""What the case page's own doings stand at: links for phones, the zip of the whole case, a file to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.bundles import CaseBundle
from engine.cases.case import Case
from engine.cases.documents import Attachment
from engine.cases.phone_links import PhoneLink
from engine.core import clock
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries.common import find_case, stamp
from engine.queries.materials import SHOWN
from engine.registers.offices import staff_actor

STAFF = "staff:"


@dataclass(frozen=True)
class Link:
    """A link for a phone. ``state``: open, used, over; ``left`` in seconds; ``files``: (id, name) that came."""

    id: int
    case_id: int
    number: str
    title: str
    state: str
    left: int
    until: str
    files: list[tuple[int, str]]


@dataclass(frozen=True)
class Zip:
    """The newest zip of a case that the actor asked for. ``percent`` of its files are in."""

    id: int
    state: str
    percent: int
    size: int
    sha: str
    asked: str


@dataclass(frozen=True)
class Viewed:
    """A file on its own page. ``kind``: picture, pdf or other; ``case_id`` None for one that hangs on no case yet."""

    id: int
    name: str
    kind: str
    at: str
    case_id: int | None
    number: str


def link(session: Session, actor: Actor, case_id: int, link_id: int) -> Link:
    """A link of one's own making. Raises ``NotFound``."""
    case = find_case(session, actor, case_id)
    row = session.get(PhoneLink, link_id)
    if row is None or row.case_id != case.id or row.made_by != actor.key:
        raise NotFound("没有这个补拍链接，请重新生成")
    return _link(session, row, case)


def link_for_phone(session: Session, link_id: int) -> tuple[Link, Actor]:
    """What the phone is told, and whose name it hands in under. Raises ``NotFound``, also for one that is used up."""
    row = session.get(PhoneLink, link_id)
    case = session.get(Case, row.case_id) if row is not None else None
    if row is None or case is None:
        raise NotFound("链接无效，请在电脑上重新生成二维码")
    found = _link(session, row, case)
    actor = staff_actor(session, int(row.made_by.removeprefix(STAFF)))
    if found.state != "open" or actor is None:
        raise NotFound("链接已用过或已过期（15 分钟内有效），请在电脑上重新生成二维码")
    return found, actor


def _link(session: Session, row: PhoneLink, case: Case) -> Link:
    left = int((row.until - clock.now()).total_seconds())
    state = "used" if row.used_at is not None else "open" if left > 0 else "over"
    query = select(Attachment.id, Attachment.name).where(Attachment.id.in_(row.files)).order_by(Attachment.id)
    files = [(one.id, one.name) for one in session.execute(query)] if row.files else []
    return Link(row.id, case.id, case.number, row.title, state, max(0, left), stamp(row.until), files)


def newest_zip(session: Session, actor: Actor, case_id: int) -> Zip | None:
    """None where nobody asked for one, or it is gone. Raises ``NotFound`` for a case out of sight."""
    case = find_case(session, actor, case_id)
    mine = (CaseBundle.case_id == case.id, CaseBundle.actor_id == actor.id, CaseBundle.until > clock.now())
    row = session.scalar(select(CaseBundle).where(*mine).order_by(CaseBundle.id.desc()).limit(1))
    if row is None:
        return None
    percent = 100 if row.state == "ready" else int(100 * row.done / row.total) if row.total else 0
    return Zip(row.id, row.state, percent, row.size, row.sha, stamp(row.asked_at))


def viewed(session: Session, actor: Actor, file_id: int) -> Viewed:
    """A file that ``files.attachment`` gave already."""
    row = session.get_one(Attachment, file_id)
    case = session.get(Case, row.case_id) if row.case_id else None
    kind = "other" if row.media_type not in SHOWN else "pdf" if row.media_type.endswith("pdf") else "picture"
    seen = case is not None and actor.kind == "staff"
    number = case.number if case is not None and seen else ""
    return Viewed(row.id, row.name, kind, stamp(row.uploaded_at), row.case_id if seen else None, number)
