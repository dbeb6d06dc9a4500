"""A town's worth of rows on PostgreSQL: the inbox, the due timers and two pages at 10,000 and at 100,000 open tasks.

Two towns of ``bench_town`` on databases of their own, asked in turns: what slows the machine for a moment slows both.
The yardstick of each figure at 100,000 is the same at 10,000. What the database looked at (its own plan: rows and
pages) is given beside.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median, quantiles
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

from engine.core import db
from engine.core.actor import Actor
from engine.jobs import queue
from engine.queries import inbox
from engine.queries.common import calendar
from web.bench_people import Person, set_up, visiting
from web.bench_site import fresh, serving
from web.bench_town import Town

SMALL, LARGE, FINISHED = 10_000, 100_000, 1_000_000
ASKED = 60


@dataclass(frozen=True)
class Times:
    """Milliseconds: half were quicker than ``median``, 95 of 100 quicker than ``p95``."""

    median: float
    p95: float


@dataclass(frozen=True)
class Scale:
    """What was asked at one size, and how many statements an inbox takes; ``plans``: what the database looked at."""

    times: Mapping[str, Times]
    statements: int
    plans: Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """A town on its database; ``person`` is the clerk's browser, at a web server of its own."""

    engine: Engine
    town: Town
    person: Person
    clerk: Actor
    head: Actor
    case: int

    @property
    def rare(self) -> str:
        """A view of the head's that few tasks of the town belong to."""
        return f"view-{self.town.views[self.head.key]}"

    @property
    def own(self) -> str:
        """The same view of the clerk's."""
        return f"view-{self.town.views[self.clerk.key]}"


# What is asked of both towns.
QUESTIONS: Mapping[str, Callable[[Place], object]] = {
    "inbox": lambda place: ask_inbox(place.clerk),
    "inbox_of_all": lambda place: ask_inbox(place.head),
    "rare_view_of_all": lambda place: ask_inbox(place.head, place.rare),
    "timers": lambda _place: _timers(),
    "inbox_page": lambda place: place.person.get("/inbox"),
    "view_page": lambda place: place.person.get(f"/inbox?view={place.own}"),
    "case_page": lambda place: place.person.get(f"/cases/{place.case}"),
}
# Of these the statements are ours to explain.
IN_THIS_PROCESS = ("inbox", "inbox_of_all", "rare_view_of_all", "timers")


def measure(
    server: str, say: Callable[[str], None], sizes: tuple[int, int] = (SMALL, LARGE), finished: int = FINISHED
) -> tuple[Scale, Scale]:
    """Both sizes; a minute or more, most of it spent on filling the databases."""
    with ExitStack() as stack:
        keys = {"ANJU_KEYS": ",".join(f"{name}:{base64.b64encode(os.urandom(32)).decode()}" for name in ("k1", "hash"))}
        places = []
        for size in sizes:
            done = finished * size // max(sizes)
            say(f"写入 {size:,} 个待办和 {done:,} 个已办 …")
            places.append(stack.enter_context(_place(server, keys, size, done)))
        times = {name: _in_turns(places, ask) for name, ask in QUESTIONS.items()}
        small, large = (_scale(place, {name: times[name][at] for name in times}) for at, place in enumerate(places))
        return small, large


@contextmanager
def _place(server: str, keys: Mapping[str, str], open_tasks: int, finished: int) -> Iterator[Place]:
    """A town of that size. The process has one key ring, so every town has the same keys."""
    with ExitStack() as stack:
        site = stack.enter_context(fresh(server, keys))
        town = Town(set_up())
        web = stack.enter_context(serving(site))
        person = stack.enter_context(visiting(web.port, 0))
        town.fill(open_tasks, finished)
        yield Place(db.engine(), town, person, town.actor("bench0"), town.actor("head"), town.some_case())


def _in_turns(places: Sequence[Place], ask: Callable[[Place], object]) -> list[Times]:
    spent: list[list[float]] = [[] for _ in places]
    for number in range(8 + ASKED):
        for at, place in enumerate(places):
            db.use(place.engine)
            began = time.perf_counter()
            ask(place)
            if number >= 8:
                spent[at].append((time.perf_counter() - began) * 1000)
    return [Times(median(one), quantiles(one, n=100, method="inclusive")[94]) for one in spent]


def _scale(place: Place, times: Mapping[str, Times]) -> Scale:
    db.use(place.engine)
    plans = {name: looked_at(partial(QUESTIONS[name], place)) for name in IN_THIS_PROCESS}
    return Scale(times, len(sent(lambda: ask_inbox(place.clerk))), plans)


def ask_inbox(actor: Actor, view: str = "") -> None:
    """What an inbox page asks of the database: queues and views, counts, the list of one of them."""
    with db.reading() as session, calendar(session):
        found = inbox.counts(session, actor)
        inbox.tasks(session, actor, view or "role-first_review", "", found.around)


def _timers() -> None:
    """A worker's look for what is due, and its taking of a timer; nothing of it is kept."""
    with Session(db.engine()) as session:
        queue.due_kinds(session)
        queue.claim(session, "bench", 1, ("timer",))
        session.rollback()


# --- what the database did --------------------------------------------------------------------------------------


def sent(work: Callable[[], object]) -> list[tuple[str, Any]]:
    """The statements of the inbox itself: the calendar's are those of every page."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Connection, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith(("SELECT", "WITH")) and " office_day" not in statement:
            seen.append((statement, parameters))

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)
    return seen


def looked_at(work: Callable[[], object]) -> str:
    """Rows and pages that the statements of ``work`` made the database look at, and the time it took them."""
    rows, pages, spent = 0.0, 0, 0.0
    for statement, parameters in sent(work):
        with db.engine().connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
            whole = plan.scalar_one()[0]
            connection.rollback()
        spent += whole["Planning Time"] + whole["Execution Time"]
        pages += whole["Plan"]["Shared Hit Blocks"] + whole["Plan"]["Shared Read Blocks"]
        rows += sum(_scanned(whole["Plan"]))
    return f"{rows:,.0f} rows, {pages:,} pages, {spent:.1f} ms in the database"


def _scanned(node: dict[str, Any]) -> Iterator[float]:
    if node["Node Type"].endswith("Scan") and "Relation Name" in node:
        yield (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    for inner in node.get("Plans", []):
        yield from _scanned(inner)
