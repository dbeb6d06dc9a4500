"""What people do with their inbox itself: named views, from when tasks turn yellow, and that they looked at a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from engine.cases import desk, view_spec
from engine.cases.desk import DeskRule, InboxView
from engine.cases.work import Task
from engine.commands import Unit, handles
from engine.core import ids
from engine.core.errors import Forbidden, NotFound, Refused

SUPERVISOR = "supervisor"
# Every view is counted at every look at the inbox.
MOST_VIEWS = 12
LONGEST_TITLE = 16
MOST_YELLOW = 30


@dataclass(frozen=True)
class SaveView:
    """Make a named view, or change the one of ``view_id``. ``filters`` and the rest as ``view_spec`` reads them."""

    title: str
    filters: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = view_spec.USUAL_COLUMNS
    sort: str = "due"
    colour: str = "due"
    shared: bool = False
    view_id: int | None = None


@dataclass(frozen=True)
class DeleteView:
    """Take a named view away, a shared one from everybody."""

    view_id: int


@dataclass(frozen=True)
class SetYellow:
    """From how many working days before its day a task of the actor's office is yellow."""

    days: int


@dataclass(frozen=True)
class LookAtTask:
    """The actor has opened a task: it is no longer unread on their list."""

    task_id: int


@handles(SaveView)
def save_view(command: SaveView, unit: Unit) -> int:
    """Gives the id of the view. Raises ``Refused`` for what is outside the language."""
    title = " ".join(command.title.split())
    if not title or len(title) > LONGEST_TITLE or not title.isprintable():
        raise Refused(f"请填写视图名称，最多 {LONGEST_TITLE} 个字", code="bad_view")
    spec = view_spec.parse(command.filters, command.columns, command.sort, command.colour)
    if command.shared:
        _check_shared(unit, command.view_id)
    if command.view_id is None:
        view = InboxView(id=ids.new(), office_id=unit.actor.office_id, owner=unit.actor.key, position=_place(unit))
        unit.session.add(view)
    else:
        view = _own(unit, command.view_id)
    view.title, view.filters, view.columns = title, spec.as_json(), list(spec.columns)
    view.sort, view.colour, view.shared = spec.sort, spec.colour, command.shared
    unit.session.flush()
    unit.record(None, "inbox_view", f"保存待办视图「{title}」{'（本机构共享）' if command.shared else ''}")
    return view.id


@handles(DeleteView)
def delete_view(command: DeleteView, unit: Unit) -> str:
    """Gives its title."""
    view = _own(unit, command.view_id)
    unit.session.delete(view)
    unit.session.flush()
    unit.record(None, "inbox_view", f"删除待办视图「{view.title}」")
    return view.title


@handles(SetYellow)
def set_yellow(command: SetYellow, unit: Unit) -> None:
    """For supervisors, of their own office."""
    unit.require(SUPERVISOR)
    if not 0 <= command.days <= MOST_YELLOW:
        raise Refused(f"请填写 0 到 {MOST_YELLOW} 之间的工作日数", code="bad_view")
    rule = unit.session.get(DeskRule, unit.actor.office_id) or DeskRule(office_id=unit.actor.office_id)
    rule.yellow_days = command.days
    unit.session.add(rule)
    unit.session.flush()
    unit.record(None, "desk_rule", f"临近期限提醒改为到期前 {command.days} 个工作日")


@handles(LookAtTask)
def look_at_task(command: LookAtTask, unit: Unit) -> None:
    """Nothing of it goes into the record of the case."""
    task = unit.session.get(Task, command.task_id)
    if task is None or not unit.actor.sees(task.office_id, task.item):
        raise NotFound("没有这项任务")
    desk.saw(unit.session, unit.actor.key, task.id, unit.now)


def _own(unit: Unit, view_id: int) -> InboxView:
    """The view where the actor may change it: their own, as a supervisor also a shared one of the office."""
    view = unit.session.get(InboxView, view_id)
    mine = view is not None and view.owner == unit.actor.key
    if view is None or view.office_id != unit.actor.office_id or not (mine or view.shared):
        raise NotFound("没有这个视图，可能已被删除")
    if not mine and not unit.actor.has(SUPERVISOR):
        raise Forbidden("这个共享视图由他人建立，请联系建立人或主管修改")
    return view


def _place(unit: Unit) -> int:
    """The next place in the list. Raises ``Refused`` where the actor has made enough of them."""
    mine = select(func.count(), func.max(InboxView.position)).where(InboxView.owner == unit.actor.key)
    number, last = unit.session.execute(mine).one()
    if number >= MOST_VIEWS:
        raise Refused(f"每人最多建立 {MOST_VIEWS} 个视图，请先删除不用的视图", code="too_many_views")
    return int(last or 0) + 1


def _check_shared(unit: Unit, view_id: int | None) -> None:
    """An office shares no more views than one person may make: everybody's inbox counts them."""
    shared = select(InboxView.id).where(InboxView.office_id == unit.actor.office_id, InboxView.shared.is_(True))
    others = [one for one in unit.session.scalars(shared) if one != view_id]
    if len(others) >= MOST_VIEWS:
        raise Refused(f"本机构已有 {MOST_VIEWS} 个共享视图，请先删除不用的或改为自用", code="too_many_views")
