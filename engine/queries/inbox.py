"""The inbox: queues with counts, the list of one queue, the task that comes next. Indexed rows only, no workflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from engine.cases.desk import TaskSeen
from engine.cases.view_spec import USUAL, Spec
from engine.cases.work import Task
from engine.core import clock, idnum, secrets
from engine.core.actor import Actor
from engine.core.db import for_update
from engine.queries import inbox_sql
from engine.queries.inbox_around import OPEN_TO_ALL, Around, View, around
from engine.queries.inbox_deputy import reach_of
from engine.queries.inbox_filter import LOOKED, moments
from engine.queries.inbox_line import TaskLine, line_of
from engine.queries.inbox_sql import MOST, PAGE

TITLES = {
    "mine": "待我办理",
    "deputy": "代理的",
    "late": "已超时",
    "today": "今日到期",
    "supplement": "等待补正",
    "done-today": "今天办结的任务",
    "done-month": "本月办结的任务",
}
SEARCH = "search"


@dataclass(frozen=True)
class Counts:
    """How many tasks each view holds: view key → number, exact up to ``MOST``; of more only that (``MOST`` + 1).

    Of named views (``view-<id>``) the number is what the tasks looked at hold; ``partly``: there are tasks that nobody
    looked at, so that it may be more. ``around`` says what the views are.
    """

    by_view: Mapping[str, int]
    around: Around
    partly: bool = False

    @property
    def roles(self) -> Mapping[str, str]:
        """The queues of the actor in their order: role → name."""
        return self.around.roles

    def shown(self, view: str) -> str:
        """A count as a person reads it: ``12``, ``999+``, of a named view also ``12+``; empty where none was made."""
        number = self.by_view.get(view)
        if number is None:
            return ""
        more = self.partly and view.startswith("view-")
        return f"{min(number, MOST)}+" if number > MOST or more else str(number)


@dataclass(frozen=True)
class TaskList:
    """One page of a view: what follows ``after`` (empty: the first page); ``following`` leads to the next, or empty.

    ``words`` is what was searched for (view ``search``), ``spec`` how the view is ordered and coloured.
    """

    view: str
    title: str
    lines: list[TaskLine]
    after: str
    following: str
    spec: Spec = USUAL
    words: str = ""


def queues(session: Session, actor: Actor) -> Mapping[str, str]:
    """Role → its name, for the roles of the actor that tasks are handed to."""
    return around(session, actor).roles


def counts(session: Session, actor: Actor) -> Counts:
    """Two statements, whatever the number of views. Inside ``calendar``."""
    found = around(session, actor)
    views = tuple((view.key, view.spec) for view in found.views)
    query = inbox_sql.counts(len(found.roles), for_update(session), views, reach_of(actor)[0])
    day, month = _today_and_month()
    values = {**_values(actor, found), "day_start": day, "month_start": month}
    values |= {f"queue_{number}": role for number, role in enumerate(found.roles)}
    row = session.execute(query, values).one()._mapping
    numbers = {view: min(int(row[view]), MOST + 1) for view in TITLES}
    numbers |= {f"role-{role}": int(row[f"role-{number}"]) for number, role in enumerate(found.roles)}
    numbers |= {key: int(row[key]) for key, _ in views}
    return Counts(numbers, found, bool(views) and int(row["looked"]) > LOOKED)


def tasks(
    session: Session, actor: Actor, view: str, after: str = "", found: Around | None = None, words: str = ""
) -> TaskList:
    """One page of a view, in its order; an unknown view is one's own. Inside ``calendar``.

    ``after`` is what the page before said as ``following``; ``found`` spares asking for the actor's queues again.
    With ``words`` it is a search in all open tasks one may see: case number (also its beginning), full name, ID number
    or phone of the applicant.
    """
    found = around(session, actor) if found is None else found
    view = SEARCH if words else _known(view, found)
    spec = _spec(view, found)
    kind, values = _asked(actor, view, found, words)
    behind = _behind(kind, after)
    query = inbox_sql.page(kind, bool(behind), for_update(session), spec, reach_of(actor)[0])
    rows = session.execute(query, {**values, **behind}).all()
    lines = [line_of(actor, spec, row) for row in rows[:PAGE]]
    following = _mark(kind, rows[PAGE - 1][0]) if len(rows) > PAGE else ""
    return TaskList(view, title_of(view, found), lines, after if behind else "", following, spec, words)


def next_task(session: Session, actor: Actor, view: str) -> int | None:
    """The id of the first task of a view that one need not keep away from; at most two statements."""
    if view.startswith("done-"):
        return None
    role = view.removeprefix("role-")
    if view in ("late", "today") or view.startswith("view-"):
        found = around(session, actor)
    else:
        # Any other view says itself what it holds.
        found = Around({role: role} if role == OPEN_TO_ALL or actor.has(role) else {})
    view = _known(view, found)
    kind, values = _asked(actor, view, found, "")
    query = inbox_sql.first(kind, for_update(session), _spec(view, found), reach_of(actor)[0])
    return session.scalar(query, values)


def is_unread(session: Session, actor: Actor, task_id: int) -> bool:
    """Whether the actor has never opened the task."""
    return session.get(TaskSeen, (actor.key, task_id)) is None


def title_of(view: str, found: Around) -> str:
    """How a view is called."""
    named = found.view(view)
    if view == SEARCH:
        return "查找结果"
    return named.title if named else TITLES.get(view) or found.roles[view.removeprefix("role-")]


def default_view(found: Counts) -> str:
    """Where a person lands: their own tasks, else the first queue with work, else that of those they stand in for."""
    queued = [f"role-{role}" for role in found.roles]
    return next((view for view in ["mine", *queued, "deputy"] if found.by_view[view]), "mine")


def _known(view: str, found: Around) -> str:
    there = view in TITLES or found.view(view) or (view.startswith("role-") and view[5:] in found.roles)
    return view if there else "mine"


def _spec(view: str, found: Around) -> Spec:
    named: View | None = found.view(view)
    return named.spec if named else USUAL


def _asked(actor: Actor, view: str, found: Around, words: str) -> tuple[str, dict[str, Any]]:
    """A view as the kind of statement and its parameters."""
    values = _values(actor, found)
    if view == SEARCH:
        return _searched(words, values)
    if view in ("done-today", "done-month"):
        return "done", {**values, "since": _today_and_month()[view == "done-month"]}
    if view in TITLES:
        return view, values
    if found.view(view):
        return "view", values
    return "role", {**values, "role": view.removeprefix("role-")}


def _searched(words: str, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Names and numbers lie encrypted: they are found by their keyed hashes, so only when given in full."""
    text = words.strip()
    digests = sorted({secrets.digest(text), secrets.digest(idnum.normal(text))})
    asked = {**values, "digests": digests, "search_offices": values["offices"]}
    if not (text.isascii() and len(text) >= SHORTEST):
        return "found", asked
    return "found-number", {**asked, "number_like": text.upper().translate(_LITERALLY) + "%"}


