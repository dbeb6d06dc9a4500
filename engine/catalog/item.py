"""item.yaml: what an item is called, who does what, how long it may take, which parameters it has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import yaml
from marshmallow import INCLUDE, Schema, ValidationError, fields, validate

from engine.catalog.limits import DAYS, Clock, ClockRules, Limits, rules_of
from engine.core.errors import Fault, ModelFault


class _Material(Schema):
    code = fields.String(required=True)
    name = fields.String(required=True)
    required = fields.Boolean(load_default=False)
    shared_source = fields.String()
    condition = fields.String()

    class Meta:
        unknown = INCLUDE


class _Parameter(Schema):
    name = fields.String(required=True)
    title = fields.String(required=True)
    value = fields.Raw(required=True, allow_none=True)
    valid_from = fields.Date(load_default=date.min)
    valid_to = fields.Date(load_default=None, allow_none=True)
    unit = fields.String(load_default="")
    clause = fields.String(load_default="")

    class Meta:
        unknown = INCLUDE


class _Retention(Schema):
    """Years after closing during which the history of a case is kept; without it, it stays."""

    years = fields.Integer(required=True, validate=validate.Range(min=1, max=100))


class _Suspension(Schema):
    """Whether the lawful clock stands while a supervisor suspends a case (``stops``), or runs on."""

    clock = fields.String(load_default="runs", validate=validate.OneOf(["runs", "stops"]))


class _About(Schema):
    """Of an item that looks at decided cases again: which, by which outcomes and papers, and who may begin."""

    items = fields.List(fields.String(), required=True, validate=validate.Length(min=1))
    outcomes = fields.List(fields.String(), required=True, validate=validate.Length(min=1))
    documents = fields.List(fields.String(), required=True, validate=validate.Length(min=1))
    role = fields.String(required=True)
    action = fields.String(required=True)


class _ReportedLine(Schema):
    """A kind of line of the record, of one of ``elements`` or of any, and the step it is to a platform."""

    kind = fields.String(required=True)
    elements = fields.List(fields.String(), load_default=list)
    step = fields.String(required=True)


class _Reports(Schema):
    """What a platform that handed a case down is told, by which operation; ``closed``: outcome → step."""

    operation = fields.String(required=True)
    lines = fields.List(fields.Nested(_ReportedLine), load_default=list)
    closed = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)


class _Item(Schema):
    name = fields.String(required=True)
    process = fields.String(load_default="")
    start_form = fields.String(load_default="")
    legal_basis = fields.List(fields.Raw(), load_default=list)
    channels = fields.List(fields.String(), load_default=list)
    time_limit = fields.Nested(Limits, load_default=dict)
    clock = fields.Nested(Clock, load_default=dict)
    stages = fields.List(fields.String(), load_default=list)
    materials = fields.List(fields.Nested(_Material), load_default=list)
    roles = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    numbering = fields.String(load_default="")
    outcomes = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    parameters = fields.List(fields.Nested(_Parameter), load_default=list)
    retention = fields.Nested(_Retention)
    suspension = fields.Nested(_Suspension)
    about = fields.Nested(_About)
    reports = fields.Nested(_Reports)

    class Meta:
        unknown = INCLUDE


@dataclass(frozen=True)
class Item:
    """One item as declared. ``raw`` is the whole of it after validation."""

    raw: dict[str, Any]

    @property
    def name(self) -> str:
        """The Chinese name of the item."""
        return str(self.raw["name"])

    @property
    def stages(self) -> list[str]:
        """The stages a person sees, in order."""
        return list(self.raw["stages"])

    @property
    def roles(self) -> dict[str, str]:
        """Lane name → role key."""
        return dict(self.raw["roles"])

    @property
    def outcomes(self) -> dict[str, str]:
        """End event id → Chinese outcome."""
        return dict(self.raw["outcomes"])

    @property
    def materials(self) -> list[dict[str, Any]]:
        """What must be handed in."""
        return list(self.raw["materials"])

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """Named values with the dates they are in force."""
        return list(self.raw["parameters"])

    @property
    def start_form(self) -> str:
        """Id of the form a citizen or the counter fills to apply."""
        return str(self.raw["start_form"])

    @property
    def about(self) -> dict[str, Any] | None:
        """Which decided cases this item looks at again: items, outcomes, documents, role, action; mostly None."""
        declared: dict[str, Any] | None = self.raw.get("about")
        return declared

    @property
    def reports(self) -> dict[str, Any] | None:
        """What a platform that handed a case down is told: operation, lines, closed; mostly None."""
        declared: dict[str, Any] | None = self.raw.get("reports")
        return declared

    def limit(self, kind: str) -> int | None:
        """Working days of the ``statutory`` or ``promised`` limit."""
        found = self.clock.case.get(kind)
        return found.amount if found and found.unit == DAYS else None

    @cached_property
    def clock(self) -> ClockRules:
        """Limits of the item and its steps, and all that goes by them."""
        return rules_of(self.raw["time_limit"], self.raw["clock"])


def parse_item(content: bytes, path: str) -> Item:
    """Read an item.yaml. Raises ``ModelFault``."""
    try:
        raw = yaml.safe_load(content)
        loaded: dict[str, Any] = _Item().load(raw)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        raise ModelFault(Fault("item_yaml", "不是有效的 YAML", file=path, line=line)) from error
    except ValidationError as error:
        if "time_limit" in error.messages_dict:
            raise ModelFault(
                Fault("item_limit", f"时限不合要求：{error.messages_dict['time_limit']}", file=path)
            ) from error
        raise ModelFault(Fault("item_yaml", f"事项说明不合要求：{error.messages}", file=path)) from error
    return Item(loaded)


def undeclared() -> Item:
    """What stands for the item.yaml of a plain deployment: every member at its default."""
    loaded: dict[str, Any] = _Item().load({"name": "-"})
    return Item({**loaded, "name": ""})
