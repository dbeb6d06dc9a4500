"""What people do on the page of a case: see identity data, add materials, also by phone, ask for a zip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select

from engine.cases.bundles import JOB, KEPT, CaseBundle
from engine.cases.case import Case, lock
from engine.cases.documents import Attachment
from engine.cases.phone_links import LASTS, MOST_FILES, PhoneLink
from engine.cases.reveals import LASTS as LOOK_LASTS
from engine.cases.reveals import Reveal
from engine.cases.work import Task
from engine.catalog import releases
from engine.commands import Unit, handles
from engine.core import ids
from engine.core.actor import Actor
from engine.core.errors import Forbidden, NotFound, Refused
from engine.files.uploads import Upload
from engine.jobs import queue

COUNTER = "acceptance"
MOST_REASON = 200
LEAST_REASON = 4


@dataclass(frozen=True)
class RevealIdentity:
    """See the identity data of a case in clear for a minute."""

    case_id: int
    reason: str


@dataclass(frozen=True)
class AddMaterial:
    """Files (sha in the store, what they are) for one material of a case; ``replaces``: the version they stand for."""

    case_id: int
    code: str
    files: tuple[tuple[str, Upload], ...]
    replaces: int | None = None


@dataclass(frozen=True)
class LinkPhone:
    """A link through which a phone may hand in one material, once, within a quarter of an hour."""

    case_id: int
    code: str
    replaces: int | None = None


@dataclass(frozen=True)
class HandInByPhone:
    """What came through a link; the actor is whoever made it."""

    link_id: int
    files: tuple[tuple[str, Upload], ...]


@dataclass(frozen=True)
class AskForBundle:
    """The whole case as one zip, made by a worker."""

    case_id: int


def _seen(unit: Unit, case_id: int) -> Case:
    case = lock(unit.session, case_id)
    if unit.actor.kind != "staff" or not unit.actor.sees(case.office_id, case.item):
        raise NotFound("没有这个办件，或不在您的查看范围内")
    return case


@handles(RevealIdentity)
def reveal_identity(command: RevealIdentity, unit: Unit) -> int:
    """Gives the look; it is in the record and ends by itself."""
    case = _seen(unit, command.case_id)
    reason = " ".join(command.reason.split())
    if not LEAST_REASON <= len(reason) <= MOST_REASON:
        told = f"请写明查看完整身份信息的理由（{LEAST_REASON} 至 {MOST_REASON} 字），理由会记入办理记录"
        raise Refused(told, code="reason_missing")
    look = Reveal(
        id=ids.new(),
        case_id=case.id,
        office_id=case.office_id,
        actor_key=unit.actor.key,
        actor_name=unit.actor.shown,
        reason=reason,
        at=unit.now,
        until=unit.now + LOOK_LASTS,
    )
    unit.session.add(look)
    unit.record(case, "revealed", "查看完整身份信息", {"reason": reason})
    unit.session.flush()
    return look.id


@handles(AddMaterial)
def add_material(command: AddMaterial, unit: Unit) -> list[int]:
    """Gives the ids of the attachments."""
    case = _seen(unit, command.case_id)
    title = check_may_add(unit, case, command.code)
    return _attach(unit, case, title, command.code, command.files, command.replaces, "desk")


@handles(LinkPhone)
def link_phone(command: LinkPhone, unit: Unit) -> int:
    """Gives the link; the page signs its id."""
    case = _seen(unit, command.case_id)
    title = check_may_add(unit, case, command.code)
    _check_version(unit, case, command.code, command.replaces)
    link = PhoneLink(
        id=ids.new(),
        case_id=case.id,
        code=command.code,
        title=title,
        replaces=command.replaces,
        made_by=unit.actor.key,
        made_at=unit.now,
        until=unit.now + LASTS,
        files=[],
    )
    unit.session.add(link)
    unit.record(case, "phone_linked", f"生成手机补拍链接：{title}")
    unit.session.flush()
    return link.id


@handles(HandInByPhone)
def hand_in_by_phone(command: HandInByPhone, unit: Unit) -> list[int]:
    """Gives the ids of the attachments; the link is used up."""
    link = unit.session.get(PhoneLink, command.link_id)
    if link is None or link.made_by != unit.actor.key:
        raise NotFound("链接无效，请在电脑上重新生成二维码")
    case = _seen(unit, link.case_id)
    unit.session.refresh(link)
    if link.used_at is not None:
        raise Refused("这个链接已经用过，请在电脑上重新生成二维码", code="link_used")
    if link.until <= unit.now:
        raise Refused("链接已过期（15 分钟内有效），请在电脑上重新生成二维码", code="link_over")
    check_may_add(unit, case, link.code)
    found = _attach(unit, case, link.title, link.code, command.files, link.replaces, "phone")
    link.used_at, link.files = unit.now, found
    unit.session.flush()
    return found


@handles(AskForBundle)
def ask_for_bundle(command: AskForBundle, unit: Unit) -> int:
    """Gives the zip to come; one that is being made already is not asked for twice."""
    case = _seen(unit, command.case_id)
    mine = (CaseBundle.case_id == case.id, CaseBundle.actor_id == unit.actor.id)
    asked = unit.session.scalar(select(CaseBundle.id).where(*mine, CaseBundle.state.in_(("waiting", "working"))))
    if asked is not None:
        return asked
    bundle = CaseBundle(
        id=ids.new(), case_id=case.id, actor_id=unit.actor.id, state="waiting", asked_at=unit.now, until=unit.now + KEPT
    )
    unit.session.add(bundle)
    unit.record(case, "bundle_asked", "导出整卷")
    unit.session.flush()
    # Of no case: suspending one must not hold up its copy.
    job = {"kind": JOB, "case_id": 0, "token": str(bundle.id), "due_at": unit.now, "payload": {"bundle": bundle.id}}
    queue.enqueue(unit.session, [job])
    return bundle.id


def check_may_add(unit: Unit, case: Case, code: str) -> str:
    """The name of a material that the actor may add to a running case. Raises ``Forbidden``, ``Refused``."""
    if case.state != "open":
        raise Refused("办件已挂起或办结，不能再补充材料", code="case_not_open")
    declared = releases.view(unit.session, case.release_id).item.materials
    title = next((str(one["name"]) for one in declared if one["code"] == code), "")
    if not title:
        raise NotFound("本事项没有这项材料")
    if not unit.actor.has(COUNTER) and not _has_work(unit, case, unit.actor):
        raise Forbidden("只有窗口受理人员或正在办理本件的人可以补充材料")
    return title


def _has_work(unit: Unit, case: Case, actor: Actor) -> bool:
    """Whether an open task of the case is the actor's, or free for one of their roles."""
    free = (Task.assignee == "") & Task.role.in_(actor.roles)
    mine = or_(Task.assignee == actor.key, free)
    query = select(func.count()).select_from(Task).where(Task.case_id == case.id, Task.state == "open", mine)
    return bool(unit.session.scalar(query))


