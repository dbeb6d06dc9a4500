"""One case as its applicant may see it: where it stands, what is asked, what was issued. Nobody's opinions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import lawful_clock
from engine.cases.case import Case
from engine.cases.documents import Attachment, Document
from engine.cases.lawful_clock import ClockStop
from engine.cases.record import JournalEntry
from engine.cases.work import Subscription, Task
from engine.catalog import releases
from engine.catalog.limits import Span
from engine.catalog.releases import ReleaseView
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries import reviews
from engine.queries.clock import stop_paper
from engine.queries.common import calendar, due_of, steps_of
from engine.queries.portal import APPLICANT
from engine.queries.portal_task import Asked, asked_of
from engine.queries.reviews import Settled
from engine.registers.notices import Notice
from engine.registers.offices import Office

STANDINGS = {"revoked": "已撤销", "replaced": "已更正"}


@dataclass(frozen=True)
class PublicEvent:
    """One line of the timeline. ``tone``: ok, warn, bad, now or empty."""

    at: datetime
    title: str
    say: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Issued:
    """One paper sent to the applicant; ``standing`` is 已撤销 or 已更正 where it is no longer valid."""

    id: int
    title: str
    number: str
    check_code: str
    issued_on: date
    standing: str


@dataclass(frozen=True)
class HandedIn:
    """One file of the applicant."""

    id: int
    material: str
    name: str
    size: int


@dataclass(frozen=True)
class CaseView:
    """What the page of a case shows.

    ``changed``: what a later case made of its decision; ``original``: the case (id, number) this one is about.
    """

    id: int
    number: str
    item: str
    item_name: str
    state: str
    stage: str
    outcome: str
    outcome_title: str
    applied_on: date
    accepted_at: datetime | None
    closed_at: datetime | None
    due_on: date | None
    days_left: int | None
    promised_days: int
    stopped_for: str
    stopped_since: date | None
    stopped_by: str
    statutory_on: date | None
    extended: str
    office: str
    office_phone: str
    office_address: str
    steps: list[dict[str, str]]
    asked: list[Asked]
    events: list[PublicEvent]
    documents: list[Issued]
    materials: list[HandedIn]
    notice_id: int | None
    notice_state: str
    notice_ends_at: datetime | None
    may_withdraw: bool
    changed: Settled | None
    original: tuple[int, str] | None


def own_case(session: Session, actor: Actor, case_id: int) -> Case:
    """The citizen's case. Raises ``NotFound`` for anybody else's."""
    case = session.get(Case, case_id)
    if case is None or case.applicant_key != actor.key:
        raise NotFound("没有这个办件，请从「我的办件」进入")
    return case


def case_view(session: Session, actor: Actor, case_id: int) -> CaseView:
    """Everything the page shows. Raises ``NotFound``."""
    case = own_case(session, actor, case_id)
    release = releases.view(session, case.release_id)
    office = session.get_one(Office, case.office_id)
    notice = _open_notice(session, case)
    with calendar(session):
        due = due_of(case)
    documents = _documents(session, case, release)
    running = {one.kind: one for one in lawful_clock.limits_of(session, case.id) if not one.token}
    promised, statutory = running.get("promised"), running.get("statutory")
    return CaseView(
        id=case.id,
        number=case.number,
        item=case.item,
        item_name=case.item_name,
        state=case.state,
        stage=case.stage,
        outcome=case.outcome,
        outcome_title=release.item.outcomes.get(case.outcome, ""),
        applied_on=case.applied_on,
        accepted_at=case.accepted_at,
        closed_at=case.closed_at,
        due_on=case.due_on,
        days_left=due.days,
        promised_days=case.clock_days,
        stopped_for=due.paused,
        stopped_since=case.clock_stopped_since,
        stopped_by=_stopped_by(session, case),
        statutory_on=statutory.due_on if statutory else None,
        extended=str(Span(promised.extended, promised.unit)) if promised and promised.extended else "",
        office=office.name,
        office_phone=office.phone,
        office_address=office.address,
        steps=steps_of(case, release.item.stages),
        asked=asked_of(session, case, release),
        events=_events(session, case, release, documents),
        documents=documents,
        materials=_materials(session, case, release),
        notice_id=notice.id if notice else None,
        notice_state=notice.state if notice else "",
        notice_ends_at=notice.ends_at if notice else None,
        may_withdraw=_may_withdraw(session, case),
        changed=reviews.settled(session, [case.id]).get(case.id),
        original=_original(session, case),
    )


def document_title(document: Document, release: ReleaseView) -> str:
    """What the item calls the paper; the template's name where it says nothing."""
    named = {str(one["template"]): str(one["title"]) for one in release.item.raw.get("documents", [])}
    return named.get(document.template, document.title)


def _may_withdraw(session: Session, case: Case) -> bool:
    """The model decides: it still waits for the applicant's word."""
    waits = select(Subscription.id).where(
        Subscription.case_id == case.id,
        Subscription.name == f"{case.item.replace('/', '_')}.withdraw",
        Subscription.key == case.number,
    )
    return case.state == "open" and session.scalar(waits.limit(1)) is not None


def _original(session: Session, case: Case) -> tuple[int, str] | None:
    found = session.get(Case, case.about_case_id) if case.about_case_id else None
    return (found.id, found.number) if found is not None else None


def _open_notice(session: Session, case: Case) -> Notice | None:
    query = select(Notice).where(Notice.case_id == case.id, Notice.state.in_(("open", "paused")))
    return session.scalar(query.order_by(Notice.id.desc()).limit(1))


