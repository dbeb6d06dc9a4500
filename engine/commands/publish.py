"""Publish an item: check everything, then keep it as an immutable release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.catalog import releases
from engine.catalog.forms import compile_form
from engine.catalog.item import parse_item
from engine.commands import Unit, agreement, handles
from engine.commands.deploy import register_item
from engine.core import checks
from engine.core.errors import Fault, ModelFault, NotFound
from engine.decisions import among, load
from engine.decisions import check as check_decisions
from engine.workflow import definitions_of, parse

DECLARING = ("processes", "forms", "rules")
SUFFIXES = (".yaml", ".bpmn", ".dmn", ".form", ".html")
ANALYST = "analyst"


@dataclass(frozen=True)
class PublishItem:
    """Make this content the current release of ``item`` (``rental/eligibility_application``)."""

    item: str
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Published:
    """Which release it is."""

    release_id: int
    version: int
    warnings: tuple[Fault, ...]


def collect(root: Path, item: str) -> dict[str, bytes]:
    """The files of an item and of the shared parts it may call: path → content. Raises ``NotFound``."""
    if not (root / "processes" / item / "item.yaml").is_file():
        raise NotFound(f"没有事项 {item}，用 anju item list 查看已有的事项")
    folders = [root / kind / part for kind in DECLARING for part in (item, "shared")]
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.rglob("*"))
        if path.suffix in SUFFIXES
    }


def items(root: Path) -> list[str]:
    """Every item of the declaring folders."""
    found = (path.parent.relative_to(root / "processes") for path in sorted(root.glob("processes/*/*/item.yaml")))
    return [path.as_posix() for path in found]


def check_item(item: str, files: Mapping[str, bytes]) -> list[Fault]:
    """Everything that is wrong or doubtful about an item, errors first."""
    faults: list[Fault] = []
    path = f"processes/{item}/item.yaml"
    parsed, definitions = None, None
    with _gather(faults):
        parsed = parse_item(files[path], path)
    with _gather(faults):
        definitions = parse({name: body for name, body in files.items() if name.endswith(".bpmn")})
        faults += definitions.warnings
    for name, body in files.items():
        with _gather(faults):
            if name.endswith(".dmn"):
                faults += check_decisions(load(body, name, among(files)))
            elif name.endswith(".form"):
                compile_form(body, name)
    if parsed is not None and definitions is not None:
        faults += agreement.check(parsed, definitions, files, path)
        faults += checks.run(files, parsed.raw)
    return sorted(faults, key=lambda fault: (fault.level != "error", fault.file, fault.line))


class _gather:
    """Turn a ``ModelFault`` into findings, so that one look shows them all."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if isinstance(error, ModelFault):
            self.faults += error.faults
            return True
        return False


@handles(PublishItem)
def publish_item(command: PublishItem, unit: Unit) -> Published:
    """Refuse what has errors; keep the rest as the release that new cases get."""
    unit.require(ANALYST)
    faults = check_item(command.item, command.files)
    errors = [fault for fault in faults if fault.level == "error"]
    if errors:
        raise ModelFault(*errors)
    release = releases.store(unit.session, command.item, command.files, unit.actor.name)
    models = {path: body for path, body in command.files.items() if path.endswith(".bpmn")}
    register_item(unit, release, command.files, definitions_of(release.hash, lambda: models))
    unit.record(None, "published", f"发布 {command.item} 第 {release.version} 版", {"hash": release.hash})
    return Published(release.id, release.version, tuple(faults))
