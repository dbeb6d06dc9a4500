"""The head of a case as every page about it shows it: who, which step, how long, in whose hands."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.work import Task
from engine.catalog.item import Item
from engine.core import clock, masks
from engine.queries.common import CHANNELS, Due, day, due_of, steps_of
from engine.registers.offices import Office, StaffUser

STAFF = "staff:"


@dataclass(frozen=True)
class CaseHead:
    """``facts``: (name, value) for the line below the title; ``outcome`` in words, empty while the case is open."""

    id: int
    number: str
    item: str
    item_name: str
    subject: str
    state: str
    stage: str
    outcome: str
    granted: bool
    due: Due
    steps: list[dict[str, str]]
    facts: list[tuple[str, str]]


def head_of(session: Session, case: Case, item: Item) -> CaseHead:
    """The head. Inside ``calendar``."""
    office = session.get_one(Office, case.office_id)
    accepted = day(clock.local(case.accepted_at).date()) if case.accepted_at else "尚未受理"
    promised = item.limit("promised")
    facts = [
        ("申请", f"{day(case.applied_on)} {CHANNELS.get(case.channel, case.channel)}"),
        ("受理", f"{accepted} {office.name}" if case.accepted_at else accepted),
        ("承诺时限", f"{promised} 个工作日" if promised else ""),
        ("到期", day(case.due_on)),
    ]
    return CaseHead(
        id=case.id,
        number=case.number,
        item=case.item,
        item_name=case.item_name,
        subject=masks.mask_name(case.subject_name),
        state=case.state,
        stage=case.stage,
        outcome=item.outcomes.get(case.outcome, "已办结") if case.state != "open" else "",
        granted=case.outcome == "granted",
        due=due_of(case),
        steps=steps_of(case, item.stages),
        facts=[fact for fact in facts if fact[1]],
    )


def person(session: Session, key: str) -> str:
    """The name behind an assignee: a caseworker by name, the applicant as such, nobody as nothing."""
    if key.startswith(STAFF):
        return session.scalar(select(StaffUser.name).where(StaffUser.id == int(key.removeprefix(STAFF)))) or ""
    return "申请人" if key else ""


def in_whose_hands(session: Session, case: Case, item: Item) -> list[str]:
    """Who has to act now, a line per open task: ``初审：王敏`` or ``初审：岗位待领取``."""
    lanes = {role: lane for lane, role in item.roles.items()}
    open_tasks = session.scalars(
        select(Task).where(Task.case_id == case.id, Task.state == "open").order_by(Task.created_at)
    )
    return [
        f"{task.name}：{person(session, task.assignee) or lanes.get(task.role, task.role) + '岗待领取'}"
        for task in open_tasks
    ]
