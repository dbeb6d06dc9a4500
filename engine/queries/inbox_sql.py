"""The inbox's statements: bounded counts, and the most urgent tasks of a view read off partial indexes.

Conditions on the state and on who has a task are literals, so that PostgreSQL finds the partial index
(``ix_task_free``, ``ix_task_mine``, ``ix_task_supplement``, ``ix_task_done``) even for a prepared statement. There
every office (and role) of the actor is read in index order by itself and only the first rows are merged; SQLite sorts
what it finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    bindparam,
    case,
    cast,
    false,
    func,
    literal_column,
    select,
    true,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.orm import load_only

from engine.cases.case import Case
from engine.cases.colleagues import StaffMessage
from engine.cases.desk import DeskRule, TaskSeen
from engine.cases.persons import CasePerson
from engine.cases.view_spec import USUAL, Spec
from engine.cases.work import Task
from engine.core.types import UtcDateTime
from engine.queries.inbox_deputy import NOBODY, Reach, hands, pools
from engine.queries.inbox_filter import behind, condition, found_cases, order, tally, told, within
from engine.registers.offices import Office, StaffUser

Rows = Select[*tuple[Any, ...]]

# What is counted exactly; of more it is only said that there are more.
MOST = 999
PAGE = 50
_OPEN = Task.state == literal_column("'open'")
_FREE = _OPEN & (Task.assignee == literal_column("''"))
# Said twice, or the planner could not tell that the parameter is not empty.
_MINE = _OPEN & (Task.assignee != literal_column("''")) & (Task.assignee == bindparam("me", type_=String))
_ASKED = _OPEN & (Task.role == literal_column("'applicant'"))
_DUE: dict[str, ColumnElement[bool]] = {
    "late": Task.due_on < bindparam("today", type_=Date),
    "today": Task.due_on == bindparam("today", type_=Date),
}


def _exactly(number: int) -> ColumnElement[int]:
    """A limit the planner can see."""
    return literal_column(str(number), Integer)


def _done(since: str) -> ColumnElement[bool]:
    mine = (Task.state == literal_column("'done'")) & (Task.done_by == bindparam("me", type_=String))
    return mine & (Task.done_at >= bindparam(since, type_=UtcDateTime))


# --- counts -----------------------------------------------------------------------------------------------------


@lru_cache(256)
def counts(roles: int, lists: bool, views: tuple[tuple[str, Spec], ...] = (), reach: Reach = NOBODY) -> Rows:
    """One row of numbers up to ``MOST`` + 1: mine, late, today, supplement, done-today, done-month, role-0, role-1 …

    Mine, late and today also hold what the actor may do for others (``reach``), ``deputy`` nothing else.
    Where there are named views also ``view-<id>`` and ``looked``, as ``inbox_filter.tally`` counts them.
    Parameters: me, month_start, day_start, offices, roles, queue_0, queue_1 …, ``inbox_filter.moments`` and what
    ``inbox_deputy`` says.
    """
    here = within(Task.office_id, "offices", BigInteger, lists)
    of_roles = within(Task.role, "roles", String, lists)
    held, free = hands(reach, lists), _in_pools(reach, lists)
    numbers: dict[str, ColumnElement[int]] = {"mine": _number(_MINE & here) + _any_of(held)}
    for kind, due in _DUE.items():
        own = _number(_FREE & of_roles & here & due) + _number(_MINE & here & due)
        numbers[kind] = own + _any_of([one & due for one in (*held, *free)])
    numbers["deputy"] = _any_of([*held, *free])
    numbers["supplement"] = _number(_ASKED & here)
    for name, parameter in (("done-today", "day_start"), ("done-month", "month_start")):
        numbers[name] = _number(_done(parameter))
    for number in range(roles):
        role = Task.role == bindparam(f"queue_{number}", type_=String)
        numbers[f"role-{number}"] = _number(_FREE & role & here)
    query: Rows = select(*(number.label(name) for name, number in numbers.items()))
    if views:
        tallied = tally(views, lists)
        query = query.add_columns(*tallied.c).select_from(tallied)
    return query


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    some = select(literal_column("1")).select_from(Task).where(condition).limit(_exactly(MOST + 1)).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def _in_pools(reach: Reach, lists: bool) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for free, (offices, roles) in pools(reach, lists):
        here = within(Task.office_id, offices, BigInteger, lists) & within(Task.role, roles, String, lists)
        found.append(free & here)
    return found


def _any_of(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[int]:
    """How many tasks one of the conditions holds for, each once."""
    if not conditions:
        return literal_column("0", Integer)
    some = [select(Task.id).where(_OPEN & one).limit(_exactly(MOST + 1)).subquery() for one in conditions]
    return select(func.count()).select_from(union(*(select(one.c.id) for one in some)).subquery()).scalar_subquery()


# --- lists ------------------------------------------------------------------------------------------------------


# All that ``inbox_line`` reads: a row has sixty columns.
_OF_TASK = (
    *(Task.case_id, Task.office_id, Task.name, Task.stage, Task.role, Task.assignee, Task.state, Task.priority),
    *(Task.due_on, Task.created_at, Task.done_at, Task.kind, Task.owner, Task.asked_by, Task.mark, Task.urged),
    Task.alarm,
)
_OF_CASE = (
    *(Case.number, Case.office_id, Case.item, Case.item_name, Case.channel, Case.subject_name, Case.subject_digest),
    *(Case.state, Case.due_on, Case.clock_reason, Case.clock_stopped_since),
)


@lru_cache(256)
def page(kind: str, follows: bool, lists: bool, spec: Spec = USUAL, reach: Reach = NOBODY) -> Rows:
    """One page of a view and one row more, most urgent first; done tasks newest first, named views as they say.

    A row: Task, Case (what a line shows of them, no more), ``office`` (name), its ``yellow_days``, ``seen_at`` (when
    the actor looked at it first), name of the ``assignee``; whether the actor has unread messages about the case
    (``mention``, ``copied``) and must keep away from its people (``barred``).
    Parameters by kind: offices, me; role (role); roles and today (late, today); since (done); what ``inbox_filter``
    says (view, found) and ``inbox_deputy``; where the page ``follows`` another one: after_day, after_priority, after_id
    (done: after_moment, after_id).
    """
    found = _first(kind, follows, lists, PAGE + 1, spec, reach).subquery("found")
    seen = (TaskSeen.task_id == Task.id) & (TaskSeen.staff_key == bindparam("me", type_=String))
    # Looked at only where the text before it is «staff:».
    number = case((Task.assignee.like("staff:%"), cast(func.substr(Task.assignee, 7), BigInteger)))
    query = (
        select(
            Task,
            Case,
            Office.name.label("office"),
            DeskRule.yellow_days,
            TaskSeen.seen_at,
            StaffUser.name.label("assignee"),
            told("mention").where(StaffMessage.case_id == Task.case_id).exists().label("mention"),
            told("copy").where(StaffMessage.case_id == Task.case_id).exists().label("copied"),
            (_about_kin(lists) if reach.kin else false()).label("barred"),
        )
        .select_from(found)
        .join(Task, Task.id == found.c.id)
        .join(Case, Case.id == Task.case_id)
        .join(Office, Office.id == Task.office_id)
        .outerjoin(DeskRule, DeskRule.office_id == Task.office_id)
        .outerjoin(TaskSeen, seen)
        .outerjoin(StaffUser, StaffUser.id == number)
        .options(load_only(*_OF_TASK, raiseload=True), load_only(*_OF_CASE, raiseload=True))
    )
    return query.order_by(*(_newest() if kind == "done" else order(spec.sort, Task)))


@lru_cache(256)
def first(kind: str, lists: bool, spec: Spec = USUAL, reach: Reach = NOBODY) -> Rows:
    """The id of the most urgent open task of a view that the actor need not keep away from. Parameters as for
    ``page``.
    """
    return _first(kind, False, lists, 1, spec, reach, ~_about_kin(lists) if reach.kin else None)


def _about_kin(lists: bool) -> ColumnElement[bool]:
    """Whether a case is about somebody whose cases the actor must keep away from."""
    theirs = within(CasePerson.digest, "kin", String, lists)
    return select(CasePerson.case_id).where(CasePerson.case_id == Task.case_id, theirs).exists()


def _first(
    kind: str,
    follows: bool,
    lists: bool,
    most: int,
    spec: Spec,
    reach: Reach,
    besides: ColumnElement[bool] | None = None,
) -> Rows:
    """id, due_on and priority of the first tasks of a view, in order."""
    if kind == "done":
        query: Rows = select(Task.id).where(_done("since"))
        if follows:
            after = tuple_(bindparam("after_moment", type_=UtcDateTime), bindparam("after_id", type_=BigInteger))
            query = query.where(tuple_(Task.done_at, Task.id) < after)
        return query.order_by(*_newest()).limit(_exactly(most))
    branches = []
    for holds, axes in _branches(kind, spec, reach, lists):
        asked = holds if besides is None else holds & besides
        branches.append(_branch(asked, axes, follows, lists, most, spec.sort))
    if not branches:
        return select(Task.id).where(false())
    if len(branches) == 1 and not lists:
        return branches[0]
    # What two people may do, one stands in for, comes twice.
    together = union if reach.is_deputy else union_all
    merged = together(*(select(branch.subquery()) for branch in branches)).subquery()
    return select(merged).order_by(*order(spec.sort, merged.c)).limit(_exactly(most))


Axes = tuple[str, ...] | None


def _branches(kind: str, spec: Spec, reach: Reach, lists: bool) -> list[tuple[ColumnElement[bool], Axes]]:
    """A view as conditions, each with the parameters whose values are read one after the other; None: as it stands."""
    if kind == "supplement":
        return [(_ASKED, ("offices",))]
    if kind.startswith("found"):
        return [(_OPEN & Task.case_id.in_(found_cases(kind == "found-number")), ())]
    if kind == "view":
        own = spec.of("assignee") == ("me",)
        return [((_MINE if own else _OPEN) & condition(spec, Task), () if own else ("offices",))]
    if kind == "role":
        return [(_FREE & (Task.role == bindparam("role", type_=String)), ("offices",))]
    due = _DUE.get(kind, true())
    held: list[tuple[ColumnElement[bool], Axes]] = [(_OPEN & one & due, None) for one in hands(reach, lists)]
    free: list[tuple[ColumnElement[bool], Axes]] = [(_OPEN & one & due, axes) for one, axes in pools(reach, lists)]
    if kind in _DUE:
        return [(_FREE & due, ("offices", "roles")), (_MINE & due, ()), *held, *free]
    return [*held, *free] if kind == "deputy" else [(_MINE, ()), *held]


_AXES = {"offices": (Task.office_id, BigInteger), "roles": (Task.role, String)}


def _branch(holds: ColumnElement[bool], axes: Axes, follows: bool, lists: bool, most: int, sort: str) -> Rows:
    query: Rows = select(Task.id, Task.due_on, Task.priority).where(holds)
    if follows:
        query = query.where(behind(sort, Task))
    lists_read = lists and bool(axes)
    if axes == ():
        # One's own are few: whether the office is still the actor's is only looked at.
        axes = ("offices",)
    around: Any = None
    for axis in axes or ():
        column, type_ = _AXES[axis.rpartition("_")[2]]
        if not lists_read:
            query = query.where(within(column, axis, type_, lists))
            continue
        each = (
            func.unnest(bindparam(axis, type_=ARRAY(type_))).table_valued("one", name=f"each_{axis}").render_derived()
        )
        query = query.where(column == each.c.one).correlate(each)
        around = each if around is None else around.join(each, true())
    query = query.order_by(*order(sort, Task)).limit(_exactly(most))
    if around is None:
        return query
    inner = query.lateral()
    return select(inner).select_from(around.join(inner, true())).order_by(*order(sort, inner.c)).limit(_exactly(most))


def _newest() -> tuple[ColumnElement[Any], ...]:
    return Task.done_at.desc(), Task.id.desc()
