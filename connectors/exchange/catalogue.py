"""The catalogue's items as ``catalogue.yaml`` declares them, and the check of a row against its item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from marshmallow import EXCLUDE, Schema, fields, validate

Kind = Literal["text", "day", "integer"]
_TEXT = validate.Length(min=1, max=200)
_FIELDS: Mapping[Kind, Any] = {
    "text": lambda wire: fields.String(required=True, data_key=wire, validate=_TEXT),
    "day": lambda wire: fields.Date(required=True, data_key=wire, format="%Y%m%d"),
    "integer": lambda wire: fields.Integer(required=True, data_key=wire, strict=True),
}


@dataclass(frozen=True)
class Field:
    """One field of a row: the gateway's name, ours in Chinese, and whether only the evidence may keep it."""

    wire: str
    title: str
    kind: Kind = "text"
    personal: bool = False


@dataclass(frozen=True)
class Item:
    """One item of the catalogue: fields by our names."""

    code: str
    title: str
    source: str
    fields: Mapping[str, Field]

    def read(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """Rows under our names, days as ISO text, without what is personal. Raises ``ValidationError``."""
        schema = Schema.from_dict({name: _FIELDS[one.kind](one.wire) for name, one in self.fields.items()})
        loaded: list[dict[str, Any]] = schema(many=True, unknown=EXCLUDE).load(list(rows))
        return [{name: _plain(row[name]) for name, one in self.fields.items() if not one.personal} for row in loaded]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _load() -> dict[str, Item]:
    declared = yaml.safe_load(Path(__file__).with_name("catalogue.yaml").read_text(encoding="utf-8"))
    return {
        code: Item(code, one["title"], one["source"], {name: Field(**each) for name, each in one["fields"].items()})
        for code, one in declared.items()
    }


ITEMS = _load()
