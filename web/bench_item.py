"""What an item of the demo costs from the counter to the notice, its operations and other parties included."""

from __future__ import annotations

import http.cookiejar
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter, thread_time
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, OpenerDirector, build_opener

import orjson
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, event, insert, text

from engine.cases.work import Task
from engine.commands import dispatch
from engine.commands.tasks import CompleteTask
from engine.core import db
from engine.core.errors import Refused
from web import demo_data
from web.bench_office import BenchOffice, office
from web.bench_values import Value, of

# The statements a completed task may cost.
SQL_AIM = 12
# A task that only goes on to the next person; the others also do what operations of the registers cost.
HANDOVER = "second_review"
ROUNDS = 3
STARTED_A_ROUND = 12
FINISHED_A_ROUND = 2
POSTED_A_ROUND = 12
PASS = {"review_result": "pass", "review_opinion": "同意"}
# Who does which task of a case that is granted, with which answers.
STEPS = (
    ("accept", "liuyang", {"accept_result": "accepted"}),
    ("first_review", "wangmin", PASS),
    ("second_review", "chenhao", PASS),
    ("approve", "zhaoling", PASS),
    ("confirm", "zhaoling", {"publicity_confirmed": True}),
)


def measure(server: str | None) -> dict[str, Value]:
    """On SQLite, or on the PostgreSQL server of this address."""
    with office(server) as one:
        inserts, insert_cpu = _bare_inserts()
        _finish_a_case(one, [])  # models are read and compiled once
        before = _stored_bytes()
        rounds: list[list[_Cost]] = []
        for _ in range(ROUNDS):
            costs: list[_Cost] = []
            for _ in range(FINISHED_A_ROUND):
                _finish_a_case(one, costs)
            rounds.append(costs)
        grown = (_stored_bytes() - before) / (ROUNDS * FINISHED_A_ROUND)
        typed = len(orjson.dumps(one.answers(seeded=True)))
        started = median(_started(one) for _ in range(ROUNDS))
        posts, gets = _over_http(one)
        every = [cost for costs in rounds for cost in costs]
        a_second = median(len(costs) / sum(cost.seconds for cost in costs) for costs in rounds)
        handovers = [cost for cost in every if cost.element == HANDOVER]
        cpu = median(sum(cost.cpu for cost in costs) / len(costs) for costs in rounds)
        return {
            "started_cases": of(started, "1/s", inserts),
            "completed_tasks": of(a_second, "1/s", inserts),
            "http_task_p50": of(_percentile(posts, 50), "ms", _percentile(gets, 50)),
            "http_task_p95": of(_percentile(posts, 95), "ms", _percentile(gets, 95)),
            "cpu_per_task": of(cpu * 1000, "ms", insert_cpu * 1000),
            "sql_per_task": of(_statements(every), "statements", SQL_AIM),
            "sql_per_handover": of(_statements(handovers), "statements", SQL_AIM),
            "bytes_per_finished_case": of(grown, "bytes", typed),
        }


def _statements(costs: list[_Cost]) -> float:
    return sum(cost.statements for cost in costs) / len(costs)


@dataclass(frozen=True)
class _Cost:
    element: str
    seconds: float
    cpu: float
    statements: int


def _finish_a_case(one: BenchOffice, costs: list[_Cost]) -> None:
    """One case from the counter to its end; what its five tasks cost is added to ``costs``."""
    case_id = one.start(one.answers(seeded=True))
    for element, who, answers in STEPS:
        task = one.open_task(case_id)
        if task.element_id != element:
            raise Refused(f"测量用的办件应在 {element}，现在 {task.element_id}", code="bench_stuck")
        with _counted() as statements:
            began, cpu = perf_counter(), thread_time()
            dispatch(CompleteTask(task.id, answers, task.version), one.staff[who])
            costs.append(_Cost(element, perf_counter() - began, thread_time() - cpu, len(statements)))
    one.finish(case_id)


