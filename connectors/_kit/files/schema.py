"""What a profile may say, checked when it is read rather than when the first file comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, pre_load, validate, validates_schema

from connectors._kit.files.kinds import MOMENTS

KINDS = ("text", "digits", "integer", "money", "date", "time", "moment", "result", "constant", "filler")
NUMBERS = ("integer", "money")
OUTCOMES = ("ok", "failed", "pending", "reversed")
NAME = validate.Regexp(r"^[a-z][a-z0-9_]*$")


class FieldSchema(Schema):
    """One field; see ``kinds.Field``."""

    name = fields.String(required=True, validate=NAME)
    title = fields.String(load_default="")
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    width = fields.Integer(load_default=0, validate=validate.Range(min=0, max=4096))
    align = fields.String(validate=validate.OneOf(["left", "right"]))
    pad = fields.String(validate=validate.Regexp(r"^[ -~]$"))
    required = fields.Boolean(load_default=True)
    signed = fields.Boolean(load_default=False)
    places = fields.Integer(load_default=0, validate=validate.OneOf([0, 2]))
    format = fields.String(load_default="")
    value = fields.String(load_default="")
    overflow = fields.String(load_default="refuse", validate=validate.OneOf(["refuse", "cut"]))

    @post_load
    def complete(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Numbers stand right with zeros, all else left with spaces, unless it is said otherwise."""
        number = data["kind"] in NUMBERS
        data.setdefault("align", "right" if number else "left")
        data.setdefault("pad", "0" if number and data["align"] == "right" else " ")
        return data

    @validates_schema
    def check(self, data: dict[str, Any], **_: Any) -> None:
        kind = data.get("kind", "")
        if kind in MOMENTS and data.get("format") not in MOMENTS[kind]:
            raise ValidationError(f"one of {', '.join(MOMENTS[kind])}", "format")
        if kind == "constant" and not data.get("value"):
            raise ValidationError("a constant needs its value", "value")
        if data.get("value", "") != data.get("value", "").strip():
            raise ValidationError("spaces at its ends count as padding", "value")
        if data.get("overflow") == "cut" and kind != "text":
            raise ValidationError("only text may be cut", "overflow")
        if kind in NUMBERS and data.get("align") == "left" and data.get("pad", " ") != " ":
            raise ValidationError("zeros behind a number change it", "pad")
        if kind in NUMBERS and data.get("pad", "0") not in (" ", "0"):
            raise ValidationError("a number is padded with spaces or zeros", "pad")
        if kind not in NUMBERS and kind != "text" and data.get("pad", " ") != " ":
            raise ValidationError("its content could be taken for padding", "pad")


class TotalSchema(Schema):
    """``in`` says where it stands; without ``sum`` it counts lines; ``of`` limits it to one outcome."""

    place = fields.String(required=True, data_key="in", validate=validate.OneOf(["head", "trailer"]))
    field = fields.String(required=True)
    sum = fields.String(load_default="")
    of = fields.String(load_default="", validate=validate.OneOf(["", *OUTCOMES]))

    @post_load
    def rename(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"in": data["place"], "field": data["field"], "sum": data["sum"], "of": data["of"]}


class ResultSchema(Schema):
    """What a bank's result code means here."""

    code = fields.String(required=True, validate=NAME)
    outcome = fields.String(required=True, validate=validate.OneOf(OUTCOMES))
    text = fields.String(required=True)


