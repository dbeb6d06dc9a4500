"""Whom tasks may be handed to, and what a view may choose from: only what the person's own offices hold."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from engine.cases.case import Case
from engine.cases.view_spec import CHOICES, WHO
from engine.cases.work import Task
from engine.catalog import releases
from engine.core import masks
from engine.core.actor import Actor
from engine.queries.inbox_around import APPLICANT, around
from engine.registers.offices import Office, StaffUser
from engine.workflow import definitions_held

# As many as a person can look through.
MOST = 300
Options = list[tuple[str, str]]


@dataclass(frozen=True)
class Colleague:
    """A caseworker of the actor's offices."""

    id: int
    login: str
    name: str
    title: str
    office: str

    @property
    def key(self) -> str:
        """How they stand in assignee columns."""
        return f"staff:{self.id}"

    @property
    def shown(self) -> str:
        """Name and where they sit."""
        return " · ".join(part for part in (self.name, self.title, self.office) if part)


def colleagues(session: Session, actor: Actor) -> list[Colleague]:
    """Everybody who works in the actor's offices, by office and name."""
    query = (
        select(StaffUser.id, StaffUser.login, StaffUser.name, StaffUser.title, Office.name)
        .join(Office, Office.id == StaffUser.office_id)
        .where(StaffUser.office_id.in_(actor.offices), StaffUser.active.is_(True))
        .order_by(Office.path, StaffUser.name)
        .limit(MOST)
    )
    return [Colleague(*row) for row in session.execute(query)]


def choices(session: Session, actor: Actor) -> dict[str, Options]:
    """Field → (value, words) that a view may ask for, from the published items and the actor's offices."""
    items: dict[str, str] = {}
    steps: dict[str, str] = {}
    roles: dict[str, str] = {}
    stages: dict[str, str] = {}
    for release_id in around(session, actor).releases:
        view = releases.view(session, release_id)
        items[view.item_id] = view.item.name
        roles |= {role: lane for lane, role in view.item.roles.items()}
        parsed = definitions_held(view)
        for process in parsed.processes.values():
            users = [one for one in process.elements.values() if one.type == "userTask"]
            steps |= {one.id: one.name or one.id for one in users}
            named = (str(one.extensions.get("properties", {}).get("stage") or "") for one in users)
            stages |= {stage: stage for stage in named if stage}
    roles.setdefault(APPLICANT, "申请人")
    offices = select(Office.id, Office.name).where(Office.id.in_(actor.offices)).order_by(Office.path).limit(MOST)
    people = [(one.key, one.shown) for one in colleagues(session, actor)]
    return {
        "item": list(items.items()),
        "step": list(steps.items()),
        "stage": list(stages.items()),
        "role": list(roles.items()),
        "office": [(str(number), name) for number, name in session.execute(offices)],
        "assignee": [*WHO.items(), *people],
        **{field: list(words.items()) for field, words in CHOICES.items()},
    }


def titles(session: Session, actor: Actor, ids: list[int]) -> dict[int, str]:
    """What tasks the actor may see are called in a result: masked name, step, number of the case."""
    query = select(Task, Case).join(Case, Case.id == Task.case_id).where(Task.id.in_(ids))
    return {
        task.id: f"{masks.mask_name(case.subject_name)} · {task.name} · {case.number}"
        for task, case in session.execute(query.options(defer(Case.tokens)))
        if actor.sees(case.office_id, case.item)
    }
