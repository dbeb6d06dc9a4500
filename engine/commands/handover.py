"""离职交接: everything a person holds goes to colleagues in one reviewed command, and the account is closed at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import select

from engine.cases import assignment
from engine.cases.assignment import Candidate
from engine.cases.case import Case
from engine.cases.desk import InboxView
from engine.cases.drafts import Draft
from engine.cases.work import Task
from engine.commands import Unit, handles
from engine.commands.deputies import of_my_offices
from engine.commands.tasks import done_by_others, hand_over
from engine.commands.turns import weighed
from engine.core.db import for_update
from engine.core.errors import Refused, TaskChanged
from engine.registers import colleagues
from engine.registers.colleagues import Colleague
from engine.registers.deputies import Deputy
from engine.registers.holders import Holder, holders
from engine.registers.offices import StaffUser

POOL = "放回岗位池"
# A task in one of these states is still somebody's.
_HELD = ("open", "suspended", "waiting")


@dataclass(frozen=True)
class HandOver:
    """Give what ``person_id`` holds to the colleagues ``to`` (ids) and close the account.

    What no role decides the first of them gets. Without ``seen`` nothing is changed and the plan is given; ``seen`` is
    the plan's ``digest``: what has changed since then is told and has to be looked at again.
    """

    person_id: int
    to: tuple[int, ...]
    reason: str = ""
    seen: str = ""


@dataclass(frozen=True)
class Moved:
    """One thing: ``kind`` task, draft, view, deputy; ``to`` in words."""

    kind: str
    what: str
    to: str


@dataclass(frozen=True)
class HandedOver:
    """The plan, or the result list once ``done``."""

    person: str
    rows: list[Moved]
    digest: str
    done: bool


@handles(HandOver)
def hand_everything_over(command: HandOver, unit: Unit) -> HandedOver:
    """Plan, compare with what was reviewed, and do it: all of it or nothing."""
    person = of_my_offices(unit, command.person_id)
    if person.id == unit.actor.id:
        raise Refused("不能交接自己的账号，请由上级主管办理", code="own_account")
    if not person.active:
        raise Refused(f"{person.name}的账号已经停用", code="account_closed")
    work = _Work(unit, person, _receivers(unit, person, command.to))
    rows = [row for row, _ in work.tasks()] + work.drafts() + work.views() + work.grants()
    digest = sha256(repr(rows).encode()).hexdigest()[:16]
    if not command.seen:
        return HandedOver(person.name, rows, digest, done=False)
    if not command.reason.strip():
        raise Refused("请写明交接原因，原因会记入办理记录", code="reason_missing")
    if command.seen != digest:
        raise TaskChanged("确认期间有任务变动，交接清单已更新，请核对后再确认")
    work.carry_out(command.reason.strip()[:200])
    person.active = False
    names = "、".join(one.name for one in work.to) or "岗位同事"
    title = f"{person.name}离职交接给{names}，账号停用：{command.reason.strip()[:100]}"
    unit.record(None, "handover", title, {"rows": [[one.kind, one.what, one.to] for one in rows]})
    unit.session.flush()
    return HandedOver(person.name, rows, digest, done=True)


def _receivers(unit: Unit, person: StaffUser, ids: Sequence[int]) -> list[Colleague]:
    known = {one.id: one for one in colleagues.around(unit.session, person.office_id) if one.id != person.id}
    if set(ids) - known.keys():
        raise Refused("接收人已停用或不在本机构范围内，请重新选择", code="not_a_colleague")
    return [known[one] for one in dict.fromkeys(ids)]


class _Work:
    """What one person holds, looked at under lock."""

    def __init__(self, unit: Unit, person: StaffUser, to: list[Colleague]) -> None:
        self.unit, self.person, self.to = unit, person, to
        self.key = f"staff:{person.id}"
        self._holders: dict[tuple[int, str], list[Holder]] = {}
        self._given: dict[int, int] = {}
        self._plan: list[tuple[Case, Task, Holder | None]] = self._planned()

    def _planned(self) -> list[tuple[Case, Task, Holder | None]]:
        query = (
            select(Case, Task)
            .join(Task, Task.case_id == Case.id)
            .where((Task.assignee == self.key) | (Task.owner == self.key), Task.state.in_(_HELD))
            .order_by(Case.id, Task.id)
        )
        session = self.unit.session
        rows = session.execute(query.with_for_update() if for_update(session) else query).all()
        return [(case, task, self._receiver(case, task)) for case, task in rows]

    def _receiver(self, case: Case, task: Task) -> Holder | None:
        """Whoever has least of those who may: what was just given counts."""
        place = case.office_id, task.role
        if place not in self._holders:
            chosen = {one.id for one in self.to}
            found = holders(self.unit.session, *place, self.unit.now)
            self._holders[place] = [one for one in found if one.id in chosen]
        people = self._holders[place]
        weights = weighed(self.unit, case, task.element_id, done_by_others(task), people)
        fair = [Candidate(**{**vars(one), "load": one.load + self._given.get(one.id, 0)}) for one in weights]
        best = assignment.choose("least_loaded", fair)
        if best is None:
            return None
        self._given[best.id] = self._given.get(best.id, 0) + 1
        return next(one for one in people if one.id == best.id)

    def tasks(self) -> list[tuple[Moved, Task]]:
        """Open tasks and claims."""
        return [
            (Moved("task", f"{case.number}「{task.name}」", who.name if who else POOL), task)
            for case, task, who in self._plan
        ]

    def drafts(self) -> list[Moved]:
        """With their task, else to the first; never over what that one has typed."""
        return [Moved("draft", f"{len(found)} 份草稿", name) for name, found in self._drafts().items()]

    def _drafts(self) -> dict[str, list[tuple[Draft, str]]]:
        session = self.unit.session
        first = self.to[0] if self.to else None
        of_task = {f"task:{task.id}": who for _, task, who in self._plan}
        found: dict[str, list[tuple[Draft, str]]] = {}
        rows = list(session.scalars(select(Draft).where(Draft.owner == self.key).order_by(Draft.id)))
        theirs = select(Draft.owner, Draft.scope).where(Draft.owner.in_([one.key for one in self.to]))
        taken = {(row[0], row[1]) for row in session.execute(theirs)}
        for draft in rows:
            who = of_task.get(draft.scope) or (first if draft.scope not in of_task else None)
            if who is not None and (who.key, draft.scope) not in taken:
                taken.add((who.key, draft.scope))
                found.setdefault(who.name, []).append((draft, who.key))
        return found

    def views(self) -> list[Moved]:
        """Named views of the inbox."""
        name = self.to[0].name if self.to else ""
        return [Moved("view", f"视图「{one.title}」", name) for one in self._views() if name]

    def _views(self) -> list[InboxView]:
        query = select(InboxView).where(InboxView.owner == self.key).order_by(InboxView.id)
        return list(self.unit.session.scalars(query))

    def grants(self) -> list[Moved]:
        """Whom the person stands in for gets another deputy; the person's own deputies have nobody left."""
        found = []
        for row, name, who in self._grants():
            if row.principal_id == self.person.id:
                found.append(Moved("deputy", "本人的代理与请假", "终止"))
            else:
                found.append(Moved("deputy", f"代理{name}", who.name if who else "终止"))
        return found

    def _grants(self) -> list[tuple[Deputy, str, Colleague | None]]:
        mine = (Deputy.deputy_id == self.person.id) | (Deputy.principal_id == self.person.id)
        query = (
            select(Deputy, StaffUser.name)
            .join(StaffUser, StaffUser.id == Deputy.principal_id)
            .where(mine, Deputy.revoked_at.is_(None), Deputy.until_at > self.unit.now)
            .order_by(Deputy.id)
        )
        rows = self.unit.session.execute(query.with_for_update() if for_update(self.unit.session) else query)
        return [(row, name, next((one for one in self.to if one.id != row.principal_id), None)) for row, name in rows]

    def carry_out(self, reason: str) -> None:
        """Do what the plan says."""
        for found in self._drafts().values():
            for draft, key in found:
                draft.owner = key
        for view in self._views():
            if self.to:
                view.owner = self.to[0].key
        for row, _, deputy in self._grants():
            if row.principal_id == self.person.id or deputy is None:
                row.revoked_at = self.unit.now
            else:
                row.deputy_id = deputy.id
        for case, task, who in self._plan:
            if task.owner == self.key:
                task.owner = who.key if who else ""
            if task.assignee == self.key:
                title = f"「{task.name}」由{self.person.name}交接给{who.name}" if who else f"{POOL}「{task.name}」"
                hand_over(self.unit, case, task, who.key if who else "", ("handed_over", f"{title}：{reason}"))
        self.unit.session.flush()