class ProfileSchema(Schema):
    """The whole file."""

    name = fields.String(required=True, validate=NAME)
    title = fields.String(required=True)
    encoding = fields.String(required=True, validate=validate.OneOf(["gb18030", "utf-8"]))
    bom = fields.String(load_default="never", validate=validate.OneOf(["never", "always", "may"]))
    line_end = fields.String(load_default="crlf", validate=validate.OneOf(["crlf", "lf", "any"]))
    last_line_end = fields.String(load_default="always", validate=validate.OneOf(["always", "never", "may"]))
    separator = fields.String(load_default="", validate=validate.Regexp(r"^[\t!-~]{0,4}$"))
    closing_separator = fields.Boolean(load_default=False)
    escape = fields.String(load_default="refuse", validate=validate.OneOf(["refuse", "quote", "backslash"]))
    max_line_bytes = fields.Integer(load_default=65_536, validate=validate.Range(min=1, max=1_048_576))
    max_lines = fields.Integer(load_default=1_000_000, validate=validate.Range(min=1))
    head = fields.List(fields.Nested(FieldSchema), load_default=list)
    body = fields.List(fields.Nested(FieldSchema), required=True, validate=validate.Length(min=1))
    trailer = fields.List(fields.Nested(FieldSchema), load_default=list)
    marks = fields.Dict(
        keys=fields.String(validate=validate.OneOf(["head", "body", "trailer"])),
        values=fields.String(validate=validate.Regexp(r"^[!-~]{1,8}$")),
        load_default=dict,
    )
    totals = fields.List(fields.Nested(TotalSchema), load_default=list)
    key = fields.List(fields.String(), load_default=list)
    results = fields.Dict(keys=fields.String(), values=fields.Nested(ResultSchema), load_default=dict)

    @pre_load
    def quoted(self, data: Mapping[str, Any], **_: Any) -> Mapping[str, Any]:
        """YAML takes an unquoted 0000 for a number; a result code is text."""
        loose = [code for code in (data.get("results") or {}) if not isinstance(code, str)]
        if loose:
            raise ValidationError(f"write the codes in quotes: {loose}", "results")
        return data

    @validates_schema
    def check(self, data: dict[str, Any], **_: Any) -> None:
        separator, bom = data.get("separator", ""), data.get("bom")
        if bom != "never" and data.get("encoding") == "gb18030":
            raise ValidationError("only UTF-8 begins with a BOM", "bom")
        if separator and data.get("escape") == "quote" and '"' in separator:
            raise ValidationError("a quote cannot separate and quote", "separator")
        if separator and data.get("escape") == "backslash" and "\\" in separator:
            raise ValidationError("a backslash cannot separate and escape", "separator")
        for place in ("head", "body", "trailer"):
            _check_record(place, data.get(place) or [], bool(separator))
        _check_references(data)


def _check_record(place: str, record: list[dict[str, Any]], separated: bool) -> None:
    names = [field["name"] for field in record]
    if len(set(names)) != len(names):
        raise ValidationError("two fields share a name", place)
    if len(record) == 1 and not record[0]["required"]:
        raise ValidationError("a line could be empty", place)
    for field in record:
        if bool(field["width"]) == separated:
            wrong = "no width where a separator cuts" if separated else "needs a width"
            raise ValidationError(f"{field['name']}: {wrong}", place)
        if field["kind"] == "filler" and separated:
            raise ValidationError(f"{field['name']}: a filler needs a width; take text that is not required", place)


def _check_references(data: dict[str, Any]) -> None:
    body = {field["name"]: field for field in data.get("body") or []}
    for name in data.get("key") or []:
        if name not in body or not body[name]["required"]:
            raise ValidationError(f"{name} is no required field of the body", "key")
    for total in data.get("totals") or []:
        named = {field["name"]: field for field in data.get(total["in"]) or []}
        if total["field"] not in named or named[total["field"]]["kind"] not in NUMBERS:
            raise ValidationError(f"{total['field']} is no number in the {total['in']}", "totals")
        if not named[total["field"]]["required"]:
            raise ValidationError(f"{total['field']}: a total must be there", "totals")
        if total["sum"] and (total["sum"] not in body or body[total["sum"]]["kind"] not in NUMBERS):
            raise ValidationError(f"{total['sum']} is no number in the body", "totals")
        if total["of"] and not any(field["kind"] == "result" for field in body.values()):
            raise ValidationError("without a result code no outcome is known", "totals")
    if any(field["kind"] == "result" for field in body.values()) and not data.get("results"):
        raise ValidationError("a result code needs its map", "results")