def _check_version(unit: Unit, case: Case, code: str, replaces: int | None) -> None:
    if replaces is None:
        return
    row = unit.session.get(Attachment, replaces)
    if row is None or row.case_id != case.id or row.code != code:
        raise NotFound("没有要替换的材料")
    if unit.session.scalar(select(Attachment.id).where(Attachment.case_id == case.id, Attachment.replaces == replaces)):
        raise Refused("这份材料已有更新的版本，请刷新后替换最新版本", code="already_replaced")


def _attach(
    unit: Unit,
    case: Case,
    title: str,
    code: str,
    files: tuple[tuple[str, Upload], ...],
    replaces: int | None,
    via: str,
) -> list[int]:
    if not files or len(files) > MOST_FILES:
        raise Refused(f"请选择 1 至 {MOST_FILES} 个文件", code="file_missing")
    _check_version(unit, case, code, replaces)
    rows = [_row(unit, case, code, sha, upload, via) for sha, upload in files]
    # A new version stands in the place of one file; further pages are files of their own.
    rows[0].replaces = replaces
    unit.session.add_all(rows)
    how = "手机补拍" if via == "phone" else "补充材料"
    what: dict[str, Any] = {"files": [str(row.id) for row in rows], "replaces": str(replaces or "")}
    told = f"{how}：{title} {len(rows)} 份" + ("，替换旧版本" if replaces else "")
    unit.record(case, "material", told, what)
    unit.session.flush()
    return [row.id for row in rows]


def _row(unit: Unit, case: Case, code: str, sha: str, upload: Upload, via: str) -> Attachment:
    return Attachment(
        id=ids.new(),
        owner=unit.actor.key,
        case_id=case.id,
        code=code,
        name=upload.name,
        media_type=upload.media_type,
        size=upload.size,
        sha=sha,
        uploaded_at=unit.now,
        via=via,
    )
