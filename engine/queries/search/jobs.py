"""Jobs for workers over the API: those just taken with the variables they see, and the search of those that wait."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, case, cast, literal, select, tuple_
from sqlalchemy.orm import Session

from engine.cases.case import Case, Variable
from engine.cases.fault_types import EXECUTION_EVENTS
from engine.cases.labels import CaseLabel, labels_of
from engine.catalog import definitions
from engine.catalog.definitions import Definition
from engine.core import secrets
from engine.core.actor import Actor
from engine.jobs import external
from engine.jobs.external import Activated
from engine.jobs.queue import Job
from engine.queries.search.filters import Column
from engine.queries.search.paging import Found, Search, page

KINDS = ("BPMN_ELEMENT", "EXECUTION_LISTENER", "TASK_LISTENER", "AD_HOC_SUB_PROCESS")
STATES = (
    "CREATED", "COMPLETED", "FAILED", "RETRIES_UPDATED", "TIMED_OUT", "CANCELED", "ERROR_THROWN", "MIGRATED",
    "PRIORITY_UPDATED", "TIMEOUT_UPDATED",
)  # fmt: skip
EVENTS = {
    "start": "START",
    "end": "END",
    "beforeAll": "BEFORE_ALL",
    "cancel": "CANCEL",
    "creating": "CREATING",
    "create": "CREATING",
    "assigning": "ASSIGNING",
    "assignment": "ASSIGNING",
    "updating": "UPDATING",
    "update": "UPDATING",
    "completing": "COMPLETING",
    "complete": "COMPLETING",
    "canceling": "CANCELING",
}


def kind_of(listener: str) -> str:
    """The kind of a job in Camunda's words."""
    if not listener:
        return "BPMN_ELEMENT"
    return "EXECUTION_LISTENER" if listener in EXECUTION_EVENTS else "TASK_LISTENER"


def event_of(listener: str) -> str:
    """What a listener's job is about, in Camunda's words."""
    return EVENTS.get(listener, "UNSPECIFIED")


# --- just taken ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Equipped:
    """A job as its worker needs it: variables in clear, the process it belongs to, what hangs on its case."""

    job: Activated
    definition: Definition | None
    variables: Mapping[str, Any]
    label: CaseLabel | None


def equip(session: Session, taken: Sequence[Activated], names: Collection[str] = ()) -> list[Equipped]:
    """Add to each job what its worker needs; of the variables only ``names``, if any are given.

    Personal values are in clear, as for our own operations: whoever may take the job is to work with them.
    """
    if not taken:
        return []
    values = _variables(session, taken, names)
    labels = labels_of(session, {one.case_id for one in taken})
    processes = _processes(session, {(one.case_id, one.process_id) for one in taken})
    return [
        Equipped(one, processes.get((one.case_id, one.process_id)), _seen(one, values), labels.get(one.case_id))
        for one in taken
    ]


def _variables(
    session: Session, taken: Iterable[Activated], names: Collection[str]
) -> dict[tuple[int, str], dict[str, Any]]:
    """(case, scope) → name → value, in one statement."""
    scopes = {(one.case_id, scope) for one in taken for scope in one.scopes}
    query = select(Variable.case_id, Variable.scope, Variable.name, Variable.value)
    query = query.where(tuple_(Variable.case_id, Variable.scope).in_(scopes))
    if names:
        query = query.where(Variable.name.in_(names))
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for case_id, scope, name, value in session.execute(query):
        found.setdefault((case_id, scope), {})[name] = value
    return found


def _seen(job: Activated, values: Mapping[tuple[int, str], Mapping[str, Any]]) -> Mapping[str, Any]:
    """The innermost scope's value of a name counts."""
    seen: dict[str, Any] = {}
    for scope in reversed(job.scopes):
        seen.update(values.get((job.case_id, scope), {}))
    clear: Mapping[str, Any] = secrets.unseal_tree(seen)
    return clear


def _processes(session: Session, wanted: set[tuple[int, str]]) -> dict[tuple[int, str], Definition]:
    """(case, process id) → its definition in the release the case is pinned to."""
    pinned = select(Case.id, Case.release_id).where(Case.id.in_({case_id for case_id, _ in wanted}))
    releases = {row.id: row.release_id for row in session.execute(pinned)}
    known: dict[tuple[int, str], Definition | None] = {}
    found = {}
    for case_id, process_id in wanted:
        place = (releases[case_id], process_id)
        if place not in known:
            known[place] = definitions.in_release(session, releases[case_id], "process", process_id)
        if (definition := known[place]) is not None:
            found[case_id, process_id] = definition
    return found


# --- waiting ---------------------------------------------------------------------------------------------------

_KIND: Any = case(
    (Job.listener == "", "BPMN_ELEMENT"),
    (Job.listener.in_(EXECUTION_EVENTS), "EXECUTION_LISTENER"),
    else_="TASK_LISTENER",
)
_EVENT: Any = case(*((Job.listener == ours, theirs) for ours, theirs in EVENTS.items()), else_="UNSPECIFIED")
_STATE: Any = case((Job.last_error != "", "FAILED"), (Job.state == "failed", "FAILED"), else_="CREATED")

JOBS = {
    "jobKey": Column(Job.id, "key"),
    "type": Column(Job.operation),
    "kind": Column(_KIND, choices=KINDS),
    "listenerEventType": Column(_EVENT, choices=(*dict.fromkeys(EVENTS.values()), "UNSPECIFIED"), sortable=False),
    "state": Column(_STATE, choices=STATES),
    "worker": Column(Job.worker),
    "retries": Column(Job.retries_left, "int"),
    "priority": Column(Job.priority, "int"),
    "deadline": Column(Job.leased_until, "moment", nullable=True),
    "creationTime": Column(Job.created_at, "moment"),
    "errorCode": Column(Job.error_code),
    "errorMessage": Column(Job.last_error),
    "elementId": Column(Job.element_id),
    "elementInstanceKey": Column(cast(Job.token, String), "text", by=lambda given: Job.token == str(given)),
    "processDefinitionId": Column(Job.process_id),
    "processInstanceKey": Column(Job.case_id, "key"),
    "tenantId": Column(literal("<default>")),
    "hasFailedWithRetriesLeft": Column((Job.last_error != "") & (Job.retries_left > 0), "bool", sortable=False),
}


def jobs(session: Session, actor: Actor, search: Search) -> Found:
    """Rows are ``Job``: those that wait or are being worked on; what is done is told by the history."""
    query = select(Job).where(Job.kind == external.KIND, Job.office_id.in_(actor.offices))
    return page(session, query, JOBS, Job.id, search)


def processes_of(session: Session, found: Iterable[Job]) -> dict[tuple[int, str], Definition]:
    """(case, process id) → its definition."""
    return _processes(session, {(one.case_id, one.process_id) for one in found})
