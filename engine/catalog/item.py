"""item.yaml: what an item is called, who does what, how long it may take, which parameters it has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml
from marshmallow import INCLUDE, Schema, ValidationError, fields

from engine.core.errors import Fault, ModelFault

_LIMIT = re.compile(r"^(\d+) working days$")


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


class _Limits(Schema):
    statutory = fields.String(load_default="")
    promised = fields.String(load_default="")


class _Item(Schema):
    name = fields.String(required=True)
    process = fields.String(load_default="")
    start_form = fields.String(load_default="")
    legal_basis = fields.List(fields.Raw(), load_default=list)
    channels = fields.List(fields.String(), load_default=list)
    time_limit = fields.Nested(_Limits, load_default=dict)
    stages = fields.List(fields.String(), load_default=list)
    materials = fields.List(fields.Nested(_Material), load_default=list)
    roles = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    numbering = fields.String(load_default="")
    outcomes = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    parameters = fields.List(fields.Nested(_Parameter), load_default=list)

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

    def limit(self, kind: str) -> int | None:
        """Working days of the ``statutory`` or ``promised`` limit."""
        match = _LIMIT.match(self.raw["time_limit"].get(kind, ""))
        return int(match[1]) if match else None


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
        raise ModelFault(Fault("item_yaml", f"事项说明不合要求：{error.messages}", file=path)) from error
    for kind, text in loaded["time_limit"].items():
        if text and not _LIMIT.match(text):
            raise ModelFault(Fault("item_limit", f"时限 {kind} 应写作 “20 working days”，现为 {text}", file=path))
    return Item(loaded)
