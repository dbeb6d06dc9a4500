"""Search requests and their answers as schemas: filter, sort and page made of the columns that a search knows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from marshmallow import RAISE, Schema, fields, post_load, validate

from engine.queries.search.filters import OPERATORS, Column
from engine.queries.search.paging import MOST, USUAL, Found, Search
from web.api.schemas import ApiSchema, PageInfo, camel

KINDS = {"text": "string", "int": "integer", "key": "string", "moment": "string", "bool": "boolean"}


class Filter(fields.Raw):
    """A value, or an object of operators; the search itself reads it. ``column`` says of which kind it is."""

    def __init__(self, column: Column, **kwargs: Any) -> None:
        super().__init__(allow_none=True, metadata=_described(column), **kwargs)


def _described(column: Column) -> dict[str, Any]:
    """What the OpenAPI document says of a filter."""
    if column.by is not None:
        return {"description": "值或对象"}
    value: dict[str, Any] = {"type": KINDS[column.kind]}
    if column.kind == "key":
        value["pattern"] = "^-?[0-9]+$"
    if column.kind == "moment":
        value["format"] = "date-time"
    if column.choices:
        value["enum"] = list(column.choices)
    several = {"type": "array", "items": value}
    special: dict[str, Any] = {"$exists": {"type": "boolean"}, "$in": several, "$notIn": several}
    if column.kind != "text":
        names = [one for one in OPERATORS if one != "$like"]
    else:
        names = list(OPERATORS)
        special["$like"] = {"type": "string"}
    operators = {name: special.get(name, value) for name in names}
    return {"oneOf": [value, {"type": "object", "properties": operators, "additionalProperties": False}]}


class PageRequest(ApiSchema):
    """Where to begin: an offset, or a cursor after or before which to go on."""

    limit = fields.Integer(strict=True, load_default=USUAL, validate=validate.Range(min=0, max=MOST), allow_none=True)
    begin = fields.Integer(
        strict=True, data_key="from", load_default=0, validate=validate.Range(min=0, max=10**9), allow_none=True
    )
    after = fields.String(load_default="", allow_none=True, validate=validate.Length(max=4000))
    before = fields.String(load_default="", allow_none=True, validate=validate.Length(max=4000))


class StrictSchema(ApiSchema):
    """A misspelt filter is refused: left out it would find everything."""

    class Meta:
        unknown = RAISE


class SearchRequest(ApiSchema):
    """Loads to ``Search``."""

    @post_load
    def _to_search(self, data: dict[str, Any], **_: Any) -> Search:
        page = data.get("page") or {}
        return Search(
            filter=data.get("filter") or {},
            sort=[(one["field"], one["order"].upper() == "DESC") for one in data.get("sort") or []],
            limit=USUAL if page.get("limit") is None else page["limit"],
            begin=page.get("begin") or 0,
            after=page.get("after") or "",
            before=page.get("before") or "",
        )


def search_of(name: str, columns: Mapping[str, Column], alternatives: bool = False) -> Schema:
    """The schema of a search request; loads to ``Search``. ``alternatives`` allows ``$or``."""
    filters: dict[str, Any] = {each: Filter(column) for each, column in columns.items()}
    if alternatives:
        one = _make(f"{name}FilterFields", dict(filters), StrictSchema)
        filters["$or"] = fields.List(fields.Nested(one))
    sortable = [each for each, column in columns.items() if column.sortable]
    sort = _make(
        f"{name}Sort",
        {
            "field": fields.String(required=True, validate=validate.OneOf(sortable)),
            "order": fields.String(load_default="ASC", validate=validate.OneOf(["ASC", "DESC", "asc", "desc"])),
        },
    )
    parts = {
        "filter": fields.Nested(_make(f"{name}Filter", filters, StrictSchema), load_default=dict, allow_none=True),
        "sort": fields.List(fields.Nested(sort), load_default=list, allow_none=True, validate=validate.Length(max=10)),
        "page": fields.Nested(PageRequest, load_default=dict, allow_none=True),
    }
    return _make(f"{name}Search", parts, SearchRequest)()


def _make(name: str, parts: dict[str, Any], base: type[ApiSchema] = ApiSchema) -> type[ApiSchema]:
    return type(name, (base,), parts)


@cache
def results_of(item: type[ApiSchema]) -> Schema:
    """The schema of a page of ``item``; dumps what ``results`` gives."""
    parts = {"items": fields.List(fields.Nested(item), required=True), "page": fields.Nested(PageInfo, required=True)}
    return _make(f"{item.__name__}Page", parts)()


def results(found: Found, items: list[Any] | None = None) -> dict[str, Any]:
    """A page as the schema takes it; ``items`` instead of the rows themselves."""
    return {
        "items": list(found.rows) if items is None else items,
        "page": {
            "total_items": found.total,
            "has_more_total_items": found.more,
            "start_cursor": found.start,
            "end_cursor": found.end,
        },
    }


__all__ = ["camel", "results", "results_of", "search_of"]
