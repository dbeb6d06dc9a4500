"""An instance begins on behalf of a program: of a plain deployment, or of an item (then like in the browser)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.cases.case import ROOT_SCOPE, Case
from engine.cases.labels import CaseLabel
from engine.catalog import definitions, releases
from engine.catalog.definitions import Definition
from engine.commands import Unit, handles
from engine.commands.binding import bound_release
from engine.commands.cases import StartCase, start_case
from engine.commands.casework import Casework
from engine.commands.migrations import MigrateCase, migrate_case
from engine.commands.operate import in_hand, running
from engine.commands.roles import INTEGRATOR
from engine.core import clock, ids
from engine.core.errors import Refused
from engine.workflow import Activation, Process

# Who may begin an instance of a plain deployment: the counter, or a program that is nothing but that.
STARTERS = ("acceptance", INTEGRATOR)
CHANNEL = "platform"


@dataclass(frozen=True)
class CreateInstance:
    """Begin an instance by the key of its process, or by its id and a version, a tag, or the newest.

    ``start_before`` names elements before which it begins instead of at its start event.
    """

    key: int | None = None
    process_id: str = ""
    version: int | None = None
    version_tag: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    start_before: Sequence[str] = ()
    tags: Sequence[str] = ()
    business_id: str = ""


@dataclass(frozen=True)
class InstanceCreated:
    """The case and what it is an instance of."""

    case_id: int
    definition: Definition


@handles(CreateInstance)
def create_instance(command: CreateInstance, unit: Unit) -> InstanceCreated:
    """Find the process, pin what it runs with, begin."""
    definition = _definition(command, unit)
    release = releases.view(unit.session, definition.release_id)
    if release.strict and release.item.raw["process"] == definition.definition_id:
        case_id = _start_item(command, unit, release)
    else:
        case_id = _start_plain(command, unit, definition)
    if command.tags or command.business_id:
        label = CaseLabel(case_id=case_id, business_id=command.business_id, tags=list(dict.fromkeys(command.tags)))
        unit.session.add(label)
    unit.session.flush()
    return InstanceCreated(case_id, definition)


def _definition(command: CreateInstance, unit: Unit) -> Definition:
    session, process_id = unit.session, command.process_id
    found: Definition | None
    if command.key is not None:
        found = definitions.by_key(session, command.key, "process")
        if found.state == definitions.DELETED:
            raise definitions.not_found()
    elif command.version_tag:
        found = definitions.of_tag(session, "process", process_id, command.version_tag)
    elif command.version is not None and command.version > 0:
        found = definitions.of_version(session, "process", process_id, command.version)
    else:
        found = definitions.latest(session, "process", process_id)
    if found is None:
        raise definitions.not_found()
    return found


def _start_item(command: CreateInstance, unit: Unit, release: releases.ReleaseView) -> int:
    """An item begins with its form, whoever hands it in: answers are cleaned, numbers given, live keys claimed."""
    if releases.current_id(unit.session, release.item_id) != release.id:
        raise Refused("事项只能按当前发布的版本受理，请不指定版本或使用最新版本", code="not_current")
    if command.start_before:
        raise Refused("事项只能从申请开始，不能指定起始环节", code="item_starts_at_its_start")
    return start_case(StartCase(release.item_id, command.variables, CHANNEL, unit.actor.office_id), unit).case_id


def _start_plain(command: CreateInstance, unit: Unit, definition: Definition) -> int:
    unit.require(*STARTERS)
    number = ids.new()
    case = Case(
        id=number,
        office_id=unit.actor.office_id,
        item="",
        item_name=definition.name or definition.definition_id,
        release_id=bound_release(unit.session, definition, unit.actor.name),
        process_id=definition.definition_id,
        number=str(number),
        channel=CHANNEL,
        subject_name="",
        opened_at=unit.now,
        applied_on=clock.today(),
    )
    unit.session.add(case)
    unit.session.flush()
    unit.record(case, "started", f"开始「{case.item_name}」")
    work = Casework(unit, case)
    if command.start_before:
        activate = [Activation(element) for element in command.start_before]
        work.process = Process.start_at(work.definitions, case.process_id, command.variables, work, activate)
    else:
        work.begin(command.variables)
    work.save()
    return number


@dataclass(frozen=True)
class MigrateInstance:
    """Go over to another version or another process; ``mapping``: elements that are called otherwise there."""

    case_id: int
    target_key: int
    mapping: Mapping[str, str] = field(default_factory=dict)


@handles(MigrateInstance)
def migrate_instance(command: MigrateInstance, unit: Unit) -> None:
    """What a new instance of the target would be pinned to is what this one goes over to."""
    target = definitions.by_key(unit.session, command.target_key, "process")
    if target.state == definitions.DELETED:
        raise definitions.not_found()
    case = in_hand(unit, command.case_id)
    release = releases.view(unit.session, target.release_id)
    if release.strict != bool(case.item):
        raise Refused("事项只能迁移到事项的版本，部署的流程只能迁移到部署的流程", code="other_kind")
    target_id = release.id if release.strict else bound_release(unit.session, target, unit.actor.name)
    processes = {} if target.definition_id == case.process_id else {case.process_id: target.definition_id}
    reason = "经接口迁移"
    migrate_case(MigrateCase(case.id, target_id, command.mapping, processes, reason), unit)


@dataclass(frozen=True)
class SetElementVariables:
    """Write variables at an element instance, or (``element`` 0) at the process.

    Not ``local``: each goes to the innermost scope that knows its name, else to the process.
    """

    case_id: int
    element: int
    variables: Mapping[str, Any]
    local: bool = False


@handles(SetElementVariables)
def set_element_variables(command: SetElementVariables, unit: Unit) -> None:
    """Conditions are looked at again."""
    case = running(unit, command.case_id)
    work = Casework(unit, case)
    work.resume()
    scopes = work.process.scopes_of(str(command.element)) if command.element else [ROOT_SCOPE]
    _, held = work.process.save()
    by_scope: dict[str, dict[str, Any]] = {}
    for name, value in command.variables.items():
        known = next((scope for scope in scopes if name in held.get(scope, {})), scopes[-1])
        by_scope.setdefault(scopes[0] if command.local else known, {})[name] = value
    told = {"variables": dict(command.variables), "element": str(command.element)}
    unit.record(case, "variables_set", "修改变量", told)
    for scope, variables in by_scope.items():
        work.process.set_variables(variables, scope)
    work.save()
