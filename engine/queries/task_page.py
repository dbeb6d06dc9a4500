"""One task as its page shows it: head, form with data and draft, what stands beside it, and what one may do."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from engine.batches.approval import has_no_queue
from engine.cases import drafts, persons
from engine.cases.case import ROOT_SCOPE, Case, load_variables
from engine.cases.record import did
from engine.cases.standing import must_keep_away, standing_of
from engine.cases.work import EXTENSION, REFUSAL, Task
from engine.catalog import plain_form, releases, visibility
from engine.catalog.forms import Form
from engine.catalog.releases import ReleaseView
from engine.core import secrets
from engine.core.actor import Actor
from engine.core.errors import Forbidden, NotFound
from engine.queries import answers, approval, evidence, explanation, materials, panels, permitted, visible
from engine.queries.answers import Row, Section
from engine.queries.approval import Desk
from engine.queries.common import masked_tree, stamp
from engine.queries.evidence import Exchange
from engine.queries.explanation import Explanation
from engine.queries.head import CaseHead, head_of, person
from engine.queries.materials import Material
from engine.queries.panels import ObjectionLine, Opinion, Publicity

APPLICANT = "applicant"


@dataclass(frozen=True)
class Permit:
    """What the actor may do with the task; ``why_not`` says why not, ``behalf`` for whom one does it."""

    work: bool
    claim: bool
    release: bool
    why_not: str
    behalf: str = ""


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
    draft_revision: int
    refusal: str
    beside: Beside
    desk: Desk


@dataclass(frozen=True)
class FinishedTask:
    """A task nobody can work on any more; ``mine``: the actor did it and may try to take it back."""

    id: int
    case_id: int
    case_number: str
    name: str
    state: str
    who: str
    at: str
    mine: bool = False


def find_task(session: Session, actor: Actor, task_id: int) -> tuple[Task, Case]:
    """The task and its case. Raises ``NotFound``, also for a task of another office."""
    task = session.get(Task, task_id)
    case = session.get_one(Case, task.case_id) if task is not None else None
    if task is None or case is None or not actor.sees(case.office_id, case.item):
        raise NotFound("没有这项任务，或不在您的查看范围内")
    return task, case


def asks_longer(session: Session, actor: Actor, task_id: int) -> int | None:
    """The extension an open task asks for: it has a page of its own. Raises ``NotFound``."""
    task, _ = find_task(session, actor, task_id)
    return int(task.properties["extension"]) if task.element_id == EXTENSION and task.state == "open" else None


def finished(session: Session, actor: Actor, task_id: int) -> FinishedTask | None:
    """The task where it is done or cancelled, None while it is open."""
    task, case = find_task(session, actor, task_id)
    if task.state == "open":
        return None
    own = task.host_id is None and task.element_id != EXTENSION
    mine = task.done_by == actor.key and own and case.state == "open" and bool(case.item)
    at = stamp(task.done_at)
    return FinishedTask(task.id, case.id, case.number, task.name, task.state, task.done_by_name, at, mine)


def open_task(session: Session, actor: Actor, task_id: int, typed: Mapping[str, Any] | None = None) -> TaskPage:
    """The page of an open task. ``typed`` is what was just refused and stands before the draft. Inside ``calendar``."""
    task, case = find_task(session, actor, task_id)
    release = releases.view(session, case.release_id)
    context, own = visible.variables(session, case, release, task.token)
    # Who is only asked for an opinion looks at the form of the task it is about.
    about = session.get_one(Task, task.host_id) if task.host_id else task
    form = releases.shown_form(session, release, about.form_id)
    draft = drafts.find(session, actor.key, f"task:{task.id}")
    permit, access = permit_of(session, actor, case, task), visibility.NO_LIMITS
    if form is None:
        form, data = plain_form.plain_form(context), plain_form.opened(context)
    else:
        access = permitted.of_task(release, form, actor, task, permit.work)
        form = visibility.form_for(form, access)
        data = access.prune(form_data(form, visible.opening(form, context, own)))
    laid_over = access.prune(typed if typed is not None else draft.answers if draft else {})
    return TaskPage(
        id=task.id,
        name=task.name,
        version=task.version,
        view=_home_view(actor, task),
        head=head_of(session, case, release.item),
        assignee="" if task.role == APPLICANT else person(session, task.assignee),
        permit=permit,
        schema=form.schema,
        data=merged(data, laid_over),
        draft_at=stamp(draft.saved_at) if draft and typed is None else "",
        draft_revision=draft.revision if draft else 0,
        refusal=str((task.properties or {}).get(REFUSAL) or ""),
        beside=_beside(session, actor, task, case, release),
        desk=approval.desk(session, actor, task, case, permit.work, context),
    )


def _home_view(actor: Actor, task: Task) -> str:
    """The view of the inbox a task belongs to when one comes to it by its address."""
    if task.role == APPLICANT:
        return "supplement"
    return "mine" if task.assignee == actor.key else f"role-{task.role}"


def typed_rows(session: Session, actor: Actor, task_id: int, typed: Mapping[str, Any]) -> list[Row]:
    """What somebody typed into a task's form, as words, so that it is not lost with the task."""
    task, case = find_task(session, actor, task_id)
    release = releases.view(session, case.release_id)
    form = releases.shown_form(session, release, task.form_id) if task.host_id is None else None
    if form is None:
        return []
    return answers.rows(form, permitted.of_task(release, form, actor, task, works=True).prune(typed))


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


