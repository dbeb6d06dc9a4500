"""Deploy resources that are no item: whatever is valid Camunda 8, kept as a release of its own and numbered by key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from engine.cases.case import next_number
from engine.catalog import definitions, releases
from engine.catalog.definitions import Definition, Described
from engine.catalog.forms import compile_form
from engine.catalog.releases import Release
from engine.commands import Unit, handles, starts
from engine.core.errors import Fault, ModelFault, Refused
from engine.decisions import among, graph_of, load
from engine.workflow import Definitions, definitions_of, parse

ANALYST = "analyst"
ENDINGS = (".bpmn", ".dmn", ".form")
_MOST_FILES = 500
_LONGEST_ID, _LONGEST_NAME = 120, 200
_LARGEST, _MOST_RULES, _MOST_FIELDS = 4_000_000, 2_000, 2_000
_RULE = re.compile(rb"<(?:\w+:)?rule[\s>]")


@dataclass(frozen=True)
class DeployResources:
    """Files as (name, content), in the order they came."""

    files: Sequence[tuple[str, bytes]]


@dataclass(frozen=True)
class Deployed:
    """The release, what its files declare in their order, and what is doubtful about them."""

    release_id: int
    definitions: tuple[Definition, ...]
    warnings: tuple[Fault, ...]


@dataclass(frozen=True)
class DeleteDefinition:
    """Take a process, form or requirements graph out of use; running instances go on."""

    key: int


@handles(DeployResources)
def deploy(command: DeployResources, unit: Unit) -> Deployed:
    """Refuse all of it when one file has an error; what is unchanged keeps its version and key."""
    unit.require(ANALYST)
    files = _named(command.files)
    described, warnings = describe(files)
    # One at a time: two deployments at once must not take the same version.
    next_number(unit.session, "definitions")
    release = releases.store_deployment(unit.session, files, unit.actor.name)
    found = definitions.register(unit.session, release, described)
    models = {name: body for name, body in files.items() if name.endswith(".bpmn")}
    parsed = definitions_of(release.hash, lambda: models)
    starts.replace(unit.session, release.id, parsed, item="", office_id=unit.actor.office_id)
    unit.record(None, "deployed", f"部署 {len(files)} 个文件", {"files": sorted(files), "hash": release.hash})
    return Deployed(release.id, tuple(found), tuple(warnings))


@handles(DeleteDefinition)
def delete_definition(command: DeleteDefinition, unit: Unit) -> None:
    """Mark it deleted, a requirements graph with all its decisions. What belongs to an item is not deleted here."""
    unit.require(ANALYST)
    found = definitions.by_key(unit.session, command.key, "process", "form", "requirements")
    if found.state == definitions.DELETED:
        raise definitions.not_found()
    release = unit.session.get_one(Release, found.release_id)
    if release.kind == releases.ITEM:
        raise Refused("事项的流程、决策和表单随事项发布，不能单独删除", code="belongs_to_item")
    definitions.delete(unit.session, found)
    if found.kind == "process" and definitions.latest(unit.session, "process", found.definition_id) is None:
        starts.forget(unit.session, found.definition_id)
    unit.record(None, "definition_deleted", f"删除 {found.definition_id} 第 {found.version} 版", {"key": found.id})
    unit.session.flush()


def register_item(unit: Unit, release: Release, files: Mapping[str, bytes], parsed: Definitions) -> None:
    """Number what an item declares, like a deployment of its files."""
    next_number(unit.session, "definitions")
    definitions.register(unit.session, release, _described(files, parsed))
    starts.replace(unit.session, release.id, parsed, item=release.item, office_id=unit.actor.office_id)


def describe(files: Mapping[str, bytes]) -> tuple[list[Described], list[Fault]]:
    """What the files declare, and warnings. Raises ``ModelFault`` with every fault of all of them."""
    if big := [fault for name, body in files.items() for fault in _too_big(name, body)]:
        raise ModelFault(*big)
    errors: list[Fault] = []
    warnings: list[Fault] = []
    parsed: Definitions | None = None
    models = {name: body for name, body in files.items() if name.endswith(".bpmn")}
    try:
        parsed = parse(models, strict=False)
        warnings += parsed.warnings
    except ModelFault as fault:
        errors += fault.faults
    for name, body in files.items():
        try:
            if name.endswith(".dmn"):
                load(body, name, among(files))
            elif name.endswith(".form"):
                warnings += _check_form(name, body)
        except ModelFault as fault:
            errors += fault.faults
    if errors or parsed is None:
        raise ModelFault(*errors)
    if long := list(_too_long(files, parsed)):
        raise ModelFault(*long)
    return list(_described(files, parsed)), warnings


def _named(files: Sequence[tuple[str, bytes]]) -> dict[str, bytes]:
    """The files by name. Raises ``Refused`` for names that cannot be told apart, or endings we do not know."""
    if not files:
        raise Refused("没有要部署的文件，请在 resources 中附上 BPMN、DMN 或表单文件", code="nothing_to_deploy")
    if len(files) > _MOST_FILES:
        raise Refused(f"一次最多部署 {_MOST_FILES} 个文件", code="too_many_files")
    found: dict[str, bytes] = {}
    for name, body in files:
        if not name.endswith(ENDINGS) or len(name) > 300:
            raise Refused(
                f"不能部署文件 {name[:80] or '（未命名）'}：只接受 {'、'.join(ENDINGS)}", code="unknown_resource"
            )
        if found.get(name, body) != body:
            raise Refused(f"文件名 {name} 出现了两次而内容不同", code="resource_twice")
        found[name] = body
    return found


def _described(files: Mapping[str, bytes], parsed: Definitions) -> Iterator[Described]:
    """Everything the files declare, each graph before its decisions."""
    for name, body in files.items():
        if name.endswith(".bpmn"):
            yield from _processes(name, parsed)
        elif name.endswith(".dmn"):
            yield from _decisions(name, body, files)
        elif name.endswith(".form"):
            form = orjson.loads(body)
            form_id = str(form["id"])
            yield Described("form", form_id, name, version_tag=str(form.get("versionTag") or "")[:_LONGEST_ID])


def _processes(name: str, parsed: Definitions) -> Iterator[Described]:
    for process in parsed.processes.values():
        if process.file == name:
            starts = (process.elements[start] for start in process.starts)
            has_form = any("formDefinition" in start.extensions for start in starts)
            yield Described(
                "process",
                process.id,
                name,
                process.name[:_LONGEST_NAME],
                process.version_tag[:_LONGEST_ID],
                has_start_form=has_form,
            )


def _decisions(name: str, body: bytes, files: Mapping[str, bytes]) -> Iterator[Described]:
    model = load(body, name, among(files), strict=False)
    graph, tags = graph_of(body, name)
    yield Described("requirements", graph, name, model.name[:_LONGEST_NAME])
    for decision in model.decisions.values():
        yield Described(
            "decision",
            decision.id,
            name,
            decision.name[:_LONGEST_NAME],
            tags.get(decision.id, "")[:_LONGEST_ID],
            requirements=graph,
        )


def _too_big(name: str, body: bytes) -> Iterator[Fault]:
    """Before anything is read: what would keep everybody waiting. Models have limits of their own."""
    if name.endswith(".dmn") and len(_RULE.findall(body)) > _MOST_RULES:
        yield Fault("too_many_rules", f"决策表共有超过 {_MOST_RULES} 行规则", name, hint="请拆成几个文件")
    elif not name.endswith(".bpmn") and len(body) > _LARGEST:
        yield Fault("file_too_large", f"文件超过 {_LARGEST // 1_000_000} MB", name, hint="请拆成几个文件")
    elif name.endswith(".form") and body.count(b'"type"') > _MOST_FIELDS:
        yield Fault("too_many_fields", f"表单超过 {_MOST_FIELDS} 个组件", name, hint="请拆成几张表单")


def _check_form(name: str, body: bytes) -> Iterable[Fault]:
    """A form must be a form; what our inbox cannot show of it is a warning, since another one may."""
    try:
        form = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ModelFault(Fault("form_json", "不是有效的 JSON", name, line=error.lineno, hint=str(error.msg))) from error
    if not isinstance(form, dict) or not isinstance(form.get("id"), str) or not form["id"]:
        raise ModelFault(Fault("form_id", "表单没有 id", name, hint="请在表单的属性中填写 id"))
    try:
        return compile_form(body, name).warnings
    except ModelFault as fault:
        return [replace(one, level="warning") for one in fault.faults]


def _too_long(files: Mapping[str, bytes], parsed: Definitions) -> Iterator[Fault]:
    """Names that the tables cannot hold."""
    for one in _described(files, parsed):
        if len(one.definition_id) > _LONGEST_ID:
            yield Fault("id_too_long", f"编号超过 {_LONGEST_ID} 个字符", one.resource_name, one.definition_id)
    for process in parsed.processes.values():
        for element in process.elements.values():
            if len(element.id) > _LONGEST_ID:
                yield Fault(
                    "id_too_long", f"编号超过 {_LONGEST_ID} 个字符", process.file, element.id, line=element.line
                )
