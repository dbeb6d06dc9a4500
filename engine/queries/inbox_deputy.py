"""What one may do for those one stands in for (代理), as conditions on tasks: in their hands, or free in their queues.

A grant reaches as far as the actor says it (``Actor.principals``: roles, offices, items, read with whoever signs in).
Free tasks that the actor may take by their own role are not among these. Two grants may hold the same task: whoever
puts the conditions together takes each row once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, bindparam, literal_column

from engine.cases.work import Task
from engine.core.actor import Actor, Principal
from engine.queries.inbox_filter import within

_NOBODY: ColumnElement[str] = literal_column("''")


@dataclass(frozen=True)
class Reach:
    """What a person's statements must ask for beyond their own work; statements are made once for each.

    ``hands`` has an entry a grant, ``pools`` one for each set of queues of a grant; true: only some items. ``kin``:
    there are people whose cases the person must keep away from.
    """

    hands: tuple[bool, ...] = ()
    pools: tuple[bool, ...] = ()
    kin: bool = False

    @property
    def is_deputy(self) -> bool:
        """Whether the person stands in for anybody now."""
        return bool(self.hands)


NOBODY = Reach()


def reach_of(actor: Actor) -> tuple[Reach, dict[str, Any]]:
    """The shape of the statements and their parameters."""
    values: dict[str, Any] = {"kin": sorted(actor.kin)} if actor.kin else {}
    pools: list[bool] = []
    for number, one in enumerate(actor.principals):
        values |= _values(f"hand_{number}", one, one.roles, one.offices) | {f"hand_{number}_key": one.key}
        for roles, offices in _queues(actor, one):
            values |= _values(f"pool_{len(pools)}", one, roles, offices)
            pools.append(bool(one.items))
    return Reach(tuple(bool(one.items) for one in actor.principals), tuple(pools), bool(actor.kin)), values


def _queues(actor: Actor, one: Principal) -> Iterator[tuple[frozenset[str], tuple[int, ...]]]:
    """Roles and offices of a grant that are not the actor's own."""
    if foreign := one.roles - actor.roles:
        yield foreign, one.offices
    beyond = tuple(office for office in one.offices if office not in actor.offices)
    if beyond and (shared := one.roles & actor.roles):
        yield shared, beyond


def _values(name: str, one: Principal, roles: frozenset[str], offices: tuple[int, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {f"{name}_roles": sorted(roles), f"{name}_offices": list(offices)}
    return found | ({f"{name}_items": list(one.items)} if one.items else {})


def hands(reach: Reach, lists: bool) -> list[ColumnElement[bool]]:
    """A condition a grant: what that person has taken, or was asked for by name."""
    return [_hand(f"hand_{number}", limited, lists) for number, limited in enumerate(reach.hands)]


def _hand(name: str, limited: bool, lists: bool) -> ColumnElement[bool]:
    theirs = (Task.assignee != _NOBODY) & (Task.assignee == bindparam(f"{name}_key", type_=String))
    asked = (Task.kind != literal_column("'normal'")) | (Task.owner != _NOBODY) | (Task.asked_by != _NOBODY)
    meant = within(Task.role, f"{name}_roles", String, lists) | asked
    here = within(Task.office_id, f"{name}_offices", BigInteger, lists)
    return _of_items(theirs & meant & here, name, limited, lists)


def pools(reach: Reach, lists: bool) -> list[tuple[ColumnElement[bool], tuple[str, str]]]:
    """A condition for each set of queues, and the parameters that name its offices and roles, to be read one by one."""
    found = []
    for number, limited in enumerate(reach.pools):
        name = f"pool_{number}"
        free = _of_items(Task.assignee == _NOBODY, name, limited, lists)
        found.append((free, (f"{name}_offices", f"{name}_roles")))
    return found


def _of_items(holds: ColumnElement[bool], name: str, limited: bool, lists: bool) -> ColumnElement[bool]:
    return holds & within(Task.item, f"{name}_items", String, lists) if limited else holds
