"""User tasks: open ones of people, and done ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, and_, case, cast, select
from sqlalchemy.orm import Session, aliased

from engine.cases.case import Case
from engine.cases.labels import CaseLabel
from engine.cases.work import ASKED, Task
from engine.catalog import definitions, releases
from engine.catalog.definitions import Definition, ReleaseDefinition
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries.search import scope
from engine.queries.search.filters import Column, key_number, literal_like
from engine.queries.search.instances import tagged
from engine.queries.search.paging import Found, Search, page
from engine.queries.search.scope import ROOT, Process, of_process, pinned, with_variables, within
from engine.registers.offices import StaffUser

STATES = {
    "open": "CREATED",
    "suspended": "CREATED",
    "done": "COMPLETED",
    "cancelled": "CANCELED",
    **{state: state.upper() for state in ASKED},
}
ALL_STATES = (
    "ASSIGNING", "CANCELED", "CANCELING", "COMPLETED", "COMPLETING", "CREATED", "CREATING", "FAILED", "UPDATING",
)  # fmt: skip

_form = aliased(ReleaseDefinition)
_staff = aliased(StaffUser)
# People stand in our rows by key, for programs by their login; anything else is what the model says.
_assignee: Any = case((_staff.login.is_not(None), _staff.login), else_=Task.assignee)


def _for_user(given: Any) -> Any:
    quoted = literal_like(str(given))
    return cast(Task.candidate_users, String).like(f'%"{quoted}"%', escape="\\")


def _at(given: Any) -> Any:
    return Task.token == str(key_number(given))


TASKS = {
    **of_process(),
    "userTaskKey": Column(Task.id, "key"),
    "processInstanceKey": Column(Task.case_id, "key"),
    "elementInstanceKey": Column(Task.token, sortable=False, by=_at),
    "elementId": Column(Task.element_id),
    "name": Column(Task.name),
    "state": Column(case(STATES, value=Task.state, else_="CREATED"), choices=ALL_STATES),
    "assignee": Column(_assignee, nullable=True),
    "candidateGroup": Column(Task.role),
    "candidateUser": Column(Task.candidate_users, sortable=False, by=_for_user),
    "priority": Column(Task.priority, "int"),
    "creationDate": Column(Task.created_at, "moment"),
    "completionDate": Column(Task.done_at, "moment", nullable=True),
    "dueDate": Column(Task.due_at, "moment", nullable=True),
    "followUpDate": Column(Task.follow_up_at, "moment", nullable=True),
    "businessId": Column(CaseLabel.business_id, nullable=True),
    "tags": Column(CaseLabel.tags, sortable=False, by=tagged),
    "processInstanceVariables": with_variables(ROOT),
    "localVariables": with_variables(Task.token),
}


@dataclass(frozen=True)
class UserTask:
    """One task with its process and whatever hangs on its case."""

    row: Task
    definition: Definition
    assignee: str
    form_key: int | None
    headers: Mapping[str, str]
    tags: list[str]
    business_id: str
    external_form: str


def _query(actor: Actor) -> Any:
    query = select(Task, Process, _assignee, _form.key, CaseLabel)
    query = pinned(query.join(Case, Case.id == Task.case_id), Task.process_id)
    held = and_(_form.release_id == Case.release_id, _form.kind == "form", _form.definition_id == Task.form_id)
    query = query.outerjoin(_form, held).outerjoin(CaseLabel, CaseLabel.case_id == Task.case_id)
    query = query.outerjoin(_staff, Task.assignee == "staff:" + cast(_staff.id, String))
    return query.where(within(actor), Task.office_id.in_(actor.offices))


def tasks(session: Session, actor: Actor, search: Search) -> Found:
    """Rows are ``UserTask``."""
    found = page(session, _query(actor), TASKS, Task.id, search)
    rows = [_task(session, *row) for row in found.rows]
    return Found(rows, found.total, found.more, found.start, found.end)


def task(session: Session, actor: Actor, key: int) -> UserTask:
    """One of them. Raises ``NotFound``."""
    row = session.execute(_query(actor).where(Task.id == key)).one_or_none()
    if row is None:
        raise NotFound("没有这项任务，或不在您的查看范围内")
    return _task(session, *row)


def _task(
    session: Session,
    row: Task,
    definition: Definition,
    assignee: str,
    form_key: int | None,
    label: CaseLabel | None,
) -> UserTask:
    info = scope.elements(session, definition).get(row.element_id)
    headers = dict(info.extensions.get("taskHeaders", {})) if info is not None else {}
    tags, business_id = (list(label.tags), label.business_id) if label else ([], "")
    form = info.extensions.get("formDefinition", {}) if info is not None else {}
    form_id, elsewhere = releases.named_form(row.form_id)
    if elsewhere is not None and (other := definitions.in_release(session, elsewhere, "form", form_id)) is not None:
        form_key = other.id
    return UserTask(row, definition, assignee, form_key, headers, tags, business_id, form.get("externalReference", ""))


def form(session: Session, actor: Actor, key: int) -> tuple[Definition, bytes] | None:
    """The form of a task and its content; None where it has none. Raises ``NotFound``."""
    found = task(session, actor, key)
    if found.form_key is None:
        return None
    definition = definitions.by_key(session, found.form_key, "form")
    return definition, definitions.content(session, definition)
