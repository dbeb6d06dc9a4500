"""The page that tells people the API: written by the server from our own document, with nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template

from web.api.openapi import PROBLEMS, document

pages = Blueprint("api_page", __name__)

_DEEPEST = 6


@dataclass(frozen=True)
class Line:
    """One field of a body: its place in the tree, its type in words."""

    name: str
    depth: int
    kind: str
    required: bool


@dataclass(frozen=True)
class Shown:
    """One operation as the page shows it."""

    anchor: str
    method: str
    path: str
    title: str
    text: str
    is_open: bool
    keys: list[str]
    media: str
    body: list[Line]
    answer: list[Line]
    statuses: list[tuple[str, str]]


@pages.get("/v2/docs")
def show() -> str:
    """Every operation by subject, each with its request and answer."""
    return render_template("api/docs.html", groups=groups(document()), info=document()["info"])


def groups(told: Mapping[str, Any]) -> dict[str, list[Shown]]:
    """Subject → its operations, in the order they are served."""
    found: dict[str, list[Shown]] = {}
    for path, item in told["paths"].items():
        for method, one in item.items():
            found.setdefault(one["tags"][0], []).append(_shown(told, path, method, one))
    return found


def notes() -> dict[str, str]:
    """Operation → what people must know of it."""
    from web import api  # the list of modules

    return {one.name: one.note for one in api.operations()}


def _shown(told: Mapping[str, Any], path: str, method: str, one: Mapping[str, Any]) -> Shown:
    content: dict[str, Any] = one.get("requestBody", {}).get("content", {})
    media = next(iter(content), "")
    body: dict[str, Any] = content.get(media, {})
    answer = one["responses"].get("200", {}).get("content", {}).get("application/json", {})
    return Shown(
        anchor=one["operationId"],
        method=method.upper(),
        path=path,
        title=one["summary"],
        text=notes().get(one["operationId"], ""),
        is_open=not one["security"],
        keys=[key["name"] for key in one.get("parameters", [])],
        media=media,
        body=list(_lines(told, body.get("schema", {}))),
        answer=list(_lines(told, answer.get("schema", {}))),
        statuses=[(status, PROBLEMS.get(int(status), "成功")) for status in sorted(one["responses"])],
    )


def _lines(told: Mapping[str, Any], schema: Mapping[str, Any], depth: int = 0) -> Iterator[Line]:
    whole = _resolved(told, schema)
    required = set(whole.get("required", []))
    for name, inner in whole.get("properties", {}).items():
        one = _resolved(told, inner)
        yield Line(name, depth, _kind(one), name in required)
        if depth < _DEEPEST and name != "filter":
            yield from _lines(told, one.get("items", one), depth + 1)
        elif name == "filter":
            yield from (Line(each, depth + 1, "值，或条件对象", required=False) for each in one.get("properties", {}))


def _resolved(told: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with its reference followed."""
    for one in schema.get("allOf", [schema]):
        if "$ref" in one:
            found: Mapping[str, Any] = told["components"]["schemas"][one["$ref"].rsplit("/", 1)[-1]]
            return {**found, "nullable": schema.get("nullable", False)}
    return schema


def _kind(one: Mapping[str, Any]) -> str:
    words = {
        "string": "文字",
        "integer": "整数",
        "number": "数字",
        "boolean": "是否",
        "array": "列表",
        "object": "对象",
    }
    kind = words.get(str(one.get("type", "")), "任意值")
    if one.get("format") == "date-time":
        kind = "时间"
    elif one.get("pattern") == "^-?[0-9]+$":
        kind = "键"
    elif one.get("enum"):
        kind = " | ".join(str(each) for each in one["enum"] if each)
    return f"{kind}，可为空" if one.get("nullable") else kind
