"""Named views as statements: conditions of the closed language, their counts in one bounded look, their pages in order.

All views of a person are counted in one pass over at most ``LOOKED`` open tasks of their offices; where there are more,
the numbers are what was found among those («12+»). A page reads each office in the order of ``ix_task_open``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    Subquery,
    and_,
    any_,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union,
)

from engine.cases.case import Case
from engine.cases.colleagues import StaffMessage
from engine.cases.desk import TaskSeen
from engine.cases.view_spec import Spec
from engine.cases.work import Task
from engine.core import clock, workdays
from engine.core.types import UtcDateTime
from engine.registers.accounts import CitizenAccount

# Looked at in every inbox, so no more than people count at a glance.
LOOKED = 1_000
# A search is for somebody one knows: more cases than this are not what was meant.
FOUND = 300
NEVER = literal_column("'9999-12-31'", Date)
_NOBODY: ColumnElement[str] = literal_column("''")
_ME = bindparam("me", type_=String)


def moments(yellow_days: int) -> dict[str, Any]:
    """The days and moments that conditions speak of. Inside ``calendar``."""
    today, now = clock.today(), clock.now()
    day = clock.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    soon = workdays.current().add(today, yellow_days) if yellow_days else today
    ago = {f"ago_{days}": day - timedelta(days=days) for days in (0, 3, 6, 7, 30)}
    return {"today": today, "soon": soon, **ago}


def _day(name: str) -> ColumnElement[date]:
    return bindparam(name, type_=Date)


def _ago(days: int) -> ColumnElement[datetime]:
    return bindparam(f"ago_{days}", type_=UtcDateTime)


Test = Callable[[Any], ColumnElement[bool]]
_DUE: dict[str, Test] = {
    "late": lambda task: task.due_on < _day("today"),
    "today": lambda task: task.due_on == _day("today"),
    "soon": lambda task: (task.due_on > _day("today")) & (task.due_on <= _day("soon")),
    "later": lambda task: task.due_on > _day("soon"),
    "none": lambda task: task.due_on.is_(None),
}
_CREATED: dict[str, Test] = {
    "today": lambda task: task.created_at >= _ago(0),
    "week": lambda task: task.created_at >= _ago(6),
    "older3": lambda task: task.created_at < _ago(3),
    "older7": lambda task: task.created_at < _ago(7),
    "older30": lambda task: task.created_at < _ago(30),
}
_PRIORITY: dict[str, Test] = {
    "high": lambda task: task.priority > literal_column("50"),
    "normal": lambda task: task.priority == literal_column("50"),
    "low": lambda task: task.priority < literal_column("50"),
}


def told(kind: str) -> Select[int]:
    """The cases about which the person has unread messages of a kind."""
    mine = (StaffMessage.to_key == _ME, StaffMessage.read_at.is_(None))
    return select(StaffMessage.case_id).where(*mine, StaffMessage.kind == literal_column(f"'{kind}'"))


_MARK: dict[str, Test] = {
    "unread": lambda task: task.id.not_in(select(TaskSeen.task_id).where(TaskSeen.staff_key == _ME)),
    "mention": lambda task: task.case_id.in_(told("mention")),
    "copied": lambda task: task.case_id.in_(told("copy")),
    "warned": lambda task: task.alarm != _NOBODY,
    "urged": lambda task: task.urged > literal_column("0"),
    "returned": lambda task: task.mark.in_(("returned", "came_back", "taken_back", "reopened")),
    "delegated": lambda task: task.mark.in_(("delegated", "answered")),
    "transferred": lambda task: task.mark == literal_column("'transferred'"),
    "added": lambda task: task.kind != literal_column("'normal'"),
}
_BY_CHOICE = {"due": _DUE, "created": _CREATED, "priority": _PRIORITY, "mark": _MARK}
_BY_VALUE = {
    "item": "item",
    "step": "element_id",
    "role": "role",
    "stage": "stage",
    "channel": "channel",
    "office": "office_id",
}


def condition(spec: Spec, task: Any) -> ColumnElement[bool]:
    """What a view asks of the columns of ``task``."""
    return and_(literal_column("1") == literal_column("1"), *(_of(task, *one) for one in spec.filters))


def _of(task: Any, field: str, values: tuple[str, ...]) -> ColumnElement[bool]:
    if field in _BY_CHOICE:
        return or_(*(_BY_CHOICE[field][value](task) for value in values))
    if field == "assignee":
        return or_(*(_assigned(task, value) for value in values))
    column = getattr(task, _BY_VALUE[field])
    given: list[Any] = [int(value) for value in values] if field == "office" else list(values)
    return column == given[0] if len(given) == 1 else column.in_(given)


def _assigned(task: Any, value: str) -> ColumnElement[bool]:
    others = (task.assignee != _NOBODY) & (task.assignee != _ME)
    fixed = {"me": (task.assignee != _NOBODY) & (task.assignee == _ME), "free": task.assignee == _NOBODY}
    return {**fixed, "others": others}.get(value, task.assignee == value)


def order(sort: str, task: Any) -> tuple[ColumnElement[Any], ...]:
    """The columns a view is ordered by; ids tell the age of tasks."""
    urgent = (task.due_on.nulls_last(), task.priority.desc(), task.id)
    kinds = {"oldest": (task.id,), "newest": (task.id.desc(),), "priority": (task.priority.desc(), *urgent[::2])}
    return kinds.get(sort, urgent)


def behind(sort: str, task: Any) -> ColumnElement[bool]:
    """What follows a row in that order: parameters after_day, after_priority, after_id."""
    number, priority = bindparam("after_id", type_=BigInteger), -bindparam("after_priority", type_=BigInteger)
    if sort == "oldest":
        return task.id > number
    if sort == "newest":
        return task.id < number
    day = bindparam("after_day", type_=Date)
    due = func.coalesce(task.due_on, NEVER)
    if sort == "priority":
        return tuple_(-task.priority, due, task.id) > tuple_(priority, day, number)
    return tuple_(due, -task.priority, task.id) > tuple_(day, priority, number)


def within(column: Any, name: str, type_: Any, lists: bool) -> ColumnElement[bool]:
    """Whether the column is one of a parameter's values; as one array where the database has them (``lists``)."""
    if lists:
        return column == any_(bindparam(name, type_=ARRAY(type_)))
    return column.in_(bindparam(name, type_=type_, expanding=True))


