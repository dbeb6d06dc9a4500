"""What the searches of running things share: the actor's offices, the process a case is pinned to, its variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, exists, false, func, literal, select
from sqlalchemy.orm import Session, aliased

from engine.cases.case import ROOT_SCOPE, Case, Variable
from engine.catalog import releases
from engine.catalog.definitions import Definition, ReleaseDefinition
from engine.core.actor import Actor
from engine.core.errors import Refused
from engine.queries.search.filters import Column
from engine.workflow import ElementInfo, definitions_held

TENANT: Any = literal("<default>")
# The process a row belongs to, and what links its release to it.
Process = aliased(Definition)
Held = aliased(ReleaseDefinition)


def pinned(query: Any, process_id: Any) -> Any:
    """``query`` (with ``Case``) joined to the definition that the case's release holds for ``process_id``."""
    held = and_(Held.release_id == Case.release_id, Held.kind == "process", Held.definition_id == process_id)
    return query.join(Held, held).join(Process, Process.id == Held.key)


def within(actor: Actor) -> ColumnElement[bool]:
    """Cases of the actor's offices."""
    return Case.office_id.in_(actor.offices)


def of_process() -> dict[str, Column]:
    """The filters that ask for the process of a row."""
    return {
        "processDefinitionId": Column(Process.definition_id),
        "processDefinitionKey": Column(Process.id, "key"),
        "tenantId": Column(TENANT, sortable=False),
    }


def with_variables(scope: Any) -> Column:
    """A filter ``[{name, value}]``: all of these variables have these values in ``scope`` of the case."""
    return Column(literal(""), sortable=False, by=_has_variables(scope))


def _has_variables(scope: Any) -> Callable[[Any], ColumnElement[bool]]:
    def condition(asked: Any) -> ColumnElement[bool]:
        if not isinstance(asked, list) or not all(isinstance(one, Mapping) and "name" in one for one in asked):
            raise Refused("变量条件应为 [{name, value}] 的列表", code="bad_filter")
        return and_(*(_has(scope, str(one["name"]), one.get("value")) for one in asked)) if asked else ~false()

    return condition


def _has(scope: Any, name: str, given: Any) -> ColumnElement[bool]:
    value = given.get("$eq") if isinstance(given, Mapping) else given
    if not isinstance(value, str):
        raise Refused('变量条件的 value 应为 JSON 文本，如 "\\"abc\\"" 或 "12"', code="bad_filter")
    here = and_(Variable.case_id == Case.id, Variable.scope == scope, Variable.name == name)
    return exists(select(Variable.name).where(here, Variable.value == json_of(value)))


def json_of(text: str) -> Any:
    """The value of a JSON text. Raises ``Refused``."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(f"{text[:60]} 不是 JSON 文本", code="bad_filter") from error


ROOT: Any = literal(ROOT_SCOPE)


def elements(session: Session, definition: Definition) -> Mapping[str, ElementInfo]:
    """The elements of a process as it was deployed; none where there is no such process any more."""
    release = releases.view(session, definition.release_id)
    parsed = definitions_held(release)
    process = parsed.processes.get(definition.definition_id)
    return process.elements if process is not None else {}


def text_of(column: Any) -> Any:
    """A nullable text as one that sorts."""
    return func.coalesce(column, "")
