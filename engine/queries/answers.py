"""What somebody wrote into a form, as people read it: sections with labels and words, personal values masked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.catalog.form_show import words
from engine.catalog.form_tree import Field, at
from engine.catalog.forms import Form
from engine.core import masks, secrets
from engine.queries.common import masked_text

_LISTS = "dynamiclist"


@dataclass(frozen=True)
class Row:
    """One answer. ``kind``: text, region (``text`` is a division code), files, point.

    ``files``: [{id, name, size}]; ``place``: a point as its form field gives it.
    """

    label: str
    text: str
    kind: str = "text"
    files: tuple[Mapping[str, Any], ...] = ()
    place: Mapping[str, Any] | None = None


@dataclass
class Section:
    """A group of the form; a list of rows (co-applicants) is a section of its own with ``entries``."""

    title: str
    rows: list[Row] = field(default_factory=list)
    entries: list[list[Row]] = field(default_factory=list)


def sections(form: Form, values: Mapping[str, Any]) -> list[Section]:
    """The answered fields of a form by its groups, in the form's order; what was left empty is left out."""
    by_id = {one.id: one for one in form.fields}
    found: list[Section] = []
    _walk(form.schema.get("components"), by_id, values, Section(""), found)
    return [one for one in found if one.rows or one.entries]


def rows(form: Form, values: Mapping[str, Any]) -> list[Row]:
    """The same without groups, for a short note of what was answered."""
    return [row for section in sections(form, values) for row in (*section.rows, *_flat(section))]


def _flat(section: Section) -> Iterator[Row]:
    for number, entry in enumerate(section.entries, start=1):
        for row in entry:
            yield replace(row, label=f"{section.title} {number} {row.label}")


def _walk(
    components: Any, by_id: Mapping[str, Field], values: Mapping[str, Any], current: Section, found: list[Section]
) -> None:
    if not any(one is current for one in found):
        found.append(current)
    for raw in components or []:
        one = by_id.get(str(raw.get("id")))
        if one is not None and one.type == _LISTS:
            entries = at(values, one.steps)
            section = Section(one.label or one.key)
            section.entries = [_entry(one, entry) for entry in entries or [] if isinstance(entry, Mapping)]
            found.append(section)
        elif one is not None:
            row = _row(one, at(values, one.steps))
            if row is not None:
                current.rows.append(row)
        elif raw.get("components"):
            inner = Section(str(raw.get("label") or ""))
            _walk(raw["components"], by_id, values, inner if inner.title else current, found)


def _entry(list_field: Field, values: Mapping[str, Any]) -> list[Row]:
    made = (_row(one, at(values, one.steps)) for one in list_field.rows if not one.is_list)
    return [row for row in made if row is not None]


def _file(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry with the file's name as its owner gave it."""
    return {**entry, "name": secrets.unseal(str(entry.get("name") or ""))}


def _row(one: Field, value: Any) -> Row | None:
    if value is None or value in ("", []) or (one.type == "checkbox" and not value):
        return None
    label = one.label or one.key
    if one.type == "aj-file":
        # What somebody typed into a lost task may be anything.
        listed = value if isinstance(value, list) else []
        files = tuple(_file(file) for file in listed if isinstance(file, Mapping) and file.get("id"))
        return Row(label, f"{len(files)} 份", "files", files)
    if one.personal or (isinstance(value, str) and value.startswith(secrets.PREFIX)):
        return Row(label, masked_text(secrets.unseal(str(value)), one.key))
    if one.key == "name":
        return Row(label, masks.mask_name(str(value)))
    if one.type == "aj-region":
        return Row(label, str(value), "region")
    if one.type == "aj-point" and isinstance(value, Mapping):
        return Row(label, words(one, value), "point", place=value)
    return Row(label, words(one, value))