def permit_of(session: Session, actor: Actor, case: Case, task: Task) -> Permit:
    """The same rules as the commands', told beforehand."""
    mine = task.assignee == actor.key
    if persons.barred_cases(session, actor.kin, [case.id]):
        return Permit(False, False, mine, must_keep_away(task).message + "。")
    try:
        stands = standing_of(actor, case, task)
    except Forbidden as error:
        return Permit(False, False, mine, error.message + "，您可以查看，不能办理。")
    taken = task.assignee not in ("", *stands.actor.hands) and task.role != APPLICANT
    if barred(session, stands.actor, task):
        return Permit(False, False, mine, f"您已办理过本件的前一审核环节，「{task.name}」须由其他人办理。")
    if taken:
        return Permit(
            False, False, False, f"{person(session, task.assignee)}已领取这项任务，需要接手时请其先放回岗位池。"
        )
    if task.kind != "normal" or task.owner:
        return Permit(False, False, False, "")
    behalf = stands.on_behalf_of.name if stands.on_behalf_of else ""
    back = mine and not has_no_queue(session, case, task)
    return Permit(True, not mine and task.role != APPLICANT, back, "", behalf)


def barred(session: Session, actor: Actor, task: Task) -> bool:
    """Whether the actor did one of the steps that must be done by somebody else (``different_from``)."""
    steps = [part.strip() for part in str(task.properties.get("different_from") or "").split(",") if part.strip()]
    return did(session, task.case_id, actor.hands, steps)


def _beside(session: Session, actor: Actor, task: Task, case: Case, release: ReleaseView) -> Beside:
    """The panels read the case's own variables: a called process may see fewer of them."""
    access = permitted.of_case(release, actor)
    variables = access.prune(load_variables(session, case.id)[ROOT_SCOPE])
    # A plain deployment has neither application nor materials.
    wanted = str(task.properties.get("shows") or ("application,materials" if case.item else "")).split(",")
    shows = frozenset(part.strip() for part in wanted)
    return Beside(
        shows=shows,
        application=panels.application(release, variables) if "application" in shows else None,
        materials=materials.materials(session, case, release, variables, access) if "materials" in shows else None,
        evidence=evidence.checks(session, case.id) if "evidence" in shows else None,
        decisions=explanation.explanations(session, case.id, release, variables, access) if "decision" in shows else [],
        publicity=panels.publicity(session, case) if "publicity" in shows else None,
        objections=panels.objections(session, case) if "objection" in shows else None,
        opinions=panels.opinions(session, case, release, access),
    )
