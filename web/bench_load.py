"""Eight people at work on two web processes and PostgreSQL: apply → decision → gateway → two reviews, over real HTTP.

Everything is what a browser does: log-in, session, form token, permission checks. Counted are the web processes' and
the database backends' CPU (from ``/proc``), and statements and transactions (of the same requests, answered in this
process). The yardstick of the throughput is the page that does nothing, asked by the same eight people; of the
CPU, a bare transaction that inserts one row.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from sqlalchemy import Connection, event, func, select, text

from engine.cases.case import Case
from engine.cases.work import Task
from engine.core import db, ids
from engine.core.errors import Refused
from web import app as application
from web.bench_people import PASSWORD, PEOPLE, Person, application_of, set_up, token_of, visiting
from web.bench_site import Site, fresh, serving

PROCESSES, WARM_UP = 2, 24
PASS = {"review_result": "pass", "review_opinion": "材料齐全，情况属实，同意"}
TICK = os.sysconf("SC_CLK_TCK")


# --- counting ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spent:
    """What a stretch of work took: seconds, CPU seconds of the web and of the database."""

    seconds: float
    web: float
    database: float

    @property
    def cpu(self) -> float:
        return self.web + self.database


class Meter:
    """Reads the clocks of the web processes and of the backends of our database."""

    def __init__(self, webs: Sequence[int]) -> None:
        self._webs = webs
        with db.engine().connect() as own:
            self._own = int(own.scalar(text("SELECT pg_backend_pid()")) or 0)

    def during(self, work: Callable[[], object]) -> Spent:
        """What ``work`` takes."""
        backends = self._backends()
        web, database, began = _cpu(self._webs), _cpu(backends), time.perf_counter()
        work()
        seconds = time.perf_counter() - began
        return Spent(seconds, _cpu(self._webs) - web, _cpu(backends) - database)

    def _backends(self) -> list[int]:
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with db.engine().connect() as connection:
            return [int(pid) for pid in connection.scalars(text(query)) if pid != self._own]


def _cpu(pids: Sequence[int]) -> float:
    """CPU seconds of processes, their threads included. Raises ``OSError`` where one is gone or not of this machine."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements this process sends meanwhile, and ``COMMIT`` for each transaction it keeps."""
    seen: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            seen.append(statement)

    def kept(_connection: Connection) -> None:
        seen.append("COMMIT")

    event.listen(db.engine(), "before_cursor_execute", note)
    event.listen(db.engine(), "commit", kept)
    try:
        yield seen
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)
        event.remove(db.engine(), "commit", kept)


# --- the work ---------------------------------------------------------------------------------------------------


def together(staff: Sequence[Person], work: Sequence[object], do: Callable[[Person, object], int]) -> list[int]:
    """Everybody does their share at the same time; gives what was not answered as it should (303)."""
    wrong: list[int] = []

    def share(number: int) -> None:
        for one in work[number :: len(staff)]:
            status = do(staff[number], one)
            if status != 303:
                wrong.append(status)

    threads = [threading.Thread(target=share, args=(number,)) for number in range(len(staff))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def look(staff: Sequence[Person], pages: Sequence[str]) -> None:
    """Everybody looks at their share of the pages."""
    _no(together(staff, pages, lambda who, page: 303 if who.get(str(page)) else 0))


def open_tasks(element: str) -> list[int]:
    """The ids of the open tasks of an element, oldest first."""
    query = select(Task.id).where(Task.element_id == element, Task.state == "open").order_by(Task.case_id, Task.id)
    with db.reading() as session:
        return list(session.scalars(query))


def _no(wrong: list[int]) -> None:
    if wrong:
        raise Refused(f"测量时有 {len(wrong)} 次提交没有成功：{sorted(set(wrong))}", code="bench_stuck")


class Work:
    """The rounds of one run; people do first and second reviews of different cases, as the item demands."""

    def __init__(self, staff: Sequence[Person]) -> None:
        self.staff = staff
        self.applied = 0

    def apply(self, count: int) -> None:
        numbers = range(self.applied, self.applied + count)
        self.applied += count
        _no(together(self.staff, list(numbers), lambda who, number: who.apply(application_of(int(str(number))))))

    def review(self, element: str, turned: int) -> None:
        """Everybody completes their share; ``turned`` shifts the shares, so that nobody reviews a case twice."""
        staff = [*self.staff[turned:], *self.staff[:turned]]
        _no(together(staff, open_tasks(element), lambda who, task: who.complete(int(str(task)), PASS)))

    def round(self, meter: Meter, cases: int) -> Round:
        """So many cases, each step of all before the next."""
        return Round(
            cases,
            meter.during(lambda: self.apply(cases)),
            meter.during(lambda: self.review("first_review", 0)),
            meter.during(lambda: self.review("second_review", 1)),
        )


def closed() -> int:
    """How many cases have come to their end."""
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(Case).where(Case.outcome == "granted")) or 0


@dataclass(frozen=True)
class Round:
    """Some cases from their application to their end."""

    cases: int
    apply: Spent
    first: Spent
    second: Spent

    @property
    def rate(self) -> float:
        """Completed tasks a second."""
        return 2 * self.cases / (self.first.seconds + self.second.seconds)

    @property
    def cpu_per_task(self) -> float:
        return (self.first.cpu + self.second.cpu) / (2 * self.cases)

    @property
    def cpu_per_case(self) -> float:
        return (self.apply.cpu + self.first.cpu + self.second.cpu) / self.cases


