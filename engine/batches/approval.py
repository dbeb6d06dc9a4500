"""What may be done to a task beside completing it, as commands decide it and pages tell it beforehand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import desk
from engine.cases.case import Case
from engine.cases.drafts import Draft
from engine.cases.record import ElementInstance
from engine.cases.standing import APPLICANT
from engine.cases.work import Incident, Task
from engine.catalog import releases
from engine.core import clock
from engine.core.errors import Refused
from engine.outside.ledger import CallRecord
from engine.registers import colleagues
from engine.registers.notices import Objection
from engine.workflow import Earlier, Effect, Followed, Passed, Process, definitions_held

# Verb → what it is called; an item may allow only some (`verbs` of a user task, comma between).
VERBS = {
    "return": "退回",
    "add": "加签",
    "remove": "减签",
    "transfer": "转办",
    "delegate": "委派",
    "take_back": "撤回",
    "copy": "抄送",
    "urge": "催办",
    "comment": "会商",
    "bulk": "批量审批",
}
# Where each vote counts by itself nobody's may be bundled, passed on or asked for beside it.
NOT_FOR_VOTES = frozenset({"add", "remove", "transfer", "bulk"})

WHY_NOT = {
    "outside": "提交后系统已对外办理或生成文书，不能撤回；需要更正时请联系当前办理人退回",
    "gathered": "您的意见已与其他人的结果汇总，不能撤回；需要更正时请联系当前办理人退回",
    "ended": "办件已经办结，不能撤回",
}


def allows(properties: object, verb: str) -> bool:
    """Whether a step allows a verb: what its property ``verbs`` names, else all (of a vote: all that suit one)."""
    found = properties if isinstance(properties, dict) else {}
    named = str(found.get("verbs") or "").strip()
    if named:
        return verb in [part.strip() for part in named.split(",")]
    return verb not in NOT_FOR_VOTES or not found.get("votes")


def has_no_queue(session: Session, case: Case, task: Task) -> bool:
    """Whether the model names who does the task and no role beside: then there is no queue to put it back into."""
    if task.role or not task.token:
        return False
    release = releases.view(session, case.release_id)
    process = definitions_held(release).processes.get(task.process_id)
    element = process.elements.get(task.element_id) if process else None
    return bool(element and element.extensions.get("assignmentDefinition", {}).get("assignee"))


def passed(session: Session, case_id: int) -> list[Passed]:
    """Where a case has been, as the process asks for it."""
    query = (
        select(ElementInstance.element_id, ElementInstance.parent, ElementInstance.via, ElementInstance.state)
        .where(ElementInstance.case_id == case_id)
        .order_by(ElementInstance.id)
    )
    return [
        Passed(element, str(parent) if parent else "", via or "", state == "completed")
        for element, parent, via, state in session.execute(query)
    ]


def targets(session: Session, process: Process, task: Task) -> list[Earlier]:
    """The steps a task may be returned to, nearest first. A citizen's step is asked again by its own means."""
    found = process.earlier(task.token, passed(session, task.case_id))
    if not found:
        return []
    elements = [one.element_id for one in found]
    query = select(Task.element_id).where(
        Task.case_id == task.case_id, Task.element_id.in_(elements), Task.role == APPLICANT
    )
    of_citizens = set(session.scalars(query))
    return [one for one in found if one.element_id not in of_citizens]


def chosen(found: Iterable[Earlier], target: str, scope: str | None, straight: bool) -> Earlier:
    """The one that was asked for. Raises ``Refused``."""
    for one in found:
        if one.element_id == target and scope in (None, one.scope):
            if straight and not one.straight:
                raise Refused("该环节不在同一流程内，只能重新逐级办理", code="not_straight")
            return Earlier(one.element_id, one.name, one.scope, straight)
    raise Refused("不能退回到所选环节：它不在本分支已办理的环节中，请刷新后重新选择", code="not_earlier")


def shown(effect: Effect) -> list[str]:
    """The tasks that a step back ends, by name."""
    return [one.name or one.element_id for one in effect.cancelled if one.type == "userTask"]


def last_worker(session: Session, case: Case, element_id: str) -> str:
    """The key of whoever did a step last and still works here; empty where it goes to the queue."""
    query = (
        select(Task.done_by, Task.assignee)
        .where(Task.case_id == case.id, Task.element_id == element_id, Task.state == "done", Task.host_id.is_(None))
        .order_by(Task.done_at.desc())
        .limit(1)
    )
    for done_by, _ in session.execute(query):
        found = colleagues.by_key(session, done_by)
        if found is not None and found.active:
            return str(done_by)
    return ""


def is_repeated(session: Session, case: Case, element_id: str) -> bool:
    query = select(ElementInstance.id).where(
        ElementInstance.case_id == case.id,
        ElementInstance.element_id == element_id,
        ElementInstance.type == "multiInstanceBody",
    )
    return session.execute(query.limit(1)).first() is not None


def what_followed(session: Session, task: Task) -> Followed:
    """What the submit brought, as long as nobody has begun it. Raises ``Refused``."""
    kept: dict[str, Any] = task.followed or {"not": "gathered"}
    if "not" in kept:
        raise Refused(WHY_NOT[kept["not"]], code="cannot_take_back")
    tokens = tuple(str(one) for one in kept["tokens"])
    following = session.scalars(select(Task).where(Task.case_id == task.case_id, Task.token.in_(tokens))).all()
    for one in following:
        if is_begun(session, one):
            raise Refused(f"「{one.name}」已经开始办理，不能撤回；需要更正时请联系其办理人退回", code="begun")
    return Followed(tokens, str(kept["scope"]))


def is_begun(session: Session, task: Task) -> bool:
    """Whether somebody has looked at a task, taken it or typed into it."""
    if task.state != "open" or task.version > 1 or desk.is_seen(session, [task.id]):
        return True
    return session.scalar(select(Draft.id).where(Draft.scope == f"task:{task.id}").limit(1)) is not None


def warnings(session: Session, case: Case, task: Task) -> list[str]:
    """Why a task wants a closer look than a list gives it; empty where nothing is doubtful."""
    found = []
    if task.mark in ("returned", "reopened", "came_back") or task.hold or task.owner or task.kind != "normal":
        found.append("有退回、加签或委派未了")
    if session.scalar(select(Incident.id).where(Incident.case_id == case.id, Incident.state == "open").limit(1)):
        found.append("有故障未处理")
    objected = select(Objection.id).where(Objection.case_id == case.id, Objection.state == "received")
    if session.scalar(objected.limit(1)):
        found.append("有异议未答复")
    if case.due_on is not None and not case.clock_stopped_since and case.due_on < clock.today():
        found.append("已超时")
    # Of repeated questions only the last answer counts.
    asked = select(CallRecord.operation, CallRecord.element_id, CallRecord.verdict, CallRecord.title)
    last = {
        (operation, element): (verdict, title)
        for operation, element, verdict, title in session.execute(
            asked.where(CallRecord.case_id == case.id).order_by(CallRecord.id)
        )
    }
    found += [f"{title}：{_VERDICTS[verdict]}" for verdict, title in last.values() if verdict in _VERDICTS]
    return found


_VERDICTS = {"fail": "未通过", "unknown": "无法判定"}
