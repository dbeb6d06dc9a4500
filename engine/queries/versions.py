"""The releases of an item, and what two of them differ in, in words."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
import yaml
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.catalog import releases
from engine.catalog.releases import ITEM, Release, ReleaseView
from engine.core.errors import NotFound
from engine.decisions import Model, models_of
from engine.queries.common import stamp
from engine.workflow import definitions_held, diff
from engine.workflow.diff import Difference

Portraits = dict[str, tuple[str, dict[str, str]]]


@dataclass(frozen=True)
class ReleaseLine:
    """One release of an item: ``open`` and ``over`` count the cases it carries."""

    id: int
    version: int
    at: str
    by: str
    current: bool
    open: int
    over: int


@dataclass(frozen=True)
class ItemLine:
    """An item with releases."""

    item: str
    name: str
    version: int
    releases: int


@dataclass(frozen=True)
class Changed:
    """One thing that differs: ``how`` is added, removed or changed."""

    how: str
    name: str
    kind: str
    element_id: str
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Part:
    """What differs in one kind of file."""

    title: str
    changes: tuple[Changed, ...]


@dataclass(frozen=True)
class Drawing:
    """A process that differs, as it is drawn in one of the two releases; ``said``: what is marked in it."""

    process_id: str
    name: str
    before: bool
    said: str


def items(session: Session) -> list[ItemLine]:
    """Every published item by name."""
    query = select(Release.item, func.count()).where(Release.kind == ITEM).group_by(Release.item)
    found = []
    for item, count in session.execute(query):
        view = releases.view(session, releases.current_id(session, item))
        found.append(ItemLine(item, view.item.name, view.version, count))
    return sorted(found, key=lambda line: line.item)


def versions(session: Session, item: str) -> list[ReleaseLine]:
    """The releases of an item, the newest first. Raises ``NotFound``."""
    query = select(Release).where(Release.item == item, Release.kind == ITEM).order_by(Release.version.desc())
    rows = list(session.scalars(query))
    if not rows or not item:
        raise NotFound("没有这个事项，或尚未发布")
    cases = select(Case.release_id, Case.state, func.count()).where(Case.release_id.in_([one.id for one in rows]))
    counts: dict[tuple[int, bool], int] = {}
    for release_id, state, count in session.execute(cases.group_by(Case.release_id, Case.state)):
        key = release_id, state in ("open", "suspended")
        counts[key] = counts.get(key, 0) + count
    return [
        ReleaseLine(
            id=one.id,
            version=one.version,
            at=stamp(one.created_at),
            by=one.created_by,
            current=one.current,
            open=counts.get((one.id, True), 0),
            over=counts.get((one.id, False), 0),
        )
        for one in rows
    ]


def item_of(session: Session, release_id: int) -> str:
    """The item a release is of. Raises ``NotFound``."""
    return releases.view(session, release_id).item_id


def compare(session: Session, before_id: int, after_id: int) -> list[Part]:
    """What differs, kind by kind; kinds without a difference are left out. Raises ``NotFound``."""
    before, after = _both(session, before_id, after_id)
    parts = [
        Part("流程", tuple(_models(before, after))),
        Part("决策表", tuple(_between(_rules(before), _rules(after)))),
        Part("表单", tuple(_between(_forms(before), _forms(after)))),
        Part("文书模板", tuple(_templates(before, after))),
        Part("事项说明", tuple(_between(_items(before), _items(after)))),
    ]
    return [part for part in parts if part.changes]


def drawings(session: Session, before_id: int, after_id: int) -> list[Drawing]:
    """Every process that differs as it is now, and as it was where something is gone. Raises ``NotFound``."""
    before, after = _both(session, before_id, after_id)
    found = _difference(before, after)
    told: list[Drawing] = []
    for process_id in dict.fromkeys(one.process_id for one in (*found.added, *found.changed, *found.removed)):
        marks = _became(found, process_id)
        for old, release in ((False, definitions_held(after)), (True, definitions_held(before))):
            said = [(how, len(marks[how])) for how in (("removed",) if old else ("added", "changed")) if marks[how]]
            if process_id in release.processes and said:
                words = "，".join(f"{BECAME[how]} {count} 处" for how, count in said)
                told.append(Drawing(process_id, release.processes[process_id].name or process_id, old, words))
    return told


BECAME = {"added": "新增", "changed": "修改", "removed": "删除"}


def diagram_xml(session: Session, release_id: int, process_id: str) -> bytes:
    """The model that draws a process of a release. Raises ``NotFound``."""
    release = releases.view(session, release_id)
    info = definitions_held(release).processes.get(process_id)
    if info is None:
        raise NotFound("没有这个流程图")
    return release.files[info.file]


def became(session: Session, before_id: int, after_id: int, process_id: str) -> dict[str, list[str]]:
    """``{added, changed, removed}``: ids of elements and flows of a process. Raises ``NotFound``."""
    return _became(_difference(*_both(session, before_id, after_id)), process_id)


def _became(found: diff.Diff, process_id: str) -> dict[str, list[str]]:
    return {
        how: [one.element_id for one in getattr(found, how) if one.process_id == process_id and one.type != "process"]
        for how in BECAME
    }


def _both(session: Session, before_id: int, after_id: int) -> tuple[ReleaseView, ReleaseView]:
    """Two releases of one item. Raises ``NotFound``."""
    before, after = releases.view(session, before_id), releases.view(session, after_id)
    if before.item_id != after.item_id:
        raise NotFound("这两个版本不是同一事项的，请从版本列表中选择要比较的版本")
    return before, after


@lru_cache(32)
def _difference(before: ReleaseView, after: ReleaseView) -> diff.Diff:
    """Releases never change: a page and its drawings ask the same."""
    return diff.compare(definitions_held(before), definitions_held(after))


def _models(before: ReleaseView, after: ReleaseView) -> Iterator[Changed]:
    found = _difference(before, after)
    for how in ("added", "removed", "changed"):
        for one in getattr(found, how):
            kind = "流程" if one.type == "process" else one.type_name
            yield Changed(how, one.name or one.element_id, kind, one.element_id, one.differences)


def _between(before: Portraits, after: Portraits) -> Iterator[Changed]:
    """Two sets of portraits: key → (kind, aspect → text)."""
    for key, (kind, aspects) in after.items():
        name = aspects.get("名称") or key
        if key not in before:
            yield Changed("added", name, kind, key)
        elif differences := diff.differences(before[key][1], aspects):
            yield Changed("changed", name, kind, key, differences)
    for key, (kind, aspects) in before.items():
        if key not in after:
            yield Changed("removed", aspects.get("名称") or key, kind, key)


def _rules(release: ReleaseView) -> Portraits:
    """Tables with their columns, and every row under its own id: what stands in it, not where."""
    found: Portraits = {}
    models: dict[str, Model] = {model.file: model for model in models_of(release.hash, lambda: release.files).values()}
    for model in models.values():
        for decision in model.decisions.values():
            head = {"名称": decision.name, "表达式": decision.text}
            if decision.table is not None:
                head["命中策略"] = f"{decision.table.hit_policy} {decision.table.aggregation}".strip()
                head["输入列"] = "；".join(one.text for one in decision.table.inputs)
                head["输出列"] = "；".join(one.name for one in decision.table.outputs)
            found[decision.id] = "决策", head
        for table in model.tables:
            for row in table.rules:
                cells = {one.label or one.text: cell.text for one, cell in zip(table.inputs, row.cells, strict=False)}
                results = {
                    one.label or one.name: cell.text for one, cell in zip(table.outputs, row.outputs, strict=False)
                }
                name = {"名称": f"{table.name} 第 {row.row} 行"}
                said = {column: text for column, text in row.annotations.items() if text}
                found[f"{table.owner} · {row.id}"] = "规则", name | cells | results | said
    return found


def _forms(release: ReleaseView) -> Portraits:
    found: Portraits = {}
    for path, content in release.of_kind(".form").items():
        schema = orjson.loads(content)
        form_id = str(schema.get("id") or path)
        for component in _components(schema):
            own = {name: value for name, value in component.items() if name not in ("components", "id", "layout")}
            key = component.get("key") or component.get("path") or component.get("id")
            label = {"名称": str(own.pop("label", "") or own.get("text") or key)}
            found[f"{form_id} · {key}"] = "字段", label | _flat(own)
    return found


def _components(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for component in schema.get("components") or []:
        yield component
        yield from _components(component)


def _flat(content: Mapping[str, Any]) -> dict[str, str]:
    return {key: text for name, value in content.items() for key, text in diff.flat(str(name), value).items()}


def _templates(before: ReleaseView, after: ReleaseView) -> Iterator[Changed]:
    old, new = before.of_kind(".html"), after.of_kind(".html")
    for path in sorted(old.keys() | new.keys()):
        name = path.rsplit("/", 1)[-1]
        if path not in old or path not in new:
            yield Changed("added" if path in new else "removed", name, "模板", path)
        elif old[path] != new[path]:
            yield Changed("changed", name, "模板", path, tuple(_lines(old[path].decode(), new[path].decode())))


def _lines(before: str, after: str) -> Iterator[Difference]:
    """The lines that differ, block by block."""
    a, b = before.splitlines(), after.splitlines()
    for tag, i, j, k, m in difflib.SequenceMatcher(a=a, b=b, autojunk=False).get_opcodes():
        if tag != "equal":
            yield Difference(
                f"第 {k + 1} 行" if k + 1 >= m else f"第 {k + 1}至 {m} 行", "\n".join(a[i:j]), "\n".join(b[k:m])
            )


def _items(release: ReleaseView) -> Portraits:
    found: Portraits = {}
    for path, content in release.files.items():
        if path.endswith("item.yaml"):
            for name, value in (yaml.safe_load(content) or {}).items():
                found[f"{path} · {name}"] = "事项", {"名称": str(name), **diff.flat("", value)}
    return found
