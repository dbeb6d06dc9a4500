"""代理, 请假 and 回避: who stands in for whom, when and for what; whose cases somebody must keep away from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError

from engine.catalog.releases import Release
from engine.commands import Unit, handles
from engine.core import clock, idnum, ids, secrets
from engine.core.db import for_update
from engine.core.errors import Forbidden, InvalidAnswers, NotFound, Refused
from engine.registers import colleagues
from engine.registers.deputies import DEPUTY, LEAVE, Deputy, Relative
from engine.registers.offices import StaffUser

SUPERVISOR = "supervisor"
LONGEST = timedelta(days=366)
RELATIONS = ("配偶", "父母", "子女", "兄弟姐妹", "其他近亲属", "其他利害关系人")


@dataclass(frozen=True)
class Share:
    """What one deputy takes over: ``items`` and ``roles`` empty means all."""

    deputy_id: int
    items: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class NameDeputies:
    """Let colleagues stand in for oneself, or (``principal_id``) a supervisor for somebody of their offices.

    ``leave``: the principal is away meanwhile and gets no new work; then there may be no deputy at all.
    """

    from_at: datetime
    until_at: datetime
    shares: tuple[Share, ...]
    reason: str = ""
    leave: bool = False
    principal_id: int = 0


@dataclass(frozen=True)
class RevokeDeputy:
    """End a grant or a leave now."""

    grant: int


@dataclass(frozen=True)
class DeclareRelative:
    """Name somebody whose cases one must keep away from; ``relation`` is one of ``RELATIONS``."""

    name: str
    id_number: str
    relation: str


@dataclass(frozen=True)
class DeclareSelf:
    """Give one's own ID number, so that one's own cases are known."""

    id_number: str


@dataclass(frozen=True)
class WithdrawRelative:
    """A supervisor takes a declaration back that was wrong."""

    relative_id: int
    reason: str


@handles(NameDeputies)
def name_deputies(command: NameDeputies, unit: Unit) -> list[int]:
    """Write a row for each deputy; gives the rows' ids."""
    principal = _principal(unit, command.principal_id)
    _check_time(unit, command)
    if not command.shares and not command.leave:
        raise Refused("请至少选择一位代理人", code="no_deputy")
    if len({share.deputy_id for share in command.shares}) < len(command.shares):
        raise Refused("同一位代理人选择了两次，请合并为一项", code="deputy_twice")
    known = {one.id: one for one in colleagues.around(unit.session, principal.office_id)}
    rows = []
    for share in command.shares or (Share(0),):
        if share.deputy_id:
            _check_share(unit, principal, share, known)
        rows.append(
            Deputy(
                id=ids.new(),
                principal_id=principal.id,
                deputy_id=share.deputy_id or None,
                from_at=command.from_at,
                until_at=command.until_at,
                items=list(share.items),
                roles=list(share.roles),
                kind=LEAVE if command.leave else DEPUTY,
                reason=command.reason.strip()[:200],
                made_by=unit.actor.key,
                made_at=unit.now,
            )
        )
    unit.session.add_all(rows)
    unit.session.flush()
    names = "、".join(known[share.deputy_id].name for share in command.shares)
    what = f"请假，由{names or '岗位同事'}办理" if command.leave else f"由{names}代理"
    unit.record(None, "deputy", f"{principal.name} {_span(command)} {what}", {"rows": [row.id for row in rows]})
    return [row.id for row in rows]


def _principal(unit: Unit, staff_id: int) -> StaffUser:
    """Oneself, or for a supervisor anybody of their offices."""
    if not staff_id or staff_id == unit.actor.id:
        if unit.actor.kind != "staff":
            raise Forbidden("只有工作人员可以设置代理")
        return unit.session.get_one(StaffUser, unit.actor.id)
    return of_my_offices(unit, staff_id)


def of_my_offices(unit: Unit, staff_id: int) -> StaffUser:
    """Somebody a supervisor answers for, locked. Raises ``Forbidden``, ``NotFound``."""
    unit.require(SUPERVISOR)
    query: Select[StaffUser] = select(StaffUser).where(StaffUser.id == staff_id)
    found = unit.session.scalar(query.with_for_update() if for_update(unit.session) else query)
    if found is None or (unit.actor.kind == "staff" and found.office_id not in unit.actor.offices):
        raise NotFound("没有这位工作人员，或不在您的管理范围内")
    return found


def _check_time(unit: Unit, command: NameDeputies) -> None:
    if command.until_at <= command.from_at:
        raise InvalidAnswers({"until": ["结束时间应晚于开始时间"]})
    if command.until_at <= unit.now:
        raise InvalidAnswers({"until": ["结束时间已过，请重新选择"]})
    if command.until_at - command.from_at > LONGEST:
        raise InvalidAnswers({"until": ["代理最长一年，期满后可以再次设置"]})


