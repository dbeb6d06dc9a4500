"""A sample of the load: what one completion asks of the database, and eight people on one case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import select

from engine.commands import dispatch
from engine.commands.cases import StartCase
from engine.core import db
from engine.registers.offices import StaffUser, staff_actor
from tests.conftest import POSTGRES, postgres_absent
from web import bench_load, bench_people
from web.bench_site import Site, fresh, serving


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    if why := postgres_absent():
        pytest.skip(why)
    before = db._engine
    with fresh(f"postgresql+psycopg://postgres@{POSTGRES['host']}:{POSTGRES['port']}/postgres") as made:
        bench_people.set_up()
        yield made
    db.use(before)


@pytest.mark.postgres
def test_completing_a_task_takes_four_statements_and_one_commit(site: Site) -> None:
    with db.reading() as session:
        clerk = session.scalars(select(StaffUser.id).where(StaffUser.login == "bench0")).one()
        actor = staff_actor(session, clerk)
    assert actor is not None
    for number in range(6):
        answers = bench_people.application_of(1000 + number)
        dispatch(StartCase(bench_people.ITEM, answers, "counter", actor.office_id), actor)
    statements, commits = bench_load.statements_per_task(site, bench_load.open_tasks("first_review"))
    assert commits == 1
    assert statements <= 4, "who, lock, variables, writes"


@pytest.mark.postgres
@pytest.mark.slow
def test_people_apply_review_and_crowd_on_one_case_and_nothing_is_lost(site: Site) -> None:
    with ExitStack() as stack:
        web = stack.enter_context(serving(site))
        people = range(bench_people.PEOPLE)
        work = bench_load.Work([stack.enter_context(bench_people.visiting(web.port, number)) for number in people])
        before = bench_load.closed()
        work.apply(8)
        work.review("first_review", 0)
        work.review("second_review", 1)
        assert bench_load.closed() >= before + 8
        assert bench_load.crowd(work)[0] == []
        assert bench_load.crowd(work, 100)[0] == []
        assert bench_load.closed() >= before + 10