def _started(one: BenchOffice) -> float:
    """Cases a second."""
    typed = [one.answers(seeded=False) for _ in range(STARTED_A_ROUND)]
    began = perf_counter()
    for answers in typed:
        one.start(answers)
    return len(typed) / (perf_counter() - began)


@contextmanager
def _counted() -> Iterator[list[str]]:
    """The statements sent meanwhile; those that begin or end a transaction or a savepoint are not counted."""
    seen: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            seen.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)


_BARE = Table("bench_row", MetaData(), Column("id", Integer, primary_key=True), Column("words", String(100)))


def _bare_inserts(count: int = 200) -> tuple[float, float]:
    """The yardstick of the database: transactions a second that insert one row, and CPU seconds of one."""
    _BARE.metadata.create_all(db.engine())
    rates, cpus = [], []
    for _ in range(ROUNDS):
        began, cpu = perf_counter(), thread_time()
        for _ in range(count):
            with db.transaction() as session:
                session.execute(insert(_BARE).values(words="住房保障"))
        rates.append(count / (perf_counter() - began))
        cpus.append((thread_time() - cpu) / count)
    _BARE.metadata.drop_all(db.engine())
    return median(rates), median(cpus)


def _stored_bytes() -> float:
    """What the database takes up when nothing is left lying about."""
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("VACUUM FULL"))
            return float(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    with db.engine().connect() as connection:
        pages, free, size = (
            int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
            for name in ("page_count", "freelist_count", "page_size")
        )
        return float((pages - free) * size)


# --- over HTTP --------------------------------------------------------------------------------------------------


class _Stay(HTTPRedirectHandler):
    """The answer to a submit is what is measured, not the page it leads to."""

    def redirect_request(self, *_: object) -> None:
        return None


def _over_http(one: BenchOffice) -> tuple[list[float], list[float]]:
    """Milliseconds of completing a task, and of a page that does next to nothing, by the real server."""
    browser = _signed_in(one)
    posts, gets = [], []
    for number in range(ROUNDS * POSTED_A_ROUND + 2):
        task = _accept_task(one)
        form = {"csrf_token": _token(browser, f"{one.url}/tasks/{task.id}"), "version": str(task.version)}
        form["answers"] = json.dumps({"accept_result": "accepted"})
        began = perf_counter()
        status = _status(browser, f"{one.url}/tasks/{task.id}", form)
        took = perf_counter() - began
        if status != 303:
            raise Refused(f"测量时提交任务得到 {status}", code="bench_stuck")
        began = perf_counter()
        _status(browser, f"{one.url}/health")
        if number >= 2:  # the first two warm the server up
            posts.append(took * 1000)
            gets.append((perf_counter() - began) * 1000)
    return posts, gets


def _accept_task(one: BenchOffice) -> Task:
    case_id = one.start(one.answers(seeded=False))
    with db.reading() as session:
        return session.query(Task).filter_by(case_id=case_id, state="open").one()


def _signed_in(one: BenchOffice) -> OpenerDirector:
    browser = build_opener(HTTPCookieProcessor(http.cookiejar.CookieJar()), _Stay())
    form = {"csrf_token": _token(browser, f"{one.url}/login"), "login": "liuyang", "password": demo_data.PASSWORD}
    if _status(browser, f"{one.url}/login", form) not in (302, 303):
        raise Refused("测量时无法登录", code="bench_stuck")
    return browser


def _token(browser: OpenerDirector, url: str) -> str:
    with browser.open(url, timeout=30) as page:
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.read().decode())
    if found is None:
        raise Refused(f"页面 {url} 上没有表单", code="bench_stuck")
    return found[1]


def _status(browser: OpenerDirector, url: str, form: dict[str, str] | None = None) -> int:
    try:
        with browser.open(url, urlencode(form).encode() if form else None, timeout=30) as page:
            page.read()
            status: int = page.status
            return status
    except HTTPError as answer:
        return answer.code


def _percentile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]
