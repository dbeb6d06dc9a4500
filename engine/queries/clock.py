"""What is known of a case's time: its limits, its stops with their papers, what was asked for longer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import lawful_clock
from engine.cases.case import Case
from engine.cases.documents import Document
from engine.cases.lawful_clock import CaseLimit, ClockStop, Extension
from engine.cases.work import EXTENSION, Task
from engine.catalog import releases
from engine.catalog.limits import HOURS, KINDS, Span
from engine.core import clock, masks, workdays
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries.common import day, find_case, paper_title, stamp
from engine.queries.head import CaseHead, head_of
from engine.queries.task_page import Permit, permit_of
from engine.registers.notices import Notice

STATES = {
    "asked": ("待批", "warn"),
    "granted": ("同意", "ok"),
    "refused": ("不同意", "bad"),
    "over": ("办件已结束", ""),
}


@dataclass(frozen=True)
class StopPaper:
    """The paper that says why a clock stands. ``kind``: document or notice."""

    kind: str
    id: int
    title: str
    number: str = ""


@dataclass(frozen=True)
class StopLine:
    """One stop as people read it; ``days`` are the working days it cost, None while it lasts."""

    reason: str
    since: str
    until: str
    days: int | None
    longest: str
    paper: StopPaper | None


@dataclass(frozen=True)
class LimitLine:
    """One limit of a case as people read it."""

    title: str
    span: str
    extended: str
    since: str
    due: str
    days: int
    late: bool
    past_calendar: bool


@dataclass(frozen=True)
class ExtensionLine:
    """What was asked for longer."""

    id: int
    case_id: int
    number: str
    item_name: str
    subject: str
    span: str
    reason: str
    asked: str
    state: str
    tone: str
    decided: str
    opinion: str
    mine: bool


@dataclass(frozen=True)
class ExtensionPage:
    """A question as whoever decides sees it; ``effects``: (what, now, then) if they agree. ``task_id`` 0: no task."""

    asked: ExtensionLine
    task_id: int
    head: CaseHead
    permit: Permit
    effects: list[tuple[str, str, str]]
    before: list[ExtensionLine]
    role: str


@dataclass(frozen=True)
class ClockFile:
    """All of a case's time. ``may_ask`` says what is the most that can still be asked for, empty for nothing."""

    limits: list[LimitLine]
    stops: list[StopLine]
    extensions: list[ExtensionLine]
    may_ask: str
    unit: str
    most: int


def clock_file(session: Session, actor: Actor, case: Case) -> ClockFile:
    """Inside ``calendar``."""
    rules = lawful_clock.rules_of(session, case)
    own = select(CaseLimit).where(CaseLimit.case_id == case.id).order_by(CaseLimit.token, CaseLimit.kind)
    limits = [one for one in session.scalars(own) if not one.token or one.ended_at is None]
    names: dict[str, str] = {}
    for token, name in session.execute(
        select(Task.token, Task.name).where(Task.case_id == case.id, Task.state == "open")
    ):
        names[token] = name
    asked = list(session.scalars(select(Extension).where(Extension.case_id == case.id).order_by(Extension.id)))
    rule, most = rules.extension, 0
    open_ = case.state in ("open", "suspended") and case.due_on is not None
    if rule and open_ and not any(one.state == "asked" for one in asked):
        granted = [one.amount for one in asked if one.state == "granted"]
        most = rule.longest.amount - sum(granted) if len(granted) < rule.times else 0
    unit = rule.longest.unit if rule else ""
    return ClockFile(
        limits=[_limit(case, one, names) for one in limits if not one.token or one.token in names],
        stops=[stop_line(session, case, one) for one in lawful_clock.stops_of(session, case.id)],
        extensions=[_extension(actor, one, case) for one in asked],
        may_ask=str(Span(most, unit)) if most > 0 else "",
        unit=str(Span(0, unit)).removeprefix("0 个") if unit else "",
        most=max(most, 0),
    )


def stop_line(session: Session, case: Case, stop: ClockStop) -> StopLine:
    """One stop with its paper. Inside ``calendar``."""
    calendar = workdays.current(case.office_id)
    begun = clock.local(stop.started_at).date()
    lost = None if stop.ended_at is None else calendar.between(begun, clock.local(stop.ended_at).date())
    longest = day(clock.local(stop.until_at - timedelta(seconds=1)).date()) if stop.until_at else ""
    return StopLine(stop.reason, stamp(stop.started_at), stamp(stop.ended_at), lost, longest, stop_paper(session, stop))


