"""A case begins, is withdrawn, or is objected to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from engine.cases import drafts, projects
from engine.cases.case import Case, LiveKey, lock, next_number
from engine.cases.record import Entry
from engine.catalog import releases
from engine.commands import Unit, handles
from engine.commands.answers import attach_files, sealed, show_errors
from engine.commands.casework import Casework
from engine.commands.messages import publish
from engine.core import clock, ids, secrets
from engine.core.errors import Duplicate, Forbidden, NotFound, Refused
from engine.registers.notices import OPEN, Notice, Objection
from engine.registers.offices import Office


@dataclass(frozen=True)
class StartCase:
    """Submit an application. ``channel``: portal, counter or proxy. A double submit meets the live key of the first."""

    item: str
    answers: Mapping[str, Any]
    channel: str
    office_id: int


@dataclass(frozen=True)
class CaseStarted:
    """The case and its number."""

    case_id: int
    number: str


@dataclass(frozen=True)
class WithdrawCase:
    """The applicant takes the application back."""

    case_id: int
    reason: str = ""


@dataclass(frozen=True)
class FileObjection:
    """Somebody objects to an open notice."""

    notice_id: int
    name: str
    phone: str
    reason: str


@dataclass(frozen=True)
class CloseNoticeEarly:
    """An approver ends a public notice before its time."""

    notice_id: int


@handles(StartCase)
def start_case(command: StartCase, unit: Unit) -> CaseStarted:
    """Check the form, number the case, start its process."""
    if unit.actor.kind == "staff":
        unit.require("acceptance")
    session = unit.session
    office = session.get(Office, command.office_id)
    if office is None or (unit.actor.kind == "staff" and office.id not in unit.actor.offices):
        raise NotFound("没有这个受理机构，请重新选择")
    release = releases.view(session, releases.current_id(session, command.item))
    form = release.form(release.item.start_form)
    with show_errors():
        answers = form.clean(command.answers, {"channel": command.channel})
    applicant = answers.get("applicant") or {}
    case = Case(
        id=ids.new(),
        office_id=office.id,
        item=command.item,
        item_name=release.item.name,
        release_id=release.id,
        process_id=str(release.item.raw["process"]),
        number=next_case_number(unit, release.item.raw["numbering"], command.item),
        channel=command.channel,
        applicant_key=unit.actor.key if unit.actor.kind == "citizen" else "",
        subject_name=str(applicant.get("name") or ""),
        subject_digest=secrets.digest(str(applicant.get("id_number") or "")),
        name_digest=secrets.digest(str(applicant.get("name") or "")),
        opened_at=unit.now,
        applied_on=clock.today(),
        clock_days=release.item.limit("promised") or 0,
        stage=release.item.stages[0] if release.item.stages else "",
    )
    session.add(case)
    _claim_live_keys(unit, case, answers)
    projects.keep(session, case.id, answers, str(release.item.raw.get("project") or ""))
    attach_files(unit, form, answers, case)
    kept = sealed(form, answers)
    work = Casework(unit, case)
    work.answered(_keep(unit, case, form.id, kept), kept)
    work.begin(
        {
            **kept,
            "channel": command.channel,
            "applied_on": case.applied_on.isoformat(),
            "case_number": case.number,
            "office_name": office.name,
            "office_code": office.code,
        }
    )
    work.save()
    drafts.discard(session, unit.actor.key, f"apply:{command.item}")
    return CaseStarted(case.id, case.number)


def next_case_number(unit: Unit, pattern: str, item: str) -> str:
    """``BZSQ-{yyyy}-{seq:6}`` → BZSQ-2026-000001; a series per item and year."""
    year = clock.today().year
    serial = next_number(unit.session, f"case:{item}:{year}")
    head, _, tail = pattern.partition("{seq:")
    width = int(tail.partition("}")[0])
    return f"{head.replace('{yyyy}', str(year))}{serial:0{width}d}"


def _claim_live_keys(unit: Unit, case: Case, answers: Mapping[str, Any]) -> None:
    """One live application per household: every person in it may stand in one open case of the item."""
    people = [answers.get("applicant") or {}, *(answers.get("co_applicants") or [])]
    numbers = [str(person["id_number"]) for person in people if person.get("id_number")]
    if len(set(numbers)) != len(numbers):
        raise Refused("同一证件号在家庭成员中出现了两次，请核对", code="member_twice")
    if not numbers:
        return
    keys = [f"{case.item}:{secrets.digest(number)}" for number in numbers]
    taken = unit.session.scalar(
        select(Case.number).join(LiveKey, LiveKey.case_id == Case.id).where(LiveKey.key.in_(keys))
    )
    if taken is not None:
        raise Duplicate(f"该家庭已有在办的申请（受理号 {taken}），办结或撤回后才能再次申请")
    try:
        unit.session.execute(insert(LiveKey), [{"key": key, "case_id": case.id} for key in keys])
    except IntegrityError as error:  # two submits at the same moment: the database decides
        raise Duplicate("该家庭已有在办的申请，办结或撤回后才能再次申请") from error


def _keep(unit: Unit, case: Case, form_id: str, kept: Mapping[str, Any]) -> int:
    channel = {"portal": "网上", "counter": "窗口", "proxy": "代办"}.get(case.channel, case.channel)
    return unit.journal.add(case, unit.actor, unit.now, Entry("applied", f"{channel}提交申请", "", kept, form_id))


@handles(WithdrawCase)
def withdraw_case(command: WithdrawCase, unit: Unit) -> None:
    """Let the model decide whether the case may still be withdrawn: it must wait for the message."""
    case = lock(unit.session, command.case_id)
    if unit.actor.kind == "citizen" and case.applicant_key != unit.actor.key:
        raise NotFound("没有这个办件")
    if unit.actor.kind == "staff":
        if case.office_id not in unit.actor.offices:
            raise NotFound("没有这个办件")
        unit.require("acceptance")
    if case.state == "suspended":
        raise Refused("办件已挂起，恢复办理后才能撤回", code="case_suspended")
    if case.state != "open":
        raise Refused("已作出决定或已办结，不能再撤回", code="too_late")
    unit.record(case, "withdrawn", "撤回申请", {"reason": command.reason})
    name = f"{case.item.replace('/', '_')}.withdraw"
    if not publish(
        unit, name, case.number, {"withdraw_reason": secrets.seal(command.reason)}, f"withdraw:{case.id}", keep=False
    ):
        raise Refused("已作出决定或已办结，不能再撤回", code="too_late")


@handles(FileObjection)
def file_objection(command: FileObjection, unit: Unit) -> int:
    """Keep the objection and tell the process that published the notice."""
    if unit.actor.kind != "citizen":
        raise Forbidden("请登录个人账号后提出异议")
    notice = unit.session.get(Notice, command.notice_id)
    if notice is None:
        raise NotFound("没有这份公示")
    case = lock(unit.session, notice.case_id)
    unit.session.refresh(notice)
    if notice.state != OPEN or notice.ends_at <= unit.now:
        raise Refused("公示已结束，不能再提出异议", code="notice_closed")
    if unit.session.scalar(
        select(Objection.id).where(Objection.notice_id == notice.id, Objection.account_id == unit.actor.id)
    ):
        raise Duplicate("您已对这份公示提出过异议，可在「我的异议」中查看进展")
    objection = Objection(
        id=ids.new(),
        notice_id=notice.id,
        account_id=unit.actor.id,
        case_id=case.id,
        name=command.name,
        phone=command.phone,
        reason=command.reason,
        filed_at=unit.now,
    )
    unit.session.add(objection)
    unit.session.flush()
    unit.record(case, "objection", "收到公示异议", {"objection_id": objection.id})
    publish(
        unit,
        "shared_publicity.objection",
        str(notice.id),
        {"objection_id": objection.id, "objection_reason": secrets.seal(command.reason)},
        f"objection:{objection.id}",
    )
    return objection.id


@handles(CloseNoticeEarly)
def close_notice_early(command: CloseNoticeEarly, unit: Unit) -> None:
    """Tell the process that published the notice."""
    unit.require("approval")
    notice = unit.session.get(Notice, command.notice_id)
    if notice is None or notice.office_id not in unit.actor.offices:
        raise NotFound("没有这份公示")
    case = lock(unit.session, notice.case_id)
    unit.session.refresh(notice)
    if notice.state != OPEN:
        raise Refused("公示已结束或已暂停，不能提前结束", code="notice_closed")
    unit.record(case, "notice_early", "提前结束公示")
    publish(unit, "shared_publicity.close_early", str(notice.id), {}, f"early:{notice.id}")
