"""Which fields a role may see and change at a step: ``visible_to`` of a form's field and ``fields`` of item.yaml.

``fields`` is a list of ``{path, roles, steps, access}``: ``access`` is write, read or hidden; ``path`` is where the
value lies (``applicant.phone``, ``co_applicants.id_number``; a group or list stands for all in it); without ``roles``
or ``steps`` the line is for all of them. The last line that fits counts. ``visible_to: first_review, approval`` among
the properties of a field hides it from every other role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from engine.catalog.form_tree import Field, as_mapping
from engine.catalog.forms import Form, compile_form, strip_for
from engine.catalog.item import Item
from engine.core.errors import Fault, ModelFault

WRITE, READ, HIDDEN = "write", "read", "hidden"
_RANK = {HIDDEN: 0, READ: 1, WRITE: 2}
ANY = "*"


class _Line(Schema):
    path = fields.String(required=True, validate=validate.Length(min=1))
    roles = fields.List(fields.String(), load_default=list)
    steps = fields.List(fields.String(), load_default=list)
    access = fields.String(required=True, validate=validate.OneOf(list(_RANK)))


_LINES = _Line(many=True)


def rules(item: Item) -> list[dict[str, Any]]:
    """The lines of ``fields``. Raises ``ModelFault`` where they are not what they should be."""
    given = item.raw.get("fields")
    if not given:
        return []
    try:
        loaded: list[dict[str, Any]] = _LINES.load(given)
    except ValidationError as error:
        told = Fault("item_fields", f"字段权限不合要求：{error.messages}", file="item.yaml")
        raise ModelFault(told) from error
    return loaded


@dataclass(frozen=True)
class Access:
    """What of a form somebody may not see (``hidden``) or not change (``kept``), by place without list marks."""

    hidden: frozenset[str] = field(default_factory=frozenset)
    kept: frozenset[str] = field(default_factory=frozenset)

    def __bool__(self) -> bool:
        return bool(self.hidden or self.kept)

    def hides(self, place: str) -> bool:
        """Whether a place, or what it lies in, is hidden."""
        return _within(_plain(place), self.hidden)

    def prune(self, values: Any, place: str = "") -> Any:
        """A copy of variables or answers without what is hidden."""
        if isinstance(values, Mapping):
            found = {}
            for name, value in values.items():
                here = f"{place}.{name}" if place else str(name)
                if here not in self.hidden:
                    found[name] = self.prune(value, here)
            return found
        return [self.prune(one, place) for one in values] if isinstance(values, list) else values


NO_LIMITS = Access()


def access_of(item: Item, form: Form, roles: Iterable[str], step: str = "") -> Access:
    """What somebody with these roles may do with the fields of ``form`` at ``step`` (empty: outside of any step).

    Whoever holds several roles may do what one of them may. The applicant and the system see all that concerns them.
    """
    lines, held = rules(item), sorted(roles) or [""]
    if not lines and not any(one.properties.get("visible_to") for one in form.fields):
        return NO_LIMITS
    found = {_plain(one.path): max((_allowed(one, lines, role, step) for role in held), key=_RANK.__getitem__)
             for one in form.fields}  # fmt: skip
    return Access(
        frozenset(place for place, access in found.items() if access == HIDDEN),
        frozenset(place for place, access in found.items() if access == READ),
    )


def acting_roles(role: str, own: Iterable[str], works: bool) -> frozenset[str]:
    """Whoever works on a task of a role does so in that role alone."""
    return frozenset({role}) if works and role else frozenset(own)


def merge(parts: Iterable[Access]) -> Access:
    """What is hidden in one of several forms is hidden wherever the same variable is shown."""
    known = list(parts)
    return Access(frozenset().union(*(one.hidden for one in known)), frozenset().union(*(one.kept for one in known)))


def form_for(form: Form, access: Access) -> Form:
    """The form as somebody with ``access`` fills it; made once for each pair."""
    return _form_for(form, access) if access else form


@lru_cache(maxsize=400)
def _form_for(form: Form, access: Access) -> Form:
    """Without the hidden fields, the others read-only where they must be.

    A list with a hidden column is read-only as a whole: rows could not be told apart when they come back.
    """
    lists = {_plain(one.path) for one in form.fields if one.is_list}
    kept = access.kept | {place for place in lists for hidden in access.hidden if hidden.startswith(f"{place}.")}
    schema = deepcopy(strip_for(form, set(access.hidden)))
    _lock(schema.get("components"), kept, "")
    return compile_form(schema)


def with_hidden(form: Form, access: Access, answers: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Answers of a form from ``form_for``, with what was hidden put back as it was: a group is replaced as a whole."""
    whole = deepcopy(dict(answers))
    for one in form.fields:
        steps = one.path.split(".")
        if access.hides(one.path) and "[]" not in one.path and len(steps) > 1 and steps[0] in whole:
            _put_back(whole, before, steps)
    return whole


def _put_back(whole: Any, before: Any, steps: list[str]) -> None:
    for step in steps[:-1]:
        before = before.get(step) if isinstance(before, Mapping) else None
        if not isinstance(before, Mapping):
            return
        whole = whole.setdefault(step, {})
        if not isinstance(whole, dict):
            return
    if steps[-1] in before:
        whole[steps[-1]] = deepcopy(before[steps[-1]])


def _allowed(one: Field, lines: list[dict[str, Any]], role: str, step: str) -> str:
    place, found = _plain(one.path), WRITE
    named = str(one.properties.get("visible_to") or "")
    if named and role not in {part.strip() for part in named.split(",")}:
        found = HIDDEN
    for line in lines:
        fits_role = not line["roles"] or role in line["roles"]
        fits_step = not line["steps"] or step in line["steps"]
        if fits_role and fits_step and _within(place, {_plain(line["path"])}):
            found = line["access"]
    return found


def _lock(components: Any, kept: Iterable[str], place: str) -> None:
    places = set(kept)
    for raw in components if isinstance(components, list) else []:
        own = str(raw.get("path") or raw.get("key") or "")
        here = ".".join(part for part in (place, own) if part)
        if own and _within(here, places):
            raw["readonly"] = True
            _lock_all(raw.get("components"))
        elif raw.get("components"):
            _lock(raw["components"], places, here)


def _lock_all(components: Any) -> None:
    for raw in components if isinstance(components, list) else []:
        raw["readonly"] = True
        _lock_all(as_mapping(raw).get("components"))


def _within(place: str, places: Iterable[str]) -> bool:
    known = set(places)
    parts = place.split(".")
    return any(".".join(parts[: count + 1]) in known for count in range(len(parts)))


def _plain(path: str) -> str:
    return path.replace("[]", "")