def tally(specs: Sequence[tuple[str, Spec]], lists: bool) -> Subquery:
    """One row: of every view how many of the tasks looked at it holds, and (``looked``) how many were looked at."""
    columns = ("id", "item", "element_id", "office_id", "role", "assignee", "due_on", "stage", "channel", "created_at")
    marks = ("priority", "urged", "mark", "kind", "alarm", "case_id")
    looked = select(*(getattr(Task, name) for name in (*columns, *marks))).where(Task.state == literal_column("'open'"))
    most = literal_column(str(LOOKED + 1), Integer)
    if lists:
        # Office by office, or PostgreSQL reads the table from some place on: open tasks lie together at its end.
        each = func.unnest(bindparam("offices", type_=ARRAY(BigInteger))).table_valued("one").render_derived()
        of_one = looked.where(Task.office_id == each.c.one).correlate(each).limit(most)
        inner = of_one.lateral()
        seen = select(inner).select_from(each.join(inner, true())).limit(most).subquery("looked_at")
    else:
        seen = looked.where(within(Task.office_id, "offices", BigInteger, lists)).limit(most).subquery("looked_at")
    numbers = (func.count().filter(condition(spec, seen.c)).label(name) for name, spec in specs)
    return select(*numbers, func.count().label("looked")).select_from(seen).subquery("tallied")


@cache
def found_cases(asks_number: bool) -> Select[int]:
    """Ids of cases by number (also its beginning), full name, ID number or phone; each part reads its own index.

    Parameters: digests, offices, and where a number is asked for ``number`` and ``number_like``.
    """
    digests = bindparam("digests", type_=String, expanding=True)
    here = Case.office_id.in_(bindparam("search_offices", type_=BigInteger, expanding=True))
    phone = select(literal("citizen:") + cast(CitizenAccount.id, String)).where(
        CitizenAccount.phone_digest.in_(digests)
    )
    parts: list[Any] = [
        select(Case.id).where(Case.name_digest != _NOBODY, Case.name_digest.in_(digests), here),
        select(Case.id).where(Case.subject_digest != _NOBODY, Case.subject_digest.in_(digests), here),
        select(Case.id).where(Case.applicant_key != _NOBODY, Case.applicant_key.in_(phone), here),
    ]
    if asks_number:
        like = Case.number.like(bindparam("number_like", type_=String), escape="\\")
        parts.append(select(Case.id).where(like, here))
    limited = [select(part.limit(literal_column(str(FOUND))).subquery()) for part in parts]
    return select(union(*limited).subquery().c.id)
