"""One line of the inbox's list: what it says, how it is coloured, and which marks it carries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from engine.cases.case import Case
from engine.cases.desk import YELLOW_DAYS
from engine.cases.standing import must_avoid, principal_for
from engine.cases.view_spec import Spec
from engine.cases.work import Task
from engine.core import clock, masks
from engine.core.actor import Actor, Principal
from engine.queries.common import CHANNELS, Due, due_of, stamp
from engine.queries.inbox_around import APPLICANT

NORMAL_PRIORITY = 50
# After so many days of waiting a line turns yellow, and red.
WAITS_YELLOW, WAITS_RED = timedelta(days=3), timedelta(days=7)
# How a task came, in a word or two.
CAME = {
    "returned": ("退回", "warn"),
    "reopened": ("重新办理", "warn"),
    "taken_back": ("已撤回", ""),
    "came_back": ("退回已办", "info"),
    "answered": ("委派已回", "info"),
    "delegated": ("委派", "info"),
    "transferred": ("转办", "info"),
    "added": ("加签", "info"),
}
# What the clock said of it.
ALARMS = {"yellow": ("预警", "warn", "clock"), "red": ("逾期已报", "bad", "alert")}
# Text, tone, icon.
Mark = tuple[str, str, str]


@dataclass(frozen=True)
class TaskLine:
    """One line: ``what`` and ``about`` are the columns of the view; ``soon`` days before the due day it is yellow.

    ``tone`` (bad, warn or nothing) is the colour the view gives it, ``marks`` are (text, tone, icon); ``barred``: the
    actor must keep away from it.
    """

    id: int
    case_id: int
    title: str
    what: str
    about: list[str]
    number: str
    due: Due
    soon: int
    tone: str
    mine: bool
    claimed: bool
    unread: bool
    barred: bool
    marks: list[Mark]
    done_at: str


def line_of(actor: Actor, spec: Spec, row: Any) -> TaskLine:
    """A row of ``inbox_sql.page``. Inside ``calendar``."""
    task, case = row.Task, row.Case
    due, soon = due_of(case), YELLOW_DAYS if row.yellow_days is None else row.yellow_days
    done = task.state == "done"
    mine = task.assignee == actor.key
    behalf = None if mine else principal_for(actor, case, task)
    theirs = behalf is not None and behalf.key == task.assignee
    claimed = task.assignee not in ("", actor.key) and not theirs and task.role != APPLICANT
    barred = not done and (bool(row.barred) or must_avoid(actor, case))
    return TaskLine(
        id=task.id,
        case_id=task.case_id,
        title=masks.mask_name(case.subject_name) or task.name,
        what=" · ".join(_some(spec, ("item", "step", "stage"), {"item": case.item_name, **_step(task)})),
        about=_some(spec, ("number", "office", "channel", "created", "priority"), _facts(task, case, row.office)),
        number=case.number,
        due=due,
        soon=soon,
        tone="" if done else _tone(spec.colour, task, due, soon),
        mine=mine and not done,
        claimed=claimed,
        unread=row.seen_at is None and not done,
        barred=barred,
        marks=[]
        if done
        else [*_of_actor(row, behalf, barred), *_marks(task, (row.assignee or "") if claimed else None)],
        done_at=stamp(task.done_at) if done else "",
    )


def _step(task: Task) -> dict[str, str]:
    return {"step": task.name, "stage": task.stage if task.stage != task.name else ""}


def _facts(task: Task, case: Case, office: str) -> dict[str, str]:
    priority = "" if task.priority == NORMAL_PRIORITY else f"优先级 {task.priority}"
    return {
        "number": case.number,
        "office": office,
        "channel": CHANNELS.get(case.channel, case.channel),
        "created": f"{stamp(task.created_at)} 到",
        "priority": priority,
    }


def _some(spec: Spec, names: tuple[str, ...], said: dict[str, str]) -> list[str]:
    return [said[name] for name in names if name in spec.columns and said.get(name)]


def _tone(rule: str, task: Task, due: Due, soon: int) -> str:
    if rule == "priority":
        return "bad" if task.priority > NORMAL_PRIORITY else ""
    if rule == "age":
        waits = clock.now() - task.created_at
        return "bad" if waits > WAITS_RED else "warn" if waits > WAITS_YELLOW else ""
    if rule != "due" or due.days is None or due.paused:
        return ""
    return "bad" if due.days < 0 else "warn" if due.days <= soon else ""


def _of_actor(row: Any, behalf: Principal | None, barred: bool) -> list[Mark]:
    """What the row is to this very person."""
    marks: list[Mark] = [("需回避", "bad", "shield")] if barred else []
    if behalf is not None:
        marks.append((f"代 {behalf.name}", "info", "user"))
    if row.mention:
        marks.append(("@我", "info", "megaphone"))
    if row.copied:
        marks.append(("抄送我", "", "share"))
    return marks


def _marks(task: Task, claimed_by: str | None) -> list[Mark]:
    """What it is to everybody; ``claimed_by`` is empty where their name is not known, None: free or one's own."""
    marks: list[Mark] = [(*CAME[task.mark], "")] if task.mark in CAME else []
    if task.kind != "normal" and task.mark != "added":
        marks.append((*CAME["added"], ""))
    if task.alarm in ALARMS:
        marks.append(ALARMS[task.alarm])
    if task.urged:
        marks.append((f"催办 {task.urged} 次" if task.urged > 1 else "催办", "warn", "bell"))
    if claimed_by is not None:
        marks.append((f"{claimed_by} 办理中" if claimed_by else "他人已领取", "", ""))
    return marks