def _check_share(unit: Unit, principal: StaffUser, share: Share, known: dict[int, colleagues.Colleague]) -> None:
    if share.deputy_id == principal.id:
        raise Refused("代理人不能是本人", code="deputy_is_self")
    if share.deputy_id not in known:
        raise Refused("所选代理人已停用或不在本机构范围内，请重新选择", code="not_a_colleague")
    if not set(share.roles) <= set(principal.roles):
        raise Refused("只能代理本人持有的岗位，请重新选择", code="not_own_role")
    if share.items and set(share.items) - set(_items(unit, share.items)):
        raise Refused("所选事项不存在或已停用，请重新选择", code="unknown_item")


def _items(unit: Unit, wanted: Sequence[str]) -> list[str]:
    return list(unit.session.scalars(select(Release.item).where(Release.item.in_(wanted), Release.current.is_(True))))


def _span(command: NameDeputies) -> str:
    return f"{clock.local(command.from_at):%Y-%m-%d %H:%M} 至 {clock.local(command.until_at):%Y-%m-%d %H:%M}"


@handles(RevokeDeputy)
def revoke_deputy(command: RevokeDeputy, unit: Unit) -> None:
    """Waits for what is being done by the grant at this moment, and nothing is done by it afterwards."""
    query: Select[Deputy] = select(Deputy).where(Deputy.id == command.grant)
    row = unit.session.scalar(query.with_for_update() if for_update(unit.session) else query)
    principal = unit.session.get(StaffUser, row.principal_id) if row is not None else None
    if row is None or principal is None or not _may_end(unit, row, principal):
        raise NotFound("没有这项代理，或不在您的管理范围内")
    if row.revoked_at is not None or row.until_at <= unit.now:
        raise Refused("这项代理已经结束", code="deputy_over")
    row.revoked_at = unit.now
    unit.session.flush()
    what = "请假" if row.kind == LEAVE else "代理"
    unit.record(None, "deputy_revoked", f"收回{principal.name}的{what}", {"rows": [row.id]})


def _may_end(unit: Unit, row: Deputy, principal: StaffUser) -> bool:
    """The principal, the deputy who declines, and whoever supervises the office."""
    actor = unit.actor
    if actor.kind == "staff" and actor.id in (row.principal_id, row.deputy_id):
        return True
    return actor.kind == "system" or (actor.has(SUPERVISOR) and principal.office_id in actor.offices)


@handles(DeclareRelative)
def declare_relative(command: DeclareRelative, unit: Unit) -> int:
    """Keep the digest of the number; the number itself is kept nowhere."""
    if unit.actor.kind != "staff":
        raise Forbidden("只有工作人员需要申报")
    errors = {}
    if not command.name.strip():
        errors["name"] = ["请填写姓名"]
    if wrong := idnum.check("resident_id", command.id_number):
        errors["id_number"] = [wrong]
    if command.relation not in RELATIONS:
        errors["relation"] = ["请选择与本人的关系"]
    if errors:
        raise InvalidAnswers(errors)
    row = Relative(
        id=ids.new(),
        staff_id=unit.actor.id,
        id_digest=secrets.digest(idnum.normal(command.id_number)),
        name=command.name.strip()[:60],
        relation=command.relation,
        declared_at=unit.now,
    )
    unit.session.add(row)
    try:
        unit.session.flush()
    except IntegrityError as error:
        raise InvalidAnswers({"id_number": ["已申报过该证件号，不需要重复申报"]}) from error
    unit.record(None, "relative", f"申报亲属一名（{command.relation}）", {"row": row.id})
    return row.id


@handles(DeclareSelf)
def declare_self(command: DeclareSelf, unit: Unit) -> None:
    """Keep the digest. It is given once: whoever could change it could lift the bar."""
    if unit.actor.kind != "staff":
        raise Forbidden("只有工作人员需要申报")
    if wrong := idnum.check("resident_id", command.id_number):
        raise InvalidAnswers({"own_number": [wrong]})
    user = unit.session.get_one(StaffUser, unit.actor.id)
    if user.id_digest:
        raise Refused("本人证件号已登记，如有错误请联系管理员更正", code="own_number_given")
    user.id_digest = secrets.digest(idnum.normal(command.id_number))
    unit.session.flush()
    unit.record(None, "relative", "登记本人证件号，用于回避")


@handles(WithdrawRelative)
def withdraw_relative(command: WithdrawRelative, unit: Unit) -> None:
    """Nobody takes their own declaration back: it would lift the bar."""
    if not command.reason.strip():
        raise Refused("请写明撤销申报的原因，原因会记入办理记录", code="reason_missing")
    row = unit.session.get(Relative, command.relative_id)
    if row is None or row.staff_id == unit.actor.id:
        raise NotFound("没有这项申报，或不在您的管理范围内")
    person = of_my_offices(unit, row.staff_id)
    unit.session.delete(row)
    unit.session.flush()
    unit.record(None, "relative", f"撤销{person.name}的一项亲属申报", {"reason": command.reason.strip()})