def stop_paper(session: Session, stop: ClockStop) -> StopPaper | None:
    """The public notice that was published, or the newest paper of its template that was made for this stop."""
    if stop.notice_id is not None:
        notice = session.get(Notice, stop.notice_id)
        return StopPaper("notice", notice.id, notice.title) if notice else None
    if not stop.notice:
        return None
    made = select(Document).where(Document.case_id == stop.case_id, Document.template == stop.notice)
    made = made.where(Document.issued_on >= clock.local(stop.started_at).date())
    if stop.ended_at is not None:
        made = made.where(Document.issued_on <= clock.local(stop.ended_at).date())
    found = session.scalars(made.order_by(Document.id.desc())).first()
    if found is None:
        return None
    item = releases.view(session, session.get_one(Case, stop.case_id).release_id).item
    return StopPaper("document", found.id, paper_title(item, found), found.number)


def asked_extensions(session: Session, actor: Actor) -> list[ExtensionLine]:
    """The extensions that wait for somebody of the actor's roles."""
    waiting = (Extension.state == "asked", Extension.role.in_(actor.roles), Extension.office_id.in_(actor.offices))
    query = select(Extension, Case).join(Case, Case.id == Extension.case_id).where(*waiting).order_by(Extension.id)
    return [_extension(actor, asked, case) for asked, case in session.execute(query)]


def extension_page(session: Session, actor: Actor, extension_id: int) -> ExtensionPage:
    """Inside ``calendar``. Raises ``NotFound``."""
    one = session.get(Extension, extension_id)
    if one is None:
        raise NotFound("没有这份延长申请")
    case = find_case(session, actor, one.case_id)
    item = releases.view(session, case.release_id).item
    query = select(Task).where(Task.case_id == case.id, Task.element_id == EXTENSION, Task.state == "open")
    task = session.scalar(query) if one.state == "asked" else None
    permit = Permit(False, False, False, "")
    if task is not None:
        permit = permit_of(session, actor, case, task)
        if permit.work and one.asked_by == actor.key:
            permit = Permit(False, False, permit.release, "这是您自己提出的申请，须由其他人批复。")
    before = session.scalars(
        select(Extension).where(Extension.case_id == case.id, Extension.id < one.id).order_by(Extension.id)
    )
    return ExtensionPage(
        asked=_extension(actor, one, case),
        task_id=task.id if task else 0,
        head=head_of(session, case, item),
        permit=permit,
        effects=_effects(session, case, one) if one.state == "asked" else [],
        before=[_extension(actor, other, case) for other in before],
        role=next((lane for lane, role in item.roles.items() if role == one.role), one.role),
    )


def _effects(session: Session, case: Case, asked: Extension) -> list[tuple[str, str, str]]:
    """The limits counted in the same unit, as ``DecideExtension`` would count them."""
    stretches = lawful_clock.ended(lawful_clock.stops_of(session, case.id))
    calendar, found = workdays.current(case.office_id), []
    for one in lawful_clock.limits_of(session, case.id):
        if not one.token and one.unit == asked.unit:
            longer = Span(one.span.amount + asked.amount, one.unit)
            on, at = lawful_clock.due(calendar, one.from_at, longer.count, one.unit, stretches)
            found.append((KINDS[one.kind], due_text(one), stamp(at) if one.unit == HOURS else day(on)))
    return found


# --- inside ------------------------------------------------------------------------------------------------------


def _limit(case: Case, one: CaseLimit, names: Mapping[str, str]) -> LimitLine:
    late = one.ended_at is None and case.clock_stopped_since is None and one.due_at <= clock.now()
    return LimitLine(
        title=f"「{names[one.token]}」{KINDS[one.kind]}" if one.token else KINDS[one.kind],
        span=str(Span(one.amount, one.unit)),
        extended=str(Span(one.extended, one.unit)) if one.extended else "",
        since=stamp(one.from_at),
        due=due_text(one),
        days=left_of(case, one.due_on),
        late=late,
        past_calendar=one.ended_at is None and not workdays.current(case.office_id).knows(one.due_on),
    )


def due_text(one: CaseLimit) -> str:
    """The day, of hours the moment."""
    return stamp(one.due_at) if one.unit == HOURS else day(one.due_on)


def left_of(case: Case, due_on: date) -> int:
    """Working days to a day; negative from the day after it. While the clock stands, as at the stop."""
    today = case.clock_stopped_since or clock.today()
    left = workdays.current(case.office_id).between(today, due_on)
    return min(left, -1) if today > due_on else left


def _extension(actor: Actor, one: Extension, case: Case) -> ExtensionLine:
    title, tone = STATES[one.state]
    return ExtensionLine(
        id=one.id,
        case_id=case.id,
        number=case.number,
        item_name=case.item_name,
        subject=masks.mask_name(case.subject_name),
        span=str(Span(one.amount, one.unit)),
        reason=one.reason,
        asked=f"{one.asked_by_name} {stamp(one.asked_at)}",
        state=title,
        tone=tone,
        decided=f"{one.decided_by_name} {stamp(one.decided_at)}" if one.decided_at else "",
        opinion=one.opinion,
        mine=one.state == "asked" and actor.has(one.role) and one.asked_by != actor.key,
    )