@dataclass(frozen=True)
class Load:
    """The figures of one run; of the rounds the medians."""

    rate: float
    idle_rate: float
    cpu_per_task: float
    cpu_per_case: float
    bare_cpu: float
    statements: float
    commits: float
    bytes_per_case: float
    typed: float
    idle_cpu: float
    inbox_cpu: float
    page_cpu: float
    crowd: list[int]
    hundred: tuple[list[int], float]


def measure(server: str, cases: int = 160, rounds: int = 5) -> Load:
    """One run on the PostgreSQL server of this address. Raises ``Refused`` where a page or a form does not work."""
    with ExitStack() as stack:
        site = stack.enter_context(fresh(server))
        set_up()
        webs = [stack.enter_context(serving(site)) for _ in range(PROCESSES)]
        staff = [stack.enter_context(visiting(webs[number % PROCESSES].port, number)) for number in range(PEOPLE)]
        work, meter = Work(staff), Meter([web.pid for web in webs])
        work.apply(WARM_UP)
        work.review("first_review", 0)
        work.review("second_review", 1)
        before = stored_bytes()
        done = [work.round(meter, cases) for _ in range(rounds)]
        grown = (stored_bytes() - before) / (cases * rounds)
        if closed() != WARM_UP + cases * rounds:
            raise Refused(f"测量的 {WARM_UP + cases * rounds} 个办件只办结了 {closed()} 个", code="bench_stuck")
        idle = meter.during(partial(look, staff, ["/health"] * cases))
        work.apply(60)
        shown = open_tasks("first_review")
        inbox = meter.during(partial(look, staff, ["/inbox"] * 120))
        look(staff, [f"/tasks/{task}" for task in shown[:WARM_UP]])
        page = meter.during(partial(look, staff, [f"/tasks/{task}" for task in shown]))
        statements, commits = statements_per_task(site, shown[:10])
        return Load(
            rate=median(one.rate for one in done),
            idle_rate=cases / idle.seconds,
            cpu_per_task=median(one.cpu_per_task for one in done),
            cpu_per_case=median(one.cpu_per_case for one in done),
            bare_cpu=bare_transaction(meter),
            statements=statements,
            commits=commits,
            bytes_per_case=grown,
            typed=len(json.dumps(application_of(0), ensure_ascii=False).encode()),
            idle_cpu=idle.cpu / cases,
            inbox_cpu=inbox.cpu / 120,
            page_cpu=page.cpu / len(shown),
            crowd=crowd(work)[0],
            hundred=crowd(work, 100),
        )


def crowd(work: Work, size: int = PEOPLE) -> tuple[list[int], float]:
    """Eight people hand in on one case that waits for ``size`` of them at once: what failed, and how many a second.

    Raises ``Refused`` where all was taken and the case did not end: then something was lost.
    """
    before, number = closed(), work.applied
    work.applied += 1
    _no([status for status in [work.staff[0].apply(application_of(number, 26_000, size))] if status != 303])
    tasks = open_tasks("joint_review")
    began = time.perf_counter()
    wrong = together(work.staff, tasks, lambda who, task: who.complete(int(str(task)), PASS))
    seconds = time.perf_counter() - began
    if len(tasks) != size or (not wrong and closed() != before + 1):
        raise Refused(f"{size} 人同时办理的办件没有走到底", code="bench_stuck")
    return wrong, size / seconds


def statements_per_task(site: Site, tasks: Sequence[int]) -> tuple[float, float]:
    """Statements and commits of one completion, from the first look at the session to the way to the next page."""
    app = application.create_app(parts=site.parts)
    browser = app.test_client()
    token = token_of(browser.get("/login").get_data(as_text=True))
    browser.post("/login", data={"csrf_token": token, "login": "bench0", "password": PASSWORD})
    token = token_of(browser.get("/inbox").get_data(as_text=True))
    statements, commits = [], []
    for task in tasks:
        form = {"csrf_token": token, "version": "1", "answers": json.dumps(PASS)}
        with counted() as seen:
            status = browser.post(f"/tasks/{task}", data=form).status_code
        _no([status] if status != 303 else [])
        commits.append(seen.count("COMMIT"))
        statements.append(len(seen) - commits[-1])
    return float(median(statements)), float(median(commits))


def bare_transaction(meter: Meter, count: int = 300) -> float:
    """CPU seconds of a transaction that inserts one row: of this process and of the database."""
    with db.transaction() as session:
        session.execute(text("CREATE TABLE bench_row (id bigint PRIMARY KEY, words text)"))

    def insert() -> None:
        for _ in range(count):
            with db.transaction() as session:
                session.execute(text("INSERT INTO bench_row VALUES (:id, :words)"), {"id": ids.new(), "words": "住房"})

    began = time.process_time()
    spent = meter.during(insert)
    return (time.process_time() - began + spent.database) / count


def stored_bytes() -> float:
    """What the database takes up when nothing is left lying about."""
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM FULL"))
        return float(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
