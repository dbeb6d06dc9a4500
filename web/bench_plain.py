"""What a finished case of a plain deployment leaves in PostgreSQL: apply → decision → gateway → two reviews.

No lawful clock, no persons to search for, no forms: the engine's own rows and the record. ``bench_load`` measures the
same shape as an item, with all that an item adds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from engine.cases.case import Case
from engine.cases.work import Task
from engine.commands import dispatch
from engine.commands.deploy import DeployResources
from engine.commands.instances import CreateInstance
from engine.commands.tasks import CompleteTask
from engine.core import db
from engine.core.actor import SYSTEM, Actor
from engine.core.errors import Refused
from engine.registers.offices import StaffUser, staff_actor
from web.bench_load import PASS, stored_bytes
from web.bench_people import FILES, application_of, set_up
from web.bench_site import fresh

WARM_UP = 20


def measure(server: str, cases: int = 240) -> tuple[float, int]:
    """Bytes per case when nothing is left lying about, and how many were typed. Raises ``Refused`` if one is stuck."""
    with fresh(server):
        set_up()
        files = [(path.name, path.read_bytes()) for path in sorted((FILES / "plain").iterdir())]
        dispatch(DeployResources(files), SYSTEM)
        people = _people()
        for _ in range(WARM_UP):
            _to_the_end(people)
        before = stored_bytes()
        for _ in range(cases):
            _to_the_end(people)
        typed = sum(len(json.dumps(one, ensure_ascii=False).encode()) for one in (_asked(), PASS, PASS))
        return (stored_bytes() - before) / cases, typed


def _people() -> list[Actor]:
    with db.reading() as session:
        found = [staff_actor(session, one) for one in session.scalars(select(StaffUser.id).order_by(StaffUser.id))]
    return [one for one in found if one is not None]


def _asked() -> Mapping[str, Any]:
    return {name: value for name, value in application_of(0).items() if name != "applicant"}


def _to_the_end(people: list[Actor]) -> None:
    """One case, each of its three tasks by somebody else."""
    starter = Actor("system", 0, "测量", office_id=people[0].office_id, offices=people[0].offices)
    case_id = int(dispatch(CreateInstance(process_id="bench_plain", variables={}), starter).case_id)
    for who, answers in zip(people, (_asked(), PASS, PASS), strict=False):
        with db.reading() as session:
            task = session.scalars(select(Task).where(Task.case_id == case_id, Task.state == "open")).one()
        dispatch(CompleteTask(task.id, answers, task.version), who)
    with db.reading() as session:
        state = session.scalars(select(Case.state).where(Case.id == case_id)).one()
    if state != "closed":
        raise Refused("测量用的流程没有走到底", code="bench_stuck")
