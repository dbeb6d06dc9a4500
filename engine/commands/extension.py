"""Longer than the limit (延长): somebody who has the case asks, a named role decides, at most as the item says."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from engine.cases import colleagues, lawful_clock
from engine.cases.case import Case, lock
from engine.cases.lawful_clock import Extension
from engine.cases.work import EXTENSION, Task
from engine.catalog.limits import ExtensionRule, Span
from engine.commands import Unit, authority, handles
from engine.core import ids, workdays
from engine.core.errors import Forbidden, NotFound, Refused, TaskAlreadyDone, TaskChanged
from engine.registers.offices import Office, StaffUser

ASKED, GRANTED, REFUSED = "asked", "granted", "refused"


@dataclass(frozen=True)
class AskExtension:
    """``amount`` more, in the unit in which the item counts extensions."""

    case_id: int
    amount: int
    reason: str


@dataclass(frozen=True)
class DecideExtension:
    """Agree or not."""

    extension_id: int
    granted: bool
    opinion: str = ""


@handles(AskExtension)
def ask_extension(command: AskExtension, unit: Unit) -> int:
    """Put the question to whoever decides; gives its id."""
    case = _case(unit, command.case_id)
    rule = _rule(unit, case)
    if not unit.actor.has("supervisor") and not _has_work(unit, case):
        raise Forbidden("只有正在办理本件的人员或主管可以申请延长期限")
    reason = command.reason.strip()
    if not reason:
        raise Refused("请写明延长的理由，理由会记入办理记录", code="reason_missing")
    asked = list(unit.session.scalars(select(Extension).where(Extension.case_id == case.id)))
    if any(one.state == ASKED for one in asked):
        raise Refused("本件已有一份待批的延长申请", code="extension_asked")
    _check(rule, command.amount, [one for one in asked if one.state == GRANTED])
    made = Extension(
        id=ids.new(),
        case_id=case.id,
        office_id=case.office_id,
        state=ASKED,
        unit=rule.longest.unit,
        amount=command.amount,
        reason=reason,
        role=rule.role,
        asked_at=unit.now,
        asked_by=unit.actor.key,
        asked_by_name=unit.actor.shown,
        opinion="",
        decided_at=None,
        decided_by="",
        decided_by_name="",
    )
    task = _task_of(case, made)
    unit.session.add_all([made, task])
    more = Span(command.amount, rule.longest.unit)
    unit.record(case, "extension_asked", f"申请延长期限 {more}", {"reason": reason})
    text = f"{case.number} {case.item_name}：{unit.actor.shown}申请延长期限 {more}，请审批"
    people = [key for key in _holders(unit, case, rule.role) if key != unit.actor.key]
    colleagues.tell(unit.session, unit.actor, people, "warning", case.id, task.id, text)
    unit.session.flush()
    return made.id


def _task_of(case: Case, asked: Extension) -> Task:
    """The question as a task of whoever decides: it has no token, the process knows nothing of it."""
    return Task(
        id=ids.new(),
        case_id=case.id,
        office_id=case.office_id,
        token="",
        process_id=case.process_id,
        item=case.item,
        channel=case.channel,
        element_id=EXTENSION,
        name="延长期限审批",
        stage=case.stage,
        role=asked.role,
        form_id="",
        # Of what colleagues can do with a task only this makes sense here.
        properties={"extension": asked.id, "verbs": "urge,copy"},
        state=case.state,
        due_on=lawful_clock.due_day(case),
        created_at=asked.asked_at,
    )


@handles(DecideExtension)
def decide_extension(command: DecideExtension, unit: Unit) -> bool:
    """Agree, and every limit of the case that is counted in the same unit ends later; or not. Gives whether granted."""
    asked = unit.session.get(Extension, command.extension_id)
    if asked is None:
        raise NotFound("没有这份延长申请")
    case = _case(unit, asked.case_id)
    unit.session.refresh(asked)
    if asked.state != ASKED:
        raise TaskAlreadyDone(f"这份延长申请已由{asked.decided_by_name}批复")
    task = _asked_as(unit, case)
    _check_may_decide(unit, case, asked, task)
    if asked.asked_by in unit.actor.hands:
        raise Forbidden("自己提出的延长申请须由其他人审批")
    if not command.granted and not command.opinion.strip():
        raise Refused("不同意延长的，请写明意见", code="opinion_missing")
    asked.state = GRANTED if command.granted else REFUSED
    asked.opinion, asked.decided_at = command.opinion.strip(), unit.now
    asked.decided_by, asked.decided_by_name = unit.actor.key, unit.actor.shown
    if task is not None:
        task.state, task.done_at, task.version = "done", unit.now, task.version + 1
        task.done_by, task.done_by_name, task.assignee = unit.actor.key, unit.actor.shown, unit.actor.key
    more = Span(asked.amount, asked.unit)
    before = case.due_on
    if command.granted:
        _lengthen(unit, case, asked)
        title = f"同意延长期限 {more}，到期日由 {before} 变为 {case.due_on}"
    else:
        title = f"不同意延长期限 {more}"
    unit.record(case, "extension_decided", title, {"opinion": asked.opinion} if asked.opinion else None)
    colleagues.tell(unit.session, unit.actor, [asked.asked_by], "answer", case.id, None, f"{case.number} {title}")
    unit.session.flush()
    return command.granted


def _asked_as(unit: Unit, case: Case) -> Task | None:
    """The task of the question; one that was asked before there were such tasks has none."""
    query = select(Task).where(Task.case_id == case.id, Task.element_id == EXTENSION)
    return unit.session.scalar(query.where(Task.state.in_(("open", "suspended"))))


def _check_may_decide(unit: Unit, case: Case, asked: Extension, task: Task | None) -> None:
    """The role, or somebody of it one stands in for, and nobody else has taken it. Raises what says why not."""
    if task is None:
        unit.require(asked.role)
        return
    actor = authority.act(unit, case, task)
    if task.assignee not in ("", *actor.hands):
        raise TaskChanged(f"「{task.name}」已被他人认领，请由领取人批复")


def _lengthen(unit: Unit, case: Case, asked: Extension) -> None:
    session = unit.session
    workdays.use_office(case.office_id)
    limits = lawful_clock.limits_of(session, case.id)
    for one in limits:
        if not one.token and one.unit == asked.unit:
            # What was warned of is due later: it is warned of again.
            one.extended, one.rung = one.extended + asked.amount, 0
    marks = update(Task).where(Task.case_id == case.id, Task.alarm != "")
    session.execute(marks.values(alarm=""), execution_options={"synchronize_session": False})
    lawful_clock.recount(session, case, lawful_clock.rules_of(session, case), limits=limits)


def _check(rule: ExtensionRule, amount: int, granted: list[Extension]) -> None:
    if amount < 1:
        raise Refused("请填写要延长多少", code="extension_amount")
    if len(granted) >= rule.times:
        raise Refused(f"本事项最多延长 {rule.times} 次，已经延长过了", code="extension_times")
    left = rule.longest.amount - sum(one.amount for one in granted)
    if amount > left:
        raise Refused(f"本事项最多再延长 {Span(left, rule.longest.unit)}", code="extension_longest")


def _rule(unit: Unit, case: Case) -> ExtensionRule:
    rule = lawful_clock.rules_of(unit.session, case).extension
    if rule is None:
        raise Refused("本事项没有规定可以延长期限", code="no_extension")
    if case.due_on is None:
        raise Refused("本件还没有开始计算期限，不需要延长", code="no_limit")
    return rule


def _case(unit: Unit, case_id: int) -> Case:
    case = lock(unit.session, case_id)
    if unit.actor.kind != "staff" or not unit.actor.sees(case.office_id, case.item):
        raise NotFound("没有这个办件，或不在您的查看范围内")
    if case.state not in ("open", "suspended"):
        raise Refused("办件已经办结或终止，不能再延长期限", code="case_over")
    return case


def _has_work(unit: Unit, case: Case) -> bool:
    """An open task of the case is theirs, or of their role."""
    query = select(Task.assignee, Task.role).where(Task.case_id == case.id, Task.state == "open")
    actor = unit.actor
    return any(
        assignee == actor.key or (not assignee and actor.has(role)) for assignee, role in unit.session.execute(query)
    )


def _holders(unit: Unit, case: Case, role: str) -> list[str]:
    """Who may decide: everybody of the role in whose offices the case is."""
    path = unit.session.scalar(select(Office.path).where(Office.id == case.office_id)) or ""
    above = [int(part) for part in path.split("/") if part]
    query = select(StaffUser.id, StaffUser.roles).where(StaffUser.office_id.in_(above), StaffUser.active.is_(True))
    return [f"staff:{id_}" for id_, roles in unit.session.execute(query) if role in roles]
