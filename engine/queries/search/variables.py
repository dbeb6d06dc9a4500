"""Variables of running cases: of the process, of one element, or as a task sees them. Personal ones come masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, false, literal, or_, select
from sqlalchemy.orm import Session

from engine.cases import final
from engine.cases.case import ROOT_SCOPE, Case, Variable
from engine.catalog import releases
from engine.core.actor import Actor
from engine.core.errors import NotFound, Refused
from engine.queries import permitted, visible
from engine.queries.common import masked_tree
from engine.queries.search.filters import LARGEST, Column, key_number
from engine.queries.search.paging import Found, Search, page
from engine.queries.search.scope import TENANT, json_of, within
from engine.queries.search.tasks import task as task_of
from engine.workflow import instance_key

# A key is the case's with these many digits of a hash of scope and name behind it: at most 25 digits in all.
_DIGITS = 6
_SPACE = 10**_DIGITS


@dataclass(frozen=True)
class Value:
    """One variable; ``value`` is JSON."""

    key: int
    name: str
    value: Any
    scope_key: int
    case_id: int


def _valued(given: Any) -> Any:
    """The value as JSON text, with the operators that make sense for one."""
    operators = given if isinstance(given, dict) else {"$eq": given}
    ways = {
        "$eq": lambda text: Variable.value == json_of(text),
        "$neq": lambda text: Variable.value != json_of(text),
        "$in": lambda texts: or_(*(Variable.value == json_of(text) for text in texts)),
        "$exists": lambda there: Variable.value.is_not(None) if there else Variable.value.is_(None),
    }
    if not operators or not set(operators) <= set(ways):
        raise Refused(f"变量值的条件可用：{'、'.join(ways)}", code="bad_filter")
    try:
        return and_(*(ways[name](each) for name, each in operators.items()))
    except TypeError as error:
        raise Refused("变量值的条件应为 JSON 文本", code="bad_filter") from error


def _scoped(given: Any) -> Any:
    """Of the process behind a key of an instance, else of that element instance."""
    key = key_number(given)
    own = Variable.scope.in_([str(key), f"{key}c"])
    return or_(own, and_(Variable.scope == ROOT_SCOPE, Variable.case_id == key))


VARIABLES = {
    "name": Column(Variable.name),
    "value": Column(Variable.value, sortable=False, by=_valued),
    "tenantId": Column(TENANT, sortable=False),
    "isTruncated": Column(literal(0) == 1, "bool", sortable=False),
    "scopeKey": Column(Variable.scope, sortable=False, by=_scoped),
    "processInstanceKey": Column(Variable.case_id, "key"),
}
OF_TASK = {name: VARIABLES[name] for name in ("name", "value", "tenantId")}
_KEYS = [Column(Variable.case_id, "key"), Column(Variable.scope), Column(Variable.name)]


def variables(session: Session, actor: Actor, search: Search) -> Found:
    """Rows are ``Value``. Of an instance that is over they come out of the record, where it is the one asked for."""
    named = search.filter.get("processInstanceKey")
    case = session.get(Case, key_number(named)) if isinstance(named, str | int) else None
    if case is not None and case.office_id in actor.offices and case.state not in final.RUNNING:
        return _of_ended(session, actor, case, search)
    query = select(Variable).join(Case, Case.id == Variable.case_id).where(within(actor))
    return _made(session, actor, page(session, query, VARIABLES, _KEYS, search))


def variable(session: Session, actor: Actor, key: int) -> Value:
    """The variable of that key. Raises ``NotFound``."""
    key = key if key // _SPACE <= LARGEST else -1
    query = select(Variable).join(Case, Case.id == Variable.case_id).where(within(actor))
    for one in session.scalars(query.where(Variable.case_id == key // _SPACE).order_by(Variable.scope, Variable.name)):
        if _key_of(one.case_id, one.scope, one.name) == key:
            shown = permitted.variables(session, actor, {(one.case_id, one.name): one.value})
            for value in shown.values():
                return _told(one.case_id, one.scope, one.name, value)
    raise NotFound("没有这个变量，或其所属环节已经结束")


def of_task(session: Session, actor: Actor, key: int, search: Search, *, effective: bool) -> Found:
    """The variables in the scopes a task sees; ``effective``: of each name the innermost alone. Rows are ``Value``."""
    found = task_of(session, actor, key)
    case = session.get_one(Case, found.row.case_id)
    scopes = visible.scopes(session, case, found.row.token) if found.row.state in ("open", "suspended") else []
    seen: list[ColumnElement[bool]] = [false()]
    for depth, scope in enumerate(scopes):
        hidden = select(Variable.name).where(Variable.case_id == case.id, Variable.scope.in_(scopes[:depth]))
        seen.append(
            and_(Variable.scope == scope, Variable.name.not_in(hidden)) if effective else Variable.scope == scope
        )
    query = select(Variable).where(Variable.case_id == case.id, or_(*seen))
    return _made(session, actor, page(session, query, OF_TASK, _KEYS, search))


def _of_ended(session: Session, actor: Actor, case: Case, search: Search) -> Found:
    """What an instance that is over knew, out of the record: one page by name."""
    access = permitted.of_case(releases.view(session, case.release_id), actor)
    known = access.prune(final.variables(session, case).get(ROOT_SCOPE, {}))
    wanted = {name: given for name, given in search.filter.items() if name not in ("processInstanceKey", "tenantId")}
    rows = [_told(case.id, ROOT_SCOPE, name, known[name]) for name in sorted(known) if _fits(name, known[name], wanted)]
    shown = rows[search.begin : search.begin + search.limit] if not (search.after or search.before) else []
    return Found(shown, len(rows), False, None, None)


def _fits(name: str, value: Any, wanted: Mapping[str, Any]) -> bool:
    for one, given in wanted.items():
        operators = given if isinstance(given, Mapping) else {"$eq": given}
        mine = name if one == "name" else orjson.dumps(value).decode()
        if one not in ("name", "value") or not set(operators) <= {"$eq", "$in"}:
            raise Refused("已结束实例的变量只能按 name、value 的 $eq 与 $in 筛选", code="bad_filter")
        if not all(mine == asked if how == "$eq" else mine in asked for how, asked in operators.items()):
            return False
    return True


def _made(session: Session, actor: Actor, found: Found) -> Found:
    """Without what the actor may not see: such a variable is left out, a group of several loses its part."""
    shown = permitted.variables(session, actor, {(one.case_id, one.scope, one.name): one.value for one in found.rows})
    rows = [_told(*place, value) for place, value in shown.items()]
    return Found(rows, found.total, found.more, found.start, found.end)


def _told(case_id: int, scope: str, name: str, value: Any) -> Value:
    return Value(
        key=_key_of(case_id, scope, name),
        name=name,
        value=masked_tree(value, name),
        scope_key=case_id if scope == ROOT_SCOPE else instance_key(scope.removesuffix("c")),
        case_id=case_id,
    )


def _key_of(case_id: int, scope: str, name: str) -> int:
    digest = blake2b(orjson.dumps([scope, name]), digest_size=8).digest()
    return case_id * _SPACE + int.from_bytes(digest, "big") % _SPACE
