"""Cases a platform handed down: their files as they come, the applicant's word on them, our side of its books."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import Case, lock
from engine.cases.documents import Attachment
from engine.cases.work import Task
from engine.catalog import releases
from engine.commands import Unit, handles
from engine.commands.cases import WithdrawCase, withdraw_case
from engine.commands.inbound import takes
from engine.commands.reconciliation import books
from engine.commands.tasks import CompleteTask, complete_task
from engine.core import clock, ids
from engine.core.errors import NotFound, Refused
from engine.core.inbound import NoticeCame
from engine.files.uploads import Upload
from engine.outside import handed_down
from engine.outside.handed_down import HandedDown

WITHDRAWN, SUPPLEMENTED = "handed_down.withdrawn", "handed_down.supplemented"
BOOKS = "handed_down"
APPLICANT = "applicant"


@dataclass(frozen=True)
class AttachHandedFile:
    """A file of a handed-down case was fetched; its content lies in the store under ``sha``."""

    party: str
    number: str
    ref: str
    sha: str
    upload: Upload


@handles(AttachHandedFile)
def attach_handed_file(command: AttachHandedFile, unit: Unit) -> bool:
    """Bind it to its case, once; with the last file of a supplement the applicant's task is done. False: had it."""
    row = _row(unit.session, command.party, command.number)
    case = lock(unit.session, row.case_id)
    unit.session.refresh(row)
    files = [dict(one) for one in row.files]
    wanted = next((one for one in files if one["ref"] == command.ref), None)
    if wanted is None:
        raise NotFound("这份文件不属于该办件")
    if wanted["attachment"]:
        return False
    if wanted["sha256"] != command.sha:
        raise Refused("文件内容与平台登记的摘要不符，已拒收", code="file_changed")
    wanted["attachment"] = str(_attach(unit, case, str(wanted["code"]), command))
    row.files = files
    unit.record(case, "material", f"平台送达材料：{_title(unit, case, str(wanted['code']))}", {"ref": command.ref})
    unit.session.flush()
    _complete_supplement(unit, case, row)
    return True


@takes(WITHDRAWN)
def take_withdrawal(notice: NoticeCame, unit: Unit) -> Mapping[str, Any]:
    """The applicant takes the application back on the platform; too late is told to the platform."""
    row = _row(unit.session, notice.party, str(notice.content["number"]))
    withdraw_case(WithdrawCase(row.case_id, str(notice.content.get("reason") or "申请人在平台撤回")), unit)
    return {"withdrawn": True}


@takes(SUPPLEMENTED)
def take_supplement(notice: NoticeCame, unit: Unit) -> Mapping[str, Any]:
    """The applicant handed in what was asked: the files are fetched, then the applicant's task is done."""
    row = _row(unit.session, notice.party, str(notice.content["number"]))
    case = lock(unit.session, row.case_id)
    unit.session.refresh(row)
    if _open_task(unit.session, case.id) is None:
        raise Refused("办件没有在等待补正，不能接收补正材料", code="not_asked")
    known = {one["ref"] for one in row.files}
    new = [{**one, "asked": True, "attachment": ""} for one in notice.content["files"] if one["ref"] not in known]
    if not new:
        raise Refused("没有新的补正材料", code="file_missing")
    row.files = [*row.files, *new]
    unit.session.flush()
    return {"files": len(new)}


@books(BOOKS)
def our_books(session: Session, day: date) -> Mapping[str, Mapping[str, Any]]:
    """How far each case received on ``day`` has come, by the platform's number."""
    rows = session.scalars(select(HandedDown).where(HandedDown.received_on == day))
    return {row.number: {"step": row.step or "received"} for row in rows}


def _complete_supplement(unit: Unit, case: Case, row: HandedDown) -> None:
    """Once all that was announced lies in the file, hand it in for the applicant."""
    asked = [one for one in row.files if one.get("asked")]
    task = _open_task(unit.session, case.id)
    if not asked or task is None or any(not one["attachment"] for one in asked):
        return
    form = releases.view(unit.session, case.release_id).form(task.form_id)
    found = {row.id: row for row in unit.session.scalars(select(Attachment).where(Attachment.case_id == case.id))}
    answers = {}
    for field in form.fields:
        mine = [found[int(one["attachment"])] for one in asked if one["code"] == field.properties.get("code")]
        if field.type == "aj-file" and mine:
            answers[field.key] = [{"id": str(one.id), "name": one.name, "size": one.size} for one in mine]
    row.files = [{**one, "asked": False} for one in row.files]
    complete_task(CompleteTask(task.id, answers, task.version), unit)


def _open_task(session: Session, case_id: int) -> Task | None:
    """What the applicant is asked to do."""
    mine = (Task.case_id == case_id, Task.role == APPLICANT, Task.state == "open")
    return session.scalars(select(Task).where(*mine).order_by(Task.id)).first()


def _row(session: Session, party: str, number: str) -> HandedDown:
    found = handed_down.by_number(session, party, number)
    if found is None:
        raise NotFound("没有收到过这个编号的办件")
    return found


def _attach(unit: Unit, case: Case, code: str, command: AttachHandedFile) -> int:
    row = Attachment(
        id=ids.new(),
        owner=unit.actor.key,
        case_id=case.id,
        code=code,
        name=command.upload.name,
        media_type=command.upload.media_type,
        size=command.upload.size,
        sha=command.sha,
        uploaded_at=clock.now(),
        via="platform",
    )
    unit.session.add(row)
    unit.session.flush()
    return row.id


def _title(unit: Unit, case: Case, code: str) -> str:
    materials = releases.view(unit.session, case.release_id).item.materials
    return next((str(one["name"]) for one in materials if one["code"] == code), code)