def _documents(session: Session, case: Case, release: ReleaseView) -> list[Issued]:
    query = select(Document).where(Document.case_id == case.id, Document.state == "issued")
    return [
        Issued(
            row.id,
            document_title(row, release),
            row.number,
            row.check_code,
            row.issued_on,
            STANDINGS.get(row.standing or "", ""),
        )
        for row in session.scalars(query.order_by(Document.id))
    ]


def _materials(session: Session, case: Case, release: ReleaseView) -> list[HandedIn]:
    """What the applicant handed in, in the order of the item's list."""
    names = {str(one["code"]): str(one["name"]) for one in release.item.materials}
    order = {code: place for place, code in enumerate(names)}
    rows = session.scalars(
        select(Attachment)
        .where(Attachment.case_id == case.id, Attachment.owner == case.applicant_key)
        .order_by(Attachment.id)
    ).all()
    found = sorted(rows, key=lambda row: order.get(_material_code(row), len(order)))
    return [HandedIn(row.id, names.get(_material_code(row), "其他材料"), row.name, row.size) for row in found]


def _material_code(row: Attachment) -> str:
    """Uploads are coded by the material or by the form's field ``material_<code>``."""
    return row.code.removeprefix("field_").removeprefix("material_")


def _events(session: Session, case: Case, release: ReleaseView, documents: list[Issued]) -> list[PublicEvent]:
    """The public part of what happened, newest first."""
    events = _from_journal(session, case, release) + _from_clock(session, case) + _from_notices(session, case)
    issued = {row.id: row for row in session.scalars(select(Document).where(Document.case_id == case.id))}
    for paper in documents:
        at = issued[paper.id].issued_at
        if at is not None:
            events.append(PublicEvent(at, f"发出《{paper.title}》", paper.number))
    # Of one moment, what was written last stands first.
    return sorted(events, key=lambda one: one.at)[::-1]


def _from_journal(session: Session, case: Case, release: ReleaseView) -> list[PublicEvent]:
    own = set(session.scalars(select(Task.element_id).where(Task.case_id == case.id, Task.role == APPLICANT)))
    told = session.execute(select(Task.element_id, Task.name).where(Task.case_id == case.id))
    names = dict(told.all())
    lines = session.scalars(
        select(JournalEntry).where(JournalEntry.case_id == case.id).order_by(JournalEntry.seq)
    ).all()
    events: list[PublicEvent] = []
    answers = [line.at for line in lines if line.kind == "answered" and "核" in line.title]
    if answers:
        events.append(PublicEvent(answers[-1], "部门信息核查", f"已收到 {len(answers)} 项核查结果"))
    for line in lines:
        if line.kind == "applied":
            events.append(PublicEvent(line.at, "提交申请", f"受理号 {case.number}"))
        elif line.kind == "completed" and line.element_id in own:
            events.append(PublicEvent(line.at, f"您已{names[line.element_id]}", tone="ok"))
        elif line.kind == "completed":
            events.append(PublicEvent(line.at, f"{names.get(line.element_id, '一个环节')}完成"))
        elif line.kind == "opened":
            events.append(PublicEvent(line.at, f"本机构发起{case.item_name}", f"业务编号 {case.number}"))
        elif line.kind == "review_opened":
            events.append(PublicEvent(line.at, "本机构复核这个决定", "办理进展见“我的办件”，结果会告知您。", "warn"))
        elif line.kind == "objection":
            events.append(PublicEvent(line.at, "公示期间收到异议", "正在调查核实，结果会告知您。", "warn"))
        elif line.kind == "extension_decided" and line.title.startswith("同意"):
            events.append(PublicEvent(line.at, "经批准延长办理期限", line.title.partition("，")[2]))
        elif line.kind == "withdrawn":
            events.append(PublicEvent(line.at, "您撤回了申请", tone="warn"))
        elif line.kind == "closed":
            title = release.item.outcomes.get(case.outcome, "办结")
            events.append(PublicEvent(line.at, f"办结：{title}", tone="ok" if case.outcome == "granted" else "warn"))
    return events


def _stopped_by(session: Session, case: Case) -> str:
    """The paper that says why the clock stands."""
    if case.clock_stopped_since is None:
        return ""
    open_ = (one for one in lawful_clock.stops_of(session, case.id) if one.ended_at is None)
    papers = [stop_paper(session, one) for one in open_]
    return "、".join(f"《{one.title}》{one.number}" for one in papers if one)


def _from_clock(session: Session, case: Case) -> list[PublicEvent]:
    events: list[PublicEvent] = []
    for stop in session.scalars(select(ClockStop).where(ClockStop.case_id == case.id)):
        events.append(PublicEvent(stop.started_at, "办理时限暂停计算", f"原因：{stop.reason}", "warn"))
        if stop.ended_at is not None:
            events.append(PublicEvent(stop.ended_at, "办理时限恢复计算"))
    return events


def _from_notices(session: Session, case: Case) -> list[PublicEvent]:
    events: list[PublicEvent] = []
    for notice in session.scalars(select(Notice).where(Notice.case_id == case.id)):
        events.append(PublicEvent(notice.published_at, "开始公示", notice.title))
        if notice.closed_at is not None:
            passed = notice.state == "passed"
            title = "公示结束，无异议或异议不成立" if passed else "公示结束，异议成立"
            events.append(PublicEvent(notice.closed_at, title, tone="ok" if passed else "warn"))
    return events
