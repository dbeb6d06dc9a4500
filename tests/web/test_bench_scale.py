"""The inbox on a town's rows: what it counts and lists is what a plain look at all rows gives, for little work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select

from engine.cases.work import Task
from engine.core import clock, db, workdays
from engine.core.actor import Actor, Principal
from engine.core.db import reading
from engine.queries import inbox
from engine.queries.common import calendar
from engine.queries.inbox_filter import LOOKED
from tests.conftest import POSTGRES, postgres_absent
from web import bench_scale, bench_town
from web.bench_people import set_up
from web.bench_site import fresh

VIEWS = ("mine", "late", "today", "supplement", "role-first_review", "role-second_review")


@pytest.fixture(scope="module")
def town() -> Iterator[bench_town.Town]:
    if why := postgres_absent():
        pytest.skip(why)
    before = db._engine
    server = f"postgresql+psycopg://postgres@{POSTGRES['host']}:{POSTGRES['port']}/postgres"
    with fresh(server):
        made = bench_town.Town(set_up())
        made.fill(2500, 2000)
        yield made
    db.use(before)


def plainly(actor: Actor, view: str) -> list[int]:
    """The ids of a view's tasks in order, by looking at every row."""
    today = clock.today()

    def belongs(task: Task) -> bool:
        mine, free = task.assignee == actor.key, task.assignee == ""
        due = task.due_on or date.max
        return {
            "mine": mine,
            "late": (mine or (free and task.role in actor.roles)) and due < today,
            "today": (mine or (free and task.role in actor.roles)) and due == today,
            "supplement": task.role == "applicant",
        }.get(view, free and view == f"role-{task.role}")

    with reading() as session:
        seen = session.scalars(select(Task).where(Task.state == "open", Task.office_id.in_(actor.offices))).all()
    found = [task for task in seen if belongs(task)]
    return [task.id for task in sorted(found, key=lambda task: (task.due_on or date.max, -task.priority, task.id))]


def paged(actor: Actor, view: str) -> list[int]:
    """The ids of a view's tasks, page after page."""
    found: list[int] = []
    after = ""
    with reading() as session, calendar(session):
        while True:
            page = inbox.tasks(session, actor, view, after)
            found += [line.id for line in page.lines]
            after = page.following
            if not after:
                return found


@pytest.mark.postgres
@pytest.mark.parametrize("login", ["bench0", "head"])
def test_pages_of_every_view_hold_each_task_once_the_most_urgent_first(town: bench_town.Town, login: str) -> None:
    actor = town.actor(login)
    for view in VIEWS:
        assert paged(actor, view) == plainly(actor, view), view


@pytest.mark.postgres
@pytest.mark.parametrize("login", ["bench0", "head"])
def test_counts_are_exact_as_far_as_they_go(town: bench_town.Town, login: str) -> None:
    actor = town.actor(login)
    with reading() as session:
        counted = inbox.counts(session, actor).by_view
    for view in VIEWS:
        assert counted.get(view, 0) == min(len(plainly(actor, view)), inbox.MOST + 1), view


@pytest.mark.postgres
@pytest.mark.parametrize("view", VIEWS)
def test_the_next_task_is_the_first_of_the_list(town: bench_town.Town, view: str) -> None:
    actor = town.actor("head")
    with reading() as session:
        assert inbox.next_task(session, actor, view) == next(iter(plainly(actor, view)), None)


HELD: dict[str, Callable[[Task], bool]] = {
    "初审中": lambda task: task.role == "first_review",
    "本周到期": lambda task: task.due_on is not None and task.due_on <= workdays.current().add(clock.today(), 2),
    "窗口来的": lambda task: task.assignee == "",
    "久等": lambda task: bench_week() > task.created_at,
    "未读": lambda task: True,
    "被催办": lambda task: task.urged > 0 and task.priority > 50,
}


def bench_week() -> datetime:
    """A week before today began."""
    return clock.local(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=7)


@pytest.mark.postgres
@pytest.mark.parametrize("login", ["bench0", "head"])
def test_named_views_hold_and_count_what_a_look_at_every_task_finds(town: bench_town.Town, login: str) -> None:
    actor = town.actor(login)
    with reading() as session, calendar(session):
        found = inbox.counts(session, actor)
        seen = session.scalars(select(Task).where(Task.state == "open", Task.office_id.in_(actor.offices))).all()
        assert [view.title for view in found.around.views] == list(HELD)
        for view in found.around.views:
            # Of long waiting ones: not those that one has oneself.
            mine = {"久等": [task for task in seen if task.assignee != actor.key]}.get(view.title, list(seen))
            held = {task.id for task in mine if HELD[view.title](task)}
            assert set(paged(actor, view.key)) == held, view.title
            counted = found.by_view[view.key]
            assert counted <= len(held) if found.partly else counted == len(held), view.title
        assert found.partly == (len(seen) > LOOKED)
        assert found.by_view[found.around.views[0].key] > 0


