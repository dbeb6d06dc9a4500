"""What a form-js schema (version 19 and ours) is made of, as plain data that the rest of ``form_*`` reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from engine.catalog.form_feel import Expression
from engine.catalog.form_pattern import Pattern

TEXT = frozenset({"textfield", "textarea"})
ONE_OPTION = frozenset({"radio", "select"})
MANY_OPTIONS = frozenset({"checklist", "taglist"})
OPTIONS = ONE_OPTION | MANY_OPTIONS
OWN = frozenset({"aj-id", "aj-phone", "aj-amount", "aj-region", "aj-file", "aj-point"})
KEYED = TEXT | OPTIONS | OWN | {"number", "datetime", "checkbox", "expression"}
PERSONAL = frozenset({"aj-id", "aj-phone"})
CONTAINERS = frozenset({"group", "dynamiclist"})
SHOWN = frozenset({"text", "separator", "spacer", "table", "documentPreview", "image", "button"})
REFUSED = frozenset({"html", "iframe", "filepicker"})
KNOWN = KEYED | CONTAINERS | SHOWN | REFUSED

MAX_DEPTH = 6
MAX_ROWS = 200
MAX_TEXT = 100_000

_CHOSEN = OPTIONS | {"datetime", "aj-region", "aj-point"}


@dataclass(frozen=True)
class Field:
    """One input of a form (lists included, groups and texts not).

    ``path`` is where the value lies in the answers: ``applicant.name``, inside a list ``members[].name``. ``steps`` is
    the same place counted from the row (or the form) that holds it. ``feel`` holds the field's expressions by property
    name (``readonly``, ``min``, ``max``, ``minLength``, ``maxLength``, ``valuesExpression``, ``expression``,
    ``fence``); ``hides`` its own condition and those of the groups around it.
    ``rows`` is what one row of a ``dynamiclist`` holds.
    """

    id: str
    key: str
    path: str
    type: str
    label: str
    required: bool
    personal: bool
    properties: Mapping[str, Any]
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    steps: tuple[str, ...] = field(default=(), repr=False)
    hides: tuple[Expression, ...] = field(default=(), repr=False, compare=False)
    feel: Mapping[str, Expression] = field(default_factory=dict, repr=False, compare=False)
    pattern: Pattern | None = field(default=None, repr=False, compare=False)
    rows: tuple[Field, ...] = field(default=(), repr=False)

    @property
    def is_list(self) -> bool:
        return self.type == "dynamiclist"

    @property
    def validate(self) -> Mapping[str, Any]:
        """The schema's ``validate`` part, never None."""
        return as_mapping(self.raw.get("validate"))

    @property
    def ask(self) -> str:
        """What a person is asked to do with the field: 「请填写“姓名”」."""
        if self.type == "checkbox":
            verb = "勾选"
        elif self.type == "aj-file":
            verb = "上传"
        else:
            verb = "选择" if self.type in _CHOSEN else "填写"
        return f"请{verb}“{self.label}”" if self.label else f"请{verb}此项"

    @property
    def empty(self) -> Any:
        """What form-js sends for the field when nothing was put in."""
        if self.type in MANY_OPTIONS or self.type == "aj-file":
            return []
        if self.type == "checkbox":
            return False
        return "" if self.type in TEXT or self.type in PERSONAL else None


def as_mapping(value: Any) -> Mapping[str, Any]:
    """``value`` where it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def truth(value: Any) -> bool:
    """A switch of the schema; the editor keeps custom properties as text."""
    return value is True or value == "true"


def whole(value: Any) -> int | None:
    """A count of the schema, as number or text; None where it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value) else None


def count_of(properties: Mapping[str, Any], name: str) -> int | None:
    """How many rows or files: ``min`` and ``max``, also written ``minItems`` and ``maxItems``."""
    count = whole(properties.get(name))
    return whole(properties.get(f"{name}Items")) if count is None else count


def plain_label(raw: Mapping[str, Any]) -> str:
    """The label for messages: no FEEL, no template, no Markdown stars."""
    for name in ("label", "dateLabel", "timeLabel"):
        label = raw.get(name)
        if isinstance(label, str) and label.strip() and not label.startswith("=") and "{{" not in label:
            return label.strip().strip("*：:").strip()
    return ""


def flat(fields: tuple[Field, ...]) -> Iterator[Field]:
    """All fields, those of list rows after their list."""
    for one in fields:
        yield one
        yield from flat(one.rows)


def at(value: Any, steps: tuple[str | int, ...]) -> Any:
    """The value at a place, None where the way is not there."""
    for step in steps:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value


def put(tree: Any, steps: tuple[str | int, ...], value: Any) -> None:
    """Set the value at a place; objects on the way are made, lists and their rows are there already."""
    for step, following in pairwise(steps):
        inner = tree[step] if isinstance(step, int) else tree.get(step)
        if not isinstance(inner, list if isinstance(following, int) else dict):
            inner = tree[step] = {}
        tree = inner
    tree[steps[-1]] = value
