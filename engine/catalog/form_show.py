"""Reading with a form: which data the browser gets, what changed between two answers, a schema with parts taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from copy import deepcopy
from typing import Any

from engine.catalog.form_checks import Surroundings, options_of
from engine.catalog.form_own import yuan
from engine.catalog.form_point import point_words
from engine.catalog.form_tree import OPTIONS, Field, at
from engine.catalog.form_values import same

_NAME = re.compile(r"[^\W\d]\w*")
_ASKING = ("=", "{{")
_HIDDEN = "（已隐去）"
_NONE = "（空）"


def names_read(schema: Any) -> set[str]:
    """Every name that FEEL, a template or ``valuesKey`` of a form might read; rather one too many than one too few."""
    found: set[str] = set()
    for name, text in _texts(schema):
        if name == "valuesKey":
            found.add(text)
        elif text.startswith(_ASKING[0]) or _ASKING[1] in text:
            found.update(_NAME.findall(text))
    return found


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, name)


def changes(fields: tuple[Field, ...], old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(label, before, after) of every field whose value differs, in words for people; personal values never appear."""
    found: list[tuple[str, str, str]] = []
    for one in fields:
        before, after = at(old, one.steps), at(new, one.steps)
        if same(before, after) or (_blank(before) and _blank(after)):
            continue
        if one.is_list:
            found.extend(_row_changes(one, before, after))
        else:
            found.append((one.label or one.key, words(one, before), words(one, after)))
    return found


def _row_changes(one: Field, before: Any, after: Any) -> list[tuple[str, str, str]]:
    old_rows = before if isinstance(before, list) else []
    new_rows = after if isinstance(after, list) else []
    name = one.label or one.key
    found: list[tuple[str, str, str]] = []
    if len(old_rows) != len(new_rows):
        found.append((name, f"{len(old_rows)} 行", f"{len(new_rows)} 行"))
    for number, (old_row, new_row) in enumerate(zip(old_rows, new_rows, strict=False), start=1):
        inner = changes(one.rows, old_row or {}, new_row or {})
        found.extend((f"{name} 第 {number} 行 {label}", was, becomes) for label, was, becomes in inner)
    return found


def words(one: Field, value: Any) -> str:
    """A value as people read it: labels of options, 元, names of files, 是 and 否."""
    if _blank(value):
        return _NONE
    if one.personal:
        return _HIDDEN
    if one.type == "aj-amount" and isinstance(value, int):
        return yuan(value)
    if one.type == "aj-file" and isinstance(value, list):
        return "、".join(str(file.get("name") or file.get("id")) for file in value if isinstance(file, Mapping))
    if one.type == "aj-point":
        return point_words(value)
    if one.type in OPTIONS:
        chosen = value if isinstance(value, list) else [value]
        return "、".join(_option_words(one, choice) for choice in chosen)
    if isinstance(value, bool):
        return "是" if value else "否"
    return str(value)


def _option_words(one: Field, choice: Any) -> str:
    """The label of a static option; options that are computed are shown by their value."""
    if isinstance(one.raw.get("values"), list):
        around = Surroundings({}, lambda _: None, lambda _: None)
        for label, value in options_of(one, around):
            if same(value, choice):
                return label
    return str(choice)


def _blank(value: Any) -> bool:
    return value is None or value == "" or value == []


def without(schema: Mapping[str, Any], hidden: Set[str]) -> dict[str, Any]:
    """A copy of a schema without some components, named by id, key, path or full place (``members.phone``)."""
    kept = deepcopy(dict(schema))
    kept["components"] = _kept(kept.get("components"), hidden, "")
    return kept


def _kept(components: Any, hidden: Set[str], place: str) -> list[Any]:
    found = []
    for raw in components if isinstance(components, list) else []:
        own = str(raw.get("path") or raw.get("key") or "")
        here = ".".join(part for part in (place, own) if part)
        if hidden.isdisjoint({str(raw.get("id")), own, here} - {""}):
            if "components" in raw:
                raw["components"] = _kept(raw["components"], hidden, here)
            found.append(raw)
    return found
