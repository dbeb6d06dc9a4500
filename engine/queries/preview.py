"""What an approval operation will do, in words, before anybody confirms it; and what there is to choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.batches.approval import chosen, last_worker, shown, targets, what_followed
from engine.cases.case import Case, load_variables
from engine.cases.record import did
from engine.cases.work import Task
from engine.catalog import releases
from engine.core.actor import Actor
from engine.core.errors import Refused
from engine.queries import visible
from engine.queries.common import day
from engine.queries.head import person
from engine.queries.task_page import find_task
from engine.registers import colleagues
from engine.registers.colleagues import Colleague
from engine.workflow import Earlier, Process

HOW = {
    "before": "{who}先提意见，到齐后回到您这里提交",
    "parallel": "{who}与您同时办理，都完成后进入下一环节",
    "after": "您提交后由{who}提意见，完成后进入下一环节；有人不同意时退给您重新办理",
}


@dataclass(frozen=True)
class Choice:
    """What a dialog offers and what would happen. ``blocked``: why it cannot be done at all."""

    task_id: int
    task_name: str
    case_id: int
    number: str
    verb: str
    people: list[Colleague]
    targets: list[Earlier]
    effects: list[str]
    blocked: str


def choice(session: Session, actor: Actor, task_id: int, verb: str, given: Mapping[str, Sequence[str]]) -> Choice:
    """``given`` is what was chosen so far, by field. Raises ``NotFound``."""
    task, case = find_task(session, actor, task_id)
    release = releases.view(session, case.release_id)
    people: list[Colleague] = []
    found: list[Earlier] = []
    effects: list[str] = []
    blocked = ""

    def process() -> Process:
        return visible.process(session, case, release, load_variables(session, case.id))

    try:
        if verb in ("add", "transfer", "delegate", "copy"):
            people = _people(session, actor, task, case, verb)
            effects = _of_people(task, verb, people, given)
        elif verb == "return":
            walked = process()
            found = targets(session, walked, task)
            effects = _of_return(session, case, task, walked, found, given)
        elif verb == "take_back":
            effects = _of_taking_back(
                session, case, task, visible.process(session, case, release, load_variables(session, case.id))
            )
        elif verb == "urge":
            to = person(session, task.assignee) or "该岗位的全部人员"
            effects = [f"{to}收到催办消息，任务上标记已催办 {task.urged + 1} 次"]
        elif verb == "remove":
            effects = [f"不再等待{person(session, task.assignee)}的意见；没有其他待提意见时任务随即可办或进入下一环节"]
    except Refused as error:
        blocked = error.message
    return Choice(task.id, task.name, case.id, case.number, verb, people, found, effects, blocked)


def _people(session: Session, actor: Actor, task: Task, case: Case, verb: str) -> list[Colleague]:
    found = [one for one in colleagues.around(session, case.office_id) if one.key not in (actor.key, task.assignee)]
    if verb == "transfer":
        steps = [part.strip() for part in str(task.properties.get("different_from") or "").split(",") if part.strip()]
        found = [
            one
            for one in found
            if (not task.role or task.role in one.roles) and not did(session, case.id, [one.key], steps)
        ]
        if not found:
            raise Refused("没有可以转办的人：本机构没有其他同岗位人员，请联系主管")
    if verb == "add":
        query = select(Task.assignee).where(Task.host_id == task.id, Task.state.in_(("open", "waiting")))
        there = set(session.scalars(query))
        found = [one for one in found if one.key not in there]
    if not found:
        raise Refused("本机构没有其他可选人员，请联系主管")
    return found


def _of_people(task: Task, verb: str, people: Sequence[Colleague], given: Mapping[str, Sequence[str]]) -> list[str]:
    wanted = set(given.get("people", ()))
    who = "、".join(one.name for one in people if str(one.id) in wanted)
    if not who:
        return []
    if verb == "add":
        how = (given.get("how") or ["before"])[0]
        return [HOW.get(how, HOW["before"]).format(who=who), _limit(task)]
    if verb == "transfer":
        return [f"「{task.name}」从您的待办移到{who}的待办，由其提交", _limit(task)]
    if verb == "delegate":
        return [f"{who}提意见后任务回到您的待办，由您提交", _limit(task)]
    return [f"{who}在「消息」中收到知会，可以查看本办件，不影响办理"]


def _limit(task: Task) -> str:
    return f"办理期限不变（{day(task.due_on)}）" if task.due_on else "办理期限不变"


def _of_return(
    session: Session,
    case: Case,
    task: Task,
    process: Process,
    found: Sequence[Earlier],
    given: Mapping[str, Sequence[str]],
) -> list[str]:
    if not found:
        raise Refused("本分支没有可以退回的环节：并行的其他分支不受影响，前面也没有人办理过")
    target = (given.get("target") or [""])[0]
    if not target:
        return []
    straight = (given.get("path") or ["again"])[0] == "straight"
    one = chosen(found, target, None, straight)
    who = person(session, last_worker(session, case, one.element_id)) or "原岗位"
    effect = process.send_back(task.token, one, rest=True)
    gone = shown(effect)
    others = len(gone) - 1
    lines = [f"「{one.name}」重新交给{who}办理"]
    if others > 0:
        lines.append(f"同时取消其他 {others} 项待办：{'、'.join(dict.fromkeys(gone))}")
    lines.append("办好后直接送回您这里" if straight else "办好后按流程逐级再走一遍")
    return [*lines, _limit(task)]


def _of_taking_back(session: Session, case: Case, task: Task, process: Process) -> list[str]:
    if task.hold:
        return [f"「{task.name}」回到您的待办，加签人暂不办理", "您填写的内容保留为草稿"]
    effect = process.take_back(task.element_id, what_followed(session, task), rest=True)
    gone = "、".join(dict.fromkeys(shown(effect)))
    lines = [f"「{task.name}」回到您的待办，您填写的内容保留为草稿"]
    return [*lines, *([f"取消后续待办：{gone}"] if gone else [])]
