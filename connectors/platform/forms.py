"""The platform's form of an item turned into the answers of ours, by ``items.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from engine.core.errors import Refused

ITEMS = Path(__file__).with_name("items.yaml")


@cache
def items() -> dict[str, dict[str, Any]]:
    """The platform's items by its code."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(ITEMS.read_text(encoding="utf-8"))
    return found


def answers(code: str, version: str, form: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Our item and its answers. Raises ``Refused`` for an item or a version that nobody agreed."""
    known = items().get(code)
    if known is None:
        raise Refused("我方不受理该事项编码，请核对事项目录", code="unknown_item")
    if version not in known["versions"]:
        offered = "、".join(known["versions"])
        raise Refused(f"我方不识别该事项的版本，可受理的版本为 {offered}，请核对后重新下发", code="unknown_version")
    return str(known["item"]), _tree(known["answers"], form)


def _tree(wanted: Mapping[str, Any], form: Mapping[str, Any]) -> dict[str, Any]:
    read = {name: _value(rule, form) for name, rule in wanted.items()}
    return {name: value for name, value in read.items() if value not in (None, {}, [])}


def _value(rule: Any, form: Mapping[str, Any]) -> Any:
    if isinstance(rule, str):
        return _at(rule, form)
    if "path" in rule:
        found = _at(rule["path"], form)
        # A code that nobody mapped stays as it is: our own form refuses it at its field.
        return rule["codes"].get(str(found), found) if found is not None else None
    if "each" in rule:
        rows = _at(rule["each"], form)
        return [_tree(rule["answers"], one) for one in rows if isinstance(one, Mapping)] if _is_list(rows) else None
    return _tree(rule, form)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _at(path: str, form: Mapping[str, Any]) -> Any:
    found: Any = form
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
