"""One task as its page shows it: head, form with data and draft, what stands beside it, and what one may do."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import drafts
from engine.cases.case import ROOT_SCOPE, Case, load_variables
from engine.cases.record import Submission
from engine.cases.work import Task
from engine.catalog import releases
from engine.catalog.forms import Form
from engine.catalog.releases import ReleaseView
from engine.core import secrets
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries import answers, evidence, explanation, panels, visible
from engine.queries.answers import Row, Section
from engine.queries.common import masked_tree, stamp
from engine.queries.evidence import Exchange
from engine.queries.explanation import Explanation
from engine.queries.head import CaseHead, head_of, person
from engine.queries.panels import Material, ObjectionLine, Opinion, Publicity

COUNTER_ROLE = "acceptance"
APPLICANT = "applicant"


@dataclass(frozen=True)
class Permit:
    """What the actor may do with the task; ``why_not`` says why it cannot be worked on."""

    work: bool
    claim: bool
    release: bool
    why_not: str


@dataclass(frozen=True)
class Beside:
    """The panels; what the model does not ask for is None (``shows`` of the task's properties)."""

    shows: frozenset[str]
    application: list[Section] | None
    materials: list[Material] | None
    evidence: list[Exchange] | None
    decisions: list[Explanation]
    publicity: list[Publicity] | None
    objections: list[ObjectionLine] | None
    opinions: list[Opinion]


@dataclass(frozen=True)
class TaskPage:
    """Everything the page of an open task needs. ``data`` is what the form opens with, the draft included."""

    id: int
    name: str
    version: int
    view: str
    head: CaseHead
    assignee: str
    permit: Permit
    schema: Mapping[str, Any]
    data: dict[str, Any]
    draft_at: str
    beside: Beside


@dataclass(frozen=True)
class FinishedTask:
    """A task nobody can work on any more."""

    id: int
    case_id: int
    case_number: str
    name: str
    state: str
    who: str
    at: str


def find_task(session: Session, actor: Actor, task_id: int) -> tuple[Task, Case]:
    """The task and its case. Raises ``NotFound``, also for a task of another office."""
    task = session.get(Task, task_id)
    if task is None or task.office_id not in actor.offices:
        raise NotFound("没有这项任务，或不在您的查看范围内")
    return task, session.get_one(Case, task.case_id)


def finished(session: Session, actor: Actor, task_id: int) -> FinishedTask | None:
    """The task where it is done or cancelled, None while it is open."""
    task, case = find_task(session, actor, task_id)
    if task.state == "open":
        return None
    return FinishedTask(task.id, case.id, case.number, task.name, task.state, task.done_by_name, stamp(task.done_at))


def open_task(session: Session, actor: Actor, task_id: int, typed: Mapping[str, Any] | None = None) -> TaskPage:
    """The page of an open task. ``typed`` is what was just refused and stands before the draft. Inside ``calendar``."""
    task, case = find_task(session, actor, task_id)
    release = releases.view(session, case.release_id)
    form = release.form(task.form_id)
    context, own = visible.variables(session, case, release, task.token)
    draft = drafts.find(session, actor.key, f"task:{task.id}")
    data = form_data(form, visible.opening(form, context, own))
    laid_over = typed if typed is not None else draft.answers if draft else {}
    return TaskPage(
        id=task.id,
        name=task.name,
        version=task.version,
        view=_home_view(actor, task),
        head=head_of(session, case, release.item),
        assignee="" if task.role == APPLICANT else person(session, task.assignee),
        permit=_permit(session, actor, task),
        schema=form.schema,
        data=merged(data, laid_over),
        draft_at=stamp(draft.saved_at) if draft and typed is None else "",
        beside=_beside(session, task, case, release, load_variables(session, case.id)[ROOT_SCOPE]),
    )


def _home_view(actor: Actor, task: Task) -> str:
    """The view of the inbox a task belongs to when one comes to it by its address."""
    if task.role == APPLICANT:
        return "supplement"
    return "mine" if task.assignee == actor.key else f"role-{task.role}"


def typed_rows(session: Session, actor: Actor, task_id: int, typed: Mapping[str, Any]) -> list[Row]:
    """What somebody typed into a task's form, as words, so that it is not lost with the task."""
    task, case = find_task(session, actor, task_id)
    return answers.rows(releases.view(session, case.release_id).form(task.form_id), typed)


def form_data(form: Form, context: Mapping[str, Any]) -> dict[str, Any]:
    """What the browser gets of the variables: personal values in clear where they can be changed, else masked."""
    editable = {one.path for one in form.fields if one.personal and not _read_only(one.raw)}
    shown: dict[str, Any] = _opened(form.display(context), "", editable)
    return shown


def merged(data: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` with the answers of a draft laid over it, group by group."""
    whole = dict(data)
    for name, value in above.items():
        before = whole.get(name)
        both = isinstance(value, Mapping) and isinstance(before, Mapping)
        whole[name] = merged(before, value) if both else value  # type: ignore[arg-type]
    return whole


def _read_only(raw: Mapping[str, Any]) -> bool:
    """Also where an expression decides: the server takes a mask for the value it stands for."""
    return bool(raw.get("readonly") or raw.get("disabled"))


def _opened(value: Any, place: str, editable: Set[str]) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _opened(item, f"{place}.{name}" if place else str(name), editable) for name, item in value.items()
        }
    if isinstance(value, list):
        return [_opened(item, f"{place}[]", editable) for item in value]
    if isinstance(value, str) and place in editable:
        return secrets.unseal(value)
    return masked_tree(value, place.rsplit(".", 1)[-1])


def _permit(session: Session, actor: Actor, task: Task) -> Permit:
    """The same rules as the commands', told beforehand."""
    mine = task.assignee == actor.key
    at_counter = task.role == APPLICANT and actor.has(COUNTER_ROLE)
    taken = task.assignee != "" and not mine and task.role != APPLICANT
    if not actor.has(task.role) and not at_counter:
        return Permit(False, False, False, "这项任务由其他岗位办理，您可以查看，不能办理。")
    if barred(session, actor, task):
        return Permit(False, False, mine, f"您已办理过本件的前一审核环节，「{task.name}」须由其他人办理。")
    if taken:
        return Permit(
            False, False, False, f"{person(session, task.assignee)}已领取这项任务，需要接手时请其先放回岗位池。"
        )
    return Permit(True, not mine and task.role != APPLICANT, mine, "")


def barred(session: Session, actor: Actor, task: Task) -> bool:
    """Whether the actor did one of the steps that must be done by somebody else (``different_from``)."""
    steps = [part.strip() for part in str(task.properties.get("different_from") or "").split(",") if part.strip()]
    query = select(Submission.id).where(
        Submission.case_id == task.case_id, Submission.element_id.in_(steps), Submission.actor_key == actor.key
    )
    return bool(steps) and session.scalar(query.limit(1)) is not None


def _beside(session: Session, task: Task, case: Case, release: ReleaseView, variables: Mapping[str, Any]) -> Beside:
    """The panels read the case's own variables: a called process may see fewer of them."""
    wanted = str(task.properties.get("shows") or "application,materials").split(",")
    shows = frozenset(part.strip() for part in wanted)
    return Beside(
        shows=shows,
        application=panels.application(release, variables) if "application" in shows else None,
        materials=panels.materials(session, case, release, variables) if "materials" in shows else None,
        evidence=evidence.checks(session, case.id) if "evidence" in shows else None,
        decisions=explanation.explanations(session, case.id, release, variables) if "decision" in shows else [],
        publicity=panels.publicity(session, case) if "publicity" in shows else None,
        objections=panels.objections(session, case) if "objection" in shows else None,
        opinions=panels.opinions(session, case, release),
    )
