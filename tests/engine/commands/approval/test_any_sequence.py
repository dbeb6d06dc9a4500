"""Whatever colleagues do to each other's tasks, the case can still be brought to its end, and the record tells it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from engine.batches.approval import targets
from engine.cases.case import load_variables
from engine.cases.work import Task
from engine.catalog import releases
from engine.commands import dispatch
from engine.commands.approval.passing import DelegateTask, TransferTask
from engine.commands.approval.signers import AddSigners, GiveOpinion, RemoveSigner
from engine.commands.approval.steps import ReturnTask, TakeBack
from engine.commands.approval.words import AddComment, CopyTo, Urge
from engine.commands.inbox import LookAtTask
from engine.commands.operate import ResumeCase, SuspendCase
from engine.commands.tasks import ClaimTask, CompleteTask, ReleaseTask
from engine.core.actor import Actor
from engine.core.db import reading
from engine.core.errors import Refused
from engine.queries import visible
from tests.engine.commands.approval.kit import MODELS, YES, Office, publish
from tests.support.installation import Installation, running

PEOPLE = ("liuyang", "wangmin", "chenhao", "zhaoling", "sunqiang")
# What stands in the record for each operation that was done.
KINDS = {
    "complete": "completed", "say": "opinion", "add": "signers_added", "remove": "signer_removed", "claim": "claimed",
    "transfer": "transferred", "delegate": "delegated", "return": "returned", "take_back": "taken_back",
    "urge": "urged", "copy": "copied", "comment": "comment", "release": "released", "look": "",
    "suspend": "suspended",
}  # fmt: skip
STEPS = st.tuples(
    st.sampled_from([*KINDS, "complete", "complete", "return", "take_back", "add"]),
    st.sampled_from(PEOPLE),
    st.integers(0, 5),
    st.integers(0, 9),
)


@dataclass
class World:
    """One installation for all examples, and its people read once."""

    anju: Installation
    people: dict[str, Actor]
    items: dict[str, str]


@pytest.fixture(scope="module")
def world(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(filled, tmp_path_factory.mktemp("any") / "data") as anju:
        people = {login: anju.staff(login) for login in PEOPLE}
        yield World(anju, people, {name: publish(name, *model) for name, model in MODELS.items()})


def standing(office: Office) -> list[Task]:
    with reading() as session:
        states = ("open", "waiting", "done")
        query = select(Task).where(Task.case_id == office.case_id, Task.state.in_(states)).order_by(Task.id)
        return list(session.scalars(query))


def steps_back(office: Office, task: Task) -> list[str]:
    with reading() as session:
        case = office.case()
        release = releases.view(session, case.release_id)
        process = visible.process(session, case, release, load_variables(session, case.id))
        return [one.element_id for one in targets(session, process, task)]


def command(office: Office, world: World, what: str, task: Task, turn: int) -> Any:
    other = world.people[PEOPLE[turn % len(PEOPLE)]].id
    how = ("before", "after", "parallel")[turn % 3]
    verdict = ("agree", "disagree", "noted")[turn % 3]
    if what == "return":
        found = steps_back(office, task) if task.state == "open" else []
        return ReturnTask(task.id, found[turn % len(found)] if found else "a", "再核", straight_back=turn % 2 == 1)
    made: dict[str, Any] = {
        "complete": lambda: CompleteTask(task.id, YES, task.version),
        "say": lambda: GiveOpinion(task.id, verdict, "意见", task.version),
        "add": lambda: AddSigners(task.id, (other,), how),
        "remove": lambda: RemoveSigner(task.id),
        "claim": lambda: ClaimTask(task.id),
        "release": lambda: ReleaseTask(task.id),
        "transfer": lambda: TransferTask(task.id, other, "调整"),
        "delegate": lambda: DelegateTask(task.id, other, "请核"),
        "take_back": lambda: TakeBack(task.id),
        "urge": lambda: Urge(task.id),
        "copy": lambda: CopyTo(office.case_id, (other,), "知悉"),
        "comment": lambda: AddComment(office.case_id, "@王敏 看一下"),
        "look": lambda: LookAtTask(task.id),
        "suspend": lambda: SuspendCase(office.case_id, "等待"),
    }
    return made[what]()


def play(world: World, model: str, steps: list[tuple[str, str, int, int]]) -> None:
    office = Office(world.anju, model, item=world.items[model])
    done: list[tuple[str, str]] = []
    for what, login, place, turn in steps:
        found = standing(office)
        if not found or office.case().state != "open":
            break
        task = found[-1 - place % len(found)]
        if what in ("complete", "say", "delegate", "add", "return", "transfer") and task.state == "open":
            # Mostly somebody who may: otherwise nearly everything would be refused.
            login = holder(world, task) or login
        before = office.case().journal_seq
        try:
            dispatch(command(office, world, what, task, turn), world.people[login])
        except Refused:
            continue
        # To claim what one has already changes nothing.
        if office.case().journal_seq > before:
            # Whoever supervises takes a task from somebody: that is told as what it is.
            taken = what == "release" and task.assignee != world.people[login].key
            done.append(("assigned" if taken else KINDS[what], world.people[login].name))
        if what == "suspend":
            dispatch(ResumeCase(office.case_id), world.people["sunqiang"])
    finish(world, office)
    told = [(kind, who) for kind, who, _ in office.lines()]
    for line in done:
        assert line in told
        told.remove(line)


def holder(world: World, task: Task) -> str:
    """Whoever has the task, else somebody of its role."""
    for login, actor in world.people.items():
        if task.assignee == actor.key or (not task.assignee and actor.has(task.role)):
            return login
    return ""


def finish(world: World, office: Office) -> None:
    """Everybody does what lies before them, without asking anybody else."""
    for _ in range(60):
        found = office.open()
        if not found:
            break
        # Who must be heard first comes first.
        task = sorted(found, key=lambda one: (one.kind == "normal" and not one.owner, one.hold == "before", one.id))[0]
        actor = world.people[holder(world, task)]
        if task.kind != "normal" or task.owner:
            dispatch(GiveOpinion(task.id, "agree", "同意", task.version), actor)
        else:
            dispatch(CompleteTask(task.id, YES, task.version), actor)
    case = office.case()
    assert (case.state, case.outcome) == ("closed", "end"), (office.at(), world.anju.stuck(office.case_id))
    assert not world.anju.incidents(office.case_id)
    assert not [one for one in standing(office) if one.state != "done"]


@settings(max_examples=24, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(model=st.sampled_from(sorted(MODELS)), steps=st.lists(STEPS, min_size=4, max_size=14))
def test_any_sequence_leaves_a_lawful_end(model: str, steps: list[tuple[str, str, int, int]], world: World) -> None:
    play(world, model, steps)


@pytest.mark.soak
@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(model=st.sampled_from(sorted(MODELS)), steps=st.lists(STEPS, min_size=8, max_size=40))
def test_any_long_sequence_leaves_a_lawful_end(
    model: str, steps: list[tuple[str, str, int, int]], world: World
) -> None:
    play(world, model, steps)
