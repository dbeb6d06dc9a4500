"""The head of a case as every page about it shows it: who, which step, how long, in whose hands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.work import ASKED, Task
from engine.catalog.item import Item
from engine.core import clock, masks
from engine.core.actor import Actor
from engine.queries import reviews
from engine.queries.common import CHANNELS, Due, day, due_of, steps_of
from engine.registers.offices import Office, StaffUser

STAFF = "staff:"


@dataclass(frozen=True)
class CaseHead:
    """``facts``: (name, value) for the line below the title; ``outcome`` in words, empty while the case is open.

    ``changed``: 已撤销 or 已更正 where a later case changed the decision.
    """

    id: int
    number: str
    item: str
    item_name: str
    subject: str
    state: str
    stage: str
    outcome: str
    granted: bool
    changed: str
    due: Due
    steps: list[dict[str, str]]
    facts: list[tuple[str, str]]


def head_of(session: Session, case: Case, item: Item) -> CaseHead:
    """The head. Inside ``calendar``."""
    changed = reviews.settled(session, [case.id]).get(case.id) if case.state == "closed" else None
    office = session.get_one(Office, case.office_id)
    accepted = day(clock.local(case.accepted_at).date()) if case.accepted_at else "尚未受理"
    promised = item.limit("promised")
    facts = [
        (
            "发起" if case.channel == "office" else "申请",
            f"{day(case.applied_on)} {CHANNELS.get(case.channel, case.channel)}",
        ),
        ("受理", f"{accepted} {office.name}" if case.accepted_at else accepted),
        ("承诺时限", f"{promised} 个工作日" if promised else ""),
        ("到期", day(case.due_on)),
    ]
    if not case.item:
        # An instance of a plain deployment is neither applied for nor accepted.
        facts = [("开始", day(case.applied_on)), ("机构", office.name)]
    return CaseHead(
        id=case.id,
        number=case.number,
        item=case.item,
        item_name=case.item_name,
        subject=masks.mask_name(case.subject_name),
        state=case.state,
        stage=case.stage,
        outcome=item.outcomes.get(case.outcome, "已办结") if case.state != "open" else "",
        granted=case.outcome == "granted" and (changed is None or changed.outcome != "revoked"),
        changed=changed.title if changed is not None else "",
        due=due_of(case),
        steps=steps_of(case, item.stages),
        facts=[fact for fact in facts if fact[1]],
    )


def person(session: Session, key: str) -> str:
    """The name behind an assignee: a caseworker by name, the applicant as such, nobody as nothing."""
    if key.startswith(STAFF):
        return session.scalar(select(StaffUser.name).where(StaffUser.id == int(key.removeprefix(STAFF)))) or ""
    # Of a plain deployment: somebody the model names and we do not know.
    return "申请人" if ":" in key else key


def own_task(session: Session, actor: Actor, case_id: int) -> int | None:
    """The open task of the case that bears the actor's name."""
    own = select(Task.id).where(Task.case_id == case_id, Task.state == "open", Task.assignee == actor.key)
    return session.scalar(own.limit(1))


def in_whose_hands(session: Session, case: Case, item: Item) -> list[str]:
    """Who has to act now, a line per open task: ``初审：王敏`` or ``初审：岗位待领取``."""
    lanes = {role: lane for lane, role in item.roles.items()}
    open_tasks = session.scalars(
        select(Task).where(Task.case_id == case.id, Task.state.in_(("open", *ASKED))).order_by(Task.created_at)
    )
    return [f"{task.name}：{_whose(session, task, lanes)}" for task in open_tasks]


def _whose(session: Session, task: Task, lanes: Mapping[str, str]) -> str:
    if task.state in ASKED:
        return "正在校验…"
    return person(session, task.assignee) or (f"{lanes.get(task.role, task.role)}岗待领取" if task.role else "待领取")