@pytest.mark.postgres
def test_a_search_reads_a_few_rows_by_their_indexes(town: bench_town.Town) -> None:
    actor = town.actor("head")

    def search(words: str) -> list[str]:
        with reading() as session, calendar(session):
            return [one.number for one in inbox.tasks(session, actor, "mine", words=words).lines]

    with reading() as session, calendar(session):
        number = inbox.tasks(session, actor, "role-first_review").lines[0].number
    assert search(number.lower()) == [number]
    assert search("林秋实") == [], "rows of the bench have no digests"
    for words in (number, "林秋实"):
        rows = float(bench_scale.looked_at(partial(search, words)).partition(" ")[0].replace(",", ""))
        assert rows < 100, words


def deputising(town: bench_town.Town) -> tuple[Actor, tuple[Principal, ...]]:
    """A clerk who stands in for the head in four offices, and for a colleague in the own one with one item."""
    clerk, head = town.actor("bench0"), town.actor("head")
    clerk = replace(clerk, roles=frozenset({"acceptance"}))
    some = Principal(head.id, head.name, frozenset({"acceptance", "first_review"}), tuple(head.offices[1:5]), grant=1)
    colleague = int(town.staff[7].removeprefix("staff:"))
    roles, items = frozenset({"first_review", "second_review"}), ("bench/two_reviews",)
    other = Principal(colleague, "同事", roles, tuple(head.offices[2:9]), items, grant=2)
    return replace(clerk, principals=(some, other)), (some, other)


def plainly_for_others(town: bench_town.Town, view: str) -> list[int]:
    """What the deputy may do, by looking at every row."""
    actor, principals = deputising(town)
    today = clock.today()

    def due(task: Task) -> bool:
        return {"late": (task.due_on or date.max) < today, "today": task.due_on == today}.get(view, True)

    def own(task: Task) -> bool:
        mine = task.office_id in actor.offices and task.assignee == actor.key
        pool = task.assignee == "" and task.role in actor.roles and task.office_id in actor.offices
        return mine or (pool and view in ("late", "today"))

    def theirs(task: Task) -> bool:
        may = [one for one in principals if task.office_id in one.offices and task.role in one.roles]
        held = any(task.assignee == one.key for one in may)
        free = task.assignee == "" and bool(may) and not (task.role in actor.roles and task.office_id in actor.offices)
        return held or (free and view != "mine")

    with reading() as session:
        seen = session.scalars(select(Task).where(Task.state == "open")).all()
    found = [one for one in seen if due(one) and (theirs(one) or (view != "deputy" and own(one)))]
    return [task.id for task in sorted(found, key=lambda task: (task.due_on or date.max, -task.priority, task.id))]


@pytest.mark.postgres
@pytest.mark.parametrize("view", ["mine", "deputy", "late", "today"])
def test_a_deputy_finds_counts_and_gets_next_what_is_theirs_to_do(town: bench_town.Town, view: str) -> None:
    actor, _ = deputising(town)
    expected = plainly_for_others(town, view)
    assert expected
    assert paged(actor, view) == expected
    with reading() as session:
        assert inbox.counts(session, actor).by_view[view] == min(len(expected), inbox.MOST + 1)
        assert inbox.next_task(session, actor, view) == expected[0]


@pytest.mark.postgres
def test_a_deputys_inbox_costs_three_questions_as_well(town: bench_town.Town) -> None:
    actor = replace(deputising(town)[0], kin=frozenset({"0" * 64}))
    assert len(bench_scale.sent(lambda: bench_scale.ask_inbox(actor, "deputy"))) == 3


@pytest.mark.postgres
def test_finished_tasks_are_paged_newest_first(town: bench_town.Town) -> None:
    actor = town.actor("bench0")
    with reading() as session:
        done = select(Task).where(Task.done_by == actor.key, Task.done_at >= clock.local(clock.now()).replace(day=1))
        expected = {task.id for task in session.scalars(done)}
    assert set(paged(actor, "done-month")) <= expected


@pytest.mark.postgres
def test_an_inbox_asks_three_questions_and_looks_at_no_finished_task(town: bench_town.Town) -> None:
    actor = town.actor("bench0")
    assert len(bench_scale.sent(lambda: bench_scale.ask_inbox(actor))) == 3
    rows = float(bench_scale.looked_at(lambda: bench_scale.ask_inbox(actor)).partition(" ")[0].replace(",", ""))
    assert rows < 500
