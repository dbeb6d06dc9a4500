"""Processes, decisions and forms by key. Definitions are the installation's, not an office's."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, and_, case, cast, exists, func, literal, not_, select
from sqlalchemy.orm import Session, aliased

from engine.catalog import definitions, releases
from engine.catalog.definitions import ACTIVE, DELETED, Definition
from engine.core.actor import Actor
from engine.queries.search.filters import Column
from engine.queries.search.paging import Found, Search, page
from engine.workflow import definitions_held

_newer = aliased(Definition)
_graph = aliased(Definition)

PROCESS_STATES = ("ACTIVE", "DRAINING", "DELETED")
STATE: Any = case((Definition.state == DELETED, "DELETED"), else_="ACTIVE")
TENANT: Any = literal("<default>")

_no_newer = not_(
    exists(
        select(_newer.id).where(
            _newer.kind == Definition.kind,
            _newer.definition_id == Definition.definition_id,
            _newer.version > Definition.version,
            _newer.state == ACTIVE,
        )
    )
)
_is_latest: Any = cast(case((and_(_no_newer, Definition.state == ACTIVE), 1), else_=0), Boolean)

PROCESSES = {
    "processDefinitionKey": Column(Definition.id, "key"),
    "processDefinitionId": Column(Definition.definition_id),
    "name": Column(func.coalesce(Definition.name, "")),
    "resourceName": Column(Definition.resource_name),
    "version": Column(Definition.version, "int"),
    "versionTag": Column(Definition.version_tag),
    "tenantId": Column(TENANT),
    "hasStartForm": Column(Definition.has_start_form, "bool", sortable=False),
    "state": Column(STATE, choices=PROCESS_STATES, sortable=False),
    "isLatestVersion": Column(_is_latest, "bool", sortable=False),
}

DECISIONS = {
    "decisionDefinitionKey": Column(Definition.id, "key"),
    "decisionDefinitionId": Column(Definition.definition_id),
    "name": Column(Definition.name),
    "version": Column(Definition.version, "int"),
    "tenantId": Column(TENANT),
    "isLatestVersion": Column(_is_latest, "bool", sortable=False),
    "decisionRequirementsId": Column(_graph.definition_id),
    "decisionRequirementsKey": Column(_graph.id, "key"),
    "decisionRequirementsName": Column(_graph.name),
    "decisionRequirementsVersion": Column(_graph.version, "int"),
}


def processes(session: Session, actor: Actor, search: Search) -> Found:
    """Rows are ``Definition``."""
    query = select(Definition).where(Definition.kind == "process")
    return page(session, query, PROCESSES, Definition.id, search)


def decisions(session: Session, actor: Actor, search: Search) -> Found:
    """Rows are (decision, its requirements graph)."""
    query = select(Definition, _graph).join(_graph, _graph.id == Definition.requirements_key)
    query = query.where(Definition.kind == "decision", Definition.state == ACTIVE)
    return page(session, query, DECISIONS, Definition.id, search)


def with_graph(session: Session, decision: Definition) -> tuple[Definition, Definition]:
    """A decision and the requirements graph it stands in."""
    return decision, definitions.by_key(session, decision.requirements_key or 0, "requirements")


def start_form(session: Session, key: int) -> tuple[Definition, bytes] | None:
    """The form of a process's start event and its content, None where it has none. Raises ``NotFound``."""
    process = definitions.by_key(session, key, "process")
    if not process.has_start_form:
        return None
    release = releases.view(session, process.release_id)
    parsed = definitions_held(release)
    info = parsed.processes[process.definition_id]
    form_id = next(
        str(info.elements[start].extensions["formDefinition"].get("formId") or "")
        for start in info.starts
        if "formDefinition" in info.elements[start].extensions
    )
    form = definitions.in_release(session, release.id, "form", form_id) or definitions.latest(session, "form", form_id)
    return None if form is None else (form, definitions.content(session, form))


def form(session: Session, key: int) -> tuple[Definition, bytes]:
    """A form and its content. Raises ``NotFound``."""
    found = definitions.by_key(session, key, "form")
    if found.state == DELETED:
        raise definitions.not_found()
    return found, definitions.content(session, found)