SHORTEST = 4
_LITERALLY = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


def _values(actor: Actor, found: Around) -> dict[str, Any]:
    who: dict[str, Any] = {"me": actor.key, "offices": list(actor.offices), "roles": list(found.roles)}
    return who | reach_of(actor)[1] | moments(found.yellow_days)


def _mark(kind: str, last: Task) -> str:
    """Where a page ended: ``2026-11-02.50.123``, ``-.50.123`` without a day; of done tasks moment and id."""
    if kind == "done":
        return f"{last.done_at.isoformat() if last.done_at else ''}.{last.id}"
    return f"{last.due_on or '-'}.{last.priority}.{last.id}"


def _behind(kind: str, after: str) -> dict[str, Any]:
    """The parameters of a mark; nothing where it is none of this kind of view."""
    try:
        first, *middle, last = after.rsplit(".", 1 if kind == "done" else 2)
        if kind == "done":
            return {"after_moment": datetime.fromisoformat(first).astimezone(UTC), "after_id": _whole(last)}
        day = date.max if first == "-" else date.fromisoformat(first)
        return {"after_day": day, "after_priority": _whole(*middle), "after_id": _whole(last)}
    except (ValueError, TypeError):
        return {}


def _whole(text: str) -> int:
    number = int(text)
    if abs(number) >= 2**63:
        raise ValueError(text)
    return number


def _today_and_month() -> tuple[datetime, datetime]:
    today = clock.local(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    return today, today - timedelta(days=today.day - 1)
